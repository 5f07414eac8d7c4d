"""Bounds of the two-level search: none excludes tiles that cost less than what they are held against."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.kernels.two_level.cost import Goal, all_input_bytes, exposed_s, tried
from hwmodels.kernels.two_level.orders import (
    INNERMOST_C,
    INNERMOST_K,
    INNERMOST_M,
    may_stay,
    some_stay,
    stays,
    turns_of,
)
from hwmodels.kernels.two_level.room import held_of, least_c, least_k
from hwmodels.kernels.two_level.rows import config_matrix, config_row, layer_matrix, layer_row
from hwmodels.kernels.two_level.stay import fewest, least_of
from hwmodels.kernels.two_level.terms import nest_terms
from hwmodels.kernels.two_level.tiling import bound_of, channels_at, lost, pixels_at
from hwmodels.tiles import TileLists
from tests.hwmodels.tables import config_table, layer_table
from tests.hwmodels.test_tiling import machines, nests, sparse, wired

PORTS = dict.fromkeys(("weight", "input", "output"), 1e6)
ROOM = {"double": True, "read_bw": 1e6, "write_bw": 1e6, "port": PORTS, "static_w": 0.0}
ROOM["cap"] = dict.fromkeys(("weight", "input", "output"), 4000) | {"shared": 0}
"""Of machines that wait for their array alone, where what stays in it counts."""


def waiting(machine):
    return machine | ROOM


PAIRS = sparse() | st.tuples(nests(), machines() | wired())
QUICK = st.tuples(nests(), machines().map(waiting) | wired().map(waiting))


def searched(nest, machine):
    """Terms of a nest on a machine, and its lists of tiles."""
    layers, configs = layer_table([nest]), config_table(machine)
    terms = nest_terms(layer_row(layer_matrix(layers), 0), config_row(config_matrix(configs), 0))
    return terms, TileLists(layers).table(configs)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), pair=PAIRS | QUICK, objective=st.integers(0, 2), loop=st.integers(0, 4))
def test_no_bound_excludes_tiles_that_would_win(data, pair, objective, loop):
    """Of tiles, of those beside any C, any K and C, and of a network's operation beside what stays."""
    terms, tiles = searched(*pair)
    nest = terms.counts
    k, c, m = (
        read(table[0], data.draw(st.integers(0, number[0] - 1)))
        for read, table, number in (
            (channels_at, tiles.k, tiles.k_number),
            (channels_at, tiles.c, tiles.c_number),
            (pixels_at, tiles.m, tiles.m_number),
        )
    )
    order = loop if loop < 3 else {"ws": INNERMOST_M, "is": INNERMOST_K, "os": INNERMOST_C}[pair[1]["flow"]]
    found = tried(terms, (k, c, m), Goal(objective, order))
    assume(found.order >= 0 and found.score > 0.0)
    chosen = (order, found.place)
    if stays(nest, (k, c, m), chosen):
        assert may_stay(nest, k, m)
    if may_stay(nest, k, m):
        assert some_stay(nest, m)

    held, input_bytes = held_of(nest, m), all_input_bytes(nest, m)
    k_least, c_least = tiles.k_least[0], tiles.c_least[0]
    edge_s = exposed_s(terms, (k, c, m), found.place, turns_of(chosen, k.tiles, c.tiles, m.tiles))
    dearer = (found.score * (1 + 1e-9), found.cost[1] * (1 + 1e-9))
    these = bound_of(terms, (k.tiles, k.steps), m, input_bytes, may_stay(nest, k, m))
    further = bound_of(terms, (k.tiles, k_least), m, input_bytes, some_stay(nest, m))
    any_k = bound_of(terms, (least_k(nest, held), k_least), m, input_bytes, some_stay(nest, m))
    for bound, at_least, exposed in (
        (these, (c.tiles, c.steps), edge_s),
        (these, (c.tiles, c_least), 0.0),
        (these, (least_c(nest, held, k.size), c_least), 0.0),
        (further, (least_c(nest, held, 0.0), c_least), 0.0),
        (any_k, (least_c(nest, held, 0.0), c_least), 0.0),
    ):
        assert not lost(terms, bound, at_least, exposed, objective, dearer)
    latency_s, pj = least_of(terms, fewest(tiles, (0, 0, 0)))
    assert latency_s <= found.cost[0] * (1 + 1e-9)
    assert pj <= found.cost[1] * (1 + 1e-9)
