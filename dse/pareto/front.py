"""The front: exactly the points that no other point dominates.

A point dominates another if it is nowhere worse and somewhere better in the objectives. Points with equal
objectives do not dominate each other: all of them are on the front. Points that are infeasible are on no
front, and a feasible point with an objective that is not a finite number is refused, because every comparison
with it would be false.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dse.arguments import OBJECTIVES
from dse.metrics import Objective, objectives_of, to_minimise
from dse.pareto.dominance import strike_dominated
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import takes

if TYPE_CHECKING:
    import pandas

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]

_GOOD: Final = 64
"""Good points that strike others out before the exact filter runs; more cost more than they strike."""
_SAMPLE: Final = 4096
_BLOCK: Final = 1 << 18
_STRIKE_FROM: Final = 4 * _SAMPLE
"""Below this many points the exact filter alone is faster."""


@takes(objectives=OBJECTIVES.or_none())
def nondominated(
    points: "pandas.DataFrame | ArrayLike", objectives: Sequence[str | Objective] | None = None
) -> BoolArray:
    """Say which points are on the front.

    Parameters
    ----------
    points
        A frame with a column for each objective (and, optionally, `feasible`), or an array of shape (n,
        n_objectives).
    objectives
        Names of the frame's columns to minimise, "-" before a name to maximise; for an array they are
        optional and only their signs count.

    Returns
    -------
    bool array of shape (n,)
        True on the front. Points with equal objectives are all on it.

    Raises
    ------
    ValueError
        If a feasible point has an objective that is not finite, or objectives and columns do not match.
    UnknownNameError
        If an objective is no column of the frame.

    Notes
    -----
    Exact. Up to three objectives the filter of moocore takes O(n log n) time (Kung, Luccio, Preparata, J. ACM
    22(4), 1975); on large inputs, points dominated by one of a few good points are struck out first in one
    pass.

    Examples
    --------
    >>> nondominated([[1.0, 3.0], [2.0, 2.0], [3.0, 3.0], [2.0, 2.0]])
    array([ True,  True, False,  True])
    >>> nondominated([[1.0, 3.0], [2.0, 2.0]], ["latency_s", "-utilisation"])
    array([ True, False])

    """
    values, feasible = _values(points, objectives)
    refuse_non_finite(values, feasible)
    on_front = np.zeros(len(values), dtype=bool)
    if feasible.all():
        on_front[:] = filter_finite(values)
    else:
        on_front[feasible] = filter_finite(values[feasible])
    return on_front


def _values(points: Any, objectives: Sequence[str | Objective] | None) -> tuple[FloatArray, BoolArray]:
    """Objectives to minimise, shape (n, m), and which points are feasible."""
    if hasattr(points, "columns"):
        if objectives is None:
            raise InputError("nondominated: a frame needs objectives, such as ('latency_s', 'energy_j')")
        parsed = objectives_of(objectives, list(points.columns))
        values = to_minimise([points[objective.column].to_numpy() for objective in parsed], parsed)
        every = np.ones(len(values), dtype=bool)
        return values, points["feasible"].to_numpy(dtype=bool) if "feasible" in points.columns else every
    try:
        values = np.array(points, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError):
        raise WrongTypeError(f"nondominated: points must be numbers, got {shown(points)}") from None
    if values.ndim != 2:
        raise InputError(
            f"nondominated: points need shape (n, n_objectives), got {values.shape}", path="points"
        )
    if objectives is not None:
        names = [
            objective.column if isinstance(objective, Objective) else objective for objective in objectives
        ]
        if len(names) != values.shape[1]:
            raise InputError(f"nondominated: {len(names)} objectives for {values.shape[1]} columns")
        signs = [-1.0 if str(objective).startswith("-") else 1.0 for objective in objectives]
        values = values * np.array(signs)
    return values, np.ones(len(values), dtype=bool)


def refuse_non_finite(
    values: FloatArray, feasible: BoolArray | None = None, names: Sequence[str] = ()
) -> None:
    """Raise ValueError if a feasible point's objective is NaN or infinite; names the first such point."""
    bad = ~np.isfinite(values)
    if feasible is not None:
        bad &= feasible[:, None]
    if bad.any():
        row, column = (int(where[0]) for where in np.nonzero(bad))
        name = names[column] if column < len(names) else f"objective {column}"
        count = int(bad.any(axis=1).sum())
        raise InputError(
            f"front: {name} of feasible point {row} is {values[row, column]}; "
            f"{count} point{'s' * (count > 1)} cannot be compared"
        )


def filter_finite(values: FloatArray) -> BoolArray:
    """Mask of non-dominated rows of finite values to minimise, shape (n, m)."""
    if values.shape[0] == 0 or values.shape[1] == 0:
        return np.ones(values.shape[0], dtype=bool)
    if values.shape[1] == 1:
        return np.asarray(values[:, 0] == values[:, 0].min())
    if len(values) < _STRIKE_FROM:
        return _exact(values)
    stride = len(values) // _SAMPLE
    sample = np.ascontiguousarray(values[::stride])
    good = good_points(sample[_exact(sample)])
    survivors = np.concatenate(
        [
            start + np.flatnonzero(survive(values[start : start + _BLOCK], good))
            for start in range(0, len(values), _BLOCK)
        ]
    )
    on_front = np.zeros(len(values), dtype=bool)
    on_front[survivors[_exact(values[survivors])]] = True
    return on_front


def _exact(values: FloatArray) -> BoolArray:
    import moocore

    return np.asarray(moocore.is_nondominated(values, keep_weakly=True), dtype=bool)


def survive(values: FloatArray, good: FloatArray) -> BoolArray:
    """Mask of rows that no good point dominates."""
    alive = np.ones(len(values), dtype=bool)
    strike_dominated(np.ascontiguousarray(values), good, alive)
    return alive


def good_points(front: FloatArray) -> FloatArray:
    """Pick up to 64 points of a front, those that are good in all objectives first.

    They are ordered by the sum of their ranks, so that the kernel's first comparison strikes out most.
    """
    ranks = np.argsort(np.argsort(front, axis=0, kind="stable"), axis=0, kind="stable").sum(axis=1)
    chosen = np.argsort(ranks, kind="stable")
    if len(chosen) > _GOOD:  # half the best, half spread over the rest
        rest = chosen[_GOOD // 2 :]
        spread = rest[np.linspace(0, len(rest) - 1, _GOOD // 2).astype(np.int64)]
        chosen = np.concatenate([chosen[: _GOOD // 2], spread])
    return np.ascontiguousarray(front[chosen])


def front_rows(columns: "Mapping[str, NDArray[Any]]", objectives: Sequence[Objective]) -> BoolArray:
    """Mask of the rows that no other of these rows dominates.

    Parameters
    ----------
    columns
        `index`, `feasible` and the objectives, arrays of shape (n,).
    objectives
        What is minimised (or maximised).

    Raises
    ------
    ValueError
        If a feasible row has an objective that is not finite.

    """
    rows, values = _feasible(columns, objectives)
    on_front = np.zeros(len(columns["index"]), dtype=bool)
    on_front[rows[filter_finite(values)]] = True
    return on_front


def _feasible(
    columns: "Mapping[str, NDArray[Any]]", objectives: Sequence[Objective]
) -> tuple[IndexArray, FloatArray]:
    """Feasible rows, and their objectives to minimise, which have to be finite."""
    rows = np.flatnonzero(columns["feasible"])
    values = to_minimise([columns[o.column][rows] for o in objectives], objectives)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        first = columns["index"][rows[finite.argmin()]]
        refuse_non_finite(values, names=[f"{o.column} (configuration {first})" for o in objectives])
    return rows, values


class RunningFront:
    """The front of everything shown to it so far; which points were shown together does not matter.

    Parameters
    ----------
    objectives
        What is minimised (or maximised).

    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = tuple(objectives)
        self._index = np.zeros(0, dtype=np.int64)
        self._values = np.zeros((0, len(self.objectives)))
        self._good = self._values

    @property
    def size(self) -> int:
        """Number of points on the front."""
        return len(self._index)

    @property
    def index(self) -> IndexArray:
        """Indices of the points on the front, ascending."""
        return np.sort(self._index)

    def add(self, columns: "Mapping[str, NDArray[Any]]") -> None:
        """Show it more points: columns `index`, `feasible` and the objectives, arrays of shape (n,).

        Raises
        ------
        ValueError
            If a feasible point has an objective that is not finite.

        """
        rows, values = _feasible(columns, self.objectives)
        index = columns["index"][rows]
        if self.size:
            alive = survive(values, self._good)
            index, values = index[alive], values[alive]
        if not len(index):
            return
        index = np.concatenate([self._index, index])
        values = np.concatenate([self._values, values])
        keep = filter_finite(values)
        self._index, self._values = index[keep], values[keep]
        self._good = good_points(self._values)
