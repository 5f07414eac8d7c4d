"""How many mappings the search of a nest looks at: distinct ones that fit."""

from hwmodels.accelerate import kernel
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.orders import turns_of
from hwmodels.kernels.two_level.room import TOO_LARGE, held_of, room
from hwmodels.kernels.two_level.rows import NEST, config_row, layer_row
from hwmodels.kernels.two_level.terms import Counts, nest_terms
from hwmodels.kernels.two_level.tiling import channels_at, pixels_at, tile_rows
from workloads.table import FloatMatrix, IntColumn


@kernel
def count_mappings(counts: Counts, tiles: TileTable, rows: tuple[int, int, int], innermost: int) -> float:
    """Count the mappings of a nest that fit and differ: tiles of K, C and positions, and the innermost loop.

    Loops of a single turn tell no orders apart, and nothing depends on the order of the two outer loops.
    `innermost` is the loop asked for, -1 for any.
    """
    number = 0.0
    for mi in range(tiles.m_number[rows[2]]):
        m = pixels_at(tiles.m[rows[2]], mi)
        held = held_of(counts, m)
        for ki in range(tiles.k_number[rows[0]]):
            k = channels_at(tiles.k[rows[0]], ki)
            for ci in range(tiles.c_number[rows[1]]):
                c = channels_at(tiles.c[rows[1]], ci)
                place = room(counts, held, k.size, k.tiles, c.size, c.tiles)
                if place == TOO_LARGE:
                    continue
                for order in range(3):
                    if innermost < 0 or order == innermost:
                        passes = turns_of((order, place), k.tiles, c.tiles, m.tiles)
                        number += 1.0 if passes[0] >= 0.0 else 0.0
    return number


@kernel
def count_mapspaces(layers: FloatMatrix, tiles: TileTable, configs: FloatMatrix, out: IntColumn) -> None:
    """Fill the mappings of each configuration, summed over the nests."""
    for c in range(configs.shape[0]):
        config = config_row(configs, c)
        out[c] = 0
        for i in range(layers.shape[0]):
            layer = layer_row(layers, i)
            if layer.kind == NEST:
                terms = nest_terms(layer, config)
                out[c] += int(count_mappings(terms.counts, tiles, tile_rows(tiles, c, i), -1))
