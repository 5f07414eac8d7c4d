"""Density models: exact against every mask and tile on tiny tensors, against drawn masks, and by law."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.oracles import density as oracle
from workloads.sparsity.checks import SparsityError, nonzeros_at
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
from workloads.sparsity.density.block import CutBlocks
from workloads.sparsity.density.tiles import tile_counts

CONFIDENCES = (Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100), Fraction(1))
quick = settings(max_examples=60, deadline=None)
small = st.integers(1, 4)


def tile_in(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*(st.integers(1, extent) for extent in shape))


def check(model: DensityModel, law: oracle.Law, tile: tuple[int, ...], exact_quantile: bool = True) -> None:
    # Closed forms go through logarithms of factorials: equal to rounding, not to the bit.
    assert model.expected_nonzeros(tile) == pytest.approx(float(oracle.mean(law)), rel=1e-10, abs=1e-12)
    assert model.variance(tile) == pytest.approx(float(oracle.variance(law)), rel=1e-9, abs=1e-9)
    assert model.probability_empty(tile) == pytest.approx(float(oracle.empty(law)), rel=1e-9, abs=1e-12)
    for confidence in CONFIDENCES:
        got = int(model.max_occupancy(tile, float(confidence)))
        if exact_quantile or confidence == 1:
            assert got == oracle.at_most(law, confidence)
        else:
            assert got >= oracle.at_most(law, confidence)


@quick
@given(data=st.data(), rows=small, cols=st.integers(1, 3))
def test_uniform_equals_enumeration(data: st.DataObject, rows: int, cols: int) -> None:
    shape = (rows, cols)
    kept = data.draw(st.integers(0, rows * cols))
    tile = data.draw(tile_in(shape))
    check(Uniform(shape, kept), oracle.law(oracle.uniform_masks(shape, kept), shape, tile), tile)


@quick
@given(data=st.data())
def test_n_m_equals_enumeration(data: st.DataObject) -> None:
    n, m = data.draw(st.sampled_from([(1, 2), (2, 4), (1, 3), (2, 3), (1, 4), (3, 4)]))
    shape = data.draw(st.sampled_from([(2, m), (1, 2 * m), (1, 3 * m) if m < 4 else (m,), (m, 2)]))
    axis = 0 if shape == (m, 2) or len(shape) == 1 else 1
    tile = data.draw(tile_in(shape))
    check(NM(shape, n, m, axis), oracle.law(oracle.n_m_masks(shape, n, m, axis), shape, tile), tile)


@quick
@given(data=st.data(), grid=st.tuples(st.integers(1, 3), st.integers(1, 3)), block=st.tuples(small, small))
def test_block_equals_enumeration(data: st.DataObject, grid: tuple[int, int], block: tuple[int, int]) -> None:
    shape = (grid[0] * block[0], grid[1] * block[1])
    kept = data.draw(st.integers(0, grid[0] * grid[1]))
    tile = data.draw(tile_in(shape))
    model = Block(shape, block, kept)
    cut = isinstance(model.occupancy(tile), CutBlocks)
    check(
        model, oracle.law(oracle.block_masks(shape, block, kept), shape, tile), tile, exact_quantile=not cut
    )


@quick
@given(data=st.data(), shape=st.tuples(st.integers(1, 5), small, st.integers(1, 2)), axis=st.integers(0, 2))
def test_channel_equals_enumeration(data: st.DataObject, shape: tuple[int, ...], axis: int) -> None:
    kept = data.draw(st.integers(0, shape[axis]))
    tile = data.draw(tile_in(shape))
    check(Channel(shape, axis, kept), oracle.law(oracle.channel_masks(shape, axis, kept), shape, tile), tile)


@quick
@given(data=st.data(), shape=st.sampled_from([(3, 4), (4, 3), (2, 5), (5, 2), (2, 2, 2), (6,)]))
def test_profile_equals_enumeration(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    size = int(np.prod(shape)) // shape[axis]
    counts = tuple(data.draw(st.lists(st.integers(0, size), min_size=shape[axis], max_size=shape[axis])))
    masks = 1
    for count in counts:
        masks *= comb(size, count)
    assume(masks <= 300)
    tile = data.draw(tile_in(shape))
    check(
        Profile(shape, axis, counts), oracle.law(oracle.profile_masks(shape, axis, counts), shape, tile), tile
    )


@quick
@given(data=st.data(), rows=st.integers(1, 9), cols=st.integers(1, 9), half=st.integers(0, 9))
def test_banded_equals_counting(data: st.DataObject, rows: int, cols: int, half: int) -> None:
    shape = data.draw(st.sampled_from([(rows, cols), (2, rows, cols)]))
    tile = data.draw(tile_in(shape))
    mask = oracle.banded_mask(shape, half)
    model = Banded(shape, half)
    assert model.nonzeros == sum(mask.values())
    assert model.draw().ravel().tolist() == oracle.to_array(mask, shape)
    check(model, oracle.law([mask], shape, tile), tile)


@quick
@given(
    data=st.data(),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 3), st.integers(1, 3)),
)
def test_periodic_equals_counting(data: st.DataObject, shape: tuple[int, int, int, int]) -> None:
    period = data.draw(st.integers(1, 5))
    bits = data.draw(
        st.lists(
            st.integers(0, 1), min_size=period * shape[2] * shape[3], max_size=period * shape[2] * shape[3]
        )
    )
    patterns = np.reshape(bits, (period, *shape[2:]))
    tile = data.draw(tile_in(shape))
    mask = oracle.periodic_mask(shape, patterns.tolist())
    model = Periodic.of(shape, patterns)
    assert model.nonzeros == sum(mask.values())
    assert model.draw().ravel().tolist() == oracle.to_array(mask, shape)
    check(model, oracle.law([mask], shape, tile), tile)


@quick
@given(data=st.data(), shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple))
def test_actual_mask_equals_counting(data: st.DataObject, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    assume(size <= 120)
    bits = data.draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    tile = data.draw(tile_in(shape))
    mask = {place: bool(bit) for place, bit in zip(oracle.places(shape), bits, strict=True)}
    model = Mask.of(np.reshape(bits, shape))
    assert model.array.ravel().tolist() == [bool(bit) for bit in bits]
    assert model.nonzeros == sum(bits)
    check(model, oracle.law([mask], shape, tile), tile)


LARGE: list[tuple[DensityModel, list[tuple[int, ...]]]] = [
    (Uniform.at((64, 64), 0.1), [(4, 4), (16, 8), (1, 64)]),
    (NM((64, 64), 2, 4, 1), [(4, 6), (1, 3), (8, 8)]),
    (Block.at((64, 64), (4, 4), 0.25), [(8, 8), (2, 2), (6, 6)]),
    (Channel.at((64, 16, 3, 3), 0, 0.4), [(8, 4, 3, 3), (1, 1, 1, 1)]),
    (Profile((32, 128), 0, tuple(4 * c for c in range(32))), [(4, 16), (1, 128), (8, 8)]),
    (Banded((64, 64), 5), [(8, 8), (4, 16)]),
    (Periodic.of((32, 24, 2, 2), [[[1, 0], [0, 0]], [[0, 1], [0, 1]], [[1, 1], [1, 1]]]), [(4, 8, 1, 2)]),
]


@pytest.mark.parametrize(("model", "tiles"), LARGE, ids=[type(model).__name__ for model, _ in LARGE])
def test_models_agree_with_masks_they_draw(model: DensityModel, tiles: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    masks = [model.draw(rng) for _ in range(100)]
    assert {int(mask.sum()) for mask in masks} == {model.nonzeros}
    assert {mask.shape for mask in masks} == {model.shape}
    for tile in tiles:
        counts = np.stack([tile_counts(mask, tile).ravel() for mask in masks])
        by_mask = counts.mean(axis=1)
        # Six standard errors: a wrong model fails, a right one does not in a lifetime of runs.
        error = 6 * counts.std() / np.sqrt(counts.size) + 1e-12
        assert abs(by_mask.mean() - model.expected_nonzeros(tile)) <= error
        spread = 6 * float(model.variance(tile)) * np.sqrt(2 / len(masks)) + 1e-12
        assert abs(counts.var() - model.variance(tile)) <= spread
        none = (counts == 0).mean()
        p = float(model.probability_empty(tile))
        assert abs(none - p) <= 6 * np.sqrt(p * (1 - p) / len(masks)) + 1e-12
        assert counts.max() <= model.max_occupancy(tile)
        assert (counts <= model.max_occupancy(tile, 0.95)).mean() >= 0.95 - 6 * np.sqrt(0.05 / len(masks))


def test_many_tiles_at_once() -> None:
    tiles = np.array([[[1, 1], [2, 4]], [[4, 4], [3, 8]]])
    for model in (Uniform((8, 8), 20), NM((8, 8), 2, 4), Banded((8, 8), 2)):
        for question in (
            model.expected_nonzeros,
            model.variance,
            model.probability_empty,
            model.max_occupancy,
        ):
            together = question(tiles)
            assert together.shape == (2, 2)
            alone = [[float(question(tuple(tile))) for tile in row] for row in tiles.tolist()]
            assert together.tolist() == alone


def test_large_populations_stay_finite_and_consistent() -> None:
    model = Uniform.at((4096, 4096), 0.05)
    tile = (64, 64)
    assert 0 < model.max_occupancy(tile, 0.5) < model.max_occupancy(tile, 0.999) < 64 * 64
    spread = float(np.sqrt(model.variance(tile)))
    # The median is within a standard deviation of the mean in any distribution; z = 3.09 at 0.999.
    assert abs(int(model.max_occupancy(tile, 0.5)) - float(model.expected_nonzeros(tile))) < spread
    above = int(model.max_occupancy(tile, 0.999)) - float(model.expected_nonzeros(tile))
    assert above == pytest.approx(3.09 * spread, rel=0.05)  # nearly normal; 5 %: its skew
    assert model.probability_empty((8, 8)) == pytest.approx(
        0.95**64, rel=1e-4
    )  # 64 of 16.8 M: replacement hardly matters
    window = Banded((32768, 32768), 256)
    assert window.nonzeros == 32768 * 513 - 256 * 257
    assert window.expected_nonzeros((128, 128)) == pytest.approx(window.density * 128 * 128)


def test_a_profile_of_equal_channels_spreads_less_than_uniform() -> None:
    shape = (16, 32)
    assert Profile(shape, 0, (8,) * 16).variance((1, 32)) == 0.0 < Uniform(shape, 128).variance((1, 32))


@given(elements=st.integers(1, 10**7), percent=st.integers(1, 100))
@quick
def test_rounding_is_rigls_in_exact_arithmetic(elements: int, percent: int) -> None:
    zeros = (100 - percent) * elements // 100
    assert nonzeros_at(percent / 100, elements) == elements - zeros


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Uniform.at((4, 4), 0.0), r"Uniform: density must be in \(0, 1\], got 0.0"),
        (lambda: Uniform.at((4, 4), 1.5), r"Uniform: density must be in \(0, 1\], got 1.5"),
        (lambda: Uniform.at((4, 4), float("nan")), r"density must be in \(0, 1\], got nan"),
        (lambda: Uniform((4, 4), 17), r"Uniform\.kept must be between 0 and 16, got 17"),
        (lambda: Uniform((4, 0), 1), r"Uniform\.shape: extents must be positive"),
        (lambda: NM((4, 6), 2, 4, 1), r"NM\.m must divide the 6 elements along axis 1, got 4"),
        (lambda: NM((4, 4), 5, 4), r"NM\.n must be between 1 and m = 4, got 5"),
        (lambda: NM((4, 4), 2, 4, 2), r"NM\.axis: axis must be in \[-2, 1\], got 2"),
        (lambda: Block((4, 4), (3, 2), 1), r"Block\.block must divide"),
        (lambda: Block((4, 4), (2, 2), 5), r"Block\.kept must be between 0 and 4 blocks, got 5"),
        (lambda: Channel((4, 4), 0, 5), r"Channel\.kept must be between 0 and 4 channels"),
        (lambda: Profile((2, 4), 0, (1,)), r"Profile\.counts needs 2 counts, one a channel, got 1"),
        (lambda: Profile((2, 4), 0, (1, 5)), r"Profile\.counts must lie between 0 and 4"),
        (lambda: Banded((4,), 1), r"Banded\.shape needs at least rows and columns"),
        (lambda: Banded((4, 4), -1), r"Banded\.half_width must be at least 0"),
        (lambda: Periodic.of((4, 4, 3, 3), np.ones((2, 2, 2))), r"Periodic\.patterns must be 3 x 3"),
        (lambda: Periodic.of((4, 4), np.ones((2, 2, 2))), r"Periodic\.shape must be \(K, C, R, S\)"),
        (lambda: Mask.of([0, 1, 2], "conv1"), r"conv1: a mask must hold only 0 and 1"),
        (lambda: Mask.of_weights([1.0, float("nan")], where="fc"), r"fc: weights must be numbers, got NaN"),
        (lambda: Mask((9,), b"\xff"), r"Mask\.packed needs 2 bytes for shape \(9,\), got 1"),
        (lambda: Mask((9,), b"\xff\xff"), r"unused bits of the last byte must be 0"),
        (
            lambda: Uniform((4, 4), 4).variance((5, 1)),
            r"tile: extents must lie between 1 and those of \(4, 4\)",
        ),
        (lambda: Uniform((4, 4), 4).variance(3), r"tile: needs 2 integer extents"),
        (lambda: Uniform((4, 4), 4).max_occupancy((1, 1), 0.0), r"confidence must be in \(0, 1\], got 0.0"),
    ],
)
def test_nonsense_is_refused_by_name(build: object, message: str) -> None:
    with pytest.raises(SparsityError, match=message):
        build()  # type: ignore[operator]


def test_masks_are_values() -> None:
    bits = np.random.default_rng(1).random((7, 9)) < 0.3
    assert Mask.of(bits) == Mask.of(bits.astype(np.int8))
    assert hash(Mask.of(bits)) == hash(Mask.of(bits))
    assert Mask.of(bits) != Mask.of(~bits)
    assert Mask.of(bits).counts(0).tolist() == bits.sum(axis=1).tolist()
    assert Mask.of(bits).counts(-1).tolist() == bits.sum(axis=0).tolist()
    assert Mask.of_weights([[0, 3], [7, 3]], zero_point=3).array.tolist() == [[True, False], [True, False]]


def test_ten_million_elements_are_counted_along_either_axis() -> None:
    bits = np.random.default_rng(0).random((1088, 1024, 3, 3)) < 0.1  # 10,027,008 elements
    mask = Mask.of(bits)
    assert mask.nonzeros == mask.counts(0).sum() == mask.counts(1).sum() == np.count_nonzero(bits)
