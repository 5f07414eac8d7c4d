"""The exact front of a space, from a small share of its points: branch and bound over blocks of axis ranges.

A block is a box of the space. A machine that is in every respect as good as the best of the block bounds
what any of its points can reach (`monotone.py`), or the least of its points' own bounds does (`bounds.py`);
where a point that has been costed dominates the bound, nothing in the block can be on the front, and the
block is left out whole. Blocks that remain are halved along the axis that moves the objectives most, the most
promising ones first, until they are small enough to be costed point by point.
"""

import numpy as np

from dse.pareto.front import filter_finite, survive
from dse.strategies.bounds import bounds_of
from dse.strategies.certificate import Certificate
from dse.strategies.effects import Effects
from dse.strategies.limits import Admission, Ceilings
from dse.strategies.problem import LEAST
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray, Plan
from dse.strategies.tables import table_of
from workloads.errors import InputError, shown


class Certified:
    """Branch and bound; the certificate accounts for every point."""

    def __init__(self, plan: Plan) -> None:
        self._problem = plan.problem
        self._space = plan.problem.space
        self._check()
        self._bounds = bounds_of(self._space, self._problem.work, plan.spread)
        self._admission = Admission(self._space)
        self._ceilings = Ceilings(self._problem)
        self._budget = plan.budget
        self._seed = plan.seed
        self._effects: Effects | None = None
        self._sample = np.zeros(0, dtype=np.int64)
        self._sample_values = np.zeros((0, len(self._problem.objectives)))
        m, axes = len(self._problem.objectives), len(self._space.axes)
        self._front = np.zeros((0, m))
        self._low = np.zeros((0, axes), dtype=np.int64)
        self._high = self._low
        self._least = np.zeros((0, m))
        self._asked_least = np.zeros((0, m))
        whole = np.array([self._space.shape], dtype=np.int64).reshape(1, axes)
        self._points = int(self._admission.points(np.zeros_like(whole), whole).sum())
        self._costed = self._dominated = self._infeasible = self._bounded = self._pruned = 0
        self._tightest = np.inf

    def _check(self) -> None:
        if not self._space.model.bounded:
            name, model = self._space.name, self._space.model.name
            points = self._space.admissible()
            raise InputError(
                f"certified: space {name} has no lower bounds; its model ({model}) gives none. "
                f'strategy="exhaustive" proves the front of its {points:,} points by costing all'
            )
        known = self._problem.work.boundable
        for objective in self._problem.objectives:
            if objective.maximise or objective.column not in known:
                more = ", of each network or combined" if len(known) > len(LEAST) else ""
                raise InputError(
                    f"certified: there is no lower bound of {objective}; minimise {', '.join(LEAST)}{more}, "
                    "or search with exhaustive or nsga2"
                )

    @property
    def certificate(self) -> Certificate:
        """What became of every point."""
        return Certificate(
            points=self._points,
            costed=self._costed,
            dominated=self._dominated,
            infeasible=self._infeasible,
            blocks_bounded=self._bounded,
            blocks_pruned=self._pruned,
            tightest=self._tightest,
        )

    def ask(self) -> IndexArray:
        """Return a sample at first, then the points of blocks that could not be left out."""
        if self._effects is None:
            return self._draw()
        while True:
            found = self._step()
            if found is None:
                return np.zeros(0, dtype=np.int64)
            if len(found):
                return found

    def _draw(self) -> IndexArray:
        least, most, share = self._bounds.sample
        count = min(most, max(least, self._space.size // share), self._budget)
        return self._space.sample(count, "sobol", self._seed)

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Hold the points against their blocks' bounds and let them strike out other blocks."""
        self._costed += len(index)
        good = values[feasible]
        if self._effects is None:
            self._sample = index
            self._sample_values = np.where(feasible[:, None], values, np.inf)
        else:
            self._hold(good, self._asked_least[: len(index)][feasible])
        front = np.concatenate([self._front, good])
        self._front = np.ascontiguousarray(front[filter_finite(front)])
        if self._effects is None:
            self._effects = Effects(self._space, index[feasible], good)
            self._plant()
        self._strike()

    def _hold(self, values: FloatArray, least: FloatArray) -> None:
        """Check costed points against bounds of blocks that they lie in."""
        known = (least > 0) & np.isfinite(values)
        if known.any():
            self._tightest = min(self._tightest, float((values[known] / least[known]).min()))
        if self._tightest < 1.0:
            raise ArithmeticError(
                f"certified: a point costs {shown(self._tightest)} of its block's lower bound; the "
                "model does not bound what it says that it bounds (Model.least, dse.strategies.monotone)"
            )

    def _plant(self) -> None:
        """Start from blocks that span every axis but the fixed ones."""
        fixed = self._bounds.fixed_axes
        corners = self._space.codes(table_of(self._space, fixed)[0]).T
        high = np.tile(np.array(self._space.shape, dtype=np.int64), (len(corners), 1))
        high[:, list(fixed)] = corners[:, list(fixed)] + 1
        self._bound(corners, high, np.zeros((len(corners), len(self._problem.objectives))))

    def _step(self) -> IndexArray | None:
        """Halve the most promising blocks; points to cost, None where no block is left."""
        if not len(self._low):
            return None
        assert self._effects is not None
        order = np.argsort(self._effects.promise(self._least), kind="stable")
        chosen, rest = order[: self._bounds.at_once], np.sort(order[self._bounds.at_once :])
        low, high, least = self._low[chosen], self._high[chosen], self._least[chosen]
        self._low, self._high, self._least = self._low[rest], self._high[rest], self._least[rest]

        small = (high - low).prod(axis=1) <= max(1, self._bounds.leaf)
        self._halve(low[~small], high[~small], least[~small])
        index, box = self._points_of(low[small], high[small])
        bounds = least[small][box]
        fresh = ~np.isin(index, self._sample)  # those were costed already
        self._asked_least = bounds[fresh]
        return index[fresh]

    def _points_of(self, low: IndexArray, high: IndexArray) -> tuple[IndexArray, IndexArray]:
        """Admissible points of some boxes, and the box that each lies in."""
        length = high - low
        volume = length.prod(axis=1)
        box = np.repeat(np.arange(len(low)), volume)
        number = np.arange(len(box)) - np.repeat(np.cumsum(volume) - volume, volume)
        codes = np.empty((low.shape[1], len(box)), dtype=np.int64)
        for axis in range(low.shape[1] - 1, -1, -1):
            codes[axis] = low[box, axis] + number % length[box, axis]
            number = number // length[box, axis]
        index = self._space.index_of(codes)
        admitted = self._space.violated(index) < 0
        return index[admitted], box[admitted]

    def _halve(self, low: IndexArray, high: IndexArray, least: FloatArray) -> None:
        assert self._effects is not None
        if not len(low):
            return
        rows = np.arange(len(low))
        axis = self._effects.ranges(low, high).argmax(axis=1)
        middle = (low[rows, axis] + high[rows, axis] + 1) // 2
        lower, upper = high.copy(), low.copy()
        lower[rows, axis] = middle
        upper[rows, axis] = middle
        self._bound(np.concatenate([low, upper]), np.concatenate([lower, high]), np.tile(least, (2, 1)))

    def _bound(self, low: IndexArray, high: IndexArray, parents: FloatArray) -> None:
        """Bound blocks and keep those that may hold a point of the front; small ones wait for costing."""
        some = self._admission.points(low, high) > 0
        low, high, parents = low[some], high[some], parents[some]
        large = (high - low).prod(axis=1) > self._bounds.leaf
        least = parents.copy()
        rows = np.flatnonzero(large)
        if len(rows):
            found = self._bounds.least(low[rows], high[rows])
            self._bounded += len(rows) if self._bounds.dear else 0
            columns = [found[objective.column] for objective in self._problem.objectives]
            least[rows] = np.maximum(parents[rows], np.stack(columns, axis=1))
            block, point = np.nonzero(self._inside(low[rows], high[rows]))
            self._hold(self._sample_values[point], least[rows[block]])
            broken = self._ceilings.broken(found, len(rows)) | np.isinf(least[rows]).any(axis=1)
            lost = rows[broken]
            self._infeasible += self._uncosted(low[lost], high[lost])
            self._pruned += len(lost)
            keep = np.ones(len(low), dtype=bool)
            keep[lost] = False
            low, high, least = low[keep], high[keep], least[keep]
        self._low = np.concatenate([self._low, low])
        self._high = np.concatenate([self._high, high])
        self._least = np.concatenate([self._least, least])
        self._strike()

    def _strike(self) -> None:
        """Leave out blocks whose bound a costed point dominates."""
        if not len(self._low) or not len(self._front):
            return
        alive = survive(self._least, self._front)
        if alive.all():
            return
        lost = ~alive
        self._dominated += self._uncosted(self._low[lost], self._high[lost])
        self._pruned += int(lost.sum())
        self._low, self._high, self._least = self._low[alive], self._high[alive], self._least[alive]

    def _uncosted(self, low: IndexArray, high: IndexArray) -> int:
        """Admissible points of some blocks, without those of the sample."""
        return int(self._admission.points(low, high).sum() - self._inside(low, high).sum())

    def _inside(self, low: IndexArray, high: IndexArray) -> BoolArray:
        """Which points of the sample lie in which blocks, shape (n_blocks, n_sample)."""
        inside = np.ones((len(low), len(self._sample)), dtype=bool)
        for axis, codes in enumerate(self._space.codes(self._sample)):
            inside &= (low[:, axis, None] <= codes) & (codes < high[:, axis, None])
        return inside


def start(name: str, plan: Plan) -> Certified:
    """Tabulate the space's machines and begin with the whole space as blocks.

    Raises
    ------
    ValueError
        If an objective has no lower bound, or the space is too large for its tables.

    """
    return Certified(plan)
