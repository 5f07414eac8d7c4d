"""Trained weights in low rank: laws of the decomposition, and modules that begin where training ended."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from workloads.learning.low_rank import hosvd, in_low_rank, truncated
from workloads.spaces.builders import convolutional

NETWORK = convolutional(resolution=8, stages=2, width=(6, 10), kernel=(3, 3))
LAYER = "stage2.0.conv"


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([(1,), (3,), (2, 3)]), st.integers(0, 99))
def test_what_is_cut_off_is_no_more_than_the_singular_values_that_went(filters, channels, kernel, seed):
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn((filters, channels, *kernel), generator=draw, dtype=torch.float64)
    core = hosvd(weight)[2]
    torch.testing.assert_close((core**2).sum(), (weight**2).sum())
    tails = [
        np.linalg.svd(np.moveaxis(weight.numpy(), axis, 0).reshape(n, -1), compute_uv=False) ** 2
        for axis, n in ((0, filters), (1, channels))
    ]
    for rank_in in range(1, channels + 1):
        for rank_out in range(1, filters + 1):
            first, middle, last = truncated(weight, rank_in, rank_out)
            shape = (filters, channels, *kernel)
            whole = torch.einsum("of,fc...,ci->oi...", last.flatten(1), middle, first.flatten(1)).reshape(
                shape
            )
            lost = float(((weight - whole) ** 2).sum())
            cut = [float(tail[rank:].sum()) for tail, rank in zip(tails, (rank_out, rank_in), strict=True)]
            assert max(cut) - 1e-9 <= lost <= sum(cut) + 1e-9


def test_full_ranks_compute_what_was_trained_and_fewer_nearly():
    module = workloads.to_module(NETWORK, seed=1).eval()
    image = torch.rand(4, 1, 8, 8)
    away = []
    for ranks in ((6, 10), (5, 8), (2, 2)):
        low = in_low_rank(NETWORK.sparsify("tucker2", ranks={LAYER: ranks}), module).eval()
        away.append(float((low(image) - module(image)).detach().abs().max()))
    assert away[0] < 1e-5 < away[1] < away[2]


def test_a_network_that_was_not_made_of_the_module_is_named():
    low = NETWORK.sparsify("tucker2", ranks={LAYER: (2, 2)})
    other = workloads.to_module(convolutional(resolution=8, stages=2, width=(6, 10), hidden=4))
    with pytest.raises(ValueError, match=r"convolutional.*: layer '.*' is not the module's"):
        in_low_rank(low, other)
    with pytest.raises(ValueError, match="layer 'conv1' is none of the module's"):
        in_low_rank(workloads.load("lenet5"), other)
    with pytest.raises(TypeError, match="in_low_rank: module must be a module of"):
        in_low_rank(low, None)
