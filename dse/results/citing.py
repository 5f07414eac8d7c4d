"""What the figures of a result or a front rest on: every source in use, with what it stands behind."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import workloads
from hwmodels.components.component import catalogue
from hwmodels.components.main_memory import main_memory_names, main_memory_sources
from hwmodels.components.tables import read

METHODS: dict[str, str] = {
    "knee": "Das, Structural Optimization 18, 1999",
    "nsga2": "Deb et al., IEEE TEVC 2002; Kukkonen and Deb, PPSN 2006; pymoo",
}
"""Method -> where it is from."""
_SCALED = "Stillmaker and Baas, Integration 58 (2017)"
_SYSTOLIC = "Samajdar et al., ISPASS 2020"


class Behind(NamedTuple):
    """A source, as its table states it, and what it is behind."""

    what: str
    source: str


def sources(
    machines: Iterable[Any], networks: Sequence[tuple[str, str]], methods: Iterable[str]
) -> list[Behind]:
    """Collect the sources behind figures.

    Parameters
    ----------
    machines
        Machines of every kind and main memory in use.
    networks
        Names and stated sources; a source that is not stated is that of the built-in network of the name.
    methods
        Names in `METHODS`; others have no source of their own.

    Returns
    -------
    list of Behind
        Networks, machines, their prices and memories, methods, each once.

    """
    found: list[Behind] = []
    for name, stated in networks:
        found.append(Behind(f"network {name}", stated or _built_in(name)))
    for machine in machines:
        found.append(Behind(f"machine {machine.name}", machine.source))
        found += _of_prices(machine)
        found += _of_memory(machine.main_memory)
    found += [Behind(method, METHODS[method]) for method in methods if method in METHODS]
    return list(dict.fromkeys(found))


def _built_in(name: str) -> str:
    """Source of a network of the package, "" for others."""
    return str(workloads.load(name).source) if name in workloads.names() else ""


def _of_prices(machine: Any) -> list[Behind]:
    """Sources of what a machine's components cost."""
    technology = getattr(machine, "technology", None)
    if technology is None:
        return []
    found = [
        Behind(f"prices of {row.what}", row.source) for row in _rows(getattr(technology, "prices", None))
    ]
    levels = getattr(machine, "levels", ())
    if levels and all(level.prices is not None for level in levels) and machine.mac is not None:
        return found  # all prices are stated with the machine
    families = {"logic": "arithmetic", "flip-flop": "registers", "wire": "wires", "sram": "buffers"}
    by_family = {one.family: one.source for one in catalogue(float(technology.node_nm))}
    if getattr(machine, "modules", ()):
        tables = {"logic": read("spring_modules"), "buffers": read("spring_buffers")}
        found += [Behind(f"reported {kind}", row["source"]) for kind, rows in tables.items() for row in rows]
    else:
        found += [Behind(f"prices of {what}", by_family[family]) for family, what in families.items()]
    found.append(Behind(f"scaling to {technology.node_nm:g} nm", _SCALED))
    array = getattr(machine, "array", None)
    if getattr(array, "interconnect", "") == "systolic":
        found.append(Behind("cycles of a systolic array", _SYSTOLIC))
    stacking = getattr(machine, "stacking", None)
    if stacking is not None and stacking.tiers > 1:
        rows = [row for row in read("stacking") if row["style"] in (stacking.style, "", "any")]
        found += [Behind(f"stacking, {row['field']}", row["source"]) for row in rows]
    return found


def _rows(prices: Any) -> Sequence[Any]:
    return getattr(prices, "rows", ()) or ()


def _of_memory(memory: Any) -> list[Behind]:
    """Sources of a main memory: of the catalogue those of every figure, that it refers to included."""
    head = f"main memory {memory.name}"
    if memory.name not in main_memory_names():
        return [Behind(head, memory.source)]
    found, asked = [], [memory.name]
    for name in asked:
        for row in main_memory_sources(name):
            if row["field"] == "interface":
                rows = [one for one in read("memory_interface") if one["interface"] == row["value"]]
                found += [Behind(f"{head}, {one['field']}", one["source"]) for one in rows]
            other = row["source"].removeprefix("as ")
            if other in main_memory_names() and other not in asked:
                asked.append(other)
            if not row["source"].startswith(("see ", "writes as reads")):
                found.append(Behind(head, row["source"]))
    return found
