"""Points at random, none of them twice: what every other strategy has to beat."""

from dse.strategies.certificate import Certificate
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray, Plan
from dse.strategies.walk import Walk

_AT_ONCE = 512


class Random:
    """A walk through the space in random order."""

    def __init__(self, plan: Plan) -> None:
        self._walk = Walk(plan.problem.space, plan.seed)

    def ask(self) -> IndexArray:
        """Return the walk's next points."""
        return self._walk.next(_AT_ONCE)

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Learn nothing."""

    @property
    def certificate(self) -> Certificate | None:
        """Nothing is proved."""
        return None


def start(name: str, plan: Plan) -> Random:
    """Begin the walk."""
    return Random(plan)
