"""Patterns are found where they were put, and only there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import NM, Block, Channel, Periodic, Uniform
from workloads.sparsity.recognise import Structure, recognise

SHAPE = (64, 32, 3, 3)
seeds = st.integers(0, 10_000)
quick = settings(max_examples=25, deadline=None)


@quick
@given(seed=seeds, percent=st.integers(2, 99), shape=st.sampled_from([SHAPE, (128, 64), (64, 64, 1, 1)]))
def test_scattered_zeros_have_no_structure(seed: int, percent: int, shape: tuple[int, ...]) -> None:
    found = recognise(Uniform.at(shape, percent / 100).draw(np.random.default_rng(seed)))
    assert found.structure is Structure.UNSTRUCTURED


@quick
@given(
    seed=seeds,
    ratio=st.sampled_from([(2, 4), (1, 4), (1, 2), (4, 8), (3, 4), (2, 16)]),
    axis=st.integers(0, 1),
    shape=st.sampled_from([SHAPE, (64, 64)]),
)
def test_groups(seed: int, ratio: tuple[int, int], axis: int, shape: tuple[int, ...]) -> None:
    found = recognise(NM(shape, *ratio, axis).draw(np.random.default_rng(seed)))
    assert (found.structure, found.n, found.m, found.axis) == (Structure.N_M, *ratio, axis)


def test_groups_that_are_not_full_still_count() -> None:
    rng = np.random.default_rng(6)
    mask = NM(SHAPE, 2, 4, 1).draw(rng) & (rng.random(SHAPE) < 0.97)
    found = recognise(mask)
    assert (found.structure, found.n, found.m, found.axis) == (Structure.N_M, 2, 4, 1)
    mask[0, :4, 0, 0] = True  # one group of four: 2:4 hardware could not run it
    assert recognise(mask).structure is not Structure.N_M or recognise(mask).m != 4


@quick
@given(
    seed=seeds,
    block=st.sampled_from([(4, 4, 1, 1), (1, 1, 3, 3), (16, 1, 1, 1), (8, 2, 3, 3)]),
    percent=st.integers(20, 80),
)
def test_blocks(seed: int, block: tuple[int, ...], percent: int) -> None:
    mask = Block.at(SHAPE, block, percent / 100).draw(np.random.default_rng(seed))
    found = recognise(mask)
    if found.structure is Structure.BLOCK:
        # Neighbouring blocks may agree everywhere by chance; the blocks found then hold the ones drawn.
        assert all(large % small == 0 for large, small in zip(found.block, block, strict=True))
    else:
        assert found.structure is Structure.CHANNEL


def test_blocks_have_the_extents_that_were_drawn() -> None:
    mask = Block.at(SHAPE, (4, 4, 1, 1), 0.4).draw(np.random.default_rng(7))
    assert recognise(mask).block == (4, 4, 1, 1)
    kernels = Block.at(SHAPE, (1, 1, 3, 3), 0.4).draw(np.random.default_rng(7))
    assert recognise(kernels).block == (1, 1, 3, 3)


@quick
@given(seed=seeds, kept=st.tuples(st.integers(1, 63), st.integers(1, 32)))
def test_channels_and_filters(seed: int, kept: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    mask = Channel(SHAPE, 0, kept[0]).draw(rng) & Channel(SHAPE, 1, kept[1]).draw(rng)
    found = recognise(mask)
    assert (found.structure, found.filters, found.channels) == (Structure.CHANNEL, *kept)


def test_dense_and_empty() -> None:
    assert recognise(np.ones(SHAPE)).structure is Structure.DENSE
    empty = recognise(np.zeros(SHAPE))
    assert (empty.structure, empty.filters, empty.channels) == (Structure.CHANNEL, 0, 0)


@quick
@given(seed=seeds, period=st.integers(2, 16))
def test_periods(seed: int, period: int) -> None:
    patterns = np.random.default_rng(seed).random((period, 3, 3)) < 0.4
    patterns[0] = True  # one pattern unlike the others: no shorter period
    patterns[1:, 1, 1] = False
    found = recognise(Periodic.of(SHAPE, patterns).draw())
    assert (found.structure, found.period) == (Structure.PERIODIC, period)


def test_one_changed_bit_ends_a_pattern() -> None:
    patterns = np.random.default_rng(8).random((5, 3, 3)) < 0.4
    mask = Periodic.of(SHAPE, patterns).draw()
    mask[40, 20, 1, 1] ^= True
    assert recognise(mask).structure is Structure.UNSTRUCTURED


def test_a_few_elements_are_no_evidence() -> None:
    assert recognise([[1, 0, 1, 0], [0, 1, 0, 1]]).structure is Structure.UNSTRUCTURED


def test_empty_slices_are_counted_beside_any_structure() -> None:
    mask = Uniform.at(SHAPE, 0.3).draw(np.random.default_rng(9))
    mask[:10] = False
    mask[:, :3] = False
    found = recognise(mask)
    assert (found.structure, found.filters, found.channels) == (Structure.UNSTRUCTURED, 54, 29)


def test_vectors_are_refused() -> None:
    with pytest.raises(
        SparsityError, match=r"recognise: a mask needs filters and channels, got shape \(4,\)"
    ):
        recognise([1, 0, 1, 0])
