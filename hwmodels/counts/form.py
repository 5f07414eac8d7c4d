"""The form of a machine, which its counts depend on: pads inside an array, a buffer, main memory."""

from dataclasses import dataclass
from math import inf

import numpy as np

from hwmodels.kernels.nest.columns import Floats
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.rules import Drain, FirstTouch, Rules

LETTERS = "WIO"
"""Operands in the order of `hwmodels.mapping.convolution`; the last one is accumulated."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the counts of a machine depend on, besides its array and its capacities.

    Two machines of one form differ in prices, clock, bandwidths, capacities and array alone, and what one of
    them does not price or limit, the other does not either.
    """

    memory: tuple[int, ...]  # by operand: the pad that keeps it, 0 the innermost
    read: tuple[bool, ...]  # by pad: whether reads cost energy or time
    written: tuple[bool, ...]  # by pad: whether writes do
    apart: bool  # whether accesses outside the array move blocks: then operands are told apart
    elided: bool  # whether the first touch of a sum reads nothing
    drained: bool  # whether sums are read as they leave
    alike: tuple[int, ...] = ()  # by pad: the first whose words cost as much to write; empty: only its own do

    @property
    def pads(self) -> int:
        """Memories inside the array."""
        return len(self.read)

    @property
    def members(self) -> tuple[int, ...]:
        """Operands (bits) of each pad."""
        return tuple(
            sum(1 << o for o, memory in enumerate(self.memory) if memory == pad) for pad in range(self.pads)
        )


def form_of(architecture: Architecture, constraints: Constraints, factors: str, rules: Rules) -> Form | None:
    """Form of a machine whose mapspace count sets cover; None where they do not.

    They cover perfect and aligned factors; pads inside the array that each keep operands of their own, a word
    an access; one buffer that feeds the array and keeps all; one main memory; no constraints but on what is
    kept.
    """
    levels = architecture.levels
    free = all(
        entry == LevelConstraints(level=entry.level, keep=entry.keep, bypass=entry.bypass)
        for entry in constraints.levels
    )
    feeds = len(levels) - 2
    flat = all(level.fanout_x * level.fanout_y == 1 for i, level in enumerate(levels) if i != feeds)
    if feeds < 1 or factors == "ceil" or not (free and flat) or constraints.min_parallelism:
        return None
    pads = levels[:feeds]
    if any(level.joined for level in levels) or any(pad.block_words > 1 for pad in pads):
        return None
    kept = [_kept(level, constraints) for level in levels]
    if any(None in row for row in kept[:-1]) or not all(kept[feeds]) or False in kept[-1]:
        return None
    places = [[pad for pad in range(feeds) if kept[pad][o]] for o in range(len(LETTERS))]
    if any(len(place) != 1 for place in places) or len({place[0] for place in places}) != feeds:
        return None
    return Form(
        memory=tuple(place[0] for place in places),
        read=tuple(pad.read_pj > 0 or pad.read_words_per_cycle < inf or _shared(pad) for pad in pads),
        written=tuple(
            pad.fill_pj > 0 or pad.update_pj > 0 or pad.write_words_per_cycle < inf or _shared(pad)
            for pad in pads
        ),
        apart=any(level.block_words > 1 for level in levels[feeds:]),
        elided=rules.first_touch is FirstTouch.ELIDED,
        drained=rules.drain is Drain.READ,
        alike=alike_of(
            np.array([[pad.fill_pj for pad in pads]]),
            np.array([[min(pad.write_words_per_cycle, pad.shared_words_per_cycle) for pad in pads]]),
            np.array([[pad.cluster for pad in pads]]),
        ),
    )


def alike_of(fill_pj: Floats, rates: Floats, cluster: Floats) -> tuple[int, ...]:
    """By pad, the first pad whose words cost as much to write on every machine, shape (n, pads).

    What is written to pads of equal price counts together, where no port of theirs takes time.
    """
    free = np.isinf(rates).all(axis=0) & (cluster == 1).all(axis=0)
    same = (fill_pj[:, :, None] == fill_pj[:, None, :]).all(axis=0) & free & free[:, None]
    np.fill_diagonal(same, val=True)
    return tuple(int(first) for first in same.argmax(axis=1))


def _shared(pad: StorageLevel) -> bool:
    return pad.shared_words_per_cycle < inf


def _kept(level: StorageLevel, constraints: Constraints) -> tuple[bool | None, ...]:
    """Whether a level keeps W, I and O; None where a mapping may choose."""
    limits = constraints.at(level.name)
    return tuple(
        letter in limits.keep or (False if letter in limits.bypass or not level.may_keep(letter) else None)
        for letter in LETTERS
    )
