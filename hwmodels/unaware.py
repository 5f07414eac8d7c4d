"""Tiles chosen as if nothing was zero: what it is worth that the search for a mapping knows of zeros."""

import numpy as np

from hwmodels.batch import account_operations
from hwmodels.columns import ConfigTable, TileTable
from hwmodels.tiles import TileLists
from workloads.table import FloatColumn, IntColumn, LayerTable, take_rows


class UnawareTiles(TileLists):
    """Of every nest the one tile of K, C and positions that is best on the dense network.

    Given to `hwmodels.evaluate` in the place of all candidates, zeros save time, energy and room of mappings
    that were chosen without them; only the order of the loops is chosen again.

    Parameters
    ----------
    layers
        A layer table; columns of shape (n_layers,).
    objective
        What tiles are chosen by.
    lists
        All candidates of these layers.

    """

    def __init__(self, layers: LayerTable, objective: str, lists: TileLists) -> None:
        super().__init__(layers)
        whole = np.ones(layers.rows)
        self._dense = layers._replace(
            weight_density=whole,
            input_density=whole,
            output_density=whole,
            effectual_macs=layers.macs,
            weight_dispersion=np.zeros(layers.rows),
            weight_mask=np.full(layers.rows, None),
        )
        self._objective, self._all = objective, lists

    def table(self, configs: ConfigTable) -> TileTable:
        """One candidate a list; of an operation that nothing fits, the smallest."""
        found: list[tuple[Chosen, Chosen, Chosen]] = []
        for c in range(configs.size):
            one = take_rows(configs, slice(c, c + 1))
            given = self._all.table(one)
            account = account_operations(self._dense, one, self._objective, tiles=self._all)
            sizes = [account.carried[name] for name in ("tile_k", "tile_c", "tile_pixels")]
            k = _chosen(given.k, given.k_number, int(given.k_list[0]), sizes[0])
            m = _chosen(given.m, given.m_number, int(given.m_list[0]), sizes[2])
            found.append((k, _chosen(given.c, given.c_number, int(given.c_list[0]), sizes[1]), m))
        at = np.arange(configs.size) * self._dense.rows
        k, c_, m = (np.concatenate(column)[:, np.newaxis] for column in zip(*found, strict=True))
        one_each = np.ones(len(k), dtype=np.int64)
        least = [column[:, 0, 3].copy() for column in (k, c_, m)]
        return TileTable(
            at, at, at, *(one_each, least[0], k), *(one_each, least[1], c_), *(one_each, least[2], m)
        )


Chosen = FloatColumn
"""Candidates, one an operation: shape (n_layers, n_fields)."""


def _chosen(candidates: FloatColumn, number: IntColumn, first: int, sizes: IntColumn) -> Chosen:
    """The candidate of each operation's size; the last where there is none."""
    rows = []
    for i, size in enumerate(sizes.tolist()):
        mine = candidates[first + i, : max(1, int(number[first + i]))]
        fitting = np.flatnonzero(mine[:, 0] == size)
        rows.append(mine[fitting[0] if fitting.size else -1])
    return np.array(rows)
