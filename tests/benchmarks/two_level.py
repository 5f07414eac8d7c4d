"""The two-level mapper on edge_16x16, beside the search of the same machine as levels with `ceil` factors.

Sums are 32 bits wide where data are 8, and a memory of levels has words of one width. So the search runs
twice, each time with less to do than the machine has: sums never leave the chip; or they do, over a port of
their own.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

import dse
import hwmodels
import workloads
from hwmodels.kernels.two_level.systolic import WEIGHT_STATIONARY, fold_overhead
from hwmodels.mapping import (
    Architecture,
    Constraints,
    LevelConstraints,
    Problem,
    StorageLevel,
    Watch,
    joined,
    map_problem,
)
from hwmodels.mapping.constraints import Factors
from hwmodels.models.nest_mappings import problem_of
from hwmodels.packing import pack
from workloads.table import Kind, deduplicate

NETWORKS = ("mobilenet_v2", "inception_v3", "bert_base")
SECONDS = 2.0  # of a search, which is ended then
SEARCHED = 12  # nests of a network, those furthest above the bound


class Edge(NamedTuple):
    """What the comparison takes from the machine: PEs along an edge, cycles of a fold, bytes and rates."""

    edge: int
    overhead: int  # cycles that a fold takes beyond its stream
    bytes: dict[str, float]  # of the buffers
    words_per_cycle: float  # of main memory
    clock_hz: float


class Found(NamedTuple):
    """Cycles of one nest, all its repetitions together."""

    name: str
    problem: Problem
    repeats: int
    two_level: float
    least: float  # no mapping takes fewer


def edge() -> Edge:
    """Columns of edge_16x16, whose main memory reads as fast as it writes."""
    columns = pack(hwmodels.load("edge_16x16"))

    def of(name: str) -> float:
        return float(getattr(columns, name)[0])

    rows, cols = int(of("rows")), int(of("cols"))
    names = {"W": "weight", "I": "input", "O": "output"}
    return Edge(
        edge=rows,
        overhead=fold_overhead(rows, cols, WEIGHT_STATIONARY),
        bytes={letter: of(f"{name}_capacity_bytes") for letter, name in names.items()},
        words_per_cycle=of("dram_read_bytes_per_s") / of("clock_hz"),
        clock_hz=of("clock_hz"),
    )


def least_cycles(problem: Problem, machine: Edge) -> float:
    """Cycles that any mapping with K on columns, C and the window on rows takes at least.

    max(G ceil(K / cols) ceil(C R S / rows) (N P Q + overhead), each operand once over main memory's rate):
    every fold streams all positions, and its weights are shifted in once. Cycles; exact integers below 2**53.
    """
    x = {"G": 1, **problem.extents}
    folds = x["G"] * -(-x["K"] // machine.edge) * -(-x["C"] * x["R"] * x["S"] // machine.edge)
    words = sum(operand.elements(problem.extents) for operand in problem.operands)
    return max(float(folds * (x["N"] * x["P"] * x["Q"] + machine.overhead)), words / machine.words_per_cycle)


def as_levels(machine: Edge) -> Architecture:
    """The machine as levels: a weight a PE, whose shifting in nothing hides; three buffers; main memory."""
    register = StorageLevel(
        name="register",
        capacity_words=1,
        instances=machine.edge**2,
        write_words_per_cycle=1.0 / machine.overhead,
        overlapped=False,
    )
    words = {"I": machine.bytes["I"], "W": machine.bytes["W"], "O": machine.bytes["O"] / 4}  # sums of 32 bits
    buffers = [
        StorageLevel(
            name=name,
            capacity_words=size,
            multiple_buffering=2.0,
            fanout_x=machine.edge if name == "I" else 1,
            fanout_y=machine.edge if name == "I" else 1,
        )
        for name, size in words.items()
    ]
    memory = StorageLevel(name="memory", shared_words_per_cycle=machine.words_per_cycle)
    return Architecture(name="edge", levels=(register, *buffers, memory), macs=machine.edge**2)


def limits(problem: Problem) -> Constraints:
    """Weight stationary: positions stream past the weights of a PE; K lies on columns, C R S on rows."""
    dims = set(problem.dimensions)
    register = LevelConstraints(
        level="register",
        keep=frozenset("W"),
        temporal=Factors(fixed=dict.fromkeys(dims & set("GKCRS"), 1)),
    )
    array = LevelConstraints(
        level="I", keep=frozenset("I"), spatial_x=frozenset("K"), spatial_y=frozenset("CRS")
    )
    others = (LevelConstraints(level=name, keep=frozenset(name)) for name in "WO")
    return Constraints(levels=(register, array, *others))


def staying(constraints: Constraints, problem: Problem) -> Constraints:
    """The same, with no reduction outside the buffer of sums."""
    reductions = dict.fromkeys(set(problem.dimensions) & set("CRS"), 1)
    memory = LevelConstraints(level="memory", temporal=Factors(fixed=reductions))
    return Constraints(levels=(*constraints.levels, memory))


def leaving(architecture: Architecture, machine: Edge) -> Architecture:
    """The same, with a memory of its own for sums, whose words are four of data."""
    *inside, memory = architecture.levels
    sums = replace(
        memory,
        name="sums",
        shared_words_per_cycle=machine.words_per_cycle / 4,
        operands=frozenset("O"),
    )
    return replace(architecture, levels=(*inside, sums, replace(memory, operands=frozenset("IW"))))


def searched(problem: Problem, machine: Edge) -> float:
    """Cycles of the best mapping with `ceil` factors that the searches of levels find in their time."""
    nest = joined(problem)
    levels = as_levels(machine)
    return min(
        map_problem(
            nest,
            architecture,
            "latency",
            constraints=constraints,
            factors="ceil",
            storage="even",
            watch=Watch(seconds=SECONDS),
        ).evaluation.cycles
        for architecture, constraints in (
            (levels, staying(limits(nest), nest)),
            (leaving(levels, machine), limits(nest)),
        )
    )


def nests(network: str, machine: Edge) -> list[Found]:
    """Different nests of a network, those that the bound proves least last."""
    operations: Any = dse.evaluate(
        network, "edge_16x16", mapping_objective="latency", progress=False
    ).operations
    table, index = deduplicate(workloads.load(network).table())
    found = []
    for row in np.flatnonzero(table.kind == Kind.NEST).tolist():
        places = np.flatnonzero(index == row)
        operation, repeats = operations.iloc[int(places[0])], len(places)
        problem = problem_of(table, row)
        cycles = float(operation["latency_s"]) * machine.clock_hz
        found.append(
            Found(
                str(operation["operation"]),
                problem,
                repeats,
                repeats * cycles,
                repeats * least_cycles(problem, machine),
            )
        )
    return sorted(found, key=lambda nest: nest.least - nest.two_level)


def main() -> None:
    """Print the latency of each network over the N-level search's, and the nest furthest above it."""
    machine = edge()
    for network in NETWORKS:
        found = nests(network, machine)
        least = [nest.least for nest in found]
        bound = sum(nest.two_level for nest in found) / sum(least) - 1.0
        for place, nest in enumerate(found[:SEARCHED]):
            cycles = searched(nest.problem, machine) * nest.repeats
            least[place] = max(nest.least, min(nest.two_level, cycles))
        over = sum(nest.two_level for nest in found) / sum(least) - 1.0
        above = [nest.two_level / each - 1.0 for nest, each in zip(found, least, strict=True)]
        worst = max(range(len(found)), key=above.__getitem__)
        searched_nests = f"{min(SEARCHED, len(found))} of {len(found)} nests"
        print(
            f"{network} on edge_16x16, latency: two-level {over:.2%} above the N-level search with ceil "
            f"factors (target 1 %; {searched_nests}, those furthest above the bound, are searched, and it is "
            f"taken for the others), {bound:.2%} above what no mapping goes below; most in "
            f"{found[worst].name}, {above[worst]:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
