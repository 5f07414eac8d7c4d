"""Storage formats: exact against written streams, expected against all or many masks, crossovers by law."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import density as every
from tests.oracles import formats as oracle
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import (
    NM,
    Banded,
    Block,
    Channel,
    DensityModel,
    Mask,
    Periodic,
    Profile,
    Uniform,
)
from workloads.sparsity.formats import Format, Storage, exact_size, expected_size, format_bits

BITS = 5
quick = settings(max_examples=80, deadline=None)


@st.composite
def matrices(draw: st.DrawFn, cols: int | None = None) -> np.ndarray:
    rows, wide = draw(st.integers(1, 6)), cols or draw(st.integers(1, 12))
    density = draw(st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.9, 1.0]))
    return np.random.default_rng(draw(st.integers(0, 10_000))).random((rows, wide)) < density


def check(storage: Storage, mask: np.ndarray, written: tuple[list[int], list[oracle.Field]]) -> None:
    size = exact_size(storage, mask, BITS)
    assert (int(size.data_bits), int(size.metadata_bits)) == oracle.bits(*written, BITS)


@quick
@given(mask=matrices(), run_bits=st.integers(1, 5))
def test_exact_sizes_are_those_of_written_streams(mask: np.ndarray, run_bits: int) -> None:
    rows = mask.astype(int).tolist()
    shape = mask.shape
    columns = [list(column) for column in zip(*rows, strict=True)]
    written = oracle.bitmask(rows)
    assert oracle.read_bitmask(*written, *shape) == rows
    check(Storage(format=Format.BITMASK), mask, written)
    written = oracle.rle(rows, run_bits)
    assert oracle.read_rle(*written, *shape) == rows
    check(Storage(format=Format.RLE, run_bits=run_bits), mask, written)
    written = oracle.csr(rows)
    assert oracle.read_csr(*written, *shape) == rows
    check(Storage(format=Format.CSR), mask, written)
    written = oracle.csr(columns)
    assert oracle.read_csr(*written, *shape[::-1]) == columns
    check(Storage(format=Format.CSC), mask, written)
    written = oracle.coo(rows)
    assert oracle.read_coo(*written, *shape) == rows
    check(Storage(format=Format.COO), mask, written)
    check(Storage(format=Format.DENSE), mask, ([0] * mask.size, []))


@quick
@given(mask=matrices(cols=12), tall=st.integers(1, 3), wide=st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_block_sizes_are_those_of_written_blocks(mask: np.ndarray, tall: int, wide: int) -> None:
    mask = np.repeat(mask, tall, axis=0)
    check(Storage(format=Format.BLOCK, block=(tall, wide)), mask, oracle.bcsr(mask.tolist(), tall, wide))


@quick
@given(data=st.data(), n=st.integers(1, 4), m=st.integers(4, 6), seed=st.integers(0, 1000))
def test_n_m_sizes_are_those_of_written_groups(data: st.DataObject, n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = NM((3, 4 * m), n, m, axis=1).draw(rng) & (rng.random((3, 4 * m)) < 0.9)  # a few groups not full
    rows = mask.astype(int).tolist()
    written = oracle.n_m(rows, n, m)
    assert oracle.read_n_m(*written, *mask.shape, n, m) == rows
    check(Storage(format=Format.N_M, n=n, m=m), mask, written)


@quick
@given(data=st.data(), rows=st.integers(1, 3), cols=st.integers(1, 4), run_bits=st.integers(1, 2))
def test_expected_runs_are_the_mean_over_all_masks(
    data: st.DataObject, rows: int, cols: int, run_bits: int
) -> None:
    kept = data.draw(st.integers(0, rows * cols))
    sizes = []
    for mask in every.uniform_masks((rows, cols), kept):
        flat = every.to_array(mask, (rows, cols))
        matrix = [flat[r * cols : (r + 1) * cols] for r in range(rows)]
        sizes.append(sum(oracle.bits(*oracle.rle(matrix, run_bits), BITS)))
    got = expected_size(Storage(format=Format.RLE, run_bits=run_bits), Uniform((rows, cols), kept), BITS)
    assert float(got.bits) == pytest.approx(np.mean(sizes), rel=1e-9, abs=1e-9)


PATTERNS = [[[1, 0], [0, 1]], [[0, 1], [1, 1]], [[0, 0], [0, 1]]]
MODELS: list[DensityModel] = [
    Uniform.at((64, 96), 0.07),
    NM((64, 96), 2, 4),
    Block.at((64, 96), (4, 4), 0.2),
    Channel.at((64, 96), 1, 0.3),
    Profile((64, 96), 0, tuple(range(64))),
    Banded((64, 96), 9),
    Periodic.of((12, 10, 2, 2), PATTERNS),
    Mask.of(np.random.default_rng(1).random((64, 96)) < 0.2),
]


@pytest.mark.parametrize("model", MODELS, ids=[type(model).__name__ for model in MODELS])
def test_expected_sizes_are_the_mean_of_exact_ones(model: DensityModel) -> None:
    rng = np.random.default_rng(2)
    masks = [model.draw(rng) for _ in range(60)]
    block = (2,) * len(model.shape)
    for code in (Format.DENSE, Format.BITMASK, Format.CSR, Format.CSC, Format.COO, Format.BLOCK, Format.RLE):
        storage = Storage(format=code, block=block)
        sizes = np.array([float(exact_size(storage, mask, 16).bits) for mask in masks])
        expected = float(expected_size(storage, model, 16).bits)
        # RLE of random models is counted on one mask: allow that mask's own deviation too.
        error = 6 * sizes.std() * (1 if code == Format.RLE else 1 / np.sqrt(len(masks)))
        assert abs(sizes.mean() - expected) <= error + 1e-9 * expected + 0.002 * expected * (
            code == Format.BLOCK
        )


def test_a_cycle_of_patterns_is_stored_once() -> None:
    model = Periodic.of((12, 10, 2, 2), PATTERNS)
    storage = Storage(format=Format.PERIODIC)
    size = expected_size(storage, model, 8)
    assert (float(size.data_bits), float(size.metadata_bits)) == (8 * model.nonzeros, 3 * 4)
    found = exact_size(storage, model.draw(), 8)
    assert (float(found.data_bits), float(found.metadata_bits)) == (8 * model.nonzeros, 3 * 4)


@given(
    elements=st.integers(1, 10**6),
    percent=st.integers(0, 100),
    bits=st.sampled_from([1, 2, 4, 8, 16, 32]),
    rows=st.integers(1, 100),
)
@quick
def test_the_plain_formulas_are_the_models_formulas(
    elements: int, percent: int, bits: int, rows: int
) -> None:
    shape = (rows, max(1, elements // rows))
    total = shape[0] * shape[1]
    model = Uniform(shape, total * percent // 100)
    for code in (Format.DENSE, Format.BITMASK, Format.CSR, Format.CSC, Format.COO):
        plain = format_bits(code, total, model.nonzeros, bits, rows=rows)
        assert plain == expected_size(Storage(format=code), model, bits)


def test_plain_formulas_are_the_limits_of_large_tensors() -> None:
    model = Uniform.at((1024, 1024), 0.04)
    runs = format_bits(Format.RLE, model.elements, model.nonzeros, 8)
    exact = expected_size(Storage(format=Format.RLE), model, 8)
    assert float(runs.bits) == pytest.approx(float(exact.bits), rel=1e-4)
    blocks = format_bits(Format.BLOCK, model.elements, model.nonzeros, 8, block=16, block_rows=256)
    exact = expected_size(Storage(format=Format.BLOCK, block=(4, 4)), model, 8)
    assert float(blocks.bits) == pytest.approx(float(exact.bits), rel=1e-4)


def test_formulas_take_columns() -> None:
    elements, kept = np.array([100.0, 400.0, 1000.0]), np.array([[10.0], [20.0]])
    for code in Format:
        size = format_bits(code, elements, kept, 8, rows=10, block=4, block_rows=5, period_bits=9)
        assert size.bits.shape == (2, 3)
        one = format_bits(code, 400.0, 20.0, 8, rows=10, block=4, block_rows=5, period_bits=9)
        assert float(size.bits[1, 1]) == float(one.bits)


# Crossovers: sparse_networks.md 4.4.
@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_a_bitmask_beats_dense_below_one_minus_one_over_bits(bits: int) -> None:
    total = 2**20
    edge = 1 - 1 / bits
    dense = float(format_bits(Format.DENSE, total, total, bits).bits)
    assert float(format_bits(Format.BITMASK, total, total * edge, bits).bits) == pytest.approx(dense)
    assert float(format_bits(Format.BITMASK, total, total * (edge - 0.01), bits).bits) < dense
    assert float(format_bits(Format.BITMASK, total, total * (edge + 0.01), bits).bits) > dense


@pytest.mark.parametrize("index", [8, 12])
def test_a_bitmask_beats_coordinates_above_one_over_index_bits(index: int) -> None:
    total = 2**index
    for density, wins in ((1.01 / index, True), (0.99 / index, False)):
        mask = float(format_bits(Format.BITMASK, total, total * density, 16).bits)
        assert (mask < float(format_bits(Format.COO, total, total * density, 16).bits)) == wins


@pytest.mark.published
@pytest.mark.parametrize(("density", "factor"), [(0.04, 2.08), (0.09, 1.28), (0.20, 1.03)])
def test_fillers_of_four_bit_runs(density: float, factor: float) -> None:
    """EIE's layers at 4 and 9 % (sparse_networks.md 4.4): entries over non-zeros, printed to two digits."""
    total = 10**6
    entries = float(format_bits(Format.RLE, total, total * density, 1).data_bits)
    assert entries / (total * density) == pytest.approx(factor, abs=0.0051)


@pytest.mark.published
@pytest.mark.parametrize(("bits", "sixteenths"), [(16, 9), (8, 10)])
def test_two_of_four_takes_what_pytorch_says(bits: int, sixteenths: int) -> None:
    """PyTorch SparseSemiStructuredTensor: factors of 9 (16-bit) and 10 (8-bit) sixteenths of dense."""
    size = expected_size(Storage(format=Format.N_M), NM((128, 256), 2, 4), bits)
    assert float(size.bits) == 128 * 256 * bits * sixteenths / 16


@pytest.mark.published
def test_run_lengths_win_in_the_middle() -> None:
    """RLE-4 is the smallest of bitmask, RLE-4 and 12-bit coordinates between about 5 and 15 % (4.4)."""
    total = 2**12

    def best(density: float) -> Format:
        sizes = {
            code: float(format_bits(code, total, total * density, 8).bits)
            for code in (Format.BITMASK, Format.RLE, Format.COO)
        }
        return min(sizes, key=lambda code: sizes[code])

    assert [best(density) for density in (0.01, 0.07, 0.10, 0.15, 0.30)] == [
        Format.COO,
        Format.RLE,
        Format.RLE,
        Format.RLE,
        Format.BITMASK,
    ]


@pytest.mark.parametrize(
    ("storage", "mask", "message"),
    [
        (
            Storage(format=Format.N_M),
            [[1, 1, 1, 0]],
            r"N_M: 2:4 along axis 1 cannot hold 3 non-zeros in a group",
        ),
        (Storage(format=Format.N_M), [[1, 1, 0]], r"N_M: groups of 4 do not divide the 3 along axis 1"),
        (Storage(format=Format.N_M, axis=2), [[1, 1]], r"N_M: axis must be in \[-2, 1\], got 2"),
        (
            Storage(format=Format.BLOCK, block=(2, 2)),
            [[1, 1]],
            r"BLOCK: blocks must divide the extents \(1, 2\)",
        ),
        (Storage(format=Format.BLOCK), [[1, 1]], r"BLOCK: blocks must divide"),
        (Storage(format=Format.PERIODIC), [[1, 0]], r"PERIODIC: the mask is no cycle of kernel patterns"),
    ],
)
def test_masks_that_a_format_cannot_hold_are_refused(
    storage: Storage, mask: list[list[int]], message: str
) -> None:
    with pytest.raises(SparsityError, match=message):
        exact_size(storage, mask, 8)
    with pytest.raises(SparsityError, match=message):
        expected_size(storage, Mask.of(mask), 8)


def test_unknown_codes_are_refused() -> None:
    with pytest.raises(SparsityError, match=r"code must be one of \[0, 1, 2, 3, 4, 5, 6, 7, 8\], got 9"):
        format_bits(9, 1, 1, 1)


def test_every_density_is_storable() -> None:
    for code, kept in product(Format, (0.0, 1.0, 100.0)):
        size = format_bits(code, 100, kept, 8, rows=10, block=4, block_rows=5)
        assert 0.0 <= float(size.data_bits) <= 16 * 100  # blocks and groups may hold zeros, never doubles
        assert 0.0 <= float(size.metadata_bits) < 100 * 8 + 100
