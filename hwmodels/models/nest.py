"""Machines of any number of levels: every operation's best mapping by the loop-nest engine.

A configuration is a machine of its own here; identical operations are mapped once, and mappings are kept by
content for the life of a process. Of an operation with its best mapping

    latency = exposed + max(array, ports of levels on chip, ports of main memory) / clock
    energy  = MACs + accesses of levels on chip + accesses of main memory + (leakage + background) x latency

where *exposed* are transfers that hide behind nothing. Vector work runs in the lanes, its operands cross main
memory and the outermost level on chip that may hold them, as in the two-level model. An operand of 0 elements
stays on chip: main memory never sees it.
"""

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.batch import check_layers, objective_code
from hwmodels.columns import MetricTable
from hwmodels.composed import fingerprint
from hwmodels.levels import LETTERS, Level, LevelMachine
from hwmodels.machine import BEST, Axes, Effort, Operations, metric_table
from hwmodels.mapping.architecture import MOST_LEVELS, Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.mapping.engine import Evaluation, evaluate
from hwmodels.mapping.lattice import applies
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import MappingError, Problem, convolution
from hwmodels.mapping.search import MapperResult, map_problem
from hwmodels.mapping.watch import Watch
from hwmodels.residency import choose, shares, tensors_of
from hwmodels.times import OperationTimes
from hwmodels.timing import NONE as TIMELESS
from hwmodels.timing import block_cycles
from workloads.edges import EdgeTable
from workloads.grammar.quantities import binary_bytes
from workloads.table import FloatColumn, IntColumn, Kind, LayerTable, make_table

if TYPE_CHECKING:
    import pandas

_SECONDS_A_SHAPE: Final = 0.05
"""Typical time of mapping one shape: a hundredth to several seconds."""
_KEPT: Final = 1 << 14
"""Mappings kept by a process."""
_ELEMENTS: Final = {"weight": "weight_elements", "input": "read_elements", "output": "write_elements"}

COLUMNS: Final = (
    *(
        "latency_s",
        "energy_j",
        "compute_cycles",
        "compute_s",
        "dram_s",
        "dram_read_bytes",
        "dram_write_bytes",
    ),
    *("mac_energy_j", "buffer_energy_j", "dram_energy_j", "vector_energy_j", "static_energy_j"),
    *("control_energy_j", "mappings", "mappings_costed"),
)
"""Costs of an operation."""


class _Standing(NamedTuple):
    """What machines stand by with, take up and run at, under the names of `hwmodels.columns.ConfigTable`."""

    clock_hz: FloatColumn
    double_buffered: IntColumn
    dram_read_bytes_per_s: FloatColumn
    dram_write_bytes_per_s: FloatColumn
    leakage_w: FloatColumn
    buffer_leakage_w: FloatColumn
    dram_background_w: FloatColumn
    array_area_mm2: FloatColumn
    buffer_area_mm2: FloatColumn
    stack_style: IntColumn
    logic_tier: IntColumn
    buffer_tier: IntColumn
    memory_tier: IntColumn
    memory_area_mm2: FloatColumn
    via_pitch_um: FloatColumn
    temperature_limit_c: FloatColumn


_STANDING: Final = (
    *("clock_hz", "dram_read_bytes_per_s", "dram_write_bytes_per_s", "leakage_w", "buffer_leakage_w"),
    *("dram_background_w", "array_area_mm2", "buffer_area_mm2"),
)
"""What `_standing` gives, in its order."""


class LevelTable(NamedTuple):
    """A batch of machines of levels; every column has shape (n_configs,).

    `machine` holds the machines themselves; tiers and perturbed technologies read the rest, as they read that
    of `hwmodels.columns.ConfigTable`.
    """

    machine: NDArray[Any]
    clock_hz: FloatColumn
    double_buffered: IntColumn
    dram_read_bytes_per_s: FloatColumn
    dram_write_bytes_per_s: FloatColumn
    leakage_w: FloatColumn
    buffer_leakage_w: FloatColumn
    dram_background_w: FloatColumn
    array_area_mm2: FloatColumn
    buffer_area_mm2: FloatColumn
    stack_style: IntColumn
    logic_tier: IntColumn
    buffer_tier: IntColumn
    memory_tier: IntColumn
    memory_area_mm2: FloatColumn
    via_pitch_um: FloatColumn
    temperature_limit_c: FloatColumn

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(self.machine.size)


class Cost(NamedTuple):
    """What one instance of an operation costs."""

    latency_s: float = math.nan
    compute_cycles: float = 0.0
    chip_s: float = math.nan
    dram_s: float = math.nan
    dram_read_bytes: float = math.nan
    dram_write_bytes: float = math.nan
    mac_j: float = 0.0
    buffer_j: float = math.nan
    dram_j: float = math.nan
    vector_j: float = 0.0
    bound: int = 0
    limit: int = 0
    mappings: float = 0.0
    mappings_costed: float = 0.0
    optimal: int = 1  # 0: the search was cut short


class Found(NamedTuple):
    """A nest's mapping as the engine evaluates it, or the limit that it breaks; neither for a stream."""

    evaluation: Evaluation | None = None
    limit: int = 0
    mappings: float = 0.0
    costed: float = 0.0
    optimal: int = 1


class NestModel:
    """The model of `hwmodels.levels.LevelMachine`; the engine's equations are in `docs/engine.md`."""

    name = "levels"
    columns = tuple(
        name for name in MetricTable._fields if name not in ("feasible", "limit", "temperature_c")
    )
    bounded = False
    perturbable = True
    tells = True
    maps = True

    def limits(self, machine: LevelMachine) -> tuple[str, ...]:
        """Capacity of each level; what no mapping meets; words that are too narrow; main memory."""
        levels = tuple(f"levels.{level.name}.bytes" for level in machine.levels)
        return ("", *levels, "mapspace", "word_bits", "main_memory.capacity_bytes")

    def bounds(self, machine: LevelMachine) -> tuple[str, ...]:
        """Array, ports of each level, main memory, lanes."""
        ports = tuple(f"{level.name} port" for level in machine.levels if not level.off_chip)
        return ("compute", *ports, "main memory", "vector")

    def pack(self, base: LevelMachine, axes: Axes | None = None, size: int = 1) -> LevelTable:
        """Build every distinct machine once.

        Raises
        ------
        ValueError
            If a path is unknown or a part refuses a value.

        """
        axes = axes or {}
        codes = np.array([np.asarray(code) for _, code in axes.values()], dtype=np.int64).reshape(
            len(axes), size
        )
        distinct, place = np.unique(codes, axis=1, return_inverse=True)
        machines = np.empty(max(1, distinct.shape[1]), dtype=object)
        for column in range(distinct.shape[1]):
            changes = {
                path: choices[distinct[row, column]] for row, (path, (choices, _)) in enumerate(axes.items())
            }
            machines[column] = base.replace(changes) if changes else base
        if not axes:
            machines[0], place = base, np.zeros(size, dtype=np.int64)
        rows = np.array([_standing(machine) for machine in machines])[place.ravel()]
        columns = dict(zip(_STANDING, rows.T, strict=True))
        planar = {"double_buffered": 1, "memory_tier": -1}  # one tier, the memory off chip, nothing checked
        table = make_table(_Standing, {**columns, **planar}, size)
        return LevelTable(machines[place.ravel()], *table)

    def evaluate(
        self,
        layers: LayerTable,
        configs: LevelTable,
        objective: str = "edp",
        effort: Effort = BEST,
    ) -> MetricTable:
        """Cost every configuration, each operation with its best mapping or the one given for its row."""
        check_layers(layers)
        objective_code(objective)
        found: dict[str, list[float]] = {name: [] for name in MetricTable._fields}
        for c in range(configs.size):
            costs = _costs(layers, configs.machine[c], objective, effort)
            for name, value in _totals(layers, configs, c, costs).items():
                found[name].append(value)
        return metric_table({name: values for name, values in found.items() if values}, configs.size)

    def operations(
        self,
        layers: LayerTable,
        configs: LevelTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Operations:
        """Cost one instance of every operation on one configuration."""
        check_layers(layers)
        objective_code(objective)
        machine = configs.machine[row]
        costs = _costs(layers, machine, objective, effort)
        static_w = float(configs.leakage_w[row] + configs.dram_background_w[row])
        table = {name: np.array([getattr(cost, name) for cost in costs]) for name in Cost._fields}
        found: dict[str, NDArray[Any]] = {
            "latency_s": table["latency_s"],
            "compute_cycles": table["compute_cycles"],
            "compute_s": table["chip_s"],
            "dram_s": table["dram_s"],
            "dram_read_bytes": table["dram_read_bytes"],
            "dram_write_bytes": table["dram_write_bytes"],
            "mac_energy_j": table["mac_j"],
            "buffer_energy_j": table["buffer_j"],
            "dram_energy_j": table["dram_j"],
            "vector_energy_j": table["vector_j"],
            "static_energy_j": static_w * table["latency_s"],
            "control_energy_j": np.zeros(layers.rows),
            "mappings": table["mappings"],
            "mappings_costed": table["mappings_costed"],
        }
        parts = [column for name, column in found.items() if name.endswith("_energy_j")]
        found["energy_j"] = np.sum(parts, axis=0)
        ordered: dict[str, NDArray[Any]] = {name: found[name] for name in COLUMNS}
        codes = {name: table[name] for name in ("bound", "limit")}
        return {**ordered, **codes, "optimal": table["optimal"].astype(bool)}

    def times(self, layers: LayerTable, configs: LevelTable, objective: str) -> OperationTimes:
        """Parts of every operation's latency; transfers that hide behind nothing count to both sides."""
        shape = (configs.size, layers.rows)
        chip, dram = np.empty(shape), np.empty(shape)
        for c in range(configs.size):
            costs = _costs(layers, configs.machine[c], objective, BEST)
            chip[c] = [cost.chip_s for cost in costs]
            dram[c] = [cost.dram_s for cost in costs]
        return OperationTimes(chip, dram, np.zeros(shape))

    def tiers(self, configs: LevelTable, metrics: MetricTable) -> "pandas.DataFrame":
        """One tier, whose temperature is not modelled."""
        import pandas

        area = float(configs.array_area_mm2[0] + configs.buffer_area_mm2[0])
        watts = float((metrics.energy_j[0] - metrics.dram_energy_j[0]) / metrics.latency_s[0])
        watts -= float(configs.dram_background_w[0])
        return pandas.DataFrame(
            {
                "tier": [0],
                "area_mm2": [area],
                "power_w": [watts],
                "power_density_w_per_mm2": [watts / area if area else math.nan],
                "temperature_c": [math.nan],
            }
        )

    def seconds_a_point(self, layers: LayerTable, configs: LevelTable) -> float:
        """Shapes times the typical time of mapping one."""
        return _SECONDS_A_SHAPE * max(1, int((layers.kind == Kind.NEST).sum()))

    def keeper(self, machine: LevelMachine) -> str:
        """The level that the machine names."""
        return machine.resident

    def summary(self, machine: LevelMachine) -> dict[str, str]:
        """Edges of the array, number of levels, bytes of all instances on chip."""
        levels = machine.architecture.levels
        bits = [level.capacity_words * level.word_bits * level.instances for level in levels]
        return {
            "array": f"{machine.array.fanout_y}×{machine.array.fanout_x}",
            "flow": f"{len(levels)} levels",
            "on chip": binary_bytes(sum(size for size in bits if size < math.inf) / 8),
        }

    def premises(self, machine: LevelMachine, layers: LayerTable, swept: Sequence[str]) -> list[str]:
        """Process, widths, levels, mapspace, rules and memory, as far as no axis sweeps them."""
        said = []
        if "technology.node_nm" not in swept:
            said.append(f"{machine.technology.node_nm:g} nm")
        if not any(path.startswith("datapath") for path in swept):
            said.append(machine.datapath.widths)
        said.append(f"{len(machine.levels)} storage levels, {machine.factors} tiles")
        if "main_memory" not in swept:
            said.append(f"main memory {machine.main_memory.name}")
        said += ["an element takes a whole word of a level", "zeros are neither gated nor skipped"]
        said.append("energy includes main memory; area is the accelerator die's alone")
        return said


NEST: Final = NestModel()


def _standing(machine: LevelMachine) -> tuple[float, ...]:
    """Clock, sustained bandwidths, leakages, background and areas, in the order of `LevelTable`."""
    built, lane, memory = machine.architecture, machine.lane_prices, machine.main_memory
    chip = [level for level in built.levels if not machine.level(level.name).off_chip]
    buffers_w = sum(level.leakage_w * level.instances for level in chip)
    buffers_mm2 = sum(level.area_um2 * level.instances for level in chip) * 1e-6
    logic_w = built.mac_leakage_w * built.macs + lane.leakage_w * machine.lanes + built.clock_w
    sustained = memory.bandwidth_bytes_per_s * memory.efficiency
    return (
        machine.clock_hz,
        sustained,
        sustained * memory.write_share,
        buffers_w + logic_w,
        buffers_w,
        memory.background_w + memory.refresh_w,
        built.area_mm2 - buffers_mm2,
        buffers_mm2,
    )


_MAPPED: dict[tuple[Any, ...], MapperResult | str] = {}


def _costs(
    layers: LayerTable,
    machine: LevelMachine,
    objective: str,
    effort: Effort,
) -> list[Cost]:
    """Cost of every row of a layer table."""
    found: list[Found] = []
    begun, key = time.process_time(), fingerprint(machine)
    for row in range(layers.rows):
        if int(layers.kind[row]) == Kind.NEST:
            left = max(0.0, effort.limit_s - (time.process_time() - begun))
            found.append(_nest(layers, row, machine, (key, objective), effort._replace(limit_s=left)))
        else:
            found.append(Found())
        if effort.told is not None:
            effort.told(row + 1, layers.rows)
    stays, alive = _staying(layers, machine, found, effort.edges)
    costs = []
    for row, one in enumerate(found):
        kept = {operand: float(column[row]) for operand, column in stays.items()}
        if one.limit:
            costs.append(Cost(limit=one.limit))
        elif one.evaluation is None:
            costs.append(_stream(layers, row, machine, kept))
        else:
            first = _account(layers, row, machine, one, kept)
            whole = frozenset(operand for operand, share in kept.items() if share == 1.0)
            if effort.edges is not None and whole and row not in effort.given:
                beside = _beside(machine, whole, float(alive[row]))
                other = _remapped(layers, row, beside, (key, objective), effort)
                if other is not None:
                    again = _account(layers, row, machine, other, kept)
                    static_w = _static_w(machine)
                    first = min(first, again, key=lambda cost: _worth(cost, objective, static_w))
            costs.append(first)
    return costs


def _worth(cost: "Cost", objective: str, static_w: float) -> float:
    """What a mapping is chosen by."""
    energy = cost.mac_j + cost.buffer_j + cost.dram_j + static_w * cost.latency_s
    return {"latency": cost.latency_s, "energy": energy, "edp": energy * cost.latency_s}[objective]


def _static_w(machine: LevelMachine) -> float:
    """Leakage and main memory's background."""
    standing = dict(zip(_STANDING, _standing(machine), strict=True))
    return standing["leakage_w"] + standing["dram_background_w"]


def _beside(machine: LevelMachine, whole: frozenset[str], alive: float) -> "Beside":
    """The engine's machine for an operation whose operands `whole` stay, with `alive` words held meanwhile.

    What stays is fetched from, and left in, a level outside all others that costs nothing and never waits;
    its tiles and all tensors that stay meanwhile share the resident level.
    """
    letters = frozenset(LETTERS[operand] for operand in whole)
    built, outside = machine.architecture, []
    for level in built.levels:
        kind = machine.level(level.name)
        if kind.off_chip:
            held = frozenset(LETTERS[operand] for operand in kind.operands) - letters
            level = dataclasses.replace(level, operands=held)
        elif level.name == machine.resident and level.capacity_words < math.inf:
            level = dataclasses.replace(level, capacity_words=max(0.5, level.capacity_words - alive))
        outside.append(level)
    store = StorageLevel(name=_STAY, word_bits=machine.word_bits(machine.levels[-1]), operands=letters)
    entries = [
        dataclasses.replace(entry, keep=entry.keep - letters, bypass=entry.bypass - letters)
        if machine.level(entry.level).off_chip
        else entry
        for entry in machine.mapspace.levels
    ]
    entries.append(LevelConstraints(level=_STAY, temporal=only(), keep=letters))
    return Beside(
        dataclasses.replace(built, levels=(*outside, store)),
        dataclasses.replace(machine.mapspace, levels=tuple(entries)),
        machine,
        (letters, alive),
    )


class Beside(NamedTuple):
    """A machine beside tensors that stay: what the engine maps onto, and how to find its mappings again."""

    architecture: Architecture
    constraints: Constraints
    machine: LevelMachine
    key: tuple[frozenset[str], float]


_REMAPPED: Final = 10**7
"""Tilings of the largest space that is searched again, where no lattice search does it in no time."""
_STAY: Final = "stays"
"""Name of the level that tensors that stay come from; no level of a machine is called so."""


def _remapped(
    layers: LayerTable, row: int, beside: Beside, key: tuple[str, str], effort: Effort
) -> "Found | None":
    """Best mapping of a nest whose operands stay; None where none fits or it would take too long to find."""
    if len(beside.architecture.levels) > MOST_LEVELS:
        return None
    problem = problem_of(layers, row)
    whole = (*key, *beside.key, problem.dimensions, problem.bounds, problem.operands)
    if whole not in _MAPPED:
        machine = beside.machine
        try:
            space = Mapspace(
                problem=problem,
                architecture=beside.architecture,
                constraints=beside.constraints,
                factors=machine.factors,  # type: ignore[arg-type]
            )
            if not applies(space) and math.prod(map(space.chain_count, problem.dimensions)) > _REMAPPED:
                return None
            _MAPPED[whole] = map_problem(
                problem,
                beside.architecture,
                key[1],  # type: ignore[arg-type]
                constraints=beside.constraints,
                factors=machine.factors,  # type: ignore[arg-type]
                rules=machine.rules,
                watch=Watch(seconds=effort.limit_s),
            )
        except MappingError as refusal:
            _MAPPED[whole] = str(refusal)
    found = _MAPPED[whole]
    if isinstance(found, str):
        return None
    certificate = found.certificate
    return Found(
        found.evaluation,
        mappings=float(certificate.represented),
        costed=float(certificate.costed),
        optimal=int(certificate.optimal),
    )


def _staying(
    layers: LayerTable, machine: LevelMachine, found: Sequence["Found"], edges: EdgeTable | None
) -> tuple[dict[str, FloatColumn], FloatColumn]:
    """Share of each operand of each row that main memory does not see, and words held at the resident level.

    An operand of 0 elements stays on chip (of a row that states any elements); with edges, so do the tensors
    that fit at the machine's resident level.
    """
    elements = {operand: getattr(layers, column) for operand, column in _ELEMENTS.items()}
    stated = np.sum(list(elements.values()), axis=0) > 0
    nest = layers.kind == Kind.NEST
    stays = {name: np.where(nest & stated & (count == 0), 1.0, 0.0) for name, count in elements.items()}
    alive = np.zeros(layers.rows)
    if edges is None or not machine.resident:
        return stays, alive
    level = machine.level(machine.resident)
    names = {letter: operand for operand, letter in LETTERS.items()}
    tiles = [
        {
            names[counts.operand]: counts.tile_words * level.buffering
            for counts in (one.evaluation.counts if one.evaluation is not None else ())
            if counts.level == level.name
        }
        for one in found
    ]
    capacity = level.bytes * 8 // machine.word_bits(level) if level.bytes else math.inf
    taken = choose(tensors_of(edges), tiles, capacity, level.operands)
    for tensor in taken:
        alive[tensor.first : tensor.last + 1] += tensor.elements
    kept = shares(layers, taken)
    return {name: np.maximum(stays[name], kept[name]) for name in stays}, alive


def problem_of(layers: LayerTable, row: int) -> Problem:
    """The nest of a row."""
    sizes = {name: int(getattr(layers, name)[row]) for name in ("n", "g", "k", "c", "p", "q", "r", "s")}
    return convolution(
        **sizes,
        stride=(int(layers.stride_p[row]), int(layers.stride_q[row])),
        dilation=(int(layers.dilation_r[row]), int(layers.dilation_s[row])),
        name="nest",
    )


def _nest(
    layers: LayerTable,
    row: int,
    machine: LevelMachine,
    key: tuple[str, str],
    effort: Effort,
) -> "Found":
    """Mapping of a nest: given, or the best there is."""
    limits = NEST.limits(machine)
    for operand in _ELEMENTS:
        if int(getattr(layers, f"{operand}_bits")[row]) > _narrowest(machine, operand):
            return Found(limit=limits.index("word_bits"))
    problem = problem_of(layers, row)
    if row in effort.given:
        evaluation = evaluate(problem, machine.architecture, effort.given[row], machine.rules)
        if not evaluation.feasible:
            return Found(limit=_limit_of(machine, evaluation.limit))
        return Found(evaluation, mappings=1.0, costed=1.0)
    found = _mapped(problem, machine, key, effort)
    if isinstance(found, str):
        return Found(limit=_limit_of(machine, found))
    certificate = found.certificate
    return Found(
        found.evaluation,
        mappings=float(certificate.represented),
        costed=float(certificate.costed),
        optimal=int(certificate.optimal),
    )


def _mapped(
    problem: Problem, machine: LevelMachine, key: tuple[str, str], effort: Effort
) -> MapperResult | str:
    """Best mapping of a nest, or why there is none; kept by content where the search was not cut short."""
    whole = (*key, problem.dimensions, problem.bounds, problem.operands)
    cut = {} if effort.kept is None else effort.kept
    if whole in _MAPPED or whole in cut:
        return _MAPPED[whole] if whole in _MAPPED else cut[whole]
    found: MapperResult | str
    try:
        found = map_problem(
            problem,
            machine.architecture,
            key[1],  # type: ignore[arg-type]
            constraints=machine.mapspace,
            factors=machine.factors,  # type: ignore[arg-type]
            rules=machine.rules,
            watch=Watch(seconds=effort.limit_s),
        )
    except MappingError as refusal:
        if "has not ended" in str(refusal):
            raise
        found = str(refusal)
    if isinstance(found, str) or found.certificate.optimal:
        if len(_MAPPED) >= _KEPT:
            _MAPPED.clear()
        _MAPPED[whole] = found
    else:
        cut[whole] = found
    return found


def _limit_of(machine: LevelMachine, refusal: str) -> int:
    """Code of the level that a refusal names as too small; else that the mapspace is empty."""
    names = NEST.limits(machine)
    for level in machine.levels:
        if (
            f"no mapping fits {level.name}: " in refusal and "bytes" in refusal
        ) or f"{level.name} capacity" in refusal:
            return names.index(f"levels.{level.name}.bytes")
    return names.index("mapspace")


def _narrowest(machine: LevelMachine, operand: str) -> int:
    """Bits of the narrowest word that an operand passes."""
    return min(machine.word_bits(level) for level in machine.levels if operand in level.operands)


def _account(
    layers: LayerTable, row: int, machine: LevelMachine, found: Found, kept: Mapping[str, float]
) -> Cost:
    """Counts times prices of one instance of a nest; `kept` is the share of operands that stays on chip."""
    evaluation = found.evaluation
    assert evaluation is not None
    passes = {LETTERS[operand]: 1.0 - share for operand, share in kept.items()}
    stated = {level.name: level for level in machine.levels}
    buffer_pj = dram_pj = read = written = 0.0
    moved: dict[str, list[float]] = {}
    for counts in evaluation.counts:
        if counts.level == _STAY:
            continue
        level = stated[counts.level]
        if not level.off_chip:
            buffer_pj += counts.energy_pj
            continue
        words = float(counts.reads + counts.fills + counts.updates)
        passed = passes[counts.operand]
        share = moved.setdefault(level.name, [0.0, 0.0])
        share[0] += words * passed
        share[1] += words
        size = machine.word_bits(level) / 8.0
        dram_pj += counts.energy_pj * passed
        read += counts.reads * size * passed
        written += (counts.fills + counts.updates) * size * passed
    steps = block_cycles(evaluation, {level.name: level.block_cycles for level in machine.levels})
    busy = {False: steps, True: 0.0}
    waits = "compute"
    exposed = 0.0
    for port, cycles in evaluation.port_cycles.items():  # a level that costs nothing has no port
        level = stated[port.split(" ")[0]]
        if level.off_chip:
            crossing, every = moved.get(level.name, [1.0, 1.0])
            cycles *= crossing / every if every else 1.0
        if not level.overlapped:
            exposed += cycles
        elif cycles > busy[level.off_chip]:
            busy[level.off_chip] = cycles
            if not level.off_chip:
                waits = f"{level.name} port"
    chip, dram = busy[False], busy[True]
    bare = dram * _bare_share(layers, row, machine, evaluation, passes)
    dram, exposed = dram - bare, exposed + bare
    if dram + bare > chip:
        waits = "main memory"
    exposed += machine.timing.launch_s * machine.clock_hz
    return Cost(
        latency_s=(max(chip, dram) + exposed) / machine.clock_hz,
        compute_cycles=steps,
        chip_s=(chip + exposed) / machine.clock_hz,
        dram_s=(dram + exposed) / machine.clock_hz if dram or bare else 0.0,
        dram_read_bytes=read,
        dram_write_bytes=written,
        mac_j=float(layers.macs[row]) * machine.mac_prices.energy_pj * 1e-12,
        buffer_j=buffer_pj * 1e-12,
        dram_j=dram_pj * 1e-12,
        bound=NEST.bounds(machine).index(waits),
        mappings=found.mappings,
        mappings_costed=found.costed,
        optimal=found.optimal,
    )


def _bare_share(
    layers: LayerTable,
    row: int,
    machine: LevelMachine,
    evaluation: Evaluation,
    passes: Mapping[str, float],
) -> float:
    """Share of main memory's traffic that hides behind nothing; see `hwmodels.timing.Timing`."""
    timing = machine.timing
    if timing == TIMELESS:
        return 0.0
    if timing.staged:
        level = machine.level(timing.staged)
        words = sum(float(getattr(layers, column)[row]) for column in _ELEMENTS.values())
        if words * machine.word_bits(level) <= level.bytes * 8:
            return 1.0
    crossing = bare = 0.0
    for counts in evaluation.counts:
        if counts.level == _STAY or not machine.level(counts.level).off_chip:
            continue
        size = machine.word_bits(machine.level(counts.level)) * passes[counts.operand]
        stored = float(counts.fills + counts.updates) * size
        crossing += counts.reads * size + stored
        if timing.drained:
            bare += stored
        if timing.ramp and counts.operand != LETTERS["output"]:
            bare += min(_first_tile(machine, evaluation, counts.operand), counts.reads) * size
    return min(1.0, bare / crossing) if crossing else 0.0


def _first_tile(machine: LevelMachine, evaluation: Evaluation, operand: str) -> float:
    """Words of an operand's first tile at the outermost level on chip that keeps it, over all instances."""
    kept = [
        counts
        for counts in evaluation.counts
        if counts.operand == operand and counts.level != _STAY and not machine.level(counts.level).off_chip
    ]
    return float(kept[-1].tile_words * kept[-1].instances) if kept else 0.0


def _stream(layers: LayerTable, row: int, machine: LevelMachine, kept: Mapping[str, float]) -> Cost:
    """Vector work or a movement: operands through main memory and the level next to it, lanes, energy."""
    built, memory = machine.architecture, machine.main_memory
    read = written = buffer_pj = dram_cycles = 0.0
    words: dict[str, list[float]] = {level.name: [0.0, 0.0] for level in machine.levels if level.off_chip}
    for operand, column in _ELEMENTS.items():
        every = float(getattr(layers, column)[row])
        elements = every * (1.0 - kept[operand])  # of which main memory sees
        outside, inside = (
            _nearest(machine, operand, off_chip=True),
            _nearest(machine, operand, off_chip=False),
        )
        size = machine.word_bits(outside) / 8.0
        if operand == "output":
            written += elements * size
            words[outside.name][1] += elements
        else:
            read += elements * size
            words[outside.name][0] += elements
        if inside is not None:
            store = built.level(inside.name)
            buffer_pj += every / store.block_words * (store.fill_pj + store.read_pj)
    for name, (taken, given) in words.items():
        store = built.level(name)
        ports = (
            taken / store.read_words_per_cycle,
            given / store.write_words_per_cycle,
            (taken + given) / store.shared_words_per_cycle,
        )
        dram_cycles = max(dram_cycles, *ports)
    operations = float(layers.vector_ops[row])
    lanes_s = 0.0 if int(layers.fused[row]) else operations / (machine.lanes * machine.clock_hz)
    dram_s = dram_cycles / machine.clock_hz
    launch_s = 0.0 if int(layers.fused[row]) else machine.timing.launch_s
    bounds = NEST.bounds(machine)
    return Cost(
        latency_s=max(lanes_s, dram_s) + launch_s,
        chip_s=lanes_s + launch_s,
        dram_s=dram_s + launch_s if dram_s else 0.0,
        dram_read_bytes=read,
        dram_write_bytes=written,
        buffer_j=buffer_pj * 1e-12,
        dram_j=8e-12 * (read * memory.paid_read_pj_per_bit + written * memory.paid_write_pj_per_bit),
        vector_j=operations * machine.lane_prices.energy_pj * 1e-12,
        bound=bounds.index("main memory" if dram_s > lanes_s else "vector"),
    )


def _nearest(machine: LevelMachine, operand: str, *, off_chip: bool) -> Any:
    """The innermost main memory, or the outermost level on chip, that may hold an operand."""
    held = [level for level in machine.levels if operand in level.operands and level.off_chip == off_chip]
    return (held[0] if off_chip else held[-1]) if held else None


def _totals(layers: LayerTable, configs: LevelTable, c: int, costs: Sequence[Cost]) -> dict[str, float]:
    """Metrics of a network: sums over its operations, and what follows from them."""
    machine = configs.machine[c]
    area = float(configs.array_area_mm2[c] + configs.buffer_area_mm2[c])
    found = {"area_mm2": area, "footprint_mm2": area, "temperature_c": math.nan}
    limit = next((cost.limit for cost in costs if cost.limit), 0)
    stored = _stored_bytes(layers, machine)
    if not limit and stored > machine.main_memory.capacity_bytes:
        limit = NEST.limits(machine).index("main_memory.capacity_bytes")
    found |= {"feasible": float(limit == 0), "limit": float(limit)}
    found["mappings_costed"] = sum(cost.mappings_costed for cost in costs)
    if limit:
        return found | {name: math.nan for name in MetricTable._fields if name not in found}
    repeats = layers.repeats.astype(np.float64)

    def total(name: str) -> float:
        return float(repeats @ np.array([getattr(cost, name) for cost in costs]))

    latency = total("latency_s")
    parts = {
        "mac_energy_j": total("mac_j"),
        "buffer_energy_j": total("buffer_j"),
        "dram_energy_j": total("dram_j"),
        "vector_energy_j": total("vector_j"),
        "static_energy_j": float(configs.leakage_w[c] + configs.dram_background_w[c]) * latency,
        "control_energy_j": 0.0,
    }
    energy, macs = sum(parts.values()), float(repeats @ layers.macs)
    return (
        found
        | parts
        | {
            "latency_s": latency,
            "energy_j": energy,
            "power_w": energy / latency if latency else math.nan,
            "edp_js": energy * latency,
            "utilisation": macs / (machine.macs * machine.clock_hz * latency) if latency else math.nan,
            "compute_cycles": total("compute_cycles"),
            "dram_read_bytes": total("dram_read_bytes"),
            "dram_write_bytes": total("dram_write_bytes"),
            "macs": macs,
            "effectual_macs": float(repeats @ layers.effectual_macs),
        }
    )


def _stored_bytes(layers: LayerTable, machine: LevelMachine) -> float:
    """Bytes of the operands of the largest operation, in words of main memory."""
    sizes = np.zeros(layers.rows)
    for operand, column in _ELEMENTS.items():
        level: Level = _nearest(machine, operand, off_chip=True)
        sizes += getattr(layers, column).astype(np.float64) * machine.word_bits(level) / 8.0
    return float(sizes.max())
