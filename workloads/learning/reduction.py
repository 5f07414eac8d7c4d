"""Fewer features before synthesis: nine reductions, and the one by which a baseline learns best.

SCANN's first step (Hassantabar, Wang, Jha, arXiv 1904.09090). Those that are no random projections need
scikit-learn (extra `learn`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.extras import library
from workloads.grammar.arguments import takes
from workloads.learning.arguments import DATA
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Training, fit
from workloads.modules import to_module
from workloads.spaces.builders import perceptron

Floats = NDArray[np.float64]
Reducer = Callable[[Floats, NDArray[np.int64], int, np.random.Generator], Floats]


@dataclass(frozen=True)
class Reduction:
    """What a baseline chose.

    Attributes
    ----------
    data
        With fewer features.
    method
        Its name.
    features
        How many are left.
    ratio
        Features left over features before: hidden layers are scaled by it.
    accuracy
        Of the baseline on validation samples.

    """

    data: Data
    method: str
    features: int
    ratio: float
    accuracy: float


def reduced(data: Data, method: str, features: int, seed: int = 0) -> Data:
    """Return a data set with fewer features, learnt on training samples and scaled by them.

    Parameters
    ----------
    data
        The samples; images are flattened.
    method
        One of `METHODS`: "pca", "factor_analysis", "fast_ica", "isomap", "spectral", and random projections
        "gaussian", "sparse" (Achlioptas: +-1 with probability 1/6 each), "bernoulli" (+-1) and "uniform".
    features
        How many to keep.
    seed
        Of what is drawn.

    Raises
    ------
    WorkloadError
        If the method is unknown or the number out of range.

    Notes
    -----
    Spectral embedding has no map for new samples: it is of all samples without their labels.

    """
    if method not in METHODS:
        raise WorkloadError(f"method must be one of {', '.join(METHODS)}, got {shown(method)}")
    flat = data.inputs.reshape(len(data.inputs), -1).astype(np.float64)
    if isinstance(features, bool) or not 1 <= features <= flat.shape[1]:
        raise WorkloadError(f"data {data.name}: features must be 1 to {flat.shape[1]}, got {shown(features)}")
    made = METHODS[method](flat, data.train, features, np.random.default_rng(seed))
    seen = made[data.train]
    deviation = seen.std(0)
    scaled = (made - seen.mean(0)) / np.where(deviation > 0, deviation, 1.0)
    return replace(data, name=f"{data.name}, {method} {features}", inputs=scaled.astype(np.float32))


@takes(data=DATA)
def reduce_by_baseline(
    data: Data,
    ratios: Sequence[float] = (0.1, 0.25, 0.5),
    methods: Sequence[str] = ("pca", "gaussian", "sparse"),
    *,
    hidden: int = 64,
    training: Training = TRAINING,
) -> Reduction:
    """Choose method and number of features by the validation accuracy of a perceptron of one hidden layer.

    Parameters
    ----------
    data
        The samples.
    ratios
        Features to keep, over features there are.
    methods
        Of `METHODS`.
    hidden
        Units of the baseline on all features; on fewer it has as many fewer.
    training
        Of the baseline; its seed is that of what is drawn, too.

    Returns
    -------
    Reduction
        Of equally accurate ones the one with the fewest features.

    """
    every = int(np.prod(data.inputs.shape[1:]))
    if not ratios or not methods or not all(0 < ratio <= 1 for ratio in ratios):
        raise WorkloadError(f"ratios must be in (0, 1] and methods not empty, got {ratios} and {methods}")
    found = []
    for ratio in sorted(ratios):
        features = max(1, round(ratio * every))
        for method in methods:
            fewer = reduced(data, method, features, training.seed)
            network = perceptron(
                features=features, classes=data.classes, depth=1, width=(max(4, round(ratio * hidden)),)
            )
            score = fit(to_module(network, seed=training.seed), fewer, training).validation.accuracy
            found.append(Reduction(fewer, method, features, features / every, score))
    return max(found, key=lambda one: (one.accuracy, -one.features))


def _learnt(module: str, name: str, **options: Any) -> Reducer:
    def reduce(flat: Floats, train: NDArray[np.int64], features: int, draw: np.random.Generator) -> Floats:
        make = getattr(library(module, "learn", "a reduction of features"), name)
        seeded = {"random_state": int(draw.integers(1 << 31))} if options.get("seeded", True) else {}
        model = make(n_components=features, **seeded, **{k: v for k, v in options.items() if k != "seeded"})
        return np.asarray(model.fit(flat[train]).transform(flat))

    return reduce


def _spectral(flat: Floats, train: NDArray[np.int64], features: int, draw: np.random.Generator) -> Floats:
    make = library("sklearn.manifold", "learn", "a reduction of features").SpectralEmbedding
    return np.asarray(
        make(n_components=features, random_state=int(draw.integers(1 << 31))).fit_transform(flat)
    )


def _projected(entries: Callable[[np.random.Generator, tuple[int, int]], Floats]) -> Reducer:
    def reduce(flat: Floats, train: NDArray[np.int64], features: int, draw: np.random.Generator) -> Floats:
        made: Floats = flat @ entries(draw, (flat.shape[1], features)) / features**0.5
        return made

    return reduce


METHODS: Final[dict[str, Reducer]] = {
    "pca": _learnt("sklearn.decomposition", "PCA"),
    "factor_analysis": _learnt("sklearn.decomposition", "FactorAnalysis"),
    "fast_ica": _learnt("sklearn.decomposition", "FastICA", max_iter=1000, tol=1e-2),
    "isomap": _learnt("sklearn.manifold", "Isomap", seeded=False),
    "spectral": _spectral,
    "gaussian": _projected(lambda draw, shape: draw.standard_normal(shape)),
    "sparse": _projected(
        lambda draw, shape: 3**0.5 * draw.choice([-1.0, 0.0, 1.0], shape, p=[1 / 6, 2 / 3, 1 / 6])
    ),
    "bernoulli": _projected(lambda draw, shape: draw.choice([-1.0, 1.0], shape)),
    "uniform": _projected(lambda draw, shape: draw.uniform(-(3**0.5), 3**0.5, shape)),
}
"""Reductions by name: scikit-learn's, and random projections that keep squared lengths on average."""
