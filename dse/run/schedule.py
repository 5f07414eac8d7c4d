"""Where tensors may be between operations, as it is asked for by name."""

from typing import Any, Final

from hwmodels.machine import BEST, Effort
from hwmodels.residency.tensors import REORDERED, Schedule
from workloads.errors import InputError, shown
from workloads.operations.recurrent import HLSTM, Recurrent
from workloads.training.optimizers import Update

SCHEDULES: Final = ("layers", "resident", REORDERED, "fused")
"""Tensors cross main memory, stay on chip where they fit and it is worth it, do so in the best order of the
operations, or are never whole anywhere."""

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
    if schedule == REORDERED:
        _refuse_training(network)
    return Schedule(schedule, network.edges(batch), tuple(getattr(network, "tensor_names", ())))


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


def _refuse_training(network: Any) -> None:
    """Refuse to reorder a training step: no edge says that weights are read before they are updated."""
    nodes = network.graph.nodes() if hasattr(network, "graph") else ()
    for node in nodes:
        if isinstance(node.operation, Update):
            raise InputError(
                f"schedule: {shown(node.operation.name)} updates weights that others must have read "
                'before, so a training step keeps its order; use "resident"',
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
