"""Which configurations of a batch are alike: they differ in clock, ports, memory and prices alone."""

from collections.abc import Sequence

import numpy as np

from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.lanes import WIDTH
from hwmodels.kernels.two_level.rows import GEOMETRY
from workloads.table import FloatMatrix, IntColumn


def alike(
    configs: FloatMatrix, tiles: TileTable, more: Sequence[IntColumn] = ()
) -> tuple[IntColumn, IntColumn]:
    """Order configurations so that those that are alike follow one another.

    Parameters
    ----------
    configs
        Rows of `rows.config_matrix`.
    tiles
        Which lists each of them takes.
    more
        What else has to be equal, columns of shape (n_configs,).

    Returns
    -------
    tuple of int arrays
        The order, and where each group begins in it, with the end; groups have at most `WIDTH` members.

    """
    number = len(configs)
    if number == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
    keys = [*configs[:, GEOMETRY].T, tiles.k_list, tiles.c_list, tiles.m_list, *more]
    moving = [key for key in keys if (key != key[0]).any()]
    order = np.lexsort(moving) if moving else np.arange(number)
    new = np.zeros(number, dtype=bool)
    new[0] = True
    for key in moving:
        sorted_key = key[order]
        new[1:] |= sorted_key[1:] != sorted_key[:-1]
    first = np.flatnonzero(new)
    sizes = np.diff(np.append(first, number))
    if (sizes <= WIDTH).all():
        return order, np.append(first, number)
    parts = -(-sizes // WIDTH)  # a large group is cut evenly
    starts = [at + np.arange(part) * size // part for at, size, part in zip(first, sizes, parts, strict=True)]
    return order, np.append(np.concatenate(starts), number)
