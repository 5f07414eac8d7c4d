"""Accuracy predicted from a network's description, with uncertainty that samples left out have calibrated.

What is predicted is ln(log loss). "gaussian_process" is Chameleon's predictor (Dai et al., CVPR 2019),
"boosted_trees" STEERAGE's (Hassantabar, Dai, Jha, arXiv 1912.05831).
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from dse.errors import UnknownNameError, nearest
from workloads.errors import shown
from workloads.extras import library

if TYPE_CHECKING:
    from workloads import Network, NetworkSpace

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_BOOTSTRAPS: Final = 10
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

    def left_out(self) -> FloatArray:
        """Return, of samples predicted without themselves, how many deviations they are away, shape (n,)."""


class GaussianProcess:
    """A Gaussian process with a Matern 5/2 kernel, one length a column, and white noise."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x: FloatArray, y: FloatArray) -> "GaussianProcess":
        """Learn by maximum likelihood from two starts."""
        gaussian = library("sklearn.gaussian_process", "learn", "a predictor of accuracy")
        kernels = library("sklearn.gaussian_process.kernels", "learn", "a predictor of accuracy")
        kernel = kernels.ConstantKernel(1.0, (1e-2, 1e2)) * kernels.Matern(
            np.full(x.shape[1], 2.0), (0.2, 1e2), nu=2.5
        ) + kernels.WhiteKernel(0.1, (1e-4, 1.0))
        self._model = gaussian.GaussianProcessRegressor(
            kernel, normalize_y=True, n_restarts_optimizer=1, random_state=self.seed
        )
        self._centre, self._extent = x.mean(0), np.maximum(x.std(0), 1e-9)
        with _quiet():
            self._model.fit(self._scaled(x), y)
        return self

    def left_out(self) -> FloatArray:
        """Leave each sample out in closed form: |K^-1 y|_i / sqrt([K^-1]_ii)."""
        solve = import_module("scipy.linalg").cho_solve
        inverse = solve((self._model.L_, True), np.eye(len(self._model.alpha_)))
        return np.asarray(np.abs(self._model.alpha_.ravel()) / np.sqrt(np.diag(inverse)))

    def _scaled(self, x: FloatArray) -> FloatArray:
        return np.asarray((x - self._centre) / self._extent)

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the posterior's mean and deviation, noise included."""
        mean, deviation = self._model.predict(self._scaled(x), return_std=True)
        return np.asarray(mean), np.asarray(deviation)


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


PREDICTORS: Final[dict[str, Callable[[int], Model]]] = {
    "boosted_trees": BoostedTrees,
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
        away = self._model.left_out()
        self.scale = float(np.quantile(away, _COVERED) / _NORMAL) if len(away) >= _CALIBRATED_FROM else 1.0
        return self

    def predict(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and calibrated standard deviation at x, each of shape (n,)."""
        mean, deviation = self._model.predict(x)
        return mean, deviation * self.scale


def described(space: "NetworkSpace", index: IndexArray, networks: Sequence["Network"]) -> FloatArray:
    """Describe networks in numbers: their place on every axis, and logarithms of their sizes.

    Returns
    -------
    float array of shape (n, columns)
        Axes as `NetworkSpace.features` has them; log10 of parameters, non-zero parameters, MACs and effectual
        MACs, and the number of nests.

    """
    sizes = [
        (
            *np.log10(np.maximum([n.parameters, n.nonzero_parameters, n.macs, n.effectual_macs], 1)),
            len(n.operations),
        )
        for n in networks
    ]
    return np.concatenate([space.features(index), np.array(sizes, dtype=np.float64)], axis=1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back warnings of lengths at their bounds: a column that says nothing has a long one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
