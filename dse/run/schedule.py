"""Where tensors may be between operations, as it is asked for by name."""

from typing import Any, Final

from hwmodels.machine import BEST, Effort
from hwmodels.residency.tensors import PINNED, REORDERED, Schedule
from workloads.edges import EdgeTable, Operand
from workloads.errors import InputError, shown
from workloads.operations.recurrent import HLSTM, Recurrent
from workloads.table import Kind
from workloads.training.optimizers import Update

SCHEDULES: Final = ("layers", "resident", REORDERED, PINNED, "fused")
"""Tensors cross main memory, stay on chip where they fit and it is worth it, do so in the best order of the
operations, do so beside weights that stay from one inference to the next, or are never whole anywhere."""

LAYERS: Final = "layers"
FUSED: Final = "fused"


def check_schedule(schedule: str) -> str:
    """Return the name of a schedule, or a ValueError that lists them."""
    if schedule not in SCHEDULES:
        raise InputError(
            f"schedule must be one of {', '.join(SCHEDULES)}, got {shown(schedule)}", path="schedule"
        )
    return schedule


def schedule_of(schedule: str, network: Any, batch: int | None = None) -> Schedule | None:
    """What a schedule of that name needs of a network; None for layer by layer.

    Raises
    ------
    ValueError
        If there is no such schedule, what is given does not say who reads what, or a recurrent cell would
        have to hand tiles from one time step to the next.

    """
    if check_schedule(schedule) == LAYERS:
        return None
    if not hasattr(network, "edges"):
        raise InputError(
            "schedule: a layer table does not say who reads what; give the network itself", path="schedule"
        )
    if schedule == FUSED:
        _refuse_recurrent(network)
    if schedule in (REORDERED, PINNED):
        _refuse_training(network, schedule)
    edges, tensors = network.edges(batch), tuple(getattr(network, "tensor_names", ()))
    if schedule != PINNED:
        return Schedule(schedule, edges, tensors)
    return Schedule(schedule, edges, tensors, weights=_weights(network, edges), rows=network.row_names)


def _weights(network: Any, edges: EdgeTable) -> tuple[int, ...]:
    """Elements that each row has of weights, of all its repeats; 0 where others make what it reads as such.

    A recurrent cell has the same weights in every step, other rows that repeat have others each time.
    """
    layers = network.table()
    made = set(edges.consumer_row[edges.operand == Operand.WEIGHT].tolist())
    cells = {
        node.operation.name for node in network.graph.nodes() if isinstance(node.operation, Recurrent | HLSTM)
    }
    return tuple(
        0
        if row in made or int(layers.kind[row]) != Kind.NEST
        else int(layers.weight_elements[row]) * (1 if name in cells else int(layers.repeats[row]))
        for row, name in enumerate(network.lowering().operations)
    )


def _refuse_recurrent(network: Any) -> None:
    """Refuse to fuse over time: a cell's state would have to be handed from each step to the next."""
    nodes = network.graph.nodes() if hasattr(network, "graph") else ()
    for node in nodes:
        if isinstance(node.operation, Recurrent | HLSTM):
            raise InputError(
                f"schedule: {shown(node.operation.name)} is a recurrent cell over time, which is not fused; "
                'use "resident" or "layers"',
                path="schedule",
            )


_ORDERED: Final = (
    'weights that others must have read before, so a training step keeps its order; use "resident"'
)
_CHANGED: Final = 'the weights, so that none are pinned from one step to the next; use "resident"'


def _refuse_training(network: Any, schedule: str) -> None:
    """Refuse to reorder a training step, or to pin its weights: no edge says when they are updated."""
    nodes = network.graph.nodes() if hasattr(network, "graph") else ()
    for node in nodes:
        if isinstance(node.operation, Update):
            raise InputError(
                f"schedule: {shown(node.operation.name)} updates "
                f"{_ORDERED if schedule == REORDERED else _CHANGED}",
                path="schedule",
            )


def check_keeper(schedule: str, machine: Any, swept: tuple[str, ...] = ()) -> None:
    """Refuse a schedule, by its name, for machines that name no level for it, and of which no axis does.

    Raises
    ------
    ValueError
        The message names the field.

    """
    if schedule == FUSED:
        if machine.model.handing(machine):
            return
        raise InputError(
            f"schedule: {machine.name} names no level at which operations hand on tiles (`fusion` of a "
            'machine of levels); use "layers"',
            path="schedule",
        )
    if machine.model.keeper(machine) or any(path.rpartition(".")[2] == "resident" for path in swept):
        return
    raise InputError(
        f"schedule: {machine.name} names no level at which tensors may stay (`resident` of a buffer, or of a "
        'machine of levels); use "layers"',
        path="schedule",
    )


def effort_of(schedule: Schedule | None) -> Effort:
    """What a model is asked with."""
    return BEST if schedule is None else Effort(schedule=schedule)
