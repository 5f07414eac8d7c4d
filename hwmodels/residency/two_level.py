"""The doors to the schedules of two-level machines: tables in, tables out."""

from typing import Final

import numpy as np

from hwmodels.columns import BesideTable, ConfigTable
from hwmodels.kernels.two_level import stay as kernels
from hwmodels.kernels.two_level.evaluate import LINES, SUMS
from hwmodels.kernels.two_level.rows import config_matrix, layer_matrix
from hwmodels.residency.certificate import Certificate
from hwmodels.residency.graph import StayGraph, Stays, paths_of, stays_of
from hwmodels.residency.plan import MAIN_MEMORY, NOT_WORTH, Place, Plan, beside_others
from hwmodels.residency.tensors import Schedule, Tensor
from hwmodels.tiles import TileLists
from workloads.table import FloatMatrix, IntColumn, LayerTable, fingerprint, make_table

_STAYS: dict[tuple[str, str, bool], tuple[Stays, TileLists]] = {}
_KEPT: Final = 64


def stays_and_tiles(
    layers: LayerTable, schedule: Schedule, *, halved: bool = False
) -> tuple[Stays, TileLists]:
    """A network's schedules and the tiles of its operations, made once a process."""
    key = (fingerprint(layers), fingerprint(schedule.edges), halved)
    if key not in _STAYS:
        if len(_STAYS) >= _KEPT:
            _STAYS.clear()
        stays = stays_of(layers, schedule.edges)
        _STAYS[key] = (stays, TileLists(stays.layers, halved=halved))
    return _STAYS[key]


def scratch_of(stays: Stays, graph: StayGraph, configs: int) -> kernels.Scratch:
    """Room for so many configurations."""
    kinds, situations = graph.tensors.elements.size, graph.situations
    nodes, stages = int(graph.nodes[0]), graph.stage_row.size

    def whole(*shape: int) -> IntColumn:
        return np.zeros(shape, dtype=np.int64)

    return kernels.Scratch(
        sums=np.zeros((configs, LINES + len(SUMS))),
        length=np.full(configs, np.nan),
        home=whole(kinds),
        bytes=np.zeros(kinds),
        mask=np.zeros(kinds),
        beside=make_table(BesideTable, {}, situations),
        costs=np.zeros((situations, kernels.COSTS)),
        value=np.zeros(situations),
        known=whole(situations),
        near=whole(stays.layers.rows, 3),
        reached=np.zeros(nodes),
        by=whole(nodes),
        chosen=whole(stages),
        path=np.zeros(LINES + len(SUMS)),
        stays=whole(1),
    )


def fill_staying(
    stays: Stays,
    graph: StayGraph,
    lists: TileLists,
    configs: ConfigTable,
    prices: FloatMatrix,
    objective: int,
) -> kernels.Scratch:
    """Cost configurations with their best schedules; see `kernels.two_level.stay.evaluate_staying`."""
    scratch = scratch_of(stays, graph, configs.size)
    resident = np.stack([getattr(configs, f"{name}_resident") for name in _KEEPERS], axis=1)
    kernels.evaluate_staying(
        layer_matrix(stays.layers),
        graph,
        lists.table(configs),
        config_matrix(configs),
        resident,
        prices,
        objective,
        scratch,
    )
    return scratch


_KEEPERS: Final = ("weight", "input", "shared")
_HOMES: Final = tuple(f"buffers.{name}" for name in _KEEPERS)
"""Where a tensor may stay, by the kernels' codes."""


def told(
    layers: LayerTable,
    one: ConfigTable,
    prices: FloatMatrix,
    objective: tuple[str, int],
    schedule: Schedule,
) -> tuple[Plan, BesideTable]:
    """The schedule of one machine: where every tensor lives and why, and what that leaves to each operation.

    Parameters
    ----------
    layers
        Network, identical rows not merged; columns of shape (n_operations,).
    one, prices
        The machine, a table of one row, and what its lines cost.
    objective
        What the schedule is chosen by, and the kernels' code of it.
    schedule
        Its edges.

    """
    stays, lists = stays_and_tiles(layers, schedule)
    name, code = objective
    scratch = fill_staying(stays, stays.graph, lists, one, prices, code)
    length = bound = scratch.length
    if stays.left:
        bound = fill_staying(stays, stays.relaxed, lists, one, prices, code).length
    halves = 2.0 if name == "edp" else 1.0
    graph, used = stays.graph, bool(scratch.stays[0])
    searched = (stays.layers.kind[graph.operation] == 0) & (scratch.known == 1) & np.isfinite(scratch.value)
    certificate = Certificate(
        name,
        float(length[0]) / halves if used else 1.0,
        min(1.0, float(bound[0]) / halves),
        paths_of(graph),
        graph.situations,
        int(searched.sum()),
        stays.left,
    )
    beside = make_table(BesideTable, {}, layers.rows)
    kept: set[int] = set()
    if used:
        situations = graph.arc_situation[scratch.chosen]
        for field in BesideTable._fields:
            getattr(beside, field)[graph.stage_row] = getattr(scratch.beside, field)[situations]
        for stage, arc in enumerate(scratch.chosen.tolist()):
            bits = int(graph.arc_kept[arc])
            kept.update(t.place for i, t in enumerate(stays.alive[stage]) if bits >> i & 1)
    places = tuple(_place(tensor, stays, scratch, one, kept) for tensor in stays.tensors)
    return Plan(places, certificate), beside


def _place(
    tensor: Tensor, stays: Stays, scratch: kernels.Scratch, config: ConfigTable, kept: set[int]
) -> Place:
    """Where a tensor lives on one machine, and why it is not on chip."""
    kind = stays.kinds[tensor.place]
    home, size = int(scratch.home[kind]), float(scratch.bytes[kind] + scratch.mask[kind])
    if tensor.place in kept:
        return Place(tensor, _HOMES[home], size, "")
    if home == kernels.NOWHERE:
        return Place(tensor, MAIN_MEMORY, size, _no_home(tensor, config))
    capacity = float(getattr(config, f"{_HOMES[home].removeprefix('buffers.')}_capacity_bytes")[0])
    held = float(scratch.bytes[kind])
    if held > capacity:
        why = f"{_HOMES[home]}.bytes: {held - capacity:,.0f} bytes missing of {held:,.0f}"
        return Place(tensor, MAIN_MEMORY, size, why)
    others = [
        (other, float(scratch.bytes[stays.kinds[other.place]]))
        for other in stays.tensors
        if other.place in kept and int(scratch.home[stays.kinds[other.place]]) == home
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
