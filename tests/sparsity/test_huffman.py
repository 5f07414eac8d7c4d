"""Huffman's code: the shortest of all prefix codes on small alphabets, within a bit of entropy on large."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.huffman import LENGTH_BITS, code_lengths, coded_bits, huffman_bits
from workloads.tensors import Weight


def shortest(counts):
    """Least total length of any code whose lengths satisfy Kraft's inequality."""
    live = [count for count in counts if count]
    if len(live) < 2:
        return sum(live)
    lengths = product(range(1, len(live) + 1), repeat=len(live))
    return min(
        sum(c * n for c, n in zip(live, one, strict=True))
        for one in lengths
        if sum(2.0**-n for n in one) <= 1
    )


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_no_prefix_code_is_shorter(counts):
    lengths = code_lengths(counts)
    assert sum(c * n for c, n in zip(counts, lengths.tolist(), strict=True)) == shortest(counts)
    assert [n > 0 for n in lengths] == [c > 0 for c in counts]


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=300))
def test_lengths_are_a_full_code_within_a_bit_of_entropy(counts):
    lengths, shares = code_lengths(counts), np.array(counts) / sum(counts)
    assert (2.0 ** -lengths.astype(float)).sum() == 1.0
    entropy = -(shares * np.log2(shares)).sum()
    assert entropy - 1e-9 <= (shares * lengths).sum() < entropy + 1
    assert coded_bits(counts) == (np.array(counts) * lengths).sum() + LENGTH_BITS * len(counts)


def decoded(mask, values, bits):
    """Count by hand what is stored: a value and the run before it, zeros that bridge runs of 16."""
    stored_values, stored_runs, run = [], [], 0
    most = 2 ** (bits - 1) - 1
    top = np.abs(values[mask]).max()
    for live, value in zip(mask.ravel(), values.ravel(), strict=True):
        if not live:
            run += 1
            continue
        while run >= 16:
            stored_values.append("zero")
            stored_runs.append(15)
            run -= 16
        level = round(value / top * most) or int(np.sign(value))
        stored_values.append(level)
        stored_runs.append(run)
        run = 0
    tally = [
        list(np.unique(one, return_counts=True)[1]) for one in (list(map(str, stored_values)), stored_runs)
    ]
    return sum(coded_bits(one) for one in tally)


@pytest.mark.parametrize("density", [0.02, 0.3, 0.9])
def test_bits_of_a_weight_counted_by_hand(density):
    rng = np.random.default_rng(0)
    mask, values = rng.random((40, 60)) < density, rng.normal(size=(40, 60))
    weight = Weight("w", (40, 60), values=values).with_mask(mask)
    assert huffman_bits(weight, 5) == pytest.approx(decoded(mask, values, 5))


def test_runs_to_expect_are_those_of_scattered_zeros():
    rng = np.random.default_rng(1)
    mask = np.zeros(400_000, dtype=bool)
    mask[rng.choice(mask.size, 20_000, replace=False)] = True
    exact = huffman_bits(Weight("w", (400, 1000)).with_mask(mask.reshape(400, 1000)), 8)
    expected = huffman_bits(Weight("w", (400, 1000)).with_density(0.05), 8)
    assert expected == pytest.approx(exact, rel=0.01)


def test_networks_in_huffmans_code():
    net = workloads.load("lenet_300_100")
    assert net.storage_bytes("huffman") == net.storage_bytes()  # nothing known of levels, no zeros
    sparse = net.sparsify("uniform", density=0.08, seed=0)
    assert sparse.storage_bytes("huffman") < sparse.storage_bytes("rle") < net.storage_bytes()
    rng = np.random.default_rng(0)
    valued = [Weight(w.name, w.shape, values=rng.normal(size=w.shape)) for w in net.graph.weights.values()]
    assert 0.8 < net.with_weights(*valued).storage_bytes("huffman") / net.storage_bytes() < 0.95
    with pytest.raises(SparsityError, match=r"format must be one of dense, .*, huffman, got 'zip'"):
        net.storage_bytes("zip")
