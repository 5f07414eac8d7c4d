"""`springboard components`."""

from pathlib import Path
from textwrap import shorten
from typing import Annotated

import typer

from dse.cli.options import Json, print_json
from dse.views.prices import draw_prices
from dse.views.text import text_table
from hwmodels.components.component import catalogue


def command(
    node_nm: Annotated[float, typer.Option("--node", metavar="NM", help="Technology node.")] = 22.0,
    voltage: Annotated[
        float | None,
        typer.Option("--voltage", metavar="V", help="Supply; by default the node's nominal one."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw energy against size and against node."),
    ] = None,
    json: Json = False,
) -> None:
    """List the priced components at a node: energy of each action, area, leakage, boundary, source.

    \b
    springboard components
    springboard components --node 7 --voltage 0.65
    springboard components --plot prices.png
    """
    found = catalogue(node_nm, voltage)
    if plot is not None:
        draw_prices(plot)
        print(f"wrote {plot}")
        return
    if json:
        print_json(
            [
                {
                    "component": one.name,
                    "family": one.family,
                    "boundary": one.boundary,
                    "node_nm": one.node_nm,
                    "voltage": one.voltage,
                    "area_um2": one.total_area_um2,
                    "leakage_w": one.total_leakage_w,
                    "energy_pj": {name: action.energy_pj for name, action in one.actions.items()},
                    "source": one.source,
                }
                for one in found
            ]
        )
        return
    rows = [["component", "family", "energy", "area", "standing", "boundary", "source"]]
    for one in found:
        energy = ", ".join(f"{name} {action.energy_pj:.3g} pJ" for name, action in one.actions.items())
        area = f"{one.total_area_um2:.4g} um2" if one.total_area_um2 else ""
        standing = f"{1e3 * one.total_leakage_w:.3g} mW" if one.total_leakage_w else ""
        rows.append(
            [
                one.name,
                one.family,
                energy,
                area,
                standing,
                one.boundary,
                shorten(one.source, 60, placeholder=" ...", break_on_hyphens=False),
            ]
        )
    print(text_table(rows, last_left=True))
