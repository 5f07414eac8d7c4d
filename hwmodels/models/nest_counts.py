"""Many machines of one form at once: count sets of their nests, scanned under the prices of each.

What `hwmodels.models.nest` says of one machine after another is said here of all machines of a space: every
nest that a count set covers takes the vector that does best, others are mapped one by one. The account is
that of `hwmodels.models.nest_account`.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pandas
from numpy.typing import NDArray

from hwmodels.columns import MetricTable
from hwmodels.counts.form import Form, alike_of, form_of
from hwmodels.counts.making import Grid
from hwmodels.counts.scan import FILLS, READS, UPDATES, front_of
from hwmodels.counts.sets import CountSet, count_set, covered
from hwmodels.kernels.accounting.account import PARTS
from hwmodels.kernels.counts.scan import Configs, Front, Seen, Standing, Vectors, total, wait
from hwmodels.level import LETTERS as NAMED
from hwmodels.levels import LevelMachine
from hwmodels.machine import metric_table
from hwmodels.mapping.certificate import OBJECTIVES
from hwmodels.mapping.problem import Problem
from hwmodels.models.level_parts import Columns, Machines, Parts, columns_of
from hwmodels.models.nest_account import ELEMENTS
from hwmodels.models.nest_mappings import limits, problem_of
from hwmodels.models.nest_staying import without_memory
from hwmodels.timing import Timing, starts
from workloads.table import IntColumn, Kind, LayerTable, take_rows

Floats = NDArray[np.float64]
SUMMED = (
    *("latency_s", "compute_cycles", "dram_read_bytes", "dram_write_bytes", "mappings_costed"),
    *("mac_energy_j", "buffer_energy_j", "dram_energy_j", "static_energy_j"),
)
"""What `hwmodels.kernels.counts.scan.total` sums up, in its order."""
_MOST_FORMS: Final = 256
MOST_BUCKETS = 1 << 16
"""Choices of capacities that one set holds at most; a space of more is served by several sets."""
One = Callable[[LayerTable, int], dict[str, float]]
"""Totals of some rows on the configuration at an index, one machine after another."""


Parts_s = Callable[[LayerTable, int], tuple[Floats, Floats]]
"""Seconds on chip and of main memory of some rows, likewise."""


class Space(NamedTuple):
    """Machines that count sets serve: what they have in common, and what each is made of."""

    machines: Machines
    parts: Parts
    form: Form
    columns: Columns

    @property
    def base(self) -> LevelMachine:
        """One of them."""
        return self.machines.base

    @property
    def grid(self) -> Grid:
        """Capacities of the whole space."""
        sizes = self.parts.capacities
        return Grid(sizes[:-2], sizes[-2])


def space_of(machines: object) -> Space | None:
    """What count sets can do for some machines; None where they are not of one form that sets serve."""
    if not isinstance(machines, Machines) or not len(machines):
        return None
    base, parts = machines.base, machines.parts()
    if parts is None or base.timing != Timing(launch_s=base.timing.launch_s):
        return None
    if base.minds_zeros:
        return None
    if (
        sum(level.off_chip for level in base.levels) > 1
    ):  # the account tells one main memory from what it feeds
        return None
    columns = columns_of(machines, parts)
    forms = _forms(machines, columns)
    if any(form is None for form in forms) or (columns.level("block_cycles") > 1).any():
        return None
    first = forms[0]
    assert first is not None
    if base.resident not in ("", base.levels[first.pads].name):
        return None  # what such a level hands on is counted with it; the buffer's tiles are all counted there
    priced = [[getattr(form, kind) for form in forms] for kind in ("read", "written")]
    read, written = (tuple(bool(any(pad)) for pad in zip(*kind, strict=True)) for kind in priced)
    pads = columns.levels[:, : first.pads]
    form = dataclasses.replace(
        first,
        read=read,
        written=written,
        apart=any(form.apart for form in forms if form),
        alike=alike_of(pads[:, :, 11], pads[:, :, 8:10].min(axis=2), pads[:, :, 3]),
    )
    return Space(machines, parts, form, columns)


_FORMS: Final[dict[Any, Form | None]] = {}
"""Forms by space and kind of machine."""


def _forms(machines: Machines, columns: Columns) -> list[Form | None]:
    """The form of each kind of machine: what is priced, how wide an access is, what spreads over several."""
    base, found = machines.base, []
    fans = columns.level("fanout_x") * columns.level("fanout_y")
    kinds = np.concatenate(
        [
            columns.levels[:, :, 2:4].reshape(len(columns.macs), 2 * columns.levels.shape[1]),
            fans > 1,
            *((columns.level(name) > 0) for name in ("read_pj", "fill_pj", "update_pj")),
            *(np.isinf(columns.level(name)) for name in ("read_rate", "write_rate", "shared_rate")),
        ],
        axis=1,
    )
    for rows in _alike(kinds):
        key = (machines.key, kinds[rows[0]].tobytes())
        if key not in _FORMS:
            if len(_FORMS) >= _MOST_FORMS:
                _FORMS.clear()
            built = machines[int(rows[0])].architecture
            _FORMS[key] = form_of(built, base.mapspace, base.factors, base.rules)
        found.append(_FORMS[key])
    return found


class Group(NamedTuple):
    """Machines that differ in prices, speeds and capacities alone; columns of shape (n,)."""

    rows: IntColumn
    edges: tuple[int, int]
    grid: Grid  # capacities of the set that serves them
    blocks: IntColumn  # (L,)
    macros: Floats  # (L,)
    configs: Configs
    buckets: IntColumn
    standing: Standing


def _groups(space: Space) -> list[Group]:
    columns, sizes = space.columns, (*space.grid.pads, space.grid.buffer)
    lengths = _runs(space.grid.shape)
    place = [np.searchsorted(grid, columns.levels[:, i, 0]) for i, grid in enumerate(sizes)]
    kinds = np.concatenate(
        [
            columns.levels[:, -2, 4:6],
            columns.level("block_words"),
            columns.instances / columns.level("cluster"),
            np.stack([rows // length for rows, length in zip(place, lengths, strict=True)], axis=1),
        ],
        axis=1,
    )
    found = []
    for rows in _alike(kinds):
        kind = kinds[rows[0]]
        begins = [int(run) * length for run, length in zip(kind[-len(sizes) :], lengths, strict=True)]
        some = [
            grid[begin : begin + length] for grid, begin, length in zip(sizes, begins, lengths, strict=True)
        ]
        found.append(_group(space, kind[: -len(sizes)], rows, Grid(tuple(some[:-1]), some[-1])))
    return sorted(found, key=lambda group: math.prod(group.edges))  # small arrays are parts of large ones


def _alike(kinds: Floats) -> list[IntColumn]:
    """Rows of each kind, (n, columns), in the order in which kinds appear."""
    code = np.zeros(len(kinds), dtype=np.int64)
    for column in kinds.T:
        each, values = pandas.factorize(column)
        if len(values) > 1:
            code = pandas.factorize(code * len(values) + each)[0]
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _runs(shape: tuple[int, ...]) -> list[int]:
    """Capacities of each memory that one set holds: all, where that makes no more than `MOST_BUCKETS`."""
    lengths = list(shape)
    while math.prod(lengths) > MOST_BUCKETS:
        longest = int(np.argmax(lengths))
        lengths[longest] = -(-lengths[longest] // 2)
    return lengths


def _group(space: Space, kind: Floats, rows: IntColumn, grid: Grid) -> Group:
    columns, levels = space.columns, space.columns.levels[rows]
    clock_hz, standing_w = columns.clock_hz[rows], (columns.leakage_w + columns.standby_w)[rows]
    sizes = (*grid.pads, grid.buffer)
    place = [np.searchsorted(capacities, levels[:, i, 0]) for i, capacities in enumerate(sizes)]
    return Group(
        rows=rows,
        edges=(int(kind[0]), int(kind[1])),
        grid=grid,
        blocks=kind[2 : 2 + levels.shape[1]].astype(np.int64),
        macros=kind[2 + levels.shape[1] :],
        configs=Configs(
            prices=np.ascontiguousarray(levels[:, :, 10:13]),
            rates=np.ascontiguousarray(levels[:, :, 7:10]),
            hidden=levels[:, :, 6].astype(np.int64),
            mac_pj=columns.mac_pj[rows],
            leak_pj=standing_w / clock_hz * 1e12,
        ),
        buckets=np.ravel_multi_index(place, grid.shape).astype(np.int64),
        standing=Standing(clock_hz, standing_w, levels[:, -1, 1] / 8.0),
    )


def evaluate(layers: LayerTable, space: Space, objective: str, one: One) -> MetricTable:
    """Metrics of all machines of a space; `one` totals rows that no count set covers."""
    size = space.machines.size
    sums = np.zeros((len(SUMMED), size))
    totals = dict(zip(SUMMED, sums, strict=True))
    totals |= {name: np.zeros(size) for name in (f"{part}_energy_j" for part in PARTS) if name not in totals}
    limit, first = np.zeros(size, dtype=np.int64), np.full(size, layers.rows)  # row that breaks it
    groups = _groups(space)
    left: list[int] = []
    for row in range(layers.rows):
        nest = int(layers.kind[row]) == Kind.NEST
        if not nest:
            _stream(layers, row, space, totals)
        elif not _served(layers, row, space):
            left.append(row)
        else:
            passed, problem = _passed(layers, row), problem_of(layers, row)
            asked = (OBJECTIVES[objective], float(layers.repeats[row]), space.base.timing.launch_s)
            for group in groups:
                failed = _nest(problem, space, group, asked, passed, sums)
                for c in failed[limit[failed] == 0]:
                    limit[c] = int(one(take_rows(layers, np.array([row])), int(c))["limit"])
                    first[c] = row
    for end in np.unique(first):  # the first row that breaks a limit names it, searched or not
        before = [row for row in left if row < end]
        if not before:
            continue
        some = take_rows(layers, np.array(before))
        for c in np.flatnonzero(first == end):
            found = one(some, int(c))
            limit[c] = int(found["limit"]) or limit[c]
            for name, column in totals.items():
                column[c] += found.get(name, 0.0)
    return _metrics(layers, space, totals, limit)


def times(layers: LayerTable, space: Space, objective: str, one: Parts_s) -> tuple[Floats, Floats]:
    """Seconds on chip and of main memory of every row on every machine, both (n, rows).

    As of `hwmodels.models.nest.NestModel.times`; `one` has those of rows that no count set covers.
    """
    seconds = np.empty((layers.rows, 2, space.machines.size))
    left, groups = [], _groups(space)
    asked = (OBJECTIVES[objective], space.base.timing.launch_s)
    for row in range(layers.rows):
        if int(layers.kind[row]) != Kind.NEST:
            vector_s, memory_s, starts_s = _stream_s(layers, row, space)
            seconds[row] = vector_s + starts_s, np.where(memory_s > 0.0, memory_s + starts_s, 0.0)
        elif not _served(layers, row, space):
            left.append(row)
        else:
            passed, problem = _passed(layers, row), problem_of(layers, row)
            for group in groups:
                made = count_set(problem, space.base.rules, space.form, group.edges, group.grid)
                places = np.stack([group.buckets, group.rows])
                wait(*_counted(made, group, passed), group.standing, places, asked, seconds[row])
    if left:
        some = take_rows(layers, np.array(left))
        for c in range(space.machines.size):
            seconds[left, :, c] = np.stack(one(some, c), axis=1)
    return np.ascontiguousarray(seconds[:, 0].T), np.ascontiguousarray(seconds[:, 1].T)


def uncovered(layers: LayerTable, space: Space) -> int:
    """Nests that no count set covers."""
    nests = np.flatnonzero(layers.kind == Kind.NEST)
    return sum(not _served(layers, int(row), space) for row in nests)


def _served(layers: LayerTable, row: int, space: Space) -> bool:
    """Whether a count set covers a nest."""
    problem = problem_of(layers, row)
    return not _wide(layers, row, space) and covered(problem, space.base.rules, space.form)


def _passed(layers: LayerTable, row: int) -> Floats:
    """Share of each operand that main memory sees, (O,)."""
    shares = without_memory(layers)
    return np.array([1.0 - shares[name][row] for name in NAMED])


def _wide(layers: LayerTable, row: int, space: Space) -> bool:
    """Whether an operand's words are wider than those of a level somewhere in the space."""
    bits = [float(table[:, 1].min()) for table, _ in space.parts.levels]
    return any(
        float(getattr(layers, f"{operand}_bits")[row]) > width
        for operand in ELEMENTS
        for level, width in zip(space.base.levels, bits, strict=True)
        if operand in level.operands
    )


def _nest(
    problem: Problem,
    space: Space,
    group: Group,
    asked: tuple[int, float, float],
    passed: Floats,
    sums: Floats,
) -> IntColumn:
    """Add a nest to the sums of a group of machines, shape (9, n); those that no mapping fits.

    `asked` is as of `hwmodels.kernels.counts.scan.total`.
    """
    made = count_set(problem, space.base.rules, space.form, group.edges, group.grid)
    places = np.stack([group.buckets, group.rows])
    left = total(*_counted(made, group, passed), group.standing, places, asked, sums)
    return group.rows[places[0] < 0] if left else group.rows[:0]


def _counted(made: CountSet, group: Group, passed: Floats) -> tuple[Vectors, Seen, Front, Configs]:
    """What the kernels read of a set and a group."""
    vectors = made.vectors(group.blocks, group.macros)
    return vectors, _seen(made, group, passed), front_of(made.found, made.macs), group.configs


def _seen(made: CountSet, group: Group, passed: Floats) -> Seen:
    """What main memory sees of every vector, where a share of each operand, (O,), passes it."""
    inner = made.words[:, -1]
    outer = inner * passed  # (N, 3, O)
    blocks = np.ceil(inner / group.blocks[-1]) * min(1.0, group.macros[-1])
    return Seen(
        amounts=(blocks * passed).sum(axis=2),
        crossing=outer.sum(axis=(1, 2)) / np.maximum(inner.sum(axis=(1, 2)), 1.0),
        moved=np.stack([outer[:, READS].sum(axis=1), outer[:, FILLS : UPDATES + 1].sum(axis=(1, 2))], axis=1),
    )


def _stream_s(layers: LayerTable, row: int, space: Space) -> tuple[Floats, Floats, float]:
    """Seconds of the lanes and of main memory, and of launching it."""
    columns, alone = space.columns, not int(layers.fused[row])
    taken = float(layers.weight_elements[row]) + float(layers.read_elements[row])
    given = float(layers.write_elements[row])
    rates = columns.levels[:, -1, 7:10]
    cycles = np.maximum(np.maximum(taken / rates[:, 0], given / rates[:, 1]), (taken + given) / rates[:, 2])
    vector_s = float(layers.vector_ops[row]) / (columns.lanes * columns.clock_hz) * alone
    return vector_s, cycles / columns.clock_hz, space.base.timing.launch_s * starts(layers, row)


def _stream(layers: LayerTable, row: int, space: Space, totals: dict[str, Floats]) -> None:
    """Add vector work or a movement, as `hwmodels.models.nest_account.Counter.stream` counts it."""
    columns = space.columns
    prices, blocks = columns.levels[:, :, 10:13], columns.level("block_words")
    elements = {name: float(getattr(layers, column)[row]) for name, column in ELEMENTS.items()}
    taken, given = elements["weight"] + elements["input"], elements["output"]
    dram_pj = (taken * prices[:, -1, READS] + given * prices[:, -1, UPDATES]) / blocks[:, -1]
    buffer_pj = (taken + given) / blocks[:, -2] * (prices[:, -2, FILLS] + prices[:, -2, READS])
    vector_s, memory_s, starts_s = _stream_s(layers, row, space)
    latency_s = starts_s + np.maximum(vector_s, memory_s)
    operations = float(layers.vector_ops[row])
    word_bytes = columns.levels[:, -1, 1] / 8.0
    found = {
        "latency_s": latency_s,
        "dram_read_bytes": taken * word_bytes,
        "dram_write_bytes": given * word_bytes,
        "vector_energy_j": operations * columns.lane_pj * 1e-12,
        "buffer_energy_j": buffer_pj * 1e-12,
        "dram_energy_j": dram_pj * 1e-12,
        "static_energy_j": latency_s * (columns.leakage_w + columns.standby_w),
    }
    for name, value in found.items():
        totals[name] += float(layers.repeats[row]) * value


def _metrics(layers: LayerTable, space: Space, totals: dict[str, Floats], limit: IntColumn) -> MetricTable:
    """Metrics of the network, as `hwmodels.models.nest` sums them up."""
    columns, size = space.columns, space.machines.size
    elements = sum(getattr(layers, column).astype(np.float64) for column in ELEMENTS.values())
    stored = float(np.max(elements)) * columns.levels[:, -1, 1] / 8.0
    code = limits(space.base).index("main_memory.capacity_bytes")
    limit = np.where((limit == 0) & (stored > columns.capacity_bytes), code, limit)
    repeats = layers.repeats.astype(np.float64)
    macs = float(repeats @ layers.macs)
    energy_j = sum(totals[f"{part}_energy_j"] for part in PARTS)
    latency_s = totals["latency_s"]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            **{name: column for name, column in totals.items() if name != "mappings_costed"},
            "energy_j": energy_j,
            "edp_js": energy_j * latency_s,
            "power_w": energy_j / latency_s,
            "utilisation": macs / (columns.macs * columns.clock_hz * latency_s),
            "macs": np.full(size, macs),
            "effectual_macs": np.full(size, float(repeats @ layers.effectual_macs)),
        }
    good = limit == 0
    found = {name: np.where(good, column, math.nan) for name, column in found.items()}
    kept = {
        "mappings_costed": totals["mappings_costed"],
        "area_mm2": columns.area_mm2,
        "footprint_mm2": columns.area_mm2,
        "temperature_c": np.full(size, math.nan),
        "feasible": good.astype(np.int64),
        "limit": limit,
    }
    return metric_table({**found, **kept}, size)
