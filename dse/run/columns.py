"""What workers return and stores keep: rows of results as columns."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.space.space import Space

Columns = dict[str, NDArray[Any]]
"""Columns of results by name, of one length: `index` (int64), `feasible` (bool), `limit` (int16), metrics."""


class Chunk(NamedTuple):
    """What a task returns: the rows that stay, and what became of all rows of its range."""

    columns: Columns
    counts: NDArray[np.int64]  # points of the range by limit code, shape (n_limits,)
    part: bytes = b""  # of a sweep with a store: the rows as a file, and `columns` are for the front alone


def limit_names(space: Space) -> tuple[str, ...]:
    """Names of the codes in `limit`: what the model names, then the space's constraints; "" is feasible."""
    return (*space.limits, *(constraint.text for constraint in space.constraints))
