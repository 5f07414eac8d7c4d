"""The prices that this project had before 0.2.0, so that what the present ones change can be told.

`data/earlier_prices.csv` restates multiply-accumulates, vector lanes and SRAM at the nodes of the machines
that `springboard worth` compares; `data/earlier_memories.csv` main memories, which then had no interface on
the chip. What has no table stays as it is: the clock network, which was free then, and everything that a
machine states itself.
"""

import csv
import dataclasses
from functools import cache
from importlib.resources import files
from typing import Any

from dse.space.space import Space
from hwmodels.components.main_memory import MainMemory
from hwmodels.components.prices import Price, PriceTable
from workloads.errors import InputError


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (files("dse") / "data" / f"{name}.csv").open(encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))


def earlier_prices(node_nm: float) -> PriceTable:
    """Prices of 0.1.0 at a node.

    Raises
    ------
    ValueError
        If the table has none at that node.

    """
    rows = [row for row in _rows("earlier_prices") if float(row["node_nm"]) == node_nm]
    if not rows:
        known = sorted({float(row["node_nm"]) for row in _rows("earlier_prices")})
        raise InputError(
            f"earlier prices: there are none at {node_nm:g} nm, only at "
            f"{', '.join(f'{node:g}' for node in known)}"
        )
    prices = tuple(
        Price(
            component=row["component"],
            quantity=row["quantity"],
            value=float(row["value"]),
            node_nm=node_nm,
            source=row["source"],
            status=row["status"],
        )
        for row in rows
    )
    return PriceTable(name="earlier", rows=prices)


def earlier_memory(memory: MainMemory) -> MainMemory:
    """Return a main memory as 0.1.0 had it; as it is where that version had no other.

    Examples
    --------
    >>> import hwmodels
    >>> earlier_memory(hwmodels.main_memory("lpddr4")).interface_mm2
    0.0

    """
    for row in _rows("earlier_memories"):
        if row["memory"] == memory.name:
            return dataclasses.replace(
                memory,
                read_pj_per_bit=float(row["read_pj_per_bit"]),
                write_pj_per_bit=float(row["write_pj_per_bit"]),
                interface_pj_per_bit=0.0,
                interface_mm2=0.0,
            )
    return memory


def at_earlier_prices(space: Space) -> Space:
    """Return a space whose machines cost what they did in 0.1.0; its points keep their indices.

    Raises
    ------
    ValueError
        If there are no such prices for its technology.

    """
    base: Any = space.base
    changes = {
        "technology.prices": earlier_prices(base.paths()["technology.node_nm"]),
        "main_memory": earlier_memory(base.main_memory),
    }
    axes: dict[str, Any] = {}
    for axis in space.axes:
        choices = [
            {path: earlier_memory(value) if isinstance(value, MainMemory) else value for path, value in one}
            for one in (axis.changes(code).items() for code in range(len(axis)))
        ]
        alone = axis.fields == (axis.name,)
        axes[axis.name] = [choice[axis.name] for choice in choices] if alone else choices
    texts = [constraint.text for constraint in space.constraints]
    return Space(base.replace(changes), axes, texts, space.name, space.assumptions)
