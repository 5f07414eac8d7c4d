"""What the loops spread over arrays leave for the rest: room in the fanouts, steps and cycles at least."""

from math import ceil
from typing import Final

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import ACROSS, DOWN, ArchitectureColumns, Factors, Floats, Ints

_ROUNDED: Final = 1.0 - 1e-12
"""What the rounding of products may not add to whole cycles."""


@kernel
def fanouts_fit(fanouts: Ints, factors: Factors, depth: int, sequence: Ints) -> bool:
    """Whether the spatial loops of the dimensions assigned so far fit the fanouts."""
    for level in range(factors.shape[1]):
        across = 1
        down = 1
        for i in range(depth + 1):
            across *= factors[0, level, ACROSS, sequence[i]]
            down *= factors[0, level, DOWN, sequence[i]]
        if across > fanouts[level, 0] or down > fanouts[level, 1]:
            return False
    return True


@kernel
def least_steps(
    bounds: Ints, fanouts: Ints, factors: Factors, depth: int, sequence: Ints, known: float
) -> float:
    """Steps at least of any completion of a partial assignment whose spatial loops fit; `known` is one bound.

    Dimensions not assigned yet share what those assigned leave of every fanout, in whole numbers:
    product of their bounds over product of (fanout // taken), times the steps of those assigned.
    """
    steps = 1.0
    for i in range(sequence.size):
        d = sequence[i]
        spread = 1
        if i <= depth:
            for level in range(factors.shape[1]):
                spread *= factors[0, level, ACROSS, d] * factors[0, level, DOWN, d]
        steps *= ceil(bounds[d] / spread)
    for level in range(factors.shape[1]):
        across = 1
        down = 1
        for i in range(depth + 1):
            across *= factors[0, level, ACROSS, sequence[i]]
            down *= factors[0, level, DOWN, sequence[i]]
        steps /= (fanouts[level, 0] // across) * (fanouts[level, 1] // down)
    return max(known, steps)


@kernel
def least_cycles(arch: ArchitectureColumns, moved: Floats, steps: float) -> float:
    """Cycles at least of what takes so many steps and moves so many words at each level.

    max(steps, busiest hidden port) + sum of the busiest exposed ports, each in whole cycles; a port takes the
    words over its rate and over as many instances as there are. `moved` (L, 2) are words read and written.
    """
    _usable, fanouts, rates, hidden, _prices, _totals, joined = arch
    longest, exposed = float(ceil(steps * _ROUNDED)), 0.0
    instances = 1.0
    reads = writes = 0.0
    last = moved.shape[0] - 1  # of the memory that a level is part of
    for level in range(moved.shape[0] - 1, -1, -1):
        reads += moved[level, 0]
        writes += moved[level, 1]
        if joined[level] == 0:
            busy = max(reads / rates[last, 0], writes / rates[last, 1], (reads + writes) / rates[last, 2])
            busy = float(ceil(busy / instances * _ROUNDED))
            if hidden[last] == 1:
                longest = max(longest, busy)
            else:
                exposed += busy
            reads = writes = 0.0
            last = level - 1
        instances *= fanouts[level, 0] * fanouts[level, 1]
    return longest + exposed
