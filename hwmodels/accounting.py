"""The account: what every model's report is made of, counts times prices.

A mapping gives counts (per operation, component and operand), a technology gives prices; energy, time, bound
and breakdown of every kind of machine follow here and nowhere else. Searches keep fast scores of their own,
which a test holds against the account of every winner. Equations are in `hwmodels.kernels.accounting`.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hwmodels.kernels.accounting.account import (
    BOUND,
    CHIP,
    LATENCY,
    MEMORY,
    PARTS,
    Sheet,
    settle,
)
from hwmodels.lines import Line

if TYPE_CHECKING:
    import pandas

Columns = dict[str, NDArray[Any]]
Key = TypeVar("Key", bound=Hashable)

COSTS: Final = (
    *("latency_s", "energy_j", "compute_cycles", "compute_s", "dram_s", "bound"),
    *("dram_read_bytes", "dram_write_bytes"),
    *(f"{part}_energy_j" for part in PARTS),
)
"""Costs of an operation, in the order of a table."""


def blank_sheet(
    lines: Sequence[Line],
    resources: Sequence[str],
    operations: int,
    memories: Sequence[str] = ("main memory",),
) -> Sheet:
    """Make an account of so many operations in which nothing is counted yet.

    Parameters
    ----------
    lines, resources
        What is counted; what keeps an operation busy, as the model's `bounds`.
    operations
        Number of rows.
    memories
        Resources that run beside the chip.

    """
    return Sheet(
        prices_pj=np.zeros(len(lines)),
        kinds=np.array(
            [[PARTS.index(line.part) for line in lines], [int(line.timed) for line in lines]],
            dtype=np.int64,
        ),
        counts=np.zeros((operations, len(lines))),
        memory=np.array([int(name in memories) for name in resources], dtype=np.int64),
        busy_s=np.zeros((operations, len(resources))),
        waits=np.zeros((operations, 3)),
    )


class Entry(NamedTuple):
    """One line of an account that stands alone: what is counted, how often, and what one costs [pJ]."""

    line: Line
    amount: float
    price_pj: float


def energies_pj(
    entries: Iterable[Entry], key: Callable[[Line], Key], first: Iterable[Key] = ()
) -> dict[Key, float]:
    """Energy of entries by whatever `key` makes of a line, those of `first` before all others."""
    found = dict.fromkeys(first, 0.0)
    for line, amount, price_pj in entries:
        named = key(line)
        found[named] = found.get(named, 0.0) + amount * price_pj
    return found


def batch_energies_j(
    lines: Sequence[Line],
    counts: Sequence[NDArray[np.float64]] | NDArray[np.float64],
    prices_pj: Sequence[NDArray[np.float64]] | NDArray[np.float64],
    latency_s: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Energy of each part that lines add to, for a batch: what `settle` does for the operations of one.

    Parameters
    ----------
    lines
        What is counted.
    counts, prices_pj
        A column a line: sums over a network, and prices.
    latency_s
        What timed lines count; all columns have its shape.

    """
    counted = {line.part for line in lines}
    found = {part: np.zeros(latency_s.shape) for part in PARTS if part in counted}
    for i, line in enumerate(lines):
        found[line.part] += (latency_s if line.timed else counts[i]) * prices_pj[i]
    return {part: joules * 1e-12 for part, joules in found.items()}


class Account(NamedTuple):
    """What operations cost on one machine, and why.

    Attributes
    ----------
    lines
        What is counted.
    resources
        What an operation may wait for: names of the codes in `bound`.
    sheet
        Counts, prices and seconds.
    carried
        Columns that follow from the mapping and cost nothing by themselves, shape (n_operations,):
        `compute_cycles`, `dram_read_bytes`, `dram_write_bytes`, and whatever the model says of its choice.

    """

    lines: tuple[Line, ...]
    resources: tuple[str, ...]
    sheet: Sheet
    carried: Mapping[str, NDArray[Any]]

    def operations(self) -> Columns:
        """Settle the account: `COSTS` of one instance of every operation, then what else is carried."""
        count = len(self.sheet.counts)
        times, energies_j = np.empty((count, 4)), np.empty((count, len(PARTS)))
        settle(self.sheet, times, energies_j)
        settled = {
            "latency_s": times[:, LATENCY],
            "energy_j": energies_j.sum(axis=1),
            "compute_s": times[:, CHIP],
            "dram_s": times[:, MEMORY],
            "bound": times[:, BOUND].astype(np.int64),
            **{f"{part}_energy_j": energies_j[:, i] for i, part in enumerate(PARTS)},
        }
        costs = {name: settled[name] if name in settled else self.carried[name] for name in COSTS}
        return costs | {name: column for name, column in self.carried.items() if name not in costs}

    def totals(self, repeats: NDArray[Any]) -> dict[str, float]:
        """Sums over a network whose operations run `repeats` times, one after another."""
        costs, times = self.operations(), repeats.astype(np.float64)
        summed = ("latency_s", "compute_cycles", "dram_read_bytes", "dram_write_bytes")
        found = {name: float(times @ costs[name]) for name in summed}
        parts = {f"{part}_energy_j": float(times @ costs[f"{part}_energy_j"]) for part in PARTS}
        energy = sum(parts.values())
        found |= parts | {"energy_j": energy, "edp_js": energy * found["latency_s"]}
        return found | {"power_w": energy / found["latency_s"] if found["latency_s"] else np.nan}

    def breakdown(self, names: Sequence[str], repeats: NDArray[Any]) -> "pandas.DataFrame":
        """Counts, prices and energies, a row a line and operation that counts anything.

        Parameters
        ----------
        names, repeats
            Names of the operations, and how often each runs.

        Returns
        -------
        pandas.DataFrame
            `operation component operand action unit count price_pj energy_j`, energies of all repeats.

        """
        import pandas

        self.operations()  # fills the lines that count time
        rows, columns = np.nonzero(np.nan_to_num(self.sheet.counts))
        count = self.sheet.counts[rows, columns] * repeats[rows]
        price = self.sheet.prices_pj[columns]
        named = {
            field: [getattr(self.lines[column], field) for column in columns]
            for field in ("component", "operand", "action", "unit")
        }
        return pandas.DataFrame(
            {
                "operation": [names[int(row)] for row in rows],
                **named,
                "count": count,
                "price_pj": price,
                "energy_j": count * price * 1e-12,
            }
        )
