"""What every strategy speaks: it is asked for points, and told what they cost.

A strategy never costs anything itself. It may ask for any number of points at once, each of them a point of the
space that no architecture constraint excludes; points it has asked for before are answered from memory and cost
nothing. It ends by asking for none. Everything it does follows from its plan, so that the same plan asks for
the same points.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dse.strategies.certificate import Certificate
from dse.strategies.problem import Problem

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Plan(NamedTuple):
    """What a strategy starts from."""

    problem: Problem
    budget: int  # points that may be costed
    seed: int
    evaluate: "Mapper"  # spreads work over the cores


class Mapper(Protocol):
    """Calls a function on pieces of work, in parallel where it can, and returns the results in order."""

    def __call__(self, function: "object", pieces: "list[object]", /) -> "list[object]":
        """Results in the order of the pieces."""


class Strategy(Protocol):
    """One way to decide what to cost next."""

    def ask(self) -> IndexArray:
        """Return points to cost next, shape (n,); none when it is done."""

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Take in what was asked for.

        Parameters
        ----------
        index
            Points, in the order asked for, shape (n,); fewer where the budget has ended.
        values
            Objectives to minimise, shape (n, n_objectives); NaN where a point runs nothing.
        feasible
            Whether each point runs the network and satisfies every constraint, shape (n,).

        """

    @property
    def certificate(self) -> Certificate | None:
        """What proves that nothing better was left out; None for a strategy that proves nothing."""
