"""Designs of a front that have names: its knee and its extremes.

Both are defined on u, the front's objectives to minimise: logarithms where an objective's values are all
positive, the values themselves where not, scaled to [0, 1] between the best and the worst of the front. An
objective that is the same all over the front is left out.

Extremes: for each objective the design that is best in it; of several, the one with the least sum of u.

Knee: the design furthest below the hyperplane through the extremes (Das, Structural Optimization 18, 1999,
for two objectives the chord). The furthest design is the same whatever scale u has, so that the front's worst
values, which are chancy, do not move it. Where the extremes span no hyperplane that slopes down in every
objective (two of them are one design, or nearly), the plane sum(u) = 1 takes its place: the knee is then the
design with the least sum of u, a product of powers of the objectives.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


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
        if (column > 0).all():
            column = np.log(column)
        elif (column < 0).all():
            column = -np.log(-column)
        low, high = column.min(), column.max()
        if high > low:
            columns.append((column - low) / (high - low))
    return np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))


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
    return _best_in_each(values, scaled(values).sum(axis=1))


def _best_in_each(values: FloatArray, total: FloatArray) -> list[int]:
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
        Its distance below the hyperplane in units of u; 0 on a front that is no deeper than its extremes.

    Examples
    --------
    >>> knee(np.array([[1.0, 100.0], [2.0, 2.0], [100.0, 1.0]]))[0]
    1

    """
    u = scaled(values)
    if u.shape[1] == 0:
        return 0, 0.0
    normal, offset = _plane(u, _best_in_each(u, u.sum(axis=1)))
    depth = offset - u @ normal
    best = int(np.lexsort((u.sum(axis=1), -np.round(depth, 12)))[0])
    return best, max(0.0, float(depth[best]))


def _plane(u: FloatArray, corners: Sequence[int]) -> tuple[FloatArray, float]:
    """Unit normal (all components positive) and offset of the hyperplane that depth is measured from."""
    dimensions = u.shape[1]
    distinct = sorted(set(corners))
    if len(distinct) == dimensions:
        points = u[distinct]
        try:
            normal = np.linalg.solve(points, np.ones(dimensions))  # points @ normal = 1
        except np.linalg.LinAlgError:
            normal = np.zeros(dimensions)
        # A nearly flat plane would call a design deep that is merely far along one objective.
        if (normal > 0).all() and normal.max() < 100 * normal.min():
            length = float(np.linalg.norm(normal))
            return np.asarray(normal / length, dtype=np.float64), 1.0 / length
    return np.full(dimensions, dimensions**-0.5), dimensions**-0.5
