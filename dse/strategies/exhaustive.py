"""Every point, in the order of the indices."""

import numpy as np

from dse.strategies.certificate import Certificate
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray, Plan
from workloads.errors import InputError

_AT_ONCE = 4096


class Exhaustive:
    """Every point that no architecture constraint excludes."""

    def __init__(self, plan: Plan) -> None:
        self._space = plan.problem.space
        self._points = self._space.admissible()
        if plan.budget < self._points:
            raise InputError(
                f"budget {plan.budget:,} is less than the {self._points:,} points of space "
                f"{self._space.name}; exhaustive costs them all"
            )
        self._next = 0
        self._costed = 0

    def ask(self) -> IndexArray:
        """Return the next range."""
        while self._next < self._space.size:
            stop = min(self._next + _AT_ONCE, self._space.size)
            index = np.arange(self._next, stop, dtype=np.int64)
            self._next = stop
            admissible = index[self._space.violated(index) < 0]
            if len(admissible):
                return admissible
        return np.zeros(0, dtype=np.int64)

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Count them."""
        self._costed += len(index)

    @property
    def certificate(self) -> Certificate:
        """Everything was costed."""
        return Certificate(points=self._points, costed=self._costed)


def start(name: str, plan: Plan) -> Exhaustive:
    """Begin at index 0.

    Raises
    ------
    ValueError
        If the budget does not cover the space.

    """
    return Exhaustive(plan)
