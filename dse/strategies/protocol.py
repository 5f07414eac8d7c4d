"""What every strategy speaks: it is asked for points, and told what they cost.

A strategy never costs anything itself. It may ask for any number of points at once, each of them a point of
the space that no architecture constraint excludes; a point that it asks for again is answered from memory and
not counted. It ends by asking for none. Everything it does follows from its plan, so that the same plan asks
for the same points.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dse.strategies.certificate import Certificate
from dse.strategies.problem import Problem

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Spread(Protocol):
    """Calls a function on pieces of work, on as many cores as there are."""

    def __call__(self, function: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
        """Return the results in the order of the pieces."""


class Plan(NamedTuple):
    """What a strategy starts from."""

    problem: Problem
    budget: int  # points that may be costed
    seed: int
    spread: Spread


class Strategy(Protocol):
    """One way to decide what to cost next."""

    def ask(self) -> IndexArray:
        """Return points to cost next, shape (n,); none when it is done."""

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Take in what was asked for.

        Parameters
        ----------
        index
            Points, in the order asked for, shape (n,); the first of them only where the budget has ended.
        values
            Objectives to minimise, shape (n, n_objectives); NaN where the network does not run.
        feasible
            Whether a point runs the network and satisfies every constraint, shape (n,).

        """

    @property
    def certificate(self) -> Certificate | None:
        """What proves that nothing better was left out; None for a strategy that proves nothing."""
