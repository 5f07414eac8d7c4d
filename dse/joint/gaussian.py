"""A Gaussian process for few samples and many columns: hyper-parameters by their most probable value."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]

_ROOT: Final = math.sqrt(5.0)
_FOLDS: Final = 5
_SMALL: Final = 1e-9
_LENGTH, _SCALE, _TREND, _NOISE = (0.0, 0.5), (0.0, 0.7), (math.log(0.7), 1.0), (math.log(0.3), 0.7)
"""Mean and deviation of the logarithms, of columns and targets with deviation 1."""


class GaussianProcess:
    """y ~ N(m, s^2 M(r) + t^2 x.x' / D + e^2 I), r^2 = sum_j ((x_j - x'_j) / l_j)^2 / D over D columns.

    M is Matern's kernel of smoothness 5/2, and the second term a linear trend. Each logarithm of a length l_j
    and of s, t and e has a normal prior, and takes its most probable value given the samples: by likelihood
    alone a length a column fits tens of samples too well, and the process is too sure of itself.

    Parameters
    ----------
    seed
        Of the folds by which deviations are calibrated.

    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x: FloatArray, y: FloatArray) -> "GaussianProcess":
        """Learn targets y, shape (n,), of descriptions x, shape (n, columns)."""
        self._given = x, y
        self._centre, self._extent = x.mean(0), x.std(0)
        self._moves = self._extent > _SMALL
        self._x = self._scaled(x)
        self._mean, self._deviation = float(y.mean()), max(float(y.std()), _SMALL)
        self._target = (y - self._mean) / self._deviation
        columns = self._x.shape[1]
        prior = np.array([*[_LENGTH] * columns, _SCALE, _TREND, _NOISE])
        found = minimize(
            self._improbable,
            prior[:, 0],
            (prior[:, 0], prior[:, 1]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-5.0, 5.0)] * len(prior),
            options={"maxiter": 200},
        )
        self._logs = np.asarray(found.x)
        self._factor = cho_factor(self._kernel(self._x, self._x) + self._noise() * np.eye(len(y)), lower=True)
        self._weights = cho_solve(self._factor, self._target)
        return self

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the posterior's mean and deviation, noise included."""
        here = self._scaled(x)
        across = self._kernel(here, self._x)
        own = np.exp(2 * self._logs[-3]) + np.exp(2 * self._logs[-2]) * (here**2).sum(1) / self._columns()
        told = np.einsum("ij,ji->i", across, cho_solve(self._factor, across.T))
        variance = np.maximum(own - told, 0.0) + self._noise()
        return self._mean + self._deviation * (across @ self._weights), self._deviation * np.sqrt(variance)

    def covariance(self, x: FloatArray) -> tuple[FloatArray, float]:
        """Return the posterior's covariance at x without noise, shape (n, n), and the noise's variance."""
        here = self._scaled(x)
        across = self._kernel(here, self._x)
        left = self._kernel(here, here) - across @ cho_solve(self._factor, across.T)
        return left * self._deviation**2, self._noise() * self._deviation**2

    def left_out(self) -> FloatArray:
        """Return how many deviations samples are away from what is learnt without their fifth, shape (n,)."""
        return without_a_fifth(GaussianProcess, *self._given, self.seed)

    def _columns(self) -> int:
        return max(1, int(self._x.shape[1]))

    def _noise(self) -> float:
        return float(np.exp(2 * self._logs[-1])) + _SMALL

    def _scaled(self, x: FloatArray) -> FloatArray:
        moved = x[:, self._moves] - self._centre[self._moves]
        return np.asarray(moved / self._extent[self._moves])

    def _kernel(self, one: FloatArray, other: FloatArray) -> FloatArray:
        curved, _ = _matern(one, other, self._logs[:-3])
        trend = np.exp(2 * self._logs[-2]) * (one @ other.T) / self._columns()
        return np.asarray(np.exp(2 * self._logs[-3]) * curved + trend)

    def _improbable(
        self, logs: FloatArray, centre: FloatArray, spread: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return -ln of the posterior of the hyper-parameters, but for a constant, and its gradient."""
        x, target = self._x, self._target
        eye = np.eye(len(x))
        curved, slope = _matern(x, x, logs[:-3])
        scale, trend, noise = np.exp(2 * logs[-3:])
        lines = trend * (x @ x.T) / self._columns()
        factor = cho_factor(scale * curved + lines + (noise + _SMALL) * eye, lower=True)
        weights = cho_solve(factor, target)
        pull = (cho_solve(factor, eye) - np.outer(weights, weights)) / 2  # d(-ln likelihood) / dK
        told = pull * (scale * slope)
        inverse = np.exp(-2 * logs[:-3]) / self._columns()
        lengths = 2 * inverse * ((x**2 * told.sum(1)[:, None]).sum(0) - (x * (told @ x)).sum(0))
        gradient = np.array(
            [
                *lengths,
                2 * scale * (pull * curved).sum(),
                2 * (pull * lines).sum(),
                2 * noise * np.trace(pull),
            ]
        )
        away = (logs - centre) / spread
        value = target @ weights / 2 + np.log(np.diag(factor[0])).sum() + (away**2).sum() / 2
        return float(value), gradient + away / spread


def without_a_fifth(
    make: Callable[[int], Any], x: FloatArray, y: FloatArray, seed: int
) -> NDArray[np.float64]:
    """Return how many deviations samples are away from what models learn without their fifth, shape (n,)."""
    order = np.random.default_rng(seed).permutation(len(y))
    away = np.zeros(len(y))
    for part in np.array_split(order, min(_FOLDS, len(y))):
        rest = np.setdiff1d(order, part)
        mean, deviation = make(seed).fit(x[rest], y[rest]).predict(x[part])
        away[part] = np.abs(y[part] - mean) / np.maximum(deviation, _SMALL)
    return away


def _matern(one: FloatArray, other: FloatArray, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return M(r) and -(dM/dr) / r of all pairs, lengths given by their logarithms."""
    lengths = np.exp(logs) * math.sqrt(max(1, len(logs)))
    alike = np.zeros((len(one), len(other)))  # where no column moves
    distance = _ROOT * cdist(one / lengths, other / lengths) if len(logs) else alike
    fall = np.exp(-distance)
    return (1 + distance + distance**2 / 3) * fall, 5 / 3 * (1 + distance) * fall
