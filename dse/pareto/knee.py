"""Designs of a front that have names: its knee, its extremes, and what else may be picked by name.

All are defined on u, the front's objectives to minimise: logarithms where an objective's values are all
positive, the values themselves where not, scaled to [0, 1] between the best and the worst of the front. An
objective that is the same all over the front is left out. u has no units: neither has what is picked.

Extremes: for each objective the design that is best in it; of several, the one with the least sum of u.

Knee: the design furthest below the plane sum(u) = 1, which cuts every axis at the front's worst value (Das,
Structural Optimization 18, 1999, for two objectives the chord between the extremes), among the designs with
no bargain beside them. A bargain is another design that is over 10 % better in one objective and under 1 %
worse in all the others; where logarithms are not to be had, over 10 % and under 1 % of the front's range.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import InputError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DEFINITION: Final = (
    "the knee is the design with the least sum of log-scaled objectives, each between its best and worst on "
    "the front, that no other beats by over 10 % in one objective at under 1 % in the others"
)
"""What a reader is told wherever a knee is shown."""
BRIEF: Final = (
    "knee: least sum of log-scaled objectives; no other is > 10% better in one and < 1% worse in the rest"
)
"""The same, below a figure."""
SENTENCE: Final = f"The{DEFINITION[3:]}."

_BETTER: Final = 0.10
_WORSE: Final = 0.01


def scaled(values: FloatArray) -> FloatArray:
    """Objectives of a front as u.

    Parameters
    ----------
    values
        Objectives to minimise, shape (n, m); a maximised objective is negated, so its logarithm is taken of
        -value.

    Returns
    -------
    float array of shape (n, k)
        Between 0 and 1; k <= m, constant objectives being left out.

    """
    columns = []
    for column in np.asarray(values, dtype=np.float64).T:
        logs = _logarithms(column)
        column = column if logs is None else logs
        low, high = column.min(), column.max()
        if high > low:
            # Halves first: the range of two large values of opposite sign is past the largest float.
            columns.append((column / 2 - low / 2) / (high / 2 - low / 2))
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))


def _logarithms(column: FloatArray) -> FloatArray | None:
    """Logarithms of a column of one sign, smaller still being better; None where it has no one sign."""
    if (column > 0).all():
        return np.asarray(np.log(column))
    return np.asarray(-np.log(-column)) if (column < 0).all() else None


def extremes(values: FloatArray) -> list[int]:
    """Row of the best design in each objective.

    Parameters
    ----------
    values
        Objectives to minimise, shape (n, m), n > 0.

    Returns
    -------
    list of int
        m rows; ties go to the design that is better in the other objectives.

    Examples
    --------
    >>> extremes(np.array([[1.0, 9.0], [2.0, 3.0], [9.0, 1.0]]))
    [0, 2]

    """
    total = scaled(values).sum(axis=1)
    return [int(np.lexsort((total, column))[0]) for column in values.T]


def knee(values: FloatArray) -> tuple[int, float]:
    """Find the knee of a front.

    Parameters
    ----------
    values
        Objectives to minimise, shape (n, m), n > 0.

    Returns
    -------
    row : int
        The knee.
    depth : float
        Its distance below the plane in units of u; 0 on a front that is no deeper than its extremes.

    Raises
    ------
    ValueError
        If there is no design, or a value is not finite.

    Notes
    -----
    From a design to a bargain and on to the next the objectives' sum, counted in steps of 10 %, only falls
    while there are at most ten objectives, so that bargains never go round in a circle and some design has
    none. With more it may happen that every design has one; then the deepest is the knee.

    Examples
    --------
    >>> knee(np.array([[1.0, 100.0], [2.0, 2.0], [100.0, 1.0]]))[0]
    1

    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not len(values):
        raise InputError("knee: the front has no designs")
    if not np.isfinite(values).all():
        raise InputError("knee: an objective of the front is not a finite number")
    u = scaled(values)
    if u.shape[1] == 0:
        return 0, 0.0
    total = np.round(u.sum(axis=1), 12)  # rounding must not decide, nor with it the objectives' units
    order = np.lexsort((*np.round(u, 12).T[::-1], total))
    steps = _steps(values)
    best = next((row for row in order if not _better(*steps, row).any()), order[0])
    return int(best), max(0.0, float(1.0 - u[best].sum()) / u.shape[1] ** 0.5)


def bargains(values: FloatArray, row: int) -> BoolArray:
    """Designs that are over 10 % better than one in some objective and under 1 % worse in all the others.

    Parameters
    ----------
    values
        Objectives to minimise, shape (n, m).
    row
        The design that the others are compared with.

    Returns
    -------
    bool array of shape (n,)

    Examples
    --------
    >>> bargains(np.array([[1.0, 1.0], [0.999, 4.0], [0.5, 1.02]]), 1).tolist()
    [True, False, True]

    """
    return _better(*_steps(values), row)


def _steps(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Objectives on a scale of differences, and what counts there as better and as worse, for each."""
    columns, most, least = [], [], []
    for column in values.T:
        logs = _logarithms(column)
        if logs is not None:
            columns.append(logs)
            most.append(np.log1p(_BETTER))
            least.append(np.log1p(-_WORSE))
        else:
            span = float(column.max() / 2 - column.min() / 2)
            columns.append(column / 2 / (span or 1.0))
            most.append(_BETTER)
            least.append(-_WORSE)
    return np.stack(columns), np.array(most), np.array(least)


def _better(columns: FloatArray, most: FloatArray, least: FloatArray, row: int) -> BoolArray:
    """Mask of the bargains beside a row, from what `_steps` returned."""
    better = np.zeros(columns.shape[1], dtype=np.bool_)
    worse = np.zeros(columns.shape[1], dtype=np.bool_)
    for column, up, down in zip(columns, most, least, strict=True):
        gain = column[row] - column
        better |= gain > up
        worse |= gain <= down
    return better & ~worse


def topsis(values: FloatArray) -> int:
    """Design with the greatest d_worst / (d_best + d_worst): Euclidean distances in u, equal weights.

    Parameters
    ----------
    values
        Objectives to minimise, shape (n, m), n > 0.

    Returns
    -------
    int
        Its row; the first of equals.

    Notes
    -----
    TOPSIS: Hwang and Yoon, Multiple Attribute Decision Making, Springer 1981, with the scale of u.

    Examples
    --------
    >>> topsis(np.array([[1.0, 100.0], [2.0, 2.0], [100.0, 1.0]]))
    1

    """
    u = scaled(values)
    if u.shape[1] == 0:
        return 0
    to_best, to_worst = np.linalg.norm(u, axis=1), np.linalg.norm(1.0 - u, axis=1)
    return int(np.argmax(np.round(to_worst / (to_best + to_worst), 12)))
