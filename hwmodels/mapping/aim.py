"""What a search minimises, as one number that kernels compare."""

from math import inf

import numpy as np

from hwmodels.kernels.nest.columns import Floats
from hwmodels.kernels.nest.search import ENERGY, LATENCY, objective_of
from hwmodels.mapping.certificate import OBJECTIVES, Objective

Aim = float
"""LATENCY, ENERGY or EDP; or what `within` returns."""

_EQUAL = 1e-12
"""Relative: cycles that differ by less are equal, as ports' words are summed in another order elsewhere."""


def within(cycles: float) -> Aim:
    """The energy of what takes no more than some cycles; anything slower costs without limit.

    As what it costs never falls with cycles or energy, the bounds of every search hold for it as they are.
    """
    return -cycles * (1.0 + _EQUAL)


def ranked(objective: Objective, cycles: float, energy: float) -> tuple[float, float]:
    """What is minimised, and what decides between equals: energy, and cycles where that is minimised."""
    value = float(objective_of(OBJECTIVES[objective], cycles, energy))
    return value, cycles if objective == "energy" else energy


def value_of(aim: Aim, cycles: Floats, energy: Floats) -> Floats:
    """What is minimised, of many; see `hwmodels.kernels.nest.search.objective_of`."""
    if aim == LATENCY:
        return cycles
    if aim < 0:
        return np.where(cycles <= -aim, energy, inf)
    return energy if aim == ENERGY else cycles * energy
