"""What a schedule asks for, laid out as graphs: the order given, every order, or with weights pinned."""

from collections.abc import Sequence
from typing import Final

from hwmodels.residency.graph import NetworkTensors, PathList, Stays
from hwmodels.residency.orders import MOST_ARCS, as_given, every_order
from hwmodels.residency.pinned import pinned_sets
from hwmodels.residency.tensors import PINNED, REORDERED, Schedule, keepable
from workloads.edges import EdgeTable
from workloads.table import LayerTable

MOST_ALIVE: Final = 8
"""Tensors that may stay at once: up to 256 nodes between two operations. Where more are alive, those that
save least for each element held and operation passed are left in main memory, and the bound says what that
may cost."""


def stays_of(layers: LayerTable, edges: EdgeTable) -> Stays:
    """Lay out the schedules of a network whose operations run in the order given.

    Parameters
    ----------
    layers
        Its layer table, identical rows not merged; columns of shape (n_operations,).
    edges
        Its edge table; rows refer to `layers`.

    """
    network = NetworkTensors(layers, edges)
    kept, left = keepable(network.tensors, layers.rows, MOST_ALIVE)
    laid = PathList(network, kept, (), as_given)
    graph = laid.graph()
    relaxed = PathList(network, kept, left, as_given).graph() if left else graph
    staying = tuple(laid.staying)
    return Stays(network.unique, network.tensors, graph, relaxed, staying, left, network.kind, 1, laid.always)


def pins_of(layers: LayerTable, edges: EdgeTable, weights: Sequence[int]) -> Stays:
    """Lay out the schedules that pin a set of weights, none among them, in the order given.

    Where not every set is tried, the relaxed graph has all weights stay and take no room. Parameters as of
    `stays_of`; `weights` are those of `Schedule`.
    """
    network = NetworkTensors(layers, edges, weights)
    kept, left = keepable(network.tensors[len(network.weights) :], layers.rows, MOST_ALIVE)
    sets, every = pinned_sets(layers, network.weights)
    laid = PathList(network, kept, (), as_given, sets=sets)
    graph = relaxed = laid.graph()
    if left or not every:
        free = (*left, *(() if every else network.weights))
        relaxed = PathList(network, kept, free, as_given, sets=sets if every else ((),)).graph()
    return Stays(
        network.unique,
        network.tensors,
        graph,
        relaxed,
        tuple(laid.staying),
        left,
        network.kind,
        1,
        laid.always,
        len(sets),
    )


def schedules_of(layers: LayerTable, schedule: Schedule) -> tuple[Stays, ...]:
    """Lay out what a schedule asks for: the order given, then every order, if they are not too many.

    Or, after the schedules that pin no weights, those that may.
    """
    given = stays_of(layers, schedule.edges)
    if schedule.name == PINNED and any(schedule.weights):
        return given, pins_of(layers, schedule.edges, schedule.weights)
    if schedule.name != REORDERED:
        return (given,)
    every = reordered(layers, schedule.edges)
    if every is None:
        return (given._replace(orders=0),)
    return (given,) if every.orders == 1 and not given.left else (given, every)


def reordered(layers: LayerTable, edges: EdgeTable) -> Stays | None:
    """Lay out the schedules of every order of the operations; None where there are too many.

    Two orders that have done the same operations go on alike, so that a node is a set of operations that are
    done and a set of tensors that stay: no order is walked twice from there on. Parameters as of `stays_of`.
    """
    network = NetworkTensors(layers, edges)
    touched = {row for tensor in network.tensors for row in (*tensor.reads, *tensor.writes)}
    idle = frozenset(row for row in range(layers.rows) if not (row in touched or network.nest(row)))
    try:
        laid = PathList(network, network.tensors, (), every_order(edges, layers.rows, idle), MOST_ARCS)
    except OverflowError:
        return None
    graph = laid.graph()
    return Stays(
        network.unique,
        network.tensors,
        graph,
        graph,
        tuple(laid.staying),
        (),
        network.kind,
        laid.orders,
        laid.always,
    )
