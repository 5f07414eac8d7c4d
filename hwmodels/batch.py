"""The doors to the kernels: tables in, tables out, checked on the way."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from hwmodels import lines
from hwmodels.accounting import COSTS, Account, batch_energies_j, blank_sheet
from hwmodels.alike import alike
from hwmodels.columns import BOUNDS, BesideTable, ConfigTable, MetricTable, OperationTable
from hwmodels.exact import check_counts
from hwmodels.feasibility import broken_by_architecture
from hwmodels.kernels.two_level import evaluate as kernels
from hwmodels.kernels.two_level import groups
from hwmodels.kernels.two_level.lines import (
    BUSY_CYCLES,
    DRAM_READS_OF_INPUTS,
    DRAM_READS_OF_SUMS,
    DRAM_READS_OF_WEIGHTS,
    DRAM_WRITES,
)
from hwmodels.kernels.two_level.mapspace import count_mapspaces
from hwmodels.kernels.two_level.rows import config_matrix, layer_matrix
from hwmodels.kernels.two_level.spared import SPARED
from hwmodels.packing import pack
from hwmodels.residency.graph import StayGraph, Stays
from hwmodels.residency.plan import Plan
from hwmodels.residency.tensors import REORDERED, Schedule
from hwmodels.residency.two_level import fill_staying, left_to, stays_and_tiles, told
from hwmodels.spec import Accelerator
from hwmodels.tiers import apply_tiers
from hwmodels.tiles import TileLists
from hwmodels.tiling import Tiling
from hwmodels.warming import Fill, settle
from workloads.errors import InputError, InputIndexError, shown
from workloads.grammar.arguments import TEXT, WHOLE, either, having, takes
from workloads.table import FloatMatrix, IntColumn, LayerTable, make_table, take_rows

_FEW: Final = 3
"""Configurations that are alike are costed side by side from so many on; fewer are faster one by one."""

_LAYERS = having("a layer table (network.table())", "repeats", "macs", "kind")
_CONFIGS = having("a table of machines (hwmodels.pack)", "clock_hz", "size")
_MACHINES = either(having("a machine of two levels", "array", "buffers"), _CONFIGS)

_LESS: Final = 1.0 - 1e-12
"""What another order has to be better than, for the one given to be left."""

Given = Mapping[int, Tiling]
"""Tiles by row of a layer table."""
NONE_GIVEN: Final[Given] = MappingProxyType({})

OBJECTIVES = ("latency", "energy", "edp")
"""What a mapping may be chosen by, in the order of the kernels' codes."""

_CARRIED = (
    *("compute_cycles", "dram_read_bytes", "dram_write_bytes"),
    *(name for name in OperationTable._fields if name not in COSTS),
)
"""What kernels say of a mapping beside counts."""


def objective_code(objective: str) -> int:
    """Code of a mapping objective, or a ValueError that lists them."""
    if objective not in OBJECTIVES:
        raise InputError(f"mapping objective must be one of {', '.join(OBJECTIVES)}, got {shown(objective)}")
    return OBJECTIVES.index(objective)


def check_layers(layers: LayerTable) -> None:
    """Refuse a table that a kernel would misread: ragged, empty, or with counts too large to be exact."""
    lengths = {column.size for column in layers}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(f"LayerTable: columns need one common, nonzero length, got {sorted(lengths)}")
    for name in (
        "n",
        "g",
        "k",
        "c",
        "p",
        "q",
        "r",
        "s",
        "stride_p",
        "stride_q",
        "dilation_r",
        "dilation_s",
        "repeats",
    ):
        column = getattr(layers, name)
        if column.min() < 1:
            row = int(column.argmin())
            raise InputError(f"LayerTable.{name}[{row}] must be at least 1, got {int(column[row])}")
    for name in ("weight_density", "input_density", "output_density"):
        column = getattr(layers, name)
        inside = (column > 0.0) & (column <= 1.0)
        if not inside.all():
            row = int(np.argmin(inside))
            raise InputError(f"LayerTable.{name}[{row}] must be in (0, 1], got {shown(float(column[row]))}")
    check_counts(layers)


@takes(layers=_LAYERS, configs=_CONFIGS, objective=TEXT, start=WHOLE, stop=WHOLE.or_none())
def evaluate(
    layers: LayerTable,
    configs: ConfigTable,
    objective: str = "edp",
    *,
    tiles: TileLists | None = None,
    start: int = 0,
    stop: int | None = None,
    schedule: Schedule | None = None,
    given: Given = NONE_GIVEN,
    halved: bool = False,
) -> MetricTable:
    """Cost configurations start:stop on one network, every operation with its best mapping.

    Parameters
    ----------
    layers
        Lowered network, best deduplicated; columns of shape (n_operations,).
    configs
        Accelerators; columns of shape (n_configs,).
    objective
        What each operation's mapping is chosen by: "latency", "energy" or "edp" of that operation.
    tiles
        `TileLists(layers)` where the caller keeps them; made here otherwise.
    start, stop
        Range of configurations; to the end where `stop` is None.
    schedule
        Where tensors may stay between operations; its edges refer to the rows of `layers`, which are then not
        deduplicated. None: all cross main memory.
    given
        Tiles by row of `layers`, for operations that are not to be searched for; not beside a schedule.
    halved
        Whether tiles are halvings, aligned with nothing (see `hwmodels.tiles`).

    Returns
    -------
    MetricTable
        Columns of shape (stop - start,). Serial and without the interpreter's lock: thread over ranges.

    Raises
    ------
    ValueError
        If the layer table, the objective or a mapping given is refused.

    """
    check_layers(layers)
    code = objective_code(objective)
    stop = configs.size if stop is None else stop
    taken = take_rows(configs, slice(start, stop))
    fill: Fill
    if schedule is None:
        made = TileLists(layers, halved=halved) if tiles is None else tiles
        fill = partial(_layer_by_layer, layers, made, given, code)
    else:
        laid, lists = stays_and_tiles(layers, schedule, halved=halved)
        fill = partial(_bounding if schedule.relaxed else _staying, laid, lists, code)
    out = make_table(MetricTable, {}, stop - start)
    out.limit[:] = broken_by_architecture(layers, taken)
    if not out.limit.any():
        fill(taken, out)
    else:
        _evaluate_sound(fill, taken, out)
    if taken.leakage_curve.any():
        taken = settle(fill, taken, out)
    apply_tiers(taken, out)
    return out


def _staying(
    laid: tuple[Stays, ...], lists: TileLists, objective: int, configs: ConfigTable, out: MetricTable
) -> IntColumn:
    """Cost configurations with the best schedule of each; return among which of `laid` that is."""
    _fill(laid[0], laid[0].graph, lists, objective, configs, out)
    judged = ("latency_s", "energy_j", "edp_js")[
        objective
    ]  # the least sum along a path may not be the least product
    taken = np.zeros(configs.size, dtype=np.int64)
    for number, stays in enumerate(laid[1:], 1):
        other = make_table(MetricTable, {}, configs.size)
        _fill(stays, stays.graph, lists, objective, configs, other)
        better = getattr(other, judged) < getattr(out, judged) * _LESS
        taken[better] = number
        for mine, its in zip(out, other, strict=True):
            mine[better] = its[better]
    return taken


def _bounding(
    laid: tuple[Stays, ...], lists: TileLists, objective: int, configs: ConfigTable, out: MetricTable
) -> None:
    """Bound configurations from below: the last of `laid` has every schedule of the others."""
    _fill(laid[-1], laid[-1].relaxed, lists, objective, configs, out)


def _fill(
    stays: Stays, graph: StayGraph, lists: TileLists, objective: int, configs: ConfigTable, out: MetricTable
) -> None:
    """Cost configurations with the best of the schedules of a graph."""
    scratch = fill_staying(stays, graph, lists, configs, line_prices(configs), objective)
    _put_metrics(configs, scratch.sums, out)


def _taken(
    layers: LayerTable, configs: ConfigTable, objective: str, row: int, schedule: Schedule
) -> tuple[tuple[Stays, ...], int, TileLists, ConfigTable]:
    """Schedules of a network, which of them one machine of a table takes, their tiles, and the machine."""
    check_layers(layers)
    one, code = take_rows(configs, slice(row, row + 1)), objective_code(objective)
    laid, lists = stays_and_tiles(layers, schedule)
    taken = 0
    if len(laid) > 1:
        taken = int(_staying(laid, lists, code, one, make_table(MetricTable, {}, 1))[0])
    return laid, taken, lists, one


def plan_of(layers: LayerTable, configs: ConfigTable, objective: str, row: int, schedule: Schedule) -> Plan:
    """Where every tensor lives on one machine of a table, and how good that is."""
    laid, taken, lists, one = _taken(layers, configs, objective, row, schedule)
    about = objective, objective_code(objective)
    plan = told((laid[taken], laid[-1]), lists, layers.rows, one, line_prices(one), about)
    if schedule.name == REORDERED:
        plan = replace(plan, certificate=replace(plan.certificate, orders=laid[-1].orders))
    return plan


def beside_of(
    layers: LayerTable, configs: ConfigTable, objective: str, row: int, schedule: Schedule
) -> BesideTable:
    """What the best schedule of one machine of a table leaves to each operation."""
    laid, taken, lists, one = _taken(layers, configs, objective, row, schedule)
    return left_to(laid[taken], lists, layers.rows, one, line_prices(one), objective_code(objective))


def _innermost(layers: LayerTable, given: Given) -> IntColumn:
    """Code of the innermost loop that each operation is asked to have; -1 where it is searched for."""
    codes = np.full(layers.rows, -1, dtype=np.int64)
    for row, tiling in given.items():
        codes[row] = tiling.code
    return codes


def _layer_by_layer(
    layers: LayerTable,
    lists: TileLists,
    given: Given,
    objective: int,
    configs: ConfigTable,
    out: MetricTable,
) -> None:
    """Cost configurations in an order in which those that are alike follow one another."""
    tiles = lists.given(configs, given) if given else lists.table(configs)
    rows, columns = layer_matrix(layers), config_matrix(configs)
    sums = np.empty((configs.size, len(lines.TWO_LEVEL) + len(kernels.SUMS)))
    order, starts = alike(columns, tiles)
    sizes = np.diff(starts)
    few = sizes < (_FEW if not given else math.inf)
    alone = order[np.repeat(few, sizes)]
    kept, inner = np.empty((layers.rows, SPARED)), _innermost(layers, given)
    kernels.evaluate_batch(rows, tiles, columns, alone, objective, inner, kept, sums)
    if alone.size < order.size:
        together = order[np.repeat(~few, sizes)]
        bounds = np.concatenate(([0], np.cumsum(sizes[~few])))
        room = groups.scratch()
        groups.evaluate_groups(rows, tiles, columns, (together, bounds), objective, room, kept, sums)
    _put_metrics(configs, sums, out)


def line_prices(configs: ConfigTable) -> FloatMatrix:
    """Price of each of `lines.TWO_LEVEL` [pJ of what it counts], shape (n_configs, n_lines)."""
    memory_read_pj = configs.dram_read_pj_per_byte
    mask = (configs.mask_write_pj_per_byte, configs.mask_read_pj_per_byte)
    return np.column_stack(
        [
            *(configs.mac_pj, configs.vector_pj, configs.busy_pj, configs.result_pj),
            *(configs.weight_write_pj_per_byte, configs.weight_read_pj_per_byte),
            *(configs.input_write_pj_per_byte, configs.input_read_pj_per_byte),
            *(configs.output_write_pj_per_byte, configs.output_write_pj_per_byte),
            *(configs.output_read_pj_per_byte, configs.output_read_pj_per_byte),
            *(*mask, *mask),
            *(memory_read_pj, memory_read_pj, memory_read_pj, configs.dram_write_pj_per_byte),
            *(configs.leakage_w * 1e12, configs.dram_background_w * 1e12),
        ]
    )


def _put_metrics(configs: ConfigTable, sums: FloatMatrix, out: MetricTable) -> None:
    """Settle what was summed over a network; NaN where a limit was broken or a cost is no number."""
    counts = sums[:, : len(lines.TWO_LEVEL)]
    of = dict(zip(kernels.SUMS, sums[:, len(lines.TWO_LEVEL) :].T, strict=True))
    limit = np.where((of["limit"] == 0) & np.isnan(of["latency_s"]), kernels.LIMIT_OVERFLOW, of["limit"])
    blank = np.where(limit > 0, np.nan, 0.0)
    latency = of["latency_s"] + blank
    parts = batch_energies_j(lines.TWO_LEVEL, counts.T, line_prices(configs).T, latency)
    energy = np.add.reduce(list(parts.values()))
    cycles = configs.rows * configs.cols * configs.clock_hz * latency
    columns = {
        "latency_s": latency,
        "energy_j": energy,
        "power_w": energy / latency,
        "edp_js": energy * latency,
        "utilisation": of["kept"] / cycles,
        "compute_cycles": counts[:, BUSY_CYCLES],
        "dram_read_bytes": counts[:, DRAM_READS_OF_WEIGHTS]
        + counts[:, DRAM_READS_OF_INPUTS]
        + counts[:, DRAM_READS_OF_SUMS],
        "dram_write_bytes": counts[:, DRAM_WRITES],
        "macs": of["macs"],
        "effectual_macs": of["effectual"],
        **{f"{part}_energy_j": joules for part, joules in parts.items()},
    }
    for name, column in columns.items():
        getattr(out, name)[:] = column + blank
    out.limit[:] = limit
    out.feasible[:] = limit == 0
    out.area_mm2[:] = configs.array_area_mm2 + configs.buffer_area_mm2
    out.mappings_costed[:] = of["costed"]


def _evaluate_sound(fill: Fill, configs: ConfigTable, out: MetricTable) -> None:
    """Cost the configurations without a limit in `out`; the others have an area and no costs."""
    sound = np.flatnonzero(out.limit == 0)
    costed = make_table(MetricTable, {}, sound.size)
    taken = take_rows(configs, sound)
    fill(taken, costed)
    for name in MetricTable._fields:
        column = getattr(out, name)
        if name not in ("feasible", "limit"):
            column[:] = np.nan
        column[sound] = getattr(costed, name)
    out.area_mm2[:] = configs.array_area_mm2 + configs.buffer_area_mm2
    out.mappings_costed[out.limit > 0] = 0.0


@takes(layers=_LAYERS, accelerator=_MACHINES, objective=TEXT, row=WHOLE)
def evaluate_operations(
    layers: LayerTable,
    accelerator: Accelerator | ConfigTable,
    objective: str = "edp",
    *,
    row: int = 0,
    tiles: TileLists | None = None,
    beside: BesideTable | None = None,
) -> OperationTable:
    """Cost one instance of every operation on one accelerator, with the mapping chosen for it.

    Parameters
    ----------
    layers
        Lowered network; columns of shape (n_operations,). Not deduplicated: one row out for each row in.
    accelerator
        The machine; or a table of machines, for a caller that asks for many.
    objective
        What mappings are chosen by: "latency", "energy" or "edp".
    row
        Which machine of the table.
    tiles
        `TileLists(layers)` where the caller keeps them; made here otherwise.
    beside
        What tensors that stay leave to each operation; None: nothing stays.

    Returns
    -------
    OperationTable
        Columns of shape (n_operations,).

    Raises
    ------
    ValueError
        If the layer table or the objective is refused.
    IndexError
        If the table has no such row.

    """
    account = account_operations(layers, accelerator, objective, row=row, tiles=tiles, beside=beside)
    columns = account.operations()
    return OperationTable(**{name: columns[name] for name in OperationTable._fields})


def account_operations(
    layers: LayerTable,
    accelerator: Accelerator | ConfigTable,
    objective: str = "edp",
    *,
    row: int = 0,
    tiles: TileLists | None = None,
    beside: BesideTable | None = None,
    given: Given = NONE_GIVEN,
) -> Account:
    """Account of one instance of every operation; parameters and errors as of `evaluate_operations`.

    `given` are tiles by row, for operations that are not to be searched for.
    """
    check_layers(layers)
    code = objective_code(objective)
    configs = accelerator if isinstance(accelerator, ConfigTable) else pack(accelerator)
    if not 0 <= row < configs.size:
        raise InputIndexError(
            f"row {row} is outside the {configs.size:,} configurations of the table", path="row"
        )
    chosen = make_table(OperationTable, {}, layers.rows)
    lists = TileLists(layers) if tiles is None else tiles
    table = lists.given(configs, given) if given else lists.table(configs)
    sheet = blank_sheet(lines.TWO_LEVEL, BOUNDS, layers.rows)
    sheet.prices_pj[:] = line_prices(take_rows(configs, slice(row, row + 1)))[0]
    matrices = layer_matrix(layers), config_matrix(configs)
    stay = make_table(BesideTable, {}, layers.rows) if beside is None else beside
    kernels.account_operations(
        matrices[0], table, matrices[1], (row, code), _innermost(layers, given), stay, sheet, chosen
    )
    return Account(lines.TWO_LEVEL, BOUNDS, sheet, {name: getattr(chosen, name) for name in _CARRIED})


@takes(layers=_LAYERS, accelerator=_MACHINES)
def mapspace(layers: LayerTable, accelerator: Accelerator | ConfigTable) -> int:
    """Mappings that a network is searched over, the sum over its rows; the most of any machine given.

    Distinct ones that fit: loops of a single turn tell no orders apart, nor do the two outer loops.
    """
    configs = accelerator if isinstance(accelerator, ConfigTable) else pack(accelerator)
    found = np.zeros(configs.size, dtype=np.int64)
    table = TileLists(layers).table(configs)
    count_mapspaces(layer_matrix(layers), table, config_matrix(configs), found)
    return int(found.max())
