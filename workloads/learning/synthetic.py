"""Data sets drawn from a stated rule, in the form of ones that cannot be shipped. Nobody measured them.

synthetic_semantics()      classes with meanings, few samples each: what SECRET is for
synthetic_sensors()        windows of wearable sensors' readings, three classes: what DiabDeep is for
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError
from workloads.learning.data import Data, split


class Semantics(NamedTuple):
    """A data set whose labels have meanings.

    Attributes
    ----------
    data
        Samples with a split.
    meanings
        Embedding of each class, shape (meaning, classes), of unit length.

    """

    data: Data
    meanings: NDArray[np.float64]


def synthetic_semantics(
    *,
    classes: int = 20,
    samples: int = 20,
    features: int = 40,
    meaning: int = 8,
    noise: float = 2.0,
    seed: int = 0,
) -> Semantics:
    """Draw classes whose samples follow from their labels' meanings, not from the labels.

    x = tanh(A e_c) + noise n, with embeddings e_c and a matrix A drawn once; n standard normal

    Parameters
    ----------
    classes, samples, features
        Classes, samples of each, and numbers of a sample.
    meaning
        Dimensions of a meaning.
    noise
        Deviation of the noise.
    seed
        Equal seeds give equal sets.

    """
    if min(classes, samples, features, meaning) < 2 or noise < 0:
        raise WorkloadError(
            "synthetic_semantics: classes, samples, features, meaning must be 2 or more, noise not negative"
        )
    draw = np.random.default_rng(seed)
    embeddings = draw.standard_normal((meaning, classes))
    embeddings /= np.linalg.norm(embeddings, axis=0)
    made = np.tanh(2 * draw.standard_normal((features, meaning)) @ embeddings)
    labels = np.repeat(np.arange(classes), samples)
    inputs = made.T[labels] + noise * draw.standard_normal((len(labels), features))
    return Semantics(split("synthetic semantics", inputs, labels, seed=seed), embeddings)


def synthetic_sensors(
    *, samples: int = 120, steps: int = 15, features: int = 12, noise: float = 0.5, seed: int = 0
) -> Data:
    """Draw windows of readings of three classes that differ in how readings follow each other.

    x_t = R(class) x_(t-1) + noise n_t: a rotation of pairs of readings by an angle of the class

    Parameters
    ----------
    samples
        Of each class: healthy, and two kinds of illness, say; nothing here is about patients.
    steps, features
        Readings one after another, and at once; an even number.
    noise
        Deviation of the noise, of readings of deviation one.
    seed
        Equal seeds give equal sets.

    Notes
    -----
    At any one step the classes look alike: only the order of steps tells them apart.

    """
    if min(samples, steps) < 2 or features < 2 or features % 2 or noise < 0:
        raise WorkloadError("synthetic_sensors: samples, steps 2 or more, features even, noise not negative")
    draw = np.random.default_rng(seed)
    pieces, labels = [], []
    for number, angle in enumerate((0.2, 0.6, 1.0)):
        phase = draw.uniform(0, 2 * np.pi, (samples, features // 2))
        turned = phase[:, None, :] + angle * np.arange(steps)[None, :, None]
        readings = np.concatenate([np.cos(turned), np.sin(turned)], axis=2) * 2**0.5
        pieces.append(readings + noise * draw.standard_normal(readings.shape))
        labels += [number] * samples
    return split("synthetic sensors", np.concatenate(pieces), labels, seed=seed)
