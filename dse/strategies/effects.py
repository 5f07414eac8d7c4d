"""How much each axis moves the objectives: an additive model fitted to a few costed points."""

import numpy as np

from dse.space.space import Space
from dse.strategies.protocol import FloatArray, IndexArray


class Effects:
    """Main effects of the axes on the logarithms of the objectives.

    Parameters
    ----------
    space
        The space.
    index
        Costed points, shape (n,).
    values
        Their objectives to minimise, positive, shape (n, n_objectives).

    Notes
    -----
    Least squares on one indicator per value of each axis; objectives are divided by their spread over the
    sample, so that they count alike. It only says what to try first: nothing exact rests on it.

    """

    def __init__(self, space: Space, index: IndexArray, values: FloatArray) -> None:
        logs = np.log(np.maximum(values, np.finfo(float).tiny))
        self.middle = logs.mean(axis=0) if len(logs) else np.zeros(values.shape[1])
        spread = np.ptp(logs, axis=0) if len(logs) else np.zeros(values.shape[1])
        self.spread = np.where(spread > 0, spread, 1.0)
        codes = space.codes(index)
        indicators = [
            codes[axis][:, None] == np.arange(length)[None, :] for axis, length in enumerate(space.shape)
        ]
        design = np.concatenate([np.zeros((len(index), 0)), *indicators], axis=1)
        scaled = (logs - self.middle) / self.spread
        fitted = np.linalg.lstsq(design, scaled, rcond=None)[0]
        ends = np.cumsum(space.shape)
        self._ranges = [
            _ranges(fitted[end - length : end]) for end, length in zip(ends, space.shape, strict=True)
        ]

    def ranges(self, low: IndexArray, high: IndexArray) -> FloatArray:
        """How far each axis moves the objectives within boxes, shape (n, n_axes); 0 for a single value."""
        found = np.empty(low.shape)
        for axis, table in enumerate(self._ranges):
            found[:, axis] = table[low[:, axis], high[:, axis]]
        return found

    def promise(self, least: FloatArray) -> FloatArray:
        """Sum of the logarithms of lower bounds, shape (n,): the smaller, the sooner to look at."""
        logs = np.log(np.maximum(least, np.finfo(float).tiny))
        promise: FloatArray = ((logs - self.middle) / self.spread).sum(axis=1)
        return promise


def _ranges(effects: FloatArray) -> FloatArray:
    """Sum over objectives of the range of effects over codes [i, j), as a table over i and j.

    A little is added for every further value, so that an axis without effect is split last and yet is split.
    """
    length = len(effects)
    table = np.zeros((length + 1, length + 1))
    for i in range(length):
        for j in range(i + 2, length + 1):
            table[i, j] = np.ptp(effects[i:j], axis=0).sum() + 1e-9 * (j - i)
    return table
