"""Bytes of whole networks in storage formats."""

import numpy as np
import pytest

from workloads import load
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import Mask, Uniform
from workloads.sparsity.formats import Format, Storage
from workloads.sparsity.layers import prunable
from workloads.sparsity.storage import model_of, storage_bytes

LENET = load("lenet5")


@pytest.mark.published
def test_t5_through_the_network() -> None:
    """RigL README: ERK 90 % of ResNet-50, 13.499 MB; it counts one of a norm's two vectors."""
    net = load("resnet50").sparsify("erk", density=0.1)
    got = net.storage_bytes("bitmask", datapath_bits=32) - 4 * 26_560
    assert got / 1e6 == pytest.approx(13.499, abs=0.00051)


@pytest.mark.parametrize("name", ["dense", "bitmask", "rle", "csr", "csc", "coo", "n_m"])
def test_dense_networks_take_their_parameters(name: str) -> None:
    assert LENET.storage_bytes(name) == LENET.parameters
    assert LENET.storage_bytes(name, datapath_bits=16) == 2 * LENET.parameters


def test_masks_are_counted_and_densities_expected() -> None:
    known, unknown = (LENET.sparsify("uniform", density=0.1, seed=seed) for seed in (1, None))
    assert isinstance(model_of(known.weight("fc1")), Mask)
    assert isinstance(model_of(unknown.weight("fc1")), Uniform)
    for name in ("bitmask", "csr", "csc", "coo"):
        assert known.storage_bytes(name) == unknown.storage_bytes(name)
    assert known.storage_bytes("rle") == pytest.approx(unknown.storage_bytes("rle"), rel=0.01)


def test_a_weights_own_bits_are_kept() -> None:
    net = load("vgg16").sparsify("published", table="deep-compression")
    kept = sum(weight.nonzeros * weight.bits + weight.size for weight in prunable(net).values())
    biases = net.parameters - sum(weight.size for weight in prunable(net).values())
    assert net.storage_bytes("bitmask", datapath_bits=32) == pytest.approx(kept / 8 + 4 * biases, abs=16)


def test_formats_with_parameters() -> None:
    net = LENET.sparsify("block", density=0.25, block=(2, 5), dense=["conv1", "conv2"])
    storage = Storage(format=Format.BLOCK, block=(2, 5))
    live = int(np.ceil(0.25 * 40_000)) + int(np.ceil(0.25 * 500))
    pointers = 251 * 14 + 6 * 7  # ceil(log2(10,001)) and ceil(log2(126)) bits
    columns = 10_000 * 8 + 125 * 7  # 160 and 100 block columns
    dense = 520 + 25_050 + 510
    assert net.storage_bytes(storage) == storage_bytes(net, storage)
    assert storage_bytes(net, storage) == pytest.approx(dense + live * 10 + (pointers + columns) / 8, abs=2)


def test_formats_by_name_take_what_masks_show() -> None:
    only = {"dense": ["conv1", "conv2"]}
    net = LENET.sparsify("block", density=0.25, block=(2, 5), **only)
    assert net.storage_bytes("block") == net.storage_bytes(Storage(format=Format.BLOCK, block=(2, 5)))
    net = LENET.sparsify("n_m", n=1, m=8, dense=["conv1"])
    assert net.storage_bytes("n_m") == net.storage_bytes(Storage(format=Format.N_M, n=1, m=8))
    assert net.storage_bytes("n_m") < LENET.sparsify("n_m", n=2, m=8, dense=["conv1"]).storage_bytes("n_m")


def test_formats_that_do_not_fit_are_refused_by_name() -> None:
    net = LENET.sparsify("uniform", density=0.5)
    with pytest.raises(SparsityError, match=r"format must be one of dense, bitmask, .*, got 'zip'"):
        net.storage_bytes("zip")
    with pytest.raises(SparsityError, match=r"weight 'conv1.weight': N_M: groups of 4 do not divide the 1"):
        net.storage_bytes("n_m")
    with pytest.raises(SparsityError, match=r"weight 'conv1.weight': BLOCK: "):
        net.storage_bytes("block")
