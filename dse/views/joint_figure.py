"""The figure of a joint search: accuracy against a cost, another cost as colour, machines at their pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dse.metrics import describe
from dse.results.codesigned import Codesigned
from dse.space.words import design_cells
from dse.views.paper import paper
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

_HEIGHT_INCHES: Final = {"column": 2.9, "page": 3.6}
_GREYS: Final = ("#888888", "#b0b0b0", "#d0d0d0")


def draw(found: Codesigned, others: Sequence[Codesigned] = (), *, width: str = "column") -> "Figure":
    """Draw a joint front, others behind it for comparison: accuracy up, a cost along, another as colour.

    Without accuracy among the objectives the second one goes up.

    Parameters
    ----------
    found
        The front.
    others
        Fronts of the same objectives, in grey, named by their strategy.
    width
        "column" (3.5 in) or "page" (7 in).

    Raises
    ------
    ValueError
        If another front has other objectives, or the front has one only.

    """
    up = "accuracy" if any(one.column == "accuracy" for one in found.objectives) else ""
    costs = [one for one in found.objectives if one.column != "accuracy"]
    if not up and len(costs) > 1:
        up = costs.pop(1).column
    if not up:
        raise ValueError("plot: a figure needs two objectives")
    scale = 100 if up == "accuracy" else 1
    for other in others:
        if other.objectives != found.objectives:
            raise ValueError("plot: fronts of different objectives do not lie in one figure")
    with paper(width, _HEIGHT_INCHES.get(width, 3.0)) as figure:
        axes = figure.add_subplot()
        x = costs[0].column
        for other, grey in zip(others, _GREYS, strict=False):
            axes.scatter(
                other.frame[x], scale * other.frame[up], s=10, c=grey, marker="s", label=other.strategy
            )
        colour = np.log10(found.frame[costs[1].column].to_numpy(dtype=float)) if len(costs) > 1 else None
        points = axes.scatter(
            found.frame[x],
            scale * found.frame[up],
            s=14,
            **({"c": "#1f77b4"} if colour is None else {"c": colour, "cmap": "viridis"}),
            label=found.strategy,
        )
        axes.set_xscale("log")
        axes.set_xlabel(_axis_title(x))
        axes.set_ylabel("Accuracy (%)" if up == "accuracy" else _axis_title(up))
        if colour is not None:
            title, unit = describe(costs[1].column)
            bar = figure.colorbar(points, ax=axes)
            bar.set_label(f"log10 {title.lower()} ({unit})")
        lines = []
        for letter, (names, row) in zip("ABCDEF", _marked(found), strict=False):
            axes.annotate(letter, (row[x], scale * row[up]), xytext=(3, 3), textcoords="offset points")
            design = found.space.configuration(int(row["machine"]))
            machine = ", ".join(f"{head} {text}" for head, text in design_cells(found.space, design)[:3])
            price = si(float(row[x]), describe(x).unit)
            high = f"{100 * row[up]:.1f} %" if up == "accuracy" else si(float(row[up]), describe(up).unit)
            lines.append(f"{letter} {', '.join(names)}: {high}, {price}; {machine}")
        figure.supxlabel("\n".join(lines), fontsize=5, x=0.01, ha="left")
        if others:
            axes.legend(fontsize=6)
    return figure


def _axis_title(column: str) -> str:
    title, unit = describe(column)
    return f"{title} ({unit})" if unit else title


def _marked(found: Codesigned) -> "list[tuple[list[str], pandas.Series]]":
    """Return the designs with names; one that has several is there once, under all of them."""
    marked: dict[tuple[object, int], tuple[list[str], pandas.Series]] = {}
    for name, row in found.designs().iterrows():
        names, _ = marked.setdefault((row["network"], int(row["machine"])), ([], row))
        names.append(str(name))
    return list(marked.values())
