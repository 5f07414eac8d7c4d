"""How good a predictor is on networks that it has not seen."""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError

FloatArray = NDArray[np.float64]

_NORMAL: Final = 1.6448536269514722


@dataclass(frozen=True)
class Quality:
    """A predictor's figures on held-out networks.

    Attributes
    ----------
    networks
        How many.
    tau
        Kendall's tau-b between predicted and measured log loss.
    tau_better_half
        The same among the half with the lower measured loss: the half a search looks at.
    regret
        Accuracy of the most accurate network minus that of the one predicted best.
    coverage
        Share of measured values inside the predicted 90 % intervals.

    """

    networks: int
    tau: float
    tau_better_half: float
    regret: float
    coverage: float


def quality(mean: FloatArray, deviation: FloatArray, target: FloatArray, accuracy: FloatArray) -> Quality:
    """Hold predictions against measurements.

    Parameters
    ----------
    mean, deviation
        Predicted ln(log loss), shape (n,).
    target
        Measured, shape (n,).
    accuracy
        Measured, shape (n,); for the regret.

    Raises
    ------
    ValueError
        If there are fewer than two networks.

    Examples
    --------
    >>> target = np.array([0.1, 0.2, 0.3, 0.4])
    >>> quality(target, np.full(4, 0.1), target, -target)
    Quality(networks=4, tau=1.0, tau_better_half=1.0, regret=0.0, coverage=1.0)

    """
    if len(target) < 2:
        raise InputError(f"quality: {len(target)} networks held out, at least 2 are needed")
    better = np.argsort(target, kind="stable")[: max(2, len(target) // 2)]
    return Quality(
        networks=len(target),
        tau=kendall(mean, target),
        tau_better_half=kendall(mean[better], target[better]),
        regret=float(accuracy.max() - accuracy[int(np.argmin(mean))]),
        coverage=float(np.mean(np.abs(target - mean) <= _NORMAL * deviation)),
    )


def kendall(one: FloatArray, other: FloatArray) -> float:
    """Kendall's tau-b of two rankings; 0 where one of them is constant."""
    tau = float(import_module("scipy.stats").kendalltau(one, other).statistic)
    return 0.0 if np.isnan(tau) else tau
