"""The two-level mapspace of a network: which tiles of each operation the sweep's kernel may choose.

Per nest (one group at a time) the tile loops run over output channels K, input channels C and output
positions M; the kernel row and column dimensions are never cut. The mapspace is the product of three lists of
tiles (`sizes`, `positions`) with every order of the three loops. Lists depend on what the array folds
(`edges`), so there is one for each different edge among the configurations, made when it is first asked for.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from hwmodels.columns import ConfigTable, TileTable
from hwmodels.tiles.edges import INPUTS, WEIGHTS, Keys, aligned
from hwmodels.tiles.given import check_tiling, given_channels, given_positions
from hwmodels.tiles.positions import Positions, position_candidates
from hwmodels.tiles.sizes import Cut, Edge, candidates, cut, cuts, few_tiles, undominated
from hwmodels.tiles.steps import Cartesian, Nest
from hwmodels.tiling import Tiling, TilingError
from workloads.table import FloatColumn, IntColumn, Kind, LayerTable

_KEPT = 256  # stacked lists kept

Rows = Sequence[Sequence[Sequence[float]]]
Stacked = tuple[IntColumn, FloatColumn, FloatColumn]


class TileLists:
    """Candidate tiles of a network's nests, by what the array folds.

    Parameters
    ----------
    layers
        A layer table, best deduplicated first; columns of shape (n_layers,).
    halved
        Whether candidates are halvings of each dimension instead, aligned with nothing.

    """

    def __init__(self, layers: LayerTable, *, halved: bool = False) -> None:
        self._halved = halved
        nest = layers.kind == Kind.NEST
        columns = [getattr(layers, name).tolist() for name in Nest._fields]
        self._nests = [Nest(*row) if is_nest else None for is_nest, *row in zip(nest, *columns, strict=True)]
        self._lists: dict[tuple[object, ...], Rows] = {}
        self._stacked: dict[tuple[object, ...], Stacked] = {}

    def table(self, configs: ConfigTable) -> TileTable:
        """Lists that some configurations need, and which of them each takes."""
        found = aligned(configs)
        number = len(self._nests)
        k = self._stack("k", found.k)
        c = self._stack("c", found.c)
        m = self._stack("m", found.m)
        return TileTable(found.k_of * number, found.c_of * number, found.m_of * number, *k, *c, *m)

    def given(self, configs: ConfigTable, tilings: Mapping[int, Tiling]) -> TileTable:
        """Lists as of `table`, where some rows have the tiles that are given and no others.

        Raises
        ------
        ValueError
            If tiles are larger than the operation or none of positions, or the loop asked for has one turn.

        """
        found, table, number = aligned(configs), self.table(configs), len(self._nests)
        lists: dict[str, Stacked] = {}
        for name in "kcm":
            numbers, least, cuts_of = self._stack(name, getattr(found, name))
            lists[name] = numbers.copy(), least.copy(), cuts_of.copy()
        for row, tiling in tilings.items():
            nest = self._nests[row]
            assert nest is not None
            try:
                check_tiling(nest, tiling)
            except TilingError as error:
                error.row = row
                raise
            for name, (numbers, least, cuts_of) in lists.items():
                for place, alignment in enumerate(getattr(found, name)):
                    one = _given(nest, name, alignment, tiling)
                    numbers[place * number + row] = 1
                    least[place * number + row] = one[3]
                    cuts_of[place * number + row, 0] = one
        return TileTable(*table[:3], *lists["k"], *lists["c"], *lists["m"])

    def choices(self, configs: ConfigTable) -> IntColumn:
        """Choices of tiles of each configuration, fitting or not, summed over the operations: shape (n,)."""
        tiles = self.table(configs)
        number = len(self._nests)
        k = tiles.k_number.reshape(-1, number)[tiles.k_list // number]
        c = tiles.c_number.reshape(-1, number)[tiles.c_list // number]
        m = tiles.m_number.reshape(-1, number)[tiles.m_list // number]
        total: IntColumn = (k * c * m).sum(axis=1)
        return total

    def _stack(self, name: str, keys: Keys) -> Stacked:
        """Lists of all nests for each alignment, one below the other."""
        key = (name, *keys)
        stacked = self._stacked.get(key)
        if stacked is None:
            lists = [one for alignment in keys for one in self._of(name, alignment)]
            stacked = _pad(lists, 11 if name == "m" else 4)
            if len(self._stacked) >= _KEPT:
                self._stacked.clear()
            self._stacked[key] = stacked
        return stacked

    def _of(self, name: str, alignment: tuple[int, ...]) -> Rows:
        """Lists of all nests for one alignment."""
        found = self._lists.get((name, *alignment))
        if found is None:
            make = {"k": _of_k, "c": _of_c, "m": _of_m}[name]
            found = [[] if nest is None else make(nest, alignment, self._halved) for nest in self._nests]
            self._lists[(name, *alignment)] = found
        return found


def _of_k(nest: Nest, alignment: tuple[int, ...], halved: bool) -> Sequence[Cut]:
    pes, p, q, accumulators = alignment
    if not accumulators:
        return cuts(nest.k, Edge(pes, halved=halved))
    array = Cartesian(p, q, 1, pes, accumulators)
    edges = (Edge(pes, nest.r * nest.s, halved), Edge(array.group(nest), 1, halved))
    sizes = {*candidates(nest.k, edges), *([] if halved else few_tiles(nest.k, edges))}
    return undominated(cut(nest.k, size, lambda tile: array.weight_vectors(nest, tile)) for size in sizes)


def _of_c(nest: Nest, alignment: tuple[int, ...], halved: bool) -> Sequence[Cut]:
    pes, with_taps, held, n, m = alignment
    density = {WEIGHTS: nest.weight_density, INPUTS: nest.input_density}.get(held, 1.0)
    if density * m > n:  # not pruned so: held whole
        n = m = 1
    return cuts(nest.c, Edge(pes * m, n * (nest.r * nest.s if with_taps else 1), halved))


def _of_m(nest: Nest, alignment: tuple[int, ...], halved: bool) -> Sequence[Sequence[float]]:
    return position_candidates(nest, Positions._make((*alignment, halved)))


def _given(nest: Nest, name: str, alignment: tuple[int, ...], tiling: Tiling) -> Sequence[float]:
    """The one candidate of a list."""
    if name == "m":
        return given_positions(nest, Positions._make((*alignment, False)), tiling.positions)
    make = _of_k if name == "k" else _of_c
    return given_channels(nest, name, getattr(tiling, name), lambda inside: make(inside, alignment, False)[0])


def _pad(lists: Sequence[Sequence[Sequence[float]]], width: int) -> Stacked:
    """Numbers of candidates, least steps of each list, and a rectangular (n_lists, longest, width) array."""
    longest = max((len(one) for one in lists), default=0)
    table = np.ones((len(lists), max(longest, 1), width))
    least = np.ones(len(lists))
    for i, one in enumerate(lists):
        if one:
            table[i, : len(one)] = one
            least[i] = table[i, : len(one), 3].min()
    return np.array([len(one) for one in lists], dtype=np.int64), least, table
