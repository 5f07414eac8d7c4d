"""Masks that keep the highest scores: exact counts, against sorting, and the structures they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import NM, Block
from workloads.sparsity.low_rank import Conv, rank_for, tucker2_macs, tucker2_parameters
from workloads.sparsity.pre_defined import Variant
from workloads.sparsity.selection import top, top_blocks, top_n_m, top_of_all, top_slices

quick = settings(max_examples=60, deadline=None)
scores = st.lists(st.integers(0, 5), min_size=1, max_size=30)  # few values: many ties


@quick
@given(values=scores, data=st.data())
def test_top_is_the_head_of_a_stable_sort(values: list[int], data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(values)))
    best = sorted(range(len(values)), key=lambda place: -values[place])[:kept]
    assert set(np.flatnonzero(top(values, kept))) == set(best)


@quick
@given(one=scores, other=scores, percent=st.integers(1, 100))
def test_global_pruning_ranks_all_layers_together(one: list[int], other: list[int], percent: int) -> None:
    masks = top_of_all({"a": np.array(one, dtype=float), "b": np.array(other, dtype=float)}, percent / 100)
    total = len(one) + len(other)
    assert sum(int(mask.sum()) for mask in masks.values()) == max(1, total - (100 - percent) * total // 100)
    kept = [
        value for mask, values in ((masks["a"], one), (masks["b"], other)) for value in np.array(values)[mask]
    ]
    lost = [
        value
        for mask, values in ((masks["a"], one), (masks["b"], other))
        for value in np.array(values)[~mask]
    ]
    assert not lost or min(kept) >= max(lost)


@quick
@given(seed=st.integers(0, 1000), n=st.integers(1, 4), axis=st.integers(0, 1))
def test_groups_keep_their_best(seed: int, n: int, axis: int) -> None:
    values = np.random.default_rng(seed).random((8, 12))
    mask = top_n_m(values, n, 4, axis)
    for line, kept in zip(np.moveaxis(values, axis, 1), np.moveaxis(mask, axis, 1), strict=True):
        for begin in range(0, line.size, 4):
            best = set(np.argsort(-line[begin : begin + 4])[:n])
            assert set(np.flatnonzero(kept[begin : begin + 4])) == best
    assert mask.sum() == NM((8, 12), n, 4, axis).nonzeros


@quick
@given(seed=st.integers(0, 1000), kept=st.integers(0, 12))
def test_blocks_keep_the_heaviest(seed: int, kept: int) -> None:
    values = np.random.default_rng(seed).random((6, 8))
    mask = top_blocks(values, (2, 2), kept)
    sums = {(r, c): values[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].sum() for r in range(3) for c in range(4)}
    best = sorted(sums, key=lambda place: -sums[place])[:kept]
    alive = {(r, c) for r in range(3) for c in range(4) if mask[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].all()}
    assert alive == set(best)
    assert mask.sum() == Block((6, 8), (2, 2), kept).nonzeros


def test_slices_are_filters_or_channels() -> None:
    values = np.random.default_rng(0).random((6, 4, 3, 3))
    mask = top_slices(values, axis=1, kept=3)
    assert mask.any(axis=(0, 2, 3)).sum() == 3
    assert mask.sum() == 3 * 6 * 9


def test_random_psconv_keeps_k_in_each_kernel() -> None:
    mask = Variant.parse("pSC4").draw((8, 6, 3, 3), np.random.default_rng(1))
    assert (mask.sum(axis=(2, 3)) == 4).all()
    assert len({kernel.tobytes() for kernel in mask.reshape(-1, 9)}) > 8


def test_psconv_patterns_are_those_of_the_authors_code() -> None:
    """Kundu et al., PSC4_P8 and PSC2_P8: residues of out + in + 1 and their kernels, row-major."""
    four = {0: "111111111", 1: "110110000", 2: "011011000", 3: "000110110", 4: "000011011", 5: "110110000"}
    two = {0: "111111111", 1: "110000000", 2: "011000000", 4: "000011000", 6: "000000011", 7: "110000000"}
    for name, known in (("PSD4_P8", four), ("PSD2_P8", two)):
        patterns = Variant.parse(name).patterns.reshape(8, 9).astype(int)
        for residue, bits in known.items():
            assert "".join(map(str, patterns[residue])) == bits
        mask = Variant.parse(name).draw((16, 8, 3, 3), np.random.default_rng(0))
        for i, j in ((0, 0), (3, 4), (15, 7)):
            assert (mask[i, j].ravel() == patterns[(i + j + 1) % 8]).all()


@pytest.mark.parametrize("name", ["PSD3_P8", "PS4", "pSC0", "PSC4_P8", ""])
def test_unknown_variants_are_refused(name: str) -> None:
    with pytest.raises(SparsityError, match=r"psconv: variant must be pSC<k>"):
        Variant.parse(name)


def test_only_three_by_three_kernels_have_variants() -> None:
    with pytest.raises(
        SparsityError, match=r"psconv: needs 3x3 kernels, got a weight of shape \(8, 8, 1, 1\)"
    ):
        Variant.parse("PS4_P4").model((8, 8, 1, 1))
    with pytest.raises(SparsityError, match=r"psconv: pSC4 has no cycle"):
        _ = Variant.parse("pSC4").patterns


@quick
@given(
    filters=st.integers(1, 64),
    channels=st.integers(1, 64),
    stride=st.integers(1, 2),
    percent=st.integers(1, 100),
    quantum=st.integers(1, 9),
)
def test_ranks_fit_their_budget_and_no_larger_one_does(
    filters: int, channels: int, stride: int, percent: int, quantum: int
) -> None:
    conv = Conv(filters=filters, channels=channels, kernel=(3, 3), inputs=64 * stride**2, outputs=64)
    rank = rank_for(conv, percent / 100, quantum)
    if rank is not None:
        assert rank % quantum == 0
        assert tucker2_macs(conv, rank, rank) <= percent / 100 * conv.macs
    larger = (rank or 0) + quantum
    assert larger > min(filters, channels) or tucker2_macs(conv, larger, larger) > percent / 100 * conv.macs


def test_tucker_counts_are_those_of_three_convolutions() -> None:
    """Section 1.9: MACs = HW C r + H'W' r^2 RS + H'W' r K; parameters = C r + r^2 RS + r K."""
    conv = Conv(filters=32, channels=16, kernel=(3, 3), inputs=32 * 32, outputs=16 * 16)
    assert tucker2_macs(conv, 8, 4) == 1024 * 16 * 8 + 256 * 9 * 8 * 4 + 256 * 4 * 32
    assert tucker2_parameters(conv, 8, 4) == 16 * 8 + 8 * 4 * 9 + 4 * 32
    assert conv.macs == 256 * 32 * 16 * 9
    assert conv.parameters == 32 * 16 * 9


def test_nonsense_is_refused_by_name() -> None:
    with pytest.raises(SparsityError, match=r"conv1: scores must be finite numbers"):
        top_of_all({"conv1": np.array([1.0, np.nan])}, 0.5)
    with pytest.raises(SparsityError, match=r"top: 3 of 2 scores cannot be kept"):
        top([1.0, 2.0], 3)
    with pytest.raises(SparsityError, match=r"n_m: 2:4 does not divide the 3 along axis 0"):
        top_n_m(np.ones((3, 4)), 2, 4, 0)
    with pytest.raises(SparsityError, match=r"block: \(2, 2\) does not divide the extents \(3, 4\)"):
        top_blocks(np.ones((3, 4)), (2, 2), 1)
    conv = Conv(filters=4, channels=4, kernel=(3, 3), inputs=4, outputs=4)
    with pytest.raises(SparsityError, match=r"tucker2: quantum must be at least 1, got 0"):
        rank_for(conv, 0.5, 0)
