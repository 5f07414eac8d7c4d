"""Search with a model of the costs: for evaluations so expensive that a second of thought is cheap.

A regression learns the objectives' logarithms from what has been costed; of many candidates, points at random
and neighbours of the front, those go on that the model puts on the front. Up to 500 points a Gaussian process
learns (scikit-learn, Matern 5/2 with a length for each feature), beyond that boosted trees: measured, the
process is the more accurate and grows with the cube of the points.
"""

import warnings
from typing import Any, Final

import numpy as np

from dse.pareto.front import filter_finite
from dse.strategies.certificate import Certificate
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray, Plan
from dse.strategies.walk import Walk
from workloads.extras import library

_WHAT: Final = "strategy surrogate"
_GAUSSIAN_UP_TO: Final = 500
_CANDIDATES: Final = 20_000
_SHARE_FIRST: Final = 5
"""One point in so many of the budget is spent on the first sample."""
_FIRST: Final = (16, 100)
"""Points of the first sample, at least and at most."""
_GENERATIONS: Final = 20
"""Fits over the budget."""


class Surrogate:
    """Fit, predict, take the predicted front."""

    def __init__(self, plan: Plan) -> None:
        self._space = plan.problem.space
        self._seed = plan.seed
        self._walk = Walk(self._space, plan.seed)
        self._rng = np.random.default_rng([plan.seed, 0x5])
        least, most = _FIRST
        first = min(plan.budget, max(least, min(most, plan.budget // _SHARE_FIRST)))
        self._batch = max(1, -(-(plan.budget - first) // _GENERATIONS))
        self._first = self._space.sample(first, "sobol", plan.seed)
        self._index = np.zeros(0, dtype=np.int64)
        self._feasible = np.zeros(0, dtype=bool)
        self._values = np.zeros((0, len(plan.problem.objectives)))
        self._kernels: dict[int, tuple[int, Any]] = {}  # of each objective: points fitted to, kernel
        self._logarithmic = np.array([not objective.maximise for objective in plan.problem.objectives])

    @property
    def certificate(self) -> Certificate | None:
        """Nothing is proved."""
        return None

    def ask(self) -> IndexArray:
        """Return the first sample, then what the model puts on the front."""
        if not len(self._index):
            return self._first
        candidates = self._candidates()
        if len(candidates) <= self._batch or self._feasible.sum() < 2:
            return candidates[: self._batch]
        one_thread = library("threadpoolctl", "learn", _WHAT).threadpool_limits
        with one_thread(limits=1):  # small matrices: threads only get in each other's way
            predicted, chance = self._predict(candidates)
        chosen: list[int] = []
        left = np.arange(len(candidates))
        while len(chosen) < self._batch and len(left):
            likely = left[chance[left] >= 0.5] if (chance[left] >= 0.5).any() else left
            best = likely[filter_finite(predicted[likely])]
            if len(best) > self._batch - len(chosen):
                best = np.sort(self._rng.choice(best, self._batch - len(chosen), replace=False))
            chosen += best.tolist()
            left = np.setdiff1d(left, best, assume_unique=True)
        return candidates[chosen]

    def tell(self, index: IndexArray, values: FloatArray, feasible: BoolArray) -> None:
        """Keep them to learn from."""
        logs = np.log(np.maximum(values, np.finfo(float).tiny))
        self._index = np.concatenate([self._index, index])
        self._feasible = np.concatenate([self._feasible, feasible])
        self._values = np.concatenate([self._values, np.where(self._logarithmic, logs, values)])

    def _candidates(self) -> IndexArray:
        """Points not yet costed: one step from the front along any axis, and many at random."""
        good = np.flatnonzero(self._feasible)
        front = self._index[good[filter_finite(self._values[good])]]
        codes = self._space.codes(front)
        steps = []
        for axis, length in enumerate(self._space.shape):
            for value in range(length):
                moved = codes.copy()
                moved[axis] = value
                steps.append(self._space.index_of(moved))
        near = np.unique(np.concatenate(steps)) if steps else front
        near = near[self._space.violated(near) < 0]
        if len(near) > _CANDIDATES:
            near = np.sort(self._rng.choice(near, _CANDIDATES, replace=False))
        strangers = self._walk.next(_CANDIDATES)
        if not len(strangers):  # the walk is over; most of what it met was left aside
            self._walk = Walk(self._space, self._seed)
            strangers = self._walk.next(_CANDIDATES)
        return np.setdiff1d(np.unique(np.concatenate([near, strangers])), self._index)

    def _features(self, index: IndexArray) -> FloatArray:
        """Numbers for the model: logarithms of positive axes, codes of ordered ones, indicators of words."""
        columns = []
        for axis, codes in zip(self._space.axes, self._space.codes(index), strict=True):
            labels = [axis.column(field) for field in axis.fields]
            if any(label.dtype == object for label in labels):
                columns += [(codes == value).astype(float) for value in range(len(axis))]
                continue
            for label in labels:
                positive = label.astype(float)
                columns.append((np.log2(positive) if (positive > 0).all() else positive)[codes])
        return np.stack(columns, axis=1)

    def _predict(self, candidates: IndexArray) -> tuple[FloatArray, FloatArray]:
        """Objectives of candidates, shape (n, n_objectives), and the chance that each is feasible, (n,)."""
        known, new = self._features(self._index), self._features(candidates)
        middle, spread = known.mean(axis=0), known.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        known, new = (known - middle) / spread, (new - middle) / spread
        predicted = np.empty((len(candidates), self._values.shape[1]))
        for column in range(predicted.shape[1]):
            target = self._values[self._feasible, column]
            scale = float(target.std()) or 1.0
            model = self._fit(column, known[self._feasible], (target - target.mean()) / scale)
            predicted[:, column] = model.predict(new)
        chance = np.ones(len(candidates))
        if not self._feasible.all():
            trees = library("sklearn.ensemble", "learn", _WHAT)
            classifier = trees.HistGradientBoostingClassifier(max_iter=100, random_state=self._seed)
            chance = classifier.fit(known, self._feasible).predict_proba(new)[:, 1]
        return predicted, chance

    def _fit(self, column: int, features: FloatArray, target: FloatArray) -> Any:
        """Fit a model of one objective; a process keeps its lengths until it has half as many points more."""
        if len(target) > _GAUSSIAN_UP_TO:
            trees = library("sklearn.ensemble", "learn", _WHAT)
            return trees.HistGradientBoostingRegressor(max_iter=300, random_state=self._seed).fit(
                features, target
            )
        gaussian = library("sklearn.gaussian_process", "learn", _WHAT)
        kernels = library("sklearn.gaussian_process.kernels", "learn", _WHAT)
        if column not in self._kernels or len(target) >= 1.5 * self._kernels[column][0]:
            lengths = kernels.Matern(np.ones(features.shape[1]), (1e-2, 1e3), nu=2.5)
            model = gaussian.GaussianProcessRegressor(1.0 * lengths + kernels.WhiteKernel(1e-4, (1e-8, 1e-1)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a length at its bound: the axis has no effect
                model.fit(features, target)
            self._kernels[column] = (len(target), model.kernel_)
            return model
        return gaussian.GaussianProcessRegressor(self._kernels[column][1], optimizer=None).fit(
            features, target
        )


def start(name: str, plan: Plan) -> Surrogate:
    """Begin with a Sobol sample of the space."""
    return Surrogate(plan)
