"""Evolutionary search by pymoo: NSGA-II, NSGA-III and SMS-EMOA on the codes of the axes.

Every generation is costed as one batch, and no point is bred twice. Codes are integers in the order in which
an axis lists its values: children are rounded, and minimised objectives enter as logarithms. Parents mate
with neighbours: what two designs of like costs have in common is worth keeping, what a small and a large one
have is not (measured on two million points: at 2,000 costed, twice as many points of the front).
"""

import math
from typing import Any, Final

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.algorithms.moo.sms import SMSEMOA, cv_and_dom_tournament
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.evaluator import Evaluator
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding
from pymoo.problems.static import StaticProblem
from pymoo.termination import get_termination
from pymoo.util.ref_dirs import get_reference_directions

from dse.strategies.certificate import Certificate
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray, Plan
from dse.strategies.walk import Walk

_SMALLEST: Final = 16
"""Least population."""
_MATES: Final = 8
"""Nearest individuals of which one is the second parent."""
_BROODS: Final = 2
"""Generations of NSGA-II in which as many are bred as its population holds: half of it at a time."""


class Evolutionary:
    """One of pymoo's algorithms; where it breeds nothing new, a random walk goes on."""

    def __init__(self, name: str, plan: Plan) -> None:
        self._space = plan.problem.space
        self._seen: set[int] = set()
        self._walk = Walk(self._space, plan.seed)
        self._genes = [axis for axis, length in enumerate(self._space.shape) if length > 1]
        self._logarithmic = np.array([not objective.maximise for objective in plan.problem.objectives])
        # Twice the root of the budget: as many generations as half a population, which does well from 500 to
        # 10,000 points.
        self._population = max(_SMALLEST, 2 * round(math.sqrt(plan.budget)))
        self._worst = np.full(len(self._logarithmic), -np.inf)  # objectives of what was feasible
        self._bred: Any = None
        first = self._first(min(self._population, plan.budget), plan.seed)
        self._algorithm = _algorithm(name, self, first, len(self._logarithmic), plan.seed)
        self._over = not len(first) or not self._genes

    @property
    def certificate(self) -> Certificate | None:
        """Nothing is proved."""
        return None

    def ask(self) -> IndexArray:
        """Return the next generation."""
        if not self._over:
            self._bred = self._algorithm.ask()
            self._over = self._bred is None or not len(self._bred)
        if self._over:
            self._bred = None
            return self._strangers()
        index = self.points(self._bred.get("X"))
        self._seen.update(index.tolist())
        return index

    def _first(self, count: int, seed: int) -> IndexArray:
        """Sobol points, and the two corners where all axes are at their first or all at their last value."""
        corners = np.array([0, self._space.size - 1], dtype=np.int64)
        corners = corners[self._space.violated(corners) < 0]
        sample = self._space.sample(count, "sobol", seed)
        return np.unique(np.concatenate([corners, sample[: max(0, count - len(corners))]]))[:count]

    def _strangers(self) -> IndexArray:
        """Points of the walk that were never bred."""
        while len(fresh := self._walk.next(self._population)):
            new = fresh[self.unseen(fresh)]
            if len(new):
                return new
        return fresh

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Let the generation compete with its parents."""
        if self._bred is None or len(index) < len(self._bred):
            return
        logs = np.log10(np.maximum(values, np.finfo(float).tiny))
        objectives = np.where(self._logarithmic, logs, values)
        self._worst = np.maximum(self._worst, objectives[feasible].max(axis=0, initial=-np.inf))
        shown = np.where(np.isfinite(self._worst), self._worst, 0.0)
        objectives[~feasible] = shown  # their violation alone decides
        violation = np.where(feasible, -1.0, 1.0)[:, None]
        Evaluator().eval(StaticProblem(self._algorithm.problem, F=objectives, G=violation), self._bred)
        self._algorithm.tell(infills=self._bred)

    def points(self, codes: Any) -> IndexArray:
        """Indices of individuals, whose genes are the codes of the axes with a choice, shape (n, n_genes)."""
        every = np.zeros((len(self._space.shape), len(codes)), dtype=np.int64)
        every[self._genes] = np.asarray(codes, dtype=np.int64).T
        return self._space.index_of(every)

    @property
    def highest(self) -> IndexArray:
        """Largest code of each gene."""
        return np.array([self._space.shape[axis] - 1 for axis in self._genes], dtype=np.int64)

    def genes(self, index: IndexArray) -> IndexArray:
        """Codes of the axes with a choice, shape (n, n_genes)."""
        return self._space.codes(index)[self._genes].T

    def unseen(self, index: IndexArray) -> BoolArray:
        """Say which points are admissible, new, and the first of their kind, shape (n,)."""
        new = self._space.violated(index) < 0
        here: set[int] = set()
        for position, point in enumerate(index.tolist()):
            if point in self._seen or point in here:
                new[position] = False
            here.add(point)
        return new


def _algorithm(name: str, search: Evolutionary, first: IndexArray, objectives: int, seed: int) -> Any:
    """Set up pymoo's algorithm."""

    class OnlyNew(DuplicateElimination):  # type: ignore[misc]
        """Individuals whose points were never asked for and are admissible."""

        def do(self, pop: Any, *others: Any, **options: Any) -> Any:
            """Return those of a population, the other populations' points left out too."""
            if not len(pop):
                return pop
            index = search.points(pop.get("X"))
            new = search.unseen(index)
            for other in others:
                if len(other):
                    new &= ~np.isin(index, search.points(other.get("X")))
            return pop[new]

    operators: dict[str, Any] = {
        "sampling": search.genes(first),
        "crossover": SBX(eta=15, prob=0.9, vtype=float, repair=RoundingRepair()),
        "mutation": PM(eta=10, vtype=float, repair=RoundingRepair()),
        "eliminate_duplicates": OnlyNew(),
        "pop_size": len(first),
    }
    if name == "nsga3":
        directions = _directions(objectives, max(1, len(first)))
        operators["pop_size"] = max(len(first), len(directions))
        mates = _neighbours(_by_violation_then_chance)
        algorithm: Any = NSGA3(directions, selection=mates, **operators)
    elif name == "nsga2":
        # Crowding distance is blind to gaps between more than two objectives; nearest neighbours are not
        # (Kukkonen and Deb, PPSN 2006). Measured, both save a third of what is missing at 2,000 points.
        operators |= {
            "survival": RankAndCrowding(crowding_func="mnn"),
            "n_offsprings": max(1, len(first) // _BROODS),
        }
        algorithm = NSGA2(selection=_neighbours(binary_tournament), **operators)
    else:
        algorithm = SMSEMOA(selection=_neighbours(cv_and_dom_tournament), **operators)
    upper = search.highest
    problem = Problem(
        n_var=len(upper), n_obj=objectives, n_ieq_constr=1, xl=np.zeros_like(upper), xu=upper, vtype=int
    )
    algorithm.setup(problem, termination=get_termination("n_gen", 2**31), seed=seed, verbose=False)
    return algorithm


def _neighbours(better: Any) -> Any:
    """Pairs of parents: the first wins a tournament, the second is one of those nearest to it in cost."""

    class Neighbours(Selection):  # type: ignore[misc]
        """Tournament, then a neighbour."""

        def _do(
            self, problem: Any, pop: Any, n_select: int, n_parents: int, random_state: Any = None, **more: Any
        ) -> Any:
            tournament = TournamentSelection(func_comp=better)
            pairs = tournament._do(problem, pop, n_select, n_parents, random_state=random_state, **more)
            costs = pop.get("F")
            extent = np.ptp(costs, axis=0)
            costs = costs / np.where(extent > 0, extent, 1.0)
            first = pairs[:, 0]
            distance = ((costs[first][:, None, :] - costs[None, :, :]) ** 2).sum(axis=2)
            distance[np.arange(len(first)), first] = np.inf
            near = np.argsort(distance, axis=1, kind="stable")[:, : min(_MATES, max(1, len(costs) - 1))]
            chosen = random_state.integers(0, near.shape[1], len(first))
            return np.stack([first, near[np.arange(len(first)), chosen]], axis=1)

    return Neighbours()


def _directions(objectives: int, population: int) -> FloatArray:
    """Reference directions of NSGA-III: the finest simplex lattice with no more points than individuals."""
    steps = 1
    while objectives > 1 and math.comb(objectives + steps, steps + 1) <= population:
        steps += 1
    return np.asarray(get_reference_directions("das-dennis", objectives, n_partitions=steps))


def _by_violation_then_chance(pop: Any, pairs: Any, random_state: Any = None, **_: Any) -> Any:
    """Tournaments of NSGA-III: the feasible one, else either. pymoo's own draws without a seed."""
    violation = np.array([pop[i].CV[0] for i in pairs.ravel()]).reshape(pairs.shape)
    coin = random_state.random(len(pairs)) < 0.5
    first = np.where(violation[:, 0] == violation[:, 1], coin, violation[:, 0] < violation[:, 1])
    return np.where(first, pairs[:, 0], pairs[:, 1])[:, None]


def start(name: str, plan: Plan) -> Evolutionary:
    """Begin with a Sobol sample of the space."""
    return Evolutionary(name, plan)
