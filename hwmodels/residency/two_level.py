"""The doors to the schedules of two-level machines: tables in, tables out."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from hwmodels.alike import alike
from hwmodels.columns import BesideTable, ConfigTable
from hwmodels.kernels.two_level import groups
from hwmodels.kernels.two_level import stay as kernels
from hwmodels.kernels.two_level.cost import ENERGY, LATENCY
from hwmodels.kernels.two_level.evaluate import LINES, SUMS
from hwmodels.kernels.two_level.lanes import WIDTH
from hwmodels.kernels.two_level.rows import config_matrix, layer_matrix
from hwmodels.kernels.two_level.stay_nests import WON, WON_FROM, Desk
from hwmodels.kernels.two_level.stay_paths import Paths
from hwmodels.kernels.two_level.stay_room import HOMES, NOWHERE, Homes
from hwmodels.kernels.two_level.stay_search import Scratch
from hwmodels.residency.certificate import Certificate
from hwmodels.residency.graph import StayGraph, Stays, paths_of
from hwmodels.residency.laid import schedules_of
from hwmodels.residency.plan import MAIN_MEMORY, NOT_WORTH, Place, Plan, beside_others, by_rows, timed
from hwmodels.residency.product import least_product
from hwmodels.residency.tensors import Schedule, Tensor
from hwmodels.tiles import TileLists
from workloads.table import FloatMatrix, IntColumn, LayerTable, fingerprint, make_table

_STAYS: dict[tuple[str, str, str, tuple[int, ...], bool], tuple[tuple[Stays, ...], TileLists]] = {}
_KEPT: Final = 64


def stays_and_tiles(
    layers: LayerTable, schedule: Schedule, *, halved: bool = False
) -> tuple[tuple[Stays, ...], TileLists]:
    """A network's schedules and the tiles of its operations, made once a process.

    First those of the order given; then, where others are asked for and they are not too many, those of all.
    """
    key = (schedule.name, fingerprint(layers), fingerprint(schedule.edges), schedule.weights, halved)
    if key not in _STAYS:
        if len(_STAYS) >= _KEPT:
            _STAYS.clear()
        stays = schedules_of(layers, schedule)
        _STAYS[key] = (stays, TileLists(stays[0].layers, halved=halved))
    return _STAYS[key]


def scratch_of(stays: Stays, graph: StayGraph, configs: int, lanes: int) -> Scratch:
    """Room for so many configurations, in groups of so many lanes at most."""
    kinds, situations = graph.tensors.elements.size, graph.situations
    nodes, stages, operations = int(graph.nodes[0]), graph.stages, stays.layers.rows
    columns = LINES + len(SUMS)

    def whole(*shape: int) -> IntColumn:
        return np.zeros(shape, dtype=np.int64)

    def real(*shape: int) -> FloatMatrix:
        return np.zeros(shape)

    group = groups.scratch()
    return Scratch(
        sums=real(configs, columns),
        length=np.full(configs, np.nan),
        homes=Homes(
            home=whole(kinds),
            bytes=real(kinds),
            mask=real(kinds),
            beside=real(situations, len(BesideTable._fields)),
            fits=np.ones(situations, dtype=np.int64),
        ),
        desk=Desk(
            **group._asdict(),
            picked=whole(WIDTH),
            won=whole(situations, lanes, WON),
            near=np.repeat(np.arange(operations), lanes).reshape(operations, lanes),
            latency=real(situations, lanes),
            pj=real(situations, lanes),
            costed=real(lanes),
        ),
        paths=Paths(
            value=real(situations, lanes),
            known=whole(situations, lanes),
            asked=whole(situations, lanes),
            askers=whole(situations),
            open=whole(lanes),
            reached=real(nodes, lanes),
            by=whole(nodes, lanes),
            chosen=whole(stages, lanes),
            length=real(lanes),
        ),
        weights=real(2, lanes),
        uses=real(situations, lanes),
        lines=real(columns),
        along=real(lanes, columns),
        stays=whole(lanes),
    )


def fill_staying(
    stays: Stays,
    graph: StayGraph,
    lists: TileLists,
    configs: ConfigTable,
    prices: FloatMatrix,
    objective: int,
) -> Scratch:
    """Cost configurations with their best schedules; see `kernels.two_level.stay.evaluate_staying`."""
    rows, tiles = config_matrix(configs), lists.table(configs)
    resident = np.stack([getattr(configs, f"{name}_resident") for name in HOMES], axis=1)
    order, starts = alike(rows, tiles, tuple(resident.T))
    scratch = scratch_of(stays, graph, configs.size, int(np.diff(starts).max(initial=1)))
    tables = (layer_matrix(stays.layers), rows, resident, prices)
    kernels.evaluate_staying(tables, graph, tiles, (order, starts), objective, scratch)
    return scratch


_HOMES: Final = tuple(f"buffers.{name}" for name in HOMES)
"""Where a tensor may stay, by the kernels' codes."""


def left_to(
    stays: Stays, lists: TileLists, rows: int, one: ConfigTable, prices: FloatMatrix, objective: int
) -> BesideTable:
    """What the best schedule of one machine leaves to each operation; parameters as of `told`."""
    scratch = fill_staying(stays, stays.graph, lists, one, prices, objective)
    beside = make_table(BesideTable, {}, rows)
    if scratch.stays[0]:
        chosen = scratch.paths.chosen[:, 0]
        situations = stays.graph.arc_situation[chosen]
        for column, field in enumerate(BesideTable._fields):
            getattr(beside, field)[stays.graph.arc_row[chosen]] = scratch.homes.beside[situations, column]
    return beside


def told(
    laid: tuple[Stays, Stays],
    lists: TileLists,
    rows: int,
    one: ConfigTable,
    prices: FloatMatrix,
    objective: tuple[str, int],
) -> Plan:
    """The schedule of one machine: where every tensor lives and why, and how good it is.

    Parameters
    ----------
    laid
        Schedules of which the best is told, and those that bound it.
    lists
        Tiles of the operations.
    rows
        Of the layer table, identical ones not merged.
    one, prices
        The machine, a table of one row, and what its lines cost.
    objective
        What the schedule is chosen by, and the kernels' code of it.

    """
    (stays, every), (name, code) = laid, objective
    scratch = fill_staying(stays, stays.graph, lists, one, prices, code)
    value = bound = float(scratch.length[0])
    if name == "edp":
        value, bound = _products(scratch, every, lists, one, prices)
    elif every is not stays or not stays.whole:
        bound = float(fill_staying(every, every.relaxed, lists, one, prices, code).length[0])
    graph, used = stays.graph, bool(scratch.stays[0])
    known, chosen = scratch.paths.known[:, 0], scratch.paths.chosen[:, 0]
    searched = (stays.layers.kind[graph.operation] == 0) & (known == 1)
    searched &= scratch.desk.won[:, 0, WON_FROM] == np.arange(graph.situations)
    certificate = Certificate(
        name,
        value if used else 1.0,
        min(1.0, bound),
        paths_of(every.graph),
        graph.situations,
        int(searched.sum()),
        stays.left,
        sets=every.sets,
    )
    order, kept = tuple(range(rows)), set[int]()
    if used:
        kept = {tensor.place for arc in chosen.tolist() for tensor in stays.staying[arc]}
        order = stays.order(chosen)
    tensors = timed(stays.tensors, order)
    staying = [tensor for tensor in tensors if tensor.place in kept]
    places = tuple(_place(tensor, stays, scratch.homes, one, staying) for tensor in tensors)
    return Plan(by_rows(places, order), certificate, order)


def _products(
    scratch: Scratch, every: Stays, lists: TileLists, one: ConfigTable, prices: FloatMatrix
) -> tuple[float, float]:
    """T E of the schedule in `scratch`, and the least of all schedules and all mappings, over T0 E0.

    The least a T + b E of a machine is the least energy of one that leaks a / b more.
    """
    second, picojoule = scratch.weights[:, 0].tolist()

    def along(found: Scratch) -> tuple[float, float]:
        times = found.uses[:, 0]
        used = times > 0.0
        latency, pj = (times[used] @ column[used, 0] for column in (found.desk.latency, found.desk.pj))
        return float(latency) * second, float(pj) * picojoule

    def least(a: float, b: float) -> tuple[float, float]:
        if b == 0.0:
            return along(fill_staying(every, every.relaxed, lists, one, prices, LATENCY))
        more_w = a / b * second / picojoule * 1e-12
        leaky = one._replace(leakage_w=one.leakage_w + more_w)
        latency, energy = along(fill_staying(every, every.relaxed, lists, leaky, prices, ENERGY))
        return latency, energy - a / b * latency

    if math.isnan(scratch.length[0]):
        return math.nan, math.nan
    latency, energy = along(scratch)
    return latency * energy, least_product(least).bound


def _place(tensor: Tensor, stays: Stays, homes: Homes, config: ConfigTable, kept: Sequence[Tensor]) -> Place:
    """Where a tensor lives on one machine, and why it is not on chip."""
    kind = stays.kinds[tensor.place]
    home, size = int(homes.home[kind]), float(homes.bytes[kind] + homes.mask[kind])
    if tensor in kept:
        return Place(tensor, _HOMES[home], size, "")
    if home == NOWHERE:
        return Place(tensor, MAIN_MEMORY, size, _no_home(tensor, config))
    capacity = float(getattr(config, f"{_HOMES[home].removeprefix('buffers.')}_capacity_bytes")[0])
    held = float(homes.bytes[kind])
    if held > capacity:
        why = f"{_HOMES[home]}.bytes: {held - capacity:,.0f} bytes missing of {held:,.0f}"
        return Place(tensor, MAIN_MEMORY, size, why)
    others = [
        (other, float(homes.bytes[stays.kinds[other.place]]))
        for other in kept
        if int(homes.home[stays.kinds[other.place]]) == home
    ]
    why = beside_others(tensor, held, others, capacity, f"{_HOMES[home]}.bytes") or NOT_WORTH
    return Place(tensor, MAIN_MEMORY, size, why)


def _no_home(tensor: Tensor, config: ConfigTable) -> str:
    """Why there is no buffer in which a tensor may stay."""
    names = {operand: operand for operand in tensor.operands}
    for operand in names:
        if getattr(config, f"{operand}_capacity_bytes")[0] == 0.0:
            names[operand] = "shared"
    buffers = sorted(set(names.values()))
    if len(buffers) > 1:
        return f"read from {' and '.join(f'buffers.{name}' for name in buffers)}, so that neither can keep it"
    return f"buffers.{buffers[0]}.resident is False"
