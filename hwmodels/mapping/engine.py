"""The one engine: from (problem, architecture, mapping) to counts, cycles and energy."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hwmodels.accounting import Entry, energies_pj
from hwmodels.kernels.nest.columns import (
    COUNTED,
    DRAINED,
    FILLS,
    READS,
    TILES,
    UPDATES,
    CountColumns,
    MappingColumns,
    MetricColumns,
    count_columns,
    metric_columns,
    work_columns,
)
from hwmodels.kernels.nest.cost import accesses, evaluate_rows, port_cycles
from hwmodels.lines import Line
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.gaps import closed
from hwmodels.mapping.mapping import Mapping, check
from hwmodels.mapping.pack import bound_name, limit_name, pack_architecture, pack_mappings, pack_problem
from hwmodels.mapping.problem import Problem
from hwmodels.mapping.uneven import unfold
from workloads.errors import InputError, UnknownNameError


class Reuse(IntEnum):
    """When words that a moving tile shares with the last one are not fetched again."""

    OVERLAP = 0
    """Always: a buffer keeps what it holds and its next tile needs."""
    SAME_STRIDE = 1
    """Only while the tile keeps moving by the same step (Timeloop 3: a change of step discards the rest)."""
    NOTHING = 2
    """Never: a tile that moves at all is fetched whole, halos with it; one that rests stays."""


class FirstTouch(IntEnum):
    """Whether the first accumulation into an element reads the zero it starts from."""

    ELIDED = 0
    COUNTED = 1


class Drain(IntEnum):
    """Whether partial and finished sums that leave a level are read there."""

    FREE = 0
    """No: what goes outwards costs only where it arrives (Timeloop 3)."""
    READ = 1
    """Yes: of n accumulations into an element, n - 1 read it, and so does its way out."""


class Gaps(IntEnum):
    """Whether words that no index of the nest touches, between windows of a wide stride, are moved."""

    FETCHED = 0
    """Yes: a tile is the range from its first word to its last (Timeloop 3)."""
    SKIPPED = 1
    """No: they take no place in any memory; see `hwmodels.mapping.gaps.closed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The switches of the engine, where honest models differ."""

    reuse: Reuse = Reuse.OVERLAP
    first_touch: FirstTouch = FirstTouch.ELIDED
    drain: Drain = Drain.READ
    gaps: Gaps = Gaps.SKIPPED

    @property
    def touches(self) -> int:
        """The switches of accumulated operands as bits for the kernels."""
        counted = COUNTED if self.first_touch is FirstTouch.COUNTED else 0
        return counted | (DRAINED if self.drain is Drain.READ else 0)

    def seen(self, problem: Problem) -> Problem:
        """The problem as these rules see it: without its gaps where they are skipped."""
        return closed(problem) if self.gaps is Gaps.SKIPPED else problem


TIMELOOP = Rules(reuse=Reuse.SAME_STRIDE, drain=Drain.FREE, gaps=Gaps.FETCHED)
"""The rules of Timeloop 3.0.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCounts:
    """What one operand does at one level; words, summed over the instances in use."""

    level: str
    operand: str
    reads: float  # words read for the level inwards; whole but of what zeros leave
    fills: float  # words written from the level outwards
    updates: float  # words written from the level inwards: partial sums
    tile_words: int  # of one instance
    instances: int  # that ever hold a tile
    entries: tuple[Entry, ...]  # accesses of blocks and their prices

    @property
    def energy_pj(self) -> float:
        """Of all accesses."""
        return sum(entry.amount * entry.price_pj for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a mapping costs.

    `cycles` is the greatest of the compute cycles and the busy cycles of every port of every level whose
    transfers hide behind computation (`bound` names which), plus the busy cycles of levels whose transfers do
    not.
    """

    counts: tuple[LevelCounts, ...]  # innermost level first; operands in the problem's order, kept ones only
    macs: int
    compute_cycles: int
    cycles: int
    bound: str
    port_cycles: dict[str, float]  # busy cycles by "level port"
    utilisation: float  # macs / (MAC units * cycles)
    entries: tuple[Entry, ...]  # the account: accesses of all levels, MACs, leakage
    energy_pj: float
    energy_by_component_pj: dict[str, float]  # levels, innermost first, the MACs and leakage
    area_mm2: float
    limit: str  # "" or the first limit the mapping breaks

    @property
    def feasible(self) -> bool:
        """Whether the mapping fits the architecture."""
        return not self.limit

    @property
    def edp_pj_cycles(self) -> float:
        """Energy-delay product."""
        return self.energy_pj * self.cycles

    def at(self, level: str, operand: str) -> LevelCounts:
        """Look up the counts of an operand at a level that keeps it."""
        for counts in self.counts:
            if counts.level == level and counts.operand == operand:
                return counts
        raise UnknownNameError(f"{operand} is not kept at {level}")


ACTIONS: Final = ("read", "fill", "update")
LEAKAGE: Final = "leakage"
"""Component of what is drawn in every cycle."""


def by_component(
    architecture: Architecture, entries: Iterable[Entry], *, leaks: bool = True
) -> dict[str, float]:
    """Energy [pJ] of levels, innermost first, of the MACs and, where it `leaks`, of leakage."""
    names = [*(level.name for level in architecture.levels), architecture.mac_name]
    return energies_pj(entries, lambda line: line.component, [*names, LEAKAGE] if leaks else names)


def evaluate(
    problem: Problem, architecture: Architecture, mapping: Mapping, rules: Rules | None = None
) -> Evaluation:
    """Count and cost one mapping.

    Parameters
    ----------
    problem, architecture, mapping
        What is computed, where, and how.
    rules
        Switches of the engine; by default the physical ones (`Rules()`).

    Returns
    -------
    Evaluation
        Integer counts by level and operand, cycles with the bound's name, energy by component, area, and the
        name of the limit the mapping breaks, if any.

    Raises
    ------
    MappingError
        If the mapping is none of this problem onto this architecture, or a 64-bit count could overflow.

    Examples
    --------
    >>> from hwmodels.mapping import Architecture, StorageLevel, matrix_product, uniform
    >>> product = matrix_product(m=4, k=8, n=2)
    >>> store = StorageLevel(name="DRAM", read_pj=2.0)
    >>> dram = Architecture(name="dram only", levels=(store,), macs=1, mac_pj=1.0)
    >>> result = evaluate(product, dram, uniform(dram, product))
    >>> result.cycles, result.at("DRAM", "W").reads, result.at("DRAM", "O").reads, result.energy_pj
    (64, 64, 56, 432.0)

    """
    rules = rules or Rules()
    problem = rules.seen(problem)
    check(problem, architecture, mapping)
    chained, even, places = unfold(architecture, mapping)
    machine = pack_architecture(chained)
    out, counts = _run(problem, chained, pack_mappings(problem, chained, [even]), rules)
    words, use = counts
    outermost = len(places) - 1
    first = [places.index(i) for i in range(len(architecture.levels))]  # parts of each memory
    last = [*(start - 1 for start in first[1:]), len(places) - 1]
    kept = [
        LevelCounts(
            level=level.name,
            operand=operand.name,
            reads=int(words[READS, i, o]),
            fills=int(words[FILLS, i, o]),
            updates=int(words[UPDATES, i, o]),
            tile_words=int(words[TILES, i, o]),
            instances=int(use[i]),
            entries=tuple(
                Entry(
                    Line(level.name, operand.name, action, "access", "dram" if i == outermost else "buffer"),
                    float(accesses(machine.prices, words, use, i, o, kind)),
                    float(machine.prices[i, kind]),
                )
                for kind, action in enumerate(ACTIONS)
            ),
        )
        for place, level in enumerate(architecture.levels)
        for o, operand in enumerate(problem.operands)
        for i in range(first[place], last[place] + 1)
        if operand.name in even.levels[i].keep
    ]
    cycles = int(out.cycles[0])
    entries = (
        *(entry for counts in kept for entry in counts.entries),
        Entry(Line(architecture.mac_name, "", "work", "MAC", "mac"), problem.macs, architecture.mac_pj),
        Entry(Line(LEAKAGE, "", "leak", "cycle", "static"), cycles, float(machine.totals[2])),
    )
    energy = by_component(architecture, entries)
    ports = {
        f"{level.name} {port} port": float(port_cycles(machine.rates, words, use, first[i], last[i], p))
        for i, level in enumerate(architecture.levels)
        for p, port in enumerate(("read", "write", "shared"))
    }
    return Evaluation(
        counts=tuple(kept),
        macs=problem.macs,
        compute_cycles=int(out.compute_cycles[0]),
        cycles=cycles,
        bound=bound_name(chained, int(out.bound[0])),
        port_cycles={name: cycles for name, cycles in ports.items() if cycles > 0},
        utilisation=float(out.utilisation[0]),
        entries=entries,
        energy_pj=sum(energy.values()),
        energy_by_component_pj=energy,
        area_mm2=architecture.area_mm2,
        limit=limit_name(chained, int(out.limit[0])),
    )


def evaluate_mappings(
    problem: Problem,
    architecture: Architecture,
    mappings: MappingColumns,
    rules: Rules | None = None,
) -> MetricColumns:
    """Cost a batch of mappings of one problem onto one architecture.

    Parameters
    ----------
    problem, architecture
        What is computed, and where.
    mappings
        Columns of shape (n, levels, dimensions) or (n, levels, operands), as `pack_mappings` makes them;
        trusted.
    rules
        Switches of the engine; by default the physical ones.

    Returns
    -------
    MetricColumns
        Columns of shape (n,): cycles, energy in pJ, utilisation, and the codes of bound and limit
        (`hwmodels.mapping.pack.bound_name`, `limit_name`).

    Raises
    ------
    MappingError
        If a 64-bit count could overflow.
    ValueError
        If the columns are not of this problem and architecture.

    """
    shape = (len(architecture.levels), 3, len(problem.dimensions))
    if mappings.factors.shape[1:] != shape:
        raise InputError(
            f"MappingColumns.factors: need shape (n, *{shape}), got {mappings.factors.shape}", path="factors"
        )
    rules = rules or Rules()
    return _run(rules.seen(problem), architecture, mappings, rules)[0]


def _run(
    problem: Problem, architecture: Architecture, mappings: MappingColumns, rules: Rules
) -> tuple[MetricColumns, CountColumns]:
    """Metrics of a batch, and the counts of its last row."""
    table = pack_problem(problem)
    levels, dims = len(architecture.levels), len(problem.dimensions)
    rows = mappings.factors.shape[0]
    out = metric_columns(rows)
    counts = count_columns(levels, len(problem.operands))
    evaluate_rows(
        table,
        pack_architecture(architecture),
        mappings,
        int(rules.reuse),
        rules.touches,
        work_columns(levels, dims, table.rank_dims.shape[1]),
        counts,
        out,
    )
    return out, counts
