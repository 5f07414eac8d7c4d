"""Shortest paths through a network's schedules, for all configurations of a group at once."""

import math
from typing import NamedTuple

from hwmodels.accelerate import lean
from hwmodels.residency.graph import StayGraph
from workloads.table import FloatColumn, FloatMatrix, IntColumn


class Paths(NamedTuple):
    """What is known of schedules in each lane."""

    value: FloatMatrix  # (n_situations, n_lanes): what is least along a path
    known: IntColumn  # (n_situations, n_lanes) 1: `value` is a cost; 0: a bound
    asked: IntColumn  # (n_situations, n_lanes) 1: a shortest path needs its cost
    askers: IntColumn  # (n_situations,): in how many lanes
    open: IntColumn  # (n_lanes,) 1: bounds are on the shortest path
    reached: FloatMatrix  # (n_nodes, n_lanes): least value of a path to a node
    by: IntColumn  # (n_nodes, n_lanes): its last arc
    chosen: IntColumn  # (n_stages, n_lanes): arcs of the shortest path
    length: FloatColumn  # (n_lanes,)


@lean
def ask_fixed(graph: StayGraph, lanes: int, paths: Paths) -> None:
    """Ask for the operations that no schedule changes."""
    known, asked, askers = paths.known, paths.asked, paths.askers
    for s in graph.fixed:
        for lane in range(lanes):
            new = paths.open[lane] * (1 - (known[s, lane] | asked[s, lane]))
            asked[s, lane] |= new
            askers[s] += new


@lean
def find_shortest(graph: StayGraph, lanes: int, paths: Paths) -> None:
    """Find the shortest path in every lane for the present values: `reached` and `by`."""
    reached, by, value = paths.reached, paths.by, paths.value
    begins, ends, situations, counts = graph.arc_from, graph.arc_to, graph.arc_situation, graph.arc_count
    for node in range(graph.nodes[0]):
        start = 0.0 if node == 0 else math.inf
        for lane in range(lanes):
            reached[node, lane] = start
    for arc in range(situations.size):
        begin, end, s, count = begins[arc], ends[arc], situations[arc], counts[arc]
        for lane in range(lanes):
            length = reached[begin, lane] + count * value[s, lane]
            before = reached[end, lane]
            reached[end, lane] = length if length < before else before
            by[end, lane] = arc if length < before else by[end, lane]


@lean
def walk_back(graph: StayGraph, lanes: int, paths: Paths) -> int:
    """Write down the shortest paths, and ask for what is a bound on them; return how many are asked for."""
    by, chosen, opened = paths.by, paths.chosen, paths.open
    known, asked, askers = paths.known, paths.asked, paths.askers
    begins, situations = graph.arc_from, graph.arc_situation
    every, stages, last = 0, graph.stage_start.size - 1, graph.nodes[0] - 1
    for lane in range(lanes):
        if opened[lane] == 1:
            mine, node = 0, last
            for back in range(stages):
                arc = by[node, lane]
                chosen[stages - 1 - back, lane] = arc
                node = begins[arc]
                s = situations[arc]
                new = 1 - (known[s, lane] | asked[s, lane])
                asked[s, lane] |= new
                askers[s] += new
                mine += new
            paths.length[lane] = paths.reached[last, lane]
            opened[lane] = 1 if mine > 0 else 0
            every += mine
    return every
