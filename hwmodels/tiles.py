"""The two-level mapspace of a network: which tiles of each operation the sweep's kernel may choose.

Per nest (one group at a time) the tile loops run over output channels K, input channels C and output
positions M. Candidate tiles are the dimension divided by 1, 2, 4, ... rounded up, down to one element, so the
last tile may be partial. Output positions are cut in one nested sequence: the batch first, then rows of
single images, then columns of single rows. The mapspace is the product of the three lists with every order of
the three loops; the kernel row and column dimensions are never cut.
"""

from collections.abc import Sequence

import numpy as np

from hwmodels.columns import TileTable
from workloads.table import IntColumn, Kind, LayerTable

ORDERS = 6  # permutations of the K, C and M loops


def halvings(size: int) -> list[int]:
    """Tile sizes ceil(size / 2**i), largest first, without repeats.

    Examples
    --------
    >>> halvings(7)
    [7, 4, 2, 1]

    """
    sizes = [size]
    while sizes[-1] > 1:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def window_extent(
    start: IntColumn, positions: IntColumn, stride: int, reach: int, pad: int, existing: int
) -> IntColumn:
    """Input rows (or columns) that tiles of output positions touch, padding excluded.

    Parameters
    ----------
    start, positions
        First output position of each tile and how many it holds, shape (n_tiles,).
    stride, reach, pad, existing
        Stride, dilated kernel size, padding before, and input size.

    Returns
    -------
    int array of shape (n_tiles,)
        Extent of the bounding interval clipped to the input; 0 for a tile that sees padding only.

    """
    first = start * stride - pad
    last = first + (positions - 1) * stride + reach
    extent: IntColumn = np.maximum(np.minimum(last, existing) - np.maximum(first, 0), 0)
    return extent


def _cut(size: int, tile: int) -> tuple[IntColumn, IntColumn]:
    """Starts and sizes of the tiles of one dimension."""
    start = np.arange(0, size, tile, dtype=np.int64)
    return start, np.minimum(tile, size - start)


def _position_tiles(layers: LayerTable, i: int) -> list[tuple[int, ...]]:
    """Candidates for output positions: (size, full, rest, rest_size, input_largest, input_total, n, p, q)."""
    n, p, q = int(layers.n[i]), int(layers.p[i]), int(layers.q[i])
    row_window = (
        int(layers.stride_p[i]),
        (int(layers.r[i]) - 1) * int(layers.dilation_r[i]) + 1,
        int(layers.pad_top[i]),
        int(layers.in_rows[i]),
    )
    col_window = (
        int(layers.stride_q[i]),
        (int(layers.s[i]) - 1) * int(layers.dilation_s[i]) + 1,
        int(layers.pad_left[i]),
        int(layers.in_cols[i]),
    )
    cuts = [(t, p, q) for t in halvings(n)]
    cuts += [(1, t, q) for t in halvings(p)[1:]]
    cuts += [(1, 1, t) for t in halvings(q)[1:]]
    found: list[tuple[int, ...]] = []
    for tile_n, tile_p, tile_q in cuts:
        sizes_n = _cut(n, tile_n)[1]
        row_start, sizes_p = _cut(p, tile_p)
        col_start, sizes_q = _cut(q, tile_q)
        rows = window_extent(row_start, sizes_p, *row_window)
        cols = window_extent(col_start, sizes_q, *col_window)
        tiles = sizes_n.size * sizes_p.size * sizes_q.size
        size = tile_n * tile_p * tile_q
        # Only one of the three dimensions is cut, so only its last tile can be partial: one an image, one a
        # row.
        rest_size = int(sizes_n[-1] * sizes_p[-1] * sizes_q[-1])
        rest = 0
        if rest_size != size:
            rest = sizes_n.size * sizes_p.size if tile_q < q else sizes_n.size if tile_p < p else 1
        largest = int(sizes_n.max() * rows.max() * cols.max())
        total = n * int(rows.sum()) * int(cols.sum())
        found.append((size, tiles - rest, rest, rest_size, largest, total, tile_n, tile_p, tile_q))
    return found


def tile_table(layers: LayerTable) -> TileTable:
    """Enumerate candidate tiles of every NEST row; other rows have none.

    Parameters
    ----------
    layers
        A layer table, best deduplicated first; columns of shape (n_layers,).

    Returns
    -------
    TileTable
        Integers, padded to the longest list.

    """
    channel: dict[str, list[list[tuple[int, ...]]]] = {"k": [], "c": []}
    positions: list[list[tuple[int, ...]]] = []
    for i in range(layers.rows):
        nest = layers.kind[i] == Kind.NEST
        for name, lists in channel.items():
            size = int(getattr(layers, name)[i])
            tiles = halvings(size) if nest else []
            lists.append([(t, -(-size // t), size - (-(-size // t) - 1) * t) for t in tiles])
        positions.append(_position_tiles(layers, i) if nest else [])
    return TileTable(*_pad(channel["k"], 3), *_pad(channel["c"], 3), *_pad(positions, 9))


def _pad(lists: Sequence[Sequence[tuple[int, ...]]], width: int) -> tuple[IntColumn, ...]:
    """Rectangular columns from ragged lists: numbers of candidates, then a (rows, longest) array a field."""
    longest = max((len(one) for one in lists), default=0)
    table = np.ones((len(lists), max(longest, 1), width), dtype=np.int64)
    for i, one in enumerate(lists):
        for j, candidate in enumerate(one):
            table[i, j] = candidate
    number = np.array([len(one) for one in lists], dtype=np.int64)
    return (number, *(np.ascontiguousarray(table[:, :, field]) for field in range(width)))


def mapspace_size(tiles: TileTable) -> IntColumn:
    """Mappings of each row: tiles of K times tiles of C times tiles of positions times loop orders."""
    return tiles.k_number * tiles.c_number * tiles.m_number * ORDERS
