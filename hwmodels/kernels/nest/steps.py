"""What the loops spread over arrays leave for the rest: room in the fanouts, and steps at least."""

from math import ceil

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import ACROSS, DOWN, Factors, Ints


@lean
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


@lean
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
