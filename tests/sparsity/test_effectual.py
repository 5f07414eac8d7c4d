"""Effectual work: exact counts against a plain loop, by law, and against published cycles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sparsity.masks import CYCLES, pair
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.effectual import by_channel, by_density, from_masks

Pairs = tuple[int, int]


def counted(
    weight: np.ndarray,
    inputs: np.ndarray,
    stride: Pairs,
    padding: tuple[Pairs, Pairs],
    dilation: Pairs,
    groups: int,
) -> int:
    """Walk every multiply-accumulate of the convolution and look at both operands."""
    batch, _, height, width = inputs.shape
    filters, per_group, rows, cols = weight.shape
    out = [
        (extent + sum(pads) - (size - 1) * gap - 1) // step + 1
        for extent, pads, size, gap, step in zip(
            (height, width), padding, (rows, cols), dilation, stride, strict=True
        )
    ]
    total = 0
    for n, k, p, q in np.ndindex(batch, filters, *out):
        for c, r, s in np.ndindex(per_group, rows, cols):
            channel = k // (filters // groups) * per_group + c
            y = p * stride[0] + r * dilation[0] - padding[0][0]
            x = q * stride[1] + s * dilation[1] - padding[1][0]
            if 0 <= y < height and 0 <= x < width:
                total += bool(weight[k, c, r, s]) and bool(inputs[n, channel, y, x])
    return total


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_masks_are_counted_as_a_plain_loop_counts(data: st.DataObject) -> None:
    one = st.integers(1, 2)
    groups, per_group, filters, rows, cols = (data.draw(one) for _ in range(5))
    batch, height, width = data.draw(one), data.draw(st.integers(3, 5)), data.draw(st.integers(3, 5))
    stride, dilation = (data.draw(one), data.draw(one)), (data.draw(one), data.draw(one))
    padding = tuple((data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    weight = rng.random((filters * groups, per_group, rows, cols)) < 0.6
    inputs = rng.random((batch, per_group * groups, height, width)) < 0.6
    got = from_masks(weight, inputs, stride=stride, padding=padding, dilation=dilation, groups=groups)
    assert got == counted(weight, inputs, stride, padding, dilation, groups)


def test_dense_masks_make_every_mac_effectual() -> None:
    assert from_masks(np.ones((8, 4, 3, 3)), np.ones((2, 4, 6, 6))) == 2 * 8 * 4 * 9 * 16


def test_a_pointwise_convolution_needs_only_counts_per_channel() -> None:
    rng = np.random.default_rng(3)
    weight, inputs = rng.random((8, 6, 1, 1)) < 0.3, rng.random((2, 6, 5, 5)) < 0.5
    assert by_channel(weight.sum(axis=(0, 2, 3)), inputs.sum(axis=(0, 2, 3))) == from_masks(weight, inputs)


def test_uncorrelated_operands_meet_the_density_product() -> None:
    rng = np.random.default_rng(4)
    weight, inputs = rng.random((64, 32, 3, 3)) < 0.2, rng.random((1, 32, 32, 32)) < 0.4
    got = from_masks(weight, inputs)
    macs = 64 * 32 * 9 * 30 * 30
    # 1 %: eight standard errors of the density of 18,432 weights and 32,768 inputs is about this.
    assert got == pytest.approx(float(by_density(macs, weight.mean(), inputs.mean())), rel=0.01)


@pytest.mark.published
@pytest.mark.parametrize(("layer", "low"), [("L07", 0.067), ("L09", 0.011), ("L13", 0.017), ("L19", 0.038)])
def test_channel_counts_give_the_ground_truth_cycles(layer: str, low: float) -> None:
    """Sparseloop MICRO'22 artifact, Eyeriss-V2 PE: one cycle an effectual MAC; the density product is low."""
    weight, inputs = pair(layer)
    assert by_channel(weight.sum(axis=0), inputs.sum(axis=0)) == CYCLES[layer]
    nchw = inputs.T.reshape(1, weight.shape[1], -1, 1)
    assert from_masks(weight[:, :, None, None], nchw) == CYCLES[layer]
    product = float(by_density(weight.size * len(inputs), weight.mean(), inputs.mean()))
    assert 1 - product / CYCLES[layer] == pytest.approx(low, abs=0.0006)  # the figure is printed to 0.1 %


def test_operands_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SparsityError, match=r"by_channel: needs one count a channel"):
        by_channel([1, 2], [1, 2, 3])
    with pytest.raises(SparsityError, match=r"from_masks: weight \(2, 3, 1, 1\) in 1 groups does not fit"):
        from_masks(np.ones((2, 3, 1, 1)), np.ones((1, 4, 2, 2)))
    with pytest.raises(SparsityError, match=r"from_masks: a window of \[3, 3\] does not fit"):
        from_masks(np.ones((2, 4, 3, 3)), np.ones((1, 4, 2, 2)))
