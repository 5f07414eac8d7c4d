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

# FuseMax (MICRO 2024), artefact, batch 64, 16 bits: heads and width of a head by model.
FUSEMAX_MODELS = {"BERT": (12, 64), "TrXL": (16, 64), "T5": (8, 64), "XLM": (16, 128)}
FUSEMAX_BYTES = 16 * 2**20
FUSEMAX_QUERIES = 8192  # tile of +Cascade alone
FUSEMAX_DATA = RTL.with_name("fusemax_attention.csv")

# Design, model, positions, bytes moved.
FUSEMAX = [
    ("attn-cascade", "BERT", 4096, 1610612736),
    ("attn-cascade", "BERT", 262144, 1700807049216),
    ("attn-binding", "BERT", 262144, 463856467968),
    ("attn-binding", "XLM", 262144, 2336462209024),
    ("attn-arch", "T5", 1048576, 4535485464576),
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


def attention_bytes(design, model, positions):
    """Traffic of all heads, queries in tiles as long as fit: of queries and results, twice, in the buffer."""
    heads, width = FUSEMAX_MODELS[model]
    queries = FUSEMAX_BYTES // (2 * 2 * 2 * width)
    if design == "attn-cascade":
        queries = FUSEMAX_QUERIES
    words = traffic_at(product_chain(positions, (width, positions, width)), {"m": min(queries, positions)})
    assert "T1" not in words  # scores stay on chip
    return 64 * heads * 2 * sum(words.values())


@pytest.mark.published
@pytest.mark.parametrize(("design", "model", "positions", "moved"), FUSEMAX)
def test_fusemax_attention_never_holds_its_scores(design, model, positions, moved):
    """Keys and values are read once for every tile of queries."""
    assert attention_bytes(design, model, positions) == moved


@pytest.mark.published
def test_every_row_of_fusemax_attention():
    """+Cascade, +Architecture and +Binding of four models; unfused and FLAT hold what is not told here."""
    if not FUSEMAX_DATA.exists():
        pytest.skip("the reference data are not here")
    sizes = {"K": 2**10, "M": 2**20}
    designs = ("attn-cascade", "attn-arch", "attn-binding")
    with FUSEMAX_DATA.open() as file:
        rows = [row for row in csv.DictReader(file) if row["design"] in designs]
    assert len(rows) > 40
    for row in rows:
        positions = int(row["seq_len"][:-1]) * sizes[row["seq_len"][-1]]
        assert attention_bytes(row["design"], row["model"], positions) == int(row["traffic_bytes"])


@pytest.mark.published
@pytest.mark.parametrize(("model", "positions", "moved"), [row[1:] for row in FUSEMAX[2:4]])
def test_the_exact_front_moves_no_more_than_fusemax_in_its_buffer(model, positions, moved):
    heads, width = FUSEMAX_MODELS[model]
    front = capacity_front(product_chain(positions, (width, positions, width)))
    assert 64 * heads * 2 * front.moved(FUSEMAX_BYTES // 2) <= moved


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
