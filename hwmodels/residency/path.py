"""The shortest path through a network's schedules, for models that cost situations one by one."""

import math
from typing import Final, NamedTuple

import numpy as np

from hwmodels.residency.graph import StayGraph
from hwmodels.residency.product import least_product
from workloads.table import FloatColumn, IntColumn

TIE: Final = 1e-11
"""Weight of what decides between schedules that are equal in what is asked for, over that weight."""


def weights_of(objective: str, latency_s: float, energy_j: float) -> tuple[float, float]:
    """What a second and a joule count along a path, given a network's latency and energy layer by layer.

    The product of latency T and energy E is no sum. To first order it is T / T0 + E / E0, and no schedule
    that lowers this sum raises the product, since 4 T E / (T0 E0) <= (T / T0 + E / E0)^2.
    """
    second, joule = {"latency": (1.0, TIE), "energy": (TIE, 1.0), "edp": (1.0, 1.0)}[objective]
    return second / latency_s, joule / energy_j


def shortest_path(graph: StayGraph, value: FloatColumn) -> tuple[float, IntColumn]:
    """Find the cheapest schedule.

    Parameters
    ----------
    graph
        All schedules.
    value
        Of one instance in each situation, shape (n_situations,); infinite where it does not fit.

    Returns
    -------
    float, int array of shape (n_stages,)
        Its value, with that of the operations that no schedule changes, and its arcs.

    """
    nodes = int(graph.nodes[0])
    reached, by = [math.inf] * nodes, [-1] * nodes
    reached[0] = 0.0
    source, target = graph.arc_from.tolist(), graph.arc_to.tolist()
    costs = value[graph.arc_situation].tolist()
    for arc, count in enumerate(graph.arc_count.tolist()):
        length = reached[source[arc]] + count * costs[arc]
        if length < reached[target[arc]]:
            reached[target[arc]], by[target[arc]] = length, arc
    node, chosen = nodes - 1, []
    for _ in range(graph.stages):
        chosen.append(by[node])
        node = source[by[node]]
    fixed = float(graph.fixed_count @ value[graph.fixed])
    return reached[-1] + fixed, np.array(chosen[::-1], dtype=np.int64)


class Best(NamedTuple):
    """The best schedule of a graph."""

    value: float
    bound: float  # no schedule has less
    arcs: IntColumn
    costed: int  # situations in which tiles fit
    weights: tuple[float, float]  # what T and E count: no change of it that lowers their sum makes it worse


def best_path(graph: StayGraph, objective: str, latency: FloatColumn, energy: FloatColumn) -> Best:
    """Find the schedule of least latency T, energy E or product of both.

    Parameters
    ----------
    graph
        All schedules.
    objective
        "latency", "energy" or "edp".
    latency, energy
        Of one instance in each situation, over those of the network layer by layer, shape (n_situations,);
        infinite where it does not fit.

    """

    def shortest(second: float, joule: float) -> tuple[float, IntColumn]:
        return shortest_path(graph, max(second, TIE) * latency + max(joule, TIE) * energy)

    def least(second: float, joule: float) -> tuple[float, float]:
        _, arcs = shortest(second, joule)
        on_path, count, fixed = graph.arc_situation[arcs], graph.arc_count[arcs], graph.fixed
        costs = (float(count @ one[on_path] + graph.fixed_count @ one[fixed]) for one in (latency, energy))
        return next(costs), next(costs)

    fit = int(np.isfinite(latency).sum())
    if objective != "edp":
        weights = weights_of(objective, 1.0, 1.0)
        length, arcs = shortest(*weights)
        return Best(length, length, arcs, fit, weights)
    corner, bound = least_product(least)
    weights = weights_of(objective, corner.latency, corner.energy)
    return Best(corner.product, bound, shortest(*corner.weights)[1], fit, weights)
