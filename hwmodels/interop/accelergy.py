"""Accelergy's energy and area tables (ERT, ART) as prices by component."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

from hwmodels.interop.timeloop_files import TimeloopInputError, read_sections
from hwmodels.interop.timeloop_prices import area_table, energy_tables
from workloads.grammar.arguments import PATHS, takes

if TYPE_CHECKING:
    import pandas


@takes(paths=PATHS)
def price_table(*paths: str | PathLike[str]) -> pandas.DataFrame:
    """Read Accelergy's output as a table of prices.

    Parameters
    ----------
    *paths
        Files with a section `ERT`, `ART` or both.

    Returns
    -------
    pandas.DataFrame
        One row a component and action: `component` (the last part of its path), `action`, `energy_pj` (the
        greatest over its arguments), `area_um2` of an instance (NaN where there is no ART).

    Raises
    ------
    ValueError
        If a file is none, or holds neither section; one line.

    """
    files = [fspath(path) for path in paths]
    sections, _ = read_sections(files)
    if "ERT" not in sections and "ART" not in sections:
        raise TimeloopInputError(f"no section 'ERT' or 'ART' in these files: {', '.join(files)}")
    energies = energy_tables(sections["ERT"]) if "ERT" in sections else {}
    areas = area_table(sections["ART"]) if "ART" in sections else {}
    rows = [
        (component, action, energy_pj, areas.get(component, float("nan")))
        for component, actions in energies.items()
        for action, energy_pj in actions.items()
    ]
    rows += [(name, "", float("nan"), area) for name, area in areas.items() if name not in energies]
    import pandas  # here, as prices are read by machines that need no tables

    return pandas.DataFrame(rows, columns=["component", "action", "energy_pj", "area_um2"])
