"""What rounding does to learning: a small classifier trained entirely in <IL, FL> fixed point.

Weights, activations, gradients and updates are words of the format; products run through the bit-true
datapath of `hwmodels.rounding`. Only the softmax and the learning rate's scaling are computed in float and
rounded back. The data are scikit-learn's 8 x 8 digits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwmodels.arithmetic import FixedArithmetic
from hwmodels.rounding import FixedPoint
from workloads.extras import library

HIDDEN, CLASSES = 32, 10
_BATCH = 32

Floats = NDArray[np.float64]


class Digits(NamedTuple):
    """Training and test images scaled to [0, 1], shapes (n, 64), and labels (n,)."""

    train: Floats
    train_labels: NDArray[np.int64]
    test: Floats
    test_labels: NDArray[np.int64]


def load_digits(seed: int = 0) -> Digits:
    """Split scikit-learn's 1,797 digits into 1,437 for training and 360 for testing.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.train.shape, digits.test.shape, float(digits.train.max())
    ((1437, 64), (360, 64), 1.0)

    """
    load = library("sklearn.datasets", "learn", "the digits of the rounding demonstration").load_digits
    images, labels = load(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    images, labels = images[order] / 16.0, labels[order]
    return Digits(images[:1437], labels[:1437], images[1437:], labels[1437:])


class _Real:
    """Real arithmetic."""

    def product(self, a: Floats, b: Floats) -> Floats:
        return a @ b

    def store(self, x: Floats) -> Floats:
        return x


def _train(data: Digits, arithmetic: _Real | FixedArithmetic, epochs: int, rate: float, seed: int) -> float:
    """Plain stochastic gradient descent on one hidden layer of rectified units; returns the test accuracy."""
    rng = np.random.default_rng(seed)
    keep, product = arithmetic.store, arithmetic.product
    first = keep(rng.normal(0, np.sqrt(2 / 64), (64, HIDDEN)))
    second = keep(rng.normal(0, np.sqrt(2 / HIDDEN), (HIDDEN, CLASSES)))
    images, wanted = keep(data.train), np.eye(CLASSES)[data.train_labels]
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order) - _BATCH + 1, _BATCH):
            batch = order[start : start + _BATCH]
            x = images[batch]
            hidden = np.maximum(product(x, first), 0.0)
            error = keep(_softmax(product(hidden, second)) - wanted[batch])
            back = product(error, second.T) * (hidden > 0)
            second = keep(second - keep(rate / _BATCH * product(hidden.T, error)))
            first = keep(first - keep(rate / _BATCH * product(x.T, back)))
    scores = product(np.maximum(product(keep(data.test), first), 0.0), second)
    return float((scores.argmax(axis=1) == data.test_labels).mean())


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def train_digits(
    fraction_bits: Sequence[int] = tuple(range(4, 17)),
    *,
    il: int = 6,
    modes: Sequence[str] = ("stochastic", "nearest"),
    epochs: int = 30,
    rate: float = 0.1,
    round_each: int = 16,
    seed: int = 0,
) -> "pd.DataFrame":
    """Train a classifier of the digits in <IL, FL> for each FL and way of rounding, and once in float.

    Parameters
    ----------
    fraction_bits
        The FLs to try; il + FL at most 29. Beyond 16 the datapath's 16-bit LFSR warns.
    il
        Integer bits, the sign among them.
    modes
        "stochastic", "nearest" or "truncate".
    epochs, rate
        Passes over the training images and learning rate, the same for all.
    round_each
        Products summed exactly before they are rounded: 16 in SPRING.
    seed
        Fixes split, initial weights, batches and random bits: same seed, same table.

    Returns
    -------
    DataFrame
        One row a training: `mode` ("float" for the reference), `fl` (missing for the reference),
        `test_accuracy` and `test_error`, fractions of the 360 test images.

    Notes
    -----
    The experiment is that of Gupta et al. (ICML 2015) in small: with few fraction bits an update below half a
    unit is lost when rounding to nearest, while stochastic rounding keeps it on average. With IL below 5 the
    hidden units of this network saturate, and that costs more than the fraction does.

    """
    data = load_digits(seed)
    rows: list[tuple[str, int | None, float]] = [("float", None, _train(data, _Real(), epochs, rate, seed))]
    for mode in modes:
        for fl in fraction_bits:
            arithmetic = FixedArithmetic(FixedPoint(il, fl), mode, round_each, seed)
            rows.append((mode, fl, _train(data, arithmetic, epochs, rate, seed)))
    table = pd.DataFrame(rows, columns=["mode", "fl", "test_accuracy"])
    table["fl"] = table["fl"].astype("Int64")
    table["test_error"] = 1 - table["test_accuracy"]
    return table
