"""The one engine: from (problem, architecture, mapping) to counts, cycles and energy."""

from hwmodels.accounting import Entry
from hwmodels.kernels.nest.columns import (
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
from hwmodels.mapping.evaluation import ACTIONS, LEAKAGE, Evaluation, LevelCounts, by_component
from hwmodels.mapping.mapping import Mapping, check
from hwmodels.mapping.pack import bound_name, limit_name, pack_architecture, pack_mappings, pack_problem
from hwmodels.mapping.problem import Problem
from hwmodels.mapping.rules import Rules
from hwmodels.mapping.uneven import unfold
from workloads.errors import InputError


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
