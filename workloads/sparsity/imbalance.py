"""Load imbalance: how long PEs wait for the one with the most work, counted on masks or expected.

PEs take one row of work each (a filter, say) and wait for one another before the next group of rows. The
*imbalance* is time over ideal time, the sum of the groups' largest works over the sum of their means; 1 is
perfect. A group that the rows do not fill counts only its rows: idle PEs are a matter of utilisation.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError


class Order(StrEnum):
    """How rows of work are given to PEs."""

    NATURAL = "natural"
    """In the order of the tensor, one row a PE."""
    SORTED = "sorted"
    """By work, so that a group's rows are alike (density sorting, done offline)."""
    PAIRED = "paired"
    """Two rows a PE, the most work with the least (SparTen; Gondimalla et al., MICRO 2019)."""
    INTERLEAVED = "interleaved"
    """Row i on PE i mod PEs, one wait at the end (EIE; Han et al., ISCA 2016, with endless queues)."""


def imbalance(work: ArrayLike, pes: int, order: Order | str = Order.NATURAL) -> float:
    """Time over ideal time of rows of known work.

    Parameters
    ----------
    work
        Work of each row (non-zeros, or effectual MACs), shape (rows,).
    pes
        PEs that work side by side.
    order
        How the rows are given out.

    Returns
    -------
    float
        At least 1; 1 where there is no work at all.

    Examples
    --------
    >>> imbalance([4, 0, 4, 0], pes=2), imbalance([4, 0, 4, 0], pes=2, order="sorted")
    (2.0, 1.0)
    >>> imbalance([4, 1, 2, 3], pes=2, order="paired")
    1.0

    """
    rows = np.asarray(work, dtype=np.float64)
    if rows.ndim != 1 or rows.size == 0 or rows.min() < 0:
        raise SparsityError(f"imbalance: work must be a list of non-negative amounts, got shape {rows.shape}")
    if pes < 1:
        raise SparsityError(f"imbalance: pes must be at least 1, got {pes}")
    order = Order(order)
    if order is Order.INTERLEAVED:
        rows = np.bincount(np.arange(rows.size) % pes, weights=rows).astype(np.float64)
    elif order is not Order.NATURAL:
        rows = np.sort(rows)
    if order is Order.PAIRED:
        rows = paired(rows)
    begins = np.arange(0, rows.size, pes)
    sizes = np.diff(np.append(begins, rows.size))
    ideal = float((np.add.reduceat(rows, begins) / sizes).sum())
    return float(np.maximum.reduceat(rows, begins).sum()) / ideal if ideal else 1.0


def paired(ascending: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the last row to the first, the one before to the second, and so on; a middle row stays alone."""
    half = ascending.size // 2
    pairs = ascending[:half] + ascending[::-1][:half]
    return np.append(pairs, ascending[half : ascending.size - half])


def dispersion(work: ArrayLike, most: float) -> float:
    """Variance of rows' work over that of independent elements of the same density.

    Parameters
    ----------
    work
        Work of each row, shape (rows,).
    most
        Work of a row without zeros: its elements or, of effectual MACs, the other operand's non-zeros.

    Returns
    -------
    float
        1 for binomial rows; trained filters show 3 to 23 (the square of the ratio of standard deviations).

    """
    rows = np.asarray(work, dtype=np.float64)
    density = rows.mean() / most
    binomial = most * density * (1.0 - density)
    return float(rows.var() / binomial) if binomial > 0.0 else 0.0


def expected_imbalance(elements: int, density: float, pes: int, dispersion: float = 1.0) -> float:
    """Imbalance to expect of rows whose work is not known one by one.

    Parameters
    ----------
    elements
        Elements of a row: the most work it can have.
    density
        Mean fraction of them that is non-zero, in (0, 1].
    pes
        PEs that wait for one another.
    dispersion
        Variance of rows over binomial variance (see `dispersion`); 1 or less means binomial rows.

    Returns
    -------
    float
        E[max of `pes` rows] / E[row], at least 1.

    Notes
    -----
    E[max] = sum over k of 1 - F(k)^pes, F binomial, or beta-binomial with intra-row correlation
    rho = (dispersion - 1) / (elements - 1), which keeps the mean and stretches the variance to `dispersion`
    times the binomial one while rows stay within 0 ... elements (Griffiths, Biometrics 29, 1973). A kernel
    needs only `lgamma` and one loop over k.

    Examples
    --------
    >>> [round(expected_imbalance(64, 0.5, 16, spread), 2) for spread in (1.0, 4.0, 16.0)]
    [1.22, 1.44, 1.81]

    """
    if not 0.0 < density <= 1.0:
        raise SparsityError(f"expected_imbalance: density must be in (0, 1], got {shown(density)}")
    if density == 1.0 or elements < 1:
        return 1.0
    below = np.cumsum(row_probabilities(elements, density, dispersion))
    return float((1.0 - np.minimum(below, 1.0) ** pes).sum()) / (elements * density)


def row_probabilities(elements: int, density: float, dispersion: float = 1.0) -> NDArray[np.float64]:
    """Probability of each number of non-zeros 0 ... elements of a row, shape (elements + 1,)."""
    from scipy.special import gammaln

    hits = np.arange(elements + 1, dtype=np.float64)
    logarithm = -gammaln(hits + 1.0) - gammaln(elements - hits + 1.0)
    # Rows cannot spread further than all or nothing; nor, with one element, spread at all.
    correlation = min((dispersion - 1.0) / (elements - 1.0), 1.0 - 1e-9) if elements > 1 else 0.0
    if correlation > 0.0:
        strength = 1.0 / correlation - 1.0
        logarithm += gammaln(hits + density * strength)
        logarithm += gammaln(elements - hits + (1.0 - density) * strength)
    else:
        logarithm += hits * np.log(density) + (elements - hits) * np.log1p(-density)
    weight = np.exp(logarithm - logarithm.max())
    return np.asarray(weight / weight.sum())
