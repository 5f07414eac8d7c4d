"""What the figure of a loop nest shows, as data: loops, tiles, and the words that flow between them."""

from math import isfinite, prod
from typing import NamedTuple

from hwmodels.mapping import Architecture, Evaluation, Mapping, Operand, Problem
from hwmodels.mapping.uneven import unfold


class Loop(NamedTuple):
    """One loop of the nest that iterates."""

    dimension: str
    times: int
    axis: str  # "" in time, else "X" or "Y"


class Band(NamedTuple):
    """One storage level, or what it walks below one of the depths at which it stores something."""

    name: str
    instances: int  # in use
    loops: tuple[Loop, ...]  # outermost first


class Tile(NamedTuple):
    """What one instance of a level holds of an operand."""

    band: int  # 0 is the outermost level
    lane: int  # position of the operand
    words: int
    share: float  # of the words that the level can use; 0 where it has no limit


class Flow(NamedTuple):
    """Words that pass between two levels, or the innermost level and the MACs, in the whole nest."""

    lane: int
    outer: int  # band of the level further out
    inner: int  # band of the level further in; one past the last stands for the MACs
    inwards: float  # words read at the outer level
    outwards: float  # words of partial sums written to it
    copies: float  # words that arrive for one read (multicast), or that merge into one written (reduction)


class NestPicture(NamedTuple):
    """Everything the figure of a loop nest shows."""

    operands: tuple[str, ...]
    bands: tuple[Band, ...]  # outermost first
    tiles: tuple[Tile, ...]
    flows: tuple[Flow, ...]
    macs: int
    mac_units: int
    cycles: int
    utilisation: float
    bound: str


def nest_picture(
    problem: Problem, architecture: Architecture, mapping: Mapping, evaluation: Evaluation
) -> NestPicture:
    """Collect what the figure of a loop nest shows.

    Parameters
    ----------
    problem, architecture, mapping
        What is computed, where, and how.
    evaluation
        What `hwmodels.mapping.evaluate` or `map_problem` made of them.

    Returns
    -------
    NestPicture
        Levels outermost first. Flows follow each operand through the levels that keep it.

    """
    _, even, places = unfold(architecture, mapping)
    memories = [architecture.levels[place].name for place in places]
    depth = len(memories)
    in_use = {counts.level: counts.instances for counts in evaluation.counts}
    bands = []
    for name, level in zip(reversed(memories), reversed(even.levels), strict=True):
        loops = [
            Loop(dimension, count, axis)
            for axis, group in (("", level.temporal), ("Y", level.spatial_y), ("X", level.spatial_x))
            for dimension, count in group
            if count > 1
        ]
        bands.append(Band(name, in_use.get(name, 0), tuple(loops)))
    lanes = {operand.name: lane for lane, operand in enumerate(problem.operands)}
    tiles = []
    for counts in evaluation.counts:
        usable = architecture.level(counts.level).usable_words
        index = next(
            i
            for i, (name, level) in enumerate(zip(memories, even.levels, strict=True))
            if name == counts.level and counts.operand in level.keep
        )
        share = counts.tile_words / usable if isfinite(usable) else 0.0
        tiles.append(Tile(depth - 1 - index, lanes[counts.operand], counts.tile_words, share))
    return NestPicture(
        operands=tuple(lanes),
        bands=tuple(bands),
        tiles=tuple(sorted(tiles)),
        flows=tuple(
            flow
            for lane, operand in enumerate(problem.operands)
            for flow in _flows(operand, lane, memories, even, evaluation)
        ),
        macs=evaluation.macs,
        mac_units=architecture.macs,
        cycles=evaluation.cycles,
        utilisation=evaluation.utilisation,
        bound=evaluation.bound,
    )


def _flows(
    operand: Operand, lane: int, memories: list[str], mapping: Mapping, evaluation: Evaluation
) -> list[Flow]:
    """Follow one operand inwards to the MACs, through a mapping whose levels are parts of `memories`."""
    last = len(mapping.levels) - 1
    kept = [index for index, level in enumerate(mapping.levels) if operand.name in level.keep]
    flows = []
    for inner, outer in zip([-1, *kept[:-1]], kept, strict=True):
        here = evaluation.at(memories[outer], operand.name)
        arriving = float(evaluation.macs)
        if inner >= 0:
            arriving = evaluation.at(memories[inner], operand.name).fills
        copies = arriving / here.reads if here.reads else 1.0
        if operand.read_write:  # partial sums merge over the spatial loops that do not move the operand
            copies = float(
                prod(
                    count
                    for level in mapping.levels[inner + 1 : outer + 1]
                    for dimension, count in (*level.spatial_x, *level.spatial_y)
                    if dimension not in operand.dimensions
                )
            )
        flows.append(Flow(lane, last - outer, last - inner, here.reads, here.updates, copies))
    return flows
