"""Compute cycles of a fixed tiling on an unrolled array, tile by tile: the rule of SPRING's authors' group.

Source: the timing model of AccelBench (github jha-lab/codebench); cycles of a tile are the product over the
loops of ceil(tile / unroll), times the share of the work that zeros leave, rounded up for each tile.
"""

import itertools
import math
from dataclasses import asdict

import numpy as np

from hwmodels.array import DIMENSIONS, Unroll
from workloads.errors import InputError, shown
from workloads.table import IntColumn, Kind, LayerTable


def tiled_cycles(layers: LayerTable, unroll: Unroll, tile: Unroll, share: float = 1.0) -> IntColumn:
    """Count the compute cycles of every nest under one tiling; memory is not waited for.

    Parameters
    ----------
    layers
        Lowered network; columns of shape (n_operations,).
    unroll
        Iterations side by side.
    tile
        Iterations of a tile; kernel rows and columns are never cut and its `r` and `s` are ignored. A last
        tile of a loop keeps its own extent.
    share
        Work left over work without zeros, in (0, 1].

    Returns
    -------
    int array of shape (n_operations,)
        Cycles of one instance of each row; 0 for rows that are no nests. Groups run one after another.

    Raises
    ------
    ValueError
        If the share is out of range.

    Examples
    --------
    A 64-channel product on 16 multipliers takes four cycles, of which a fifth rounds up to one:

    >>> import numpy as np
    >>> from workloads.table import blank_table
    >>> one = blank_table(1)._replace(kind=np.array([0]), c=np.array([64]))
    >>> tiled_cycles(one, Unroll(c=16), Unroll(c=64)).tolist()
    [4]
    >>> tiled_cycles(one, Unroll(c=16), Unroll(c=64), share=0.2).tolist()
    [1]

    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"tiled_cycles: share must be in (0, 1], got {shown(share)}", path="share")
    cycles = np.zeros(layers.rows, dtype=np.int64)
    side, cut = asdict(unroll), asdict(tile)
    for i in np.flatnonzero(layers.kind == Kind.NEST):
        loops = []
        for name in DIMENSIONS:
            size = int(getattr(layers, name)[i])
            whole, rest = divmod(size, size if name in "rs" else min(cut[name], size))
            extents = [(size if name in "rs" else min(cut[name], size), whole), (rest, 1 if rest else 0)]
            loops.append([(-(-extent // side[name]), count) for extent, count in extents if count])
        for tiles in itertools.product(*loops):
            steps = math.prod(step for step, _ in tiles)
            cycles[i] += math.prod(count for _, count in tiles) * math.ceil(steps * share)
        cycles[i] *= int(layers.g[i])
    return cycles
