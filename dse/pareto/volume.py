"""Hypervolume with its reference point and transform stated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from dse.metrics import Objective

FloatArray = NDArray[np.float64]

REFERENCE: Final = 1.1
"""Reference point in every scaled objective: a tenth of the front's extent beyond its worst value."""


@dataclass(frozen=True)
class Scale:
    """A scale on which fronts are compared: 0 at `best` and 1 at `worst` in every objective.

    Attributes
    ----------
    best, worst
        Least and greatest value of every objective on the front that the scale is of, after the transform.
    logarithmic
        Whether an objective enters as log10: where it is minimised and all values are positive.

    """

    best: tuple[float, ...]
    worst: tuple[float, ...]
    logarithmic: tuple[bool, ...]

    @classmethod
    def of(cls, values: FloatArray, objectives: Sequence[Objective]) -> Self:
        """Make the scale of a front, of shape (n, n_objectives), to minimise."""
        logarithmic = tuple(
            not objective.maximise and bool((column > 0).all())
            for objective, column in zip(objectives, values.T, strict=True)
        )
        moved = _transformed(values, logarithmic)
        return cls(tuple(moved.min(axis=0).tolist()), tuple(moved.max(axis=0).tolist()), logarithmic)

    def hypervolume(self, values: FloatArray) -> float:
        """Share of the box from `best` to the reference point that a set of points dominates.

        Parameters
        ----------
        values
            Objectives to minimise, shape (n, n_objectives). Points beyond the reference count nothing. An
            objective in which the scale has no extent is left out.

        Returns
        -------
        float
            In [0, 1]; above 1 where points lie beyond `best`.

        """
        import moocore

        best, worst = np.array(self.best), np.array(self.worst)
        extent = worst - best
        kept = extent > 0
        if not len(values):
            return 0.0
        if not kept.any():
            return 1.0
        scaled = (_transformed(values, self.logarithmic)[:, kept] - best[kept]) / extent[kept]
        volume = float(moocore.hypervolume(scaled, ref=np.full(int(kept.sum()), REFERENCE)))
        return volume / REFERENCE ** int(kept.sum())

    def __str__(self) -> str:
        ends = ", ".join(
            f"{'log10 ' if logarithm else ''}{low:.4g} to {high:.4g}"
            for low, high, logarithm in zip(self.best, self.worst, self.logarithmic, strict=True)
        )
        return f"scaled to 0 .. 1 over {ends}; reference point {REFERENCE:g} in every objective"


def _transformed(values: FloatArray, logarithmic: Sequence[bool]) -> FloatArray:
    moved = np.array(values, dtype=np.float64)
    for column, logarithm in enumerate(logarithmic):
        if logarithm:
            moved[:, column] = np.log10(np.maximum(moved[:, column], np.finfo(float).tiny))
    return moved
