"""Traffic of fused products as others counted it: TileFlow's RTL, FuseMax's attention."""

import csv
from pathlib import Path

import pytest

from hwmodels.fusion import capacity_front, product_chain, traffic_at
from hwmodels.mapping.problem import MappingError

RTL = Path("../shared/reference/data/frontier/tileflow_fused_gemm_rtl.csv")
TILEFLOW_BITS = 16

# TileFlow (MICRO 2023), validation data, two fused products: M, N1, K1, rows of a tile, N2, then bits that
# cross from memory to buffer and back.
TILEFLOW = [
    (512, 512, 64, 32, 64, 17301504, 524288),
    (512, 256, 48, 64, 48, 3538944, 393216),
    (1024, 512, 48, 16, 48, 51118080, 786432),
]

# FuseMax (MICRO 2024), artefact, batch 64: heads, width of a head, positions, tiles of queries that the
# traffic amounts to, bytes. The last two: +Cascade and +Binding of one model.
FUSEMAX = [
    (12, 64, 4096, 1, 1610612736),
    (12, 64, 262144, 32, 1700807049216),
    (12, 64, 262144, 8, 463856467968),
]


def check(m, n1, k1, rows, n2, down, up):
    words = traffic_at(product_chain(m, (k1, n1, n2)), {"m": rows})
    out = words.pop("T2")
    assert (TILEFLOW_BITS * sum(words.values()), TILEFLOW_BITS * out) == (down, up)


@pytest.mark.published
@pytest.mark.parametrize("row", TILEFLOW)
def test_tileflow_rtl(row):
    check(*row)


@pytest.mark.published
def test_every_row_of_tileflow_rtl():
    if not RTL.exists():
        pytest.skip("the reference data are not here")
    names = ("M1", "N1", "K1", "micro_M1", "N2", "mem_to_buf", "buf_to_mem")
    with RTL.open() as file:
        rows = [tuple(int(row[name]) for name in names) for row in csv.DictReader(file)]
    for m, n1, k1, rows_of_tile, _, down, up in rows:
        check(m, n1, k1, rows_of_tile, k1, down, up)  # the second product is as wide as the first is deep


@pytest.mark.published
@pytest.mark.parametrize(("heads", "width", "positions", "tiles", "moved"), FUSEMAX)
def test_fusemax_attention_never_holds_its_scores(heads, width, positions, tiles, moved):
    """Scores stay on chip; keys and values are read once for every tile of queries."""
    group = product_chain(positions, (width, positions, width))
    words = traffic_at(group, {"m": positions // tiles})
    assert "T1" not in words
    assert 64 * heads * 2 * sum(words.values()) == moved


def test_attention_in_a_buffer_that_scores_do_not_fit():
    """1,024 positions, 64 wide: scores are a million words, and a tile of queries needs 3,137."""
    group = product_chain(1024, (64, 1024, 64))
    together, apart = capacity_front(group), capacity_front(group, fused=False)
    assert together.moved(140_000) < 1024 * 1024 < apart.moved(140_000)


def test_bad_tiles():
    group = product_chain(8, (4, 8, 4))
    with pytest.raises(MappingError, match="tile: 'n0' cannot be shared, m, n1 can"):
        traffic_at(group, {"n0": 2})
    with pytest.raises(MappingError, match="tile: 3 of m does not divide 8"):
        traffic_at(group, {"m": 3})
