"""Draws without replacement: how many of `drawn` elements are non-zero when `marked` of `population` are.

Closed forms are vectorised over their integer arguments. Source: Sparseloop's uniform density model
(Wu et al., MICRO 2022) is this distribution.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def variance(population: ArrayLike, marked: ArrayLike, drawn: ArrayLike) -> FloatArray:
    """Variance of the number of non-zeros drawn, in elements squared.

    Examples
    --------
    >>> float(variance(4, 2, 1))  # one element of a half-full tensor: 1/2 * 1/2
    0.25

    """
    n, r, t = (np.asarray(value, dtype=np.float64) for value in (population, marked, drawn))
    density = r / n
    return t * density * (1.0 - density) * (n - t) / np.maximum(n - 1.0, 1.0)


def probability_none(population: ArrayLike, marked: ArrayLike, drawn: ArrayLike) -> FloatArray:
    """Probability that none of the elements drawn is non-zero: C(N - r, n) / C(N, n).

    Examples
    --------
    >>> round(float(probability_none(4, 2, 2)), 12)  # 1 of the 6 pairs avoids both non-zeros
    0.166666666667

    """
    from scipy.special import gammaln

    n, r, t = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (population, marked, drawn))
    )
    possible = t <= n - r
    rest = np.where(possible, n - r - t, 0.0)
    logarithm = gammaln(n - r + 1.0) - gammaln(rest + 1.0) + gammaln(n - t + 1.0) - gammaln(n + 1.0)
    return np.where(possible, np.exp(np.minimum(logarithm, 0.0)), 0.0)


def probabilities(population: int, marked: int, drawn: int) -> FloatArray:
    """Probability of each count 0 ... drawn, shape (drawn + 1,)."""
    from scipy.special import gammaln

    mass = np.zeros(drawn + 1)
    least, most = max(0, drawn - (population - marked)), min(drawn, marked)
    hits = np.arange(least, most + 1, dtype=np.float64)
    logarithm = -(
        gammaln(hits + 1.0)
        + gammaln(marked - hits + 1.0)
        + gammaln(drawn - hits + 1.0)
        + gammaln(population - marked - drawn + hits + 1.0)
    )
    weight = np.exp(logarithm - logarithm.max())
    mass[least : most + 1] = (
        weight / weight.sum()
    )  # the constant factors cancel, and with them their rounding
    return mass
