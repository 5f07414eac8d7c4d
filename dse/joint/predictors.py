"""Accuracy predicted from a network's description, with uncertainty that samples left out have calibrated.

What is predicted is ln(log loss). "gaussian_process" is Chameleon's predictor (Dai et al., CVPR 2019),
"boosted_trees" STEERAGE's (Hassantabar, Dai, Jha, arXiv 1912.05831), "committee" the mean of both.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dse.errors import UnknownNameError, nearest
from dse.joint.gaussian import GaussianProcess, without_a_fifth
from workloads.errors import shown
from workloads.extras import library

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_BOOTSTRAPS: Final = 10
_LEAST: Final = 1e-12
_CALIBRATED_FROM: Final = 10
_COVERED: Final = 0.9
_NORMAL: Final = 1.6448536269514722
"""Half width of the central 90 % of a normal distribution, in deviations."""


class Model(Protocol):
    """What learns: it is fitted once, and then asked for means and deviations."""

    def fit(self, x: FloatArray, y: FloatArray) -> Any:
        """Learn targets y, shape (n,), of descriptions x, shape (n, columns)."""

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation at x, each of shape (n,)."""

    def covariance(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return how what is unknown of the means at x varies together, (n, n), and the noise's variance."""

    def left_out(self) -> FloatArray:
        """Return, of samples predicted without themselves, how many deviations they are away, shape (n,)."""


class BoostedTrees:
    """Gradient-boosted trees on bootstrap samples; their spread and out-of-bag error are the uncertainty."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x: FloatArray, y: FloatArray) -> "BoostedTrees":
        """Learn one ensemble a bootstrap sample."""
        boosting = library("sklearn.ensemble", "learn", "a predictor of accuracy").GradientBoostingRegressor
        draw = np.random.default_rng(self.seed)
        self._models = []
        sums, squares, counts = np.zeros(len(y)), np.zeros(len(y)), np.zeros(len(y))
        for number in range(_BOOTSTRAPS):
            rows = draw.integers(0, len(y), len(y))
            model = boosting(
                n_estimators=80,
                learning_rate=0.1,
                max_depth=3,
                subsample=0.7,
                max_features=0.5,
                min_samples_leaf=2,
                random_state=self.seed * _BOOTSTRAPS + number,
            ).fit(x[rows], y[rows])
            self._models.append(model)
            left = np.setdiff1d(np.arange(len(y)), rows)
            if left.size:
                said = model.predict(x[left])
                sums[left] += said
                squares[left] += said**2
                counts[left] += 1
        seen = counts > 0
        mean = sums[seen] / counts[seen]
        errors = y[seen] - mean
        self._noise = float(np.sqrt(np.mean(errors**2))) if seen.any() else float(y.std())
        spread = np.maximum(squares[seen] / counts[seen] - mean**2, 0.0)
        self._away = np.abs(errors) / np.maximum(np.sqrt(spread + self._noise**2), 1e-9)
        return self

    def left_out(self) -> FloatArray:
        """Predict each sample by the ensembles whose bootstrap sample lacks it."""
        return self._away

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation over the ensembles, the noise added."""
        each = np.stack([model.predict(x) for model in self._models])
        return each.mean(0), np.sqrt(each.var(0) + self._noise**2)

    def covariance(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return the covariance over the ensembles, and the out-of-bag error's square."""
        each = np.stack([model.predict(x) for model in self._models])
        away = each - each.mean(0)
        return away.T @ away / len(each), self._noise**2


class Committee:
    """The Gaussian process and the trees, with equal votes: they err in different places."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._members: tuple[Model, ...] = (GaussianProcess(seed), BoostedTrees(seed))

    def fit(self, x: FloatArray, y: FloatArray) -> "Committee":
        """Let every member learn."""
        self._given = x, y
        for member in self._members:
            member.fit(x, y)
        return self

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean of the members' means, and the root of the mean of their variances."""
        means, deviations = zip(*(member.predict(x) for member in self._members), strict=True)
        return np.mean(means, axis=0), np.sqrt(np.mean(np.square(deviations), axis=0))

    def covariance(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return the mean of the members' covariances, and of their noises' variances."""
        covariances, noises = zip(*(member.covariance(x) for member in self._members), strict=True)
        return np.mean(covariances, axis=0), float(np.mean(noises))

    def left_out(self) -> FloatArray:
        """Let committees that lack a fifth of the samples predict it."""
        return without_a_fifth(Committee, *self._given, self.seed)


PREDICTORS: Final[dict[str, Callable[[int], Model]]] = {
    "boosted_trees": BoostedTrees,
    "committee": Committee,
    "gaussian_process": GaussianProcess,
}
"""Predictors by name, made of a seed."""


class Predictor:
    """A model whose deviations are scaled so that 90 % intervals hold 90 % of the samples left out.

    Parameters
    ----------
    name
        One of `PREDICTORS`.
    seed
        Equal seeds give equal predictions.

    Attributes
    ----------
    scale
        What deviations are multiplied by.

    """

    def __init__(self, name: str, seed: int = 0) -> None:
        if name not in PREDICTORS:
            raise UnknownNameError(f"unknown predictor {shown(name)}{nearest(name, PREDICTORS)}")
        self.name, self.seed = name, seed
        self.scale = 1.0

    def fit(self, x: FloatArray, y: FloatArray) -> "Predictor":
        """Learn targets y, shape (n,), of descriptions x, shape (n, columns)."""
        self._model = PREDICTORS[self.name](self.seed)
        self._model.fit(x, y)
        self.scale = 1.0
        if len(y) >= _CALIBRATED_FROM:
            away = self._model.left_out()
            share = min(1.0, _COVERED * (1 + 1 / len(away)))  # one more sample is among so many
            self.scale = float(np.quantile(away, share) / _NORMAL)
        return self

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and calibrated standard deviation at x, each of shape (n,)."""
        mean, deviation = self._model.predict(x)
        return mean, deviation * self.scale

    def informative(self, x: FloatArray, count: int) -> IndexArray:
        """Choose samples, one after the other, whose measurement would tell most of all of x.

        argmax_c sum_i cov(i, c)^2 / (cov(c, c) + noise): by how much the variances at x fall once c is known
        (Cohn, Ghahramani, Jordan, "Active learning with statistical models", JAIR 1996).

        Returns
        -------
        int array of shape (min(count, n),)
            Places in x.

        """
        covariance, noise = self._model.covariance(x)
        chosen: list[int] = []
        for _ in range(min(count, len(x))):
            own = np.maximum(np.diag(covariance), 0.0) + noise + _LEAST
            gain = (covariance**2).sum(1) / own
            gain[chosen] = -1.0
            best = int(np.argmax(gain))
            chosen.append(best)
            covariance = covariance - np.outer(covariance[best], covariance[best]) / own[best]
        return np.array(chosen, dtype=np.int64)
