"""What a network's weights take in memory under a storage format."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.density import DensityModel, Mask, Uniform
from workloads.sparsity.formats import Format, Storage, expected_size
from workloads.sparsity.huffman import huffman_bits
from workloads.sparsity.recognise import find_block, find_groups
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network

HUFFMAN = "huffman"


def model_of(weight: Weight) -> DensityModel:
    """Return what is known of a weight's zeros: its mask, or their number, scattered evenly."""
    if weight.packed is not None:
        return Mask(weight.shape, weight.packed.tobytes())
    return Uniform(weight.shape, weight.nonzeros)


def storage_bytes(
    network: Network, format: str | Format | Storage = "dense", *, datapath_bits: int = 8
) -> int:
    """Bytes of all weights, each weight from a byte of its own.

    Parameters
    ----------
    network
        Any network.
    format
        "dense", "bitmask", "rle", "csr", "csc", "coo", "n_m", "block" or "periodic", or a `Storage` where
        a format has parameters; "n_m" and "block" take those that each mask shows, 2:4 where it shows none.
        Or "huffman": values and runs of zeros in Huffman codes of their own, weights without zeros too (see
        `huffman`; only kept values say which levels are frequent).
        Vectors (biases, scales) and weights without zeros are stored dense whatever it says.
    datapath_bits
        Bits of weights that say nothing themselves.

    Raises
    ------
    SparsityError
        If there is no such format, or it cannot hold a weight; names the weight.

    Notes
    -----
    Exact where masks are known; else the expectation for zeros scattered evenly (see `formats`).

    Examples
    --------
    >>> import workloads
    >>> from workloads.sparsity.schemes import sparsify
    >>> net = sparsify(workloads.load("lenet_300_100"), "uniform", density=0.1)
    >>> storage_bytes(net, "bitmask"), storage_bytes(net)
    (60305, 266610)

    """
    if not isinstance(format, str | Format | Storage):
        raise SparsityError(f"storage_bytes: format must be a name or a Storage, got {shown(format)}")
    if format == HUFFMAN:
        return sum(
            -(-round(_coded(weight, weight.bits or datapath_bits)) // 8)
            for weight in network.graph.weights.values()
        )
    named = not isinstance(format, Storage)
    storage = format if isinstance(format, Storage) else Storage(format=_format(format))
    total = 0
    for weight in network.graph.weights.values():
        bits = weight.bits or datapath_bits
        stored = float(prod(weight.shape) * bits)
        if storage.format != Format.DENSE and len(weight.shape) > 1 and weight.nonzeros < weight.size:
            try:
                fitted = _shown(storage, weight) if named else storage
                stored = float(expected_size(fitted, model_of(weight), bits).bits)
            except SparsityError as error:
                raise SparsityError(f"weight {shown(weight.name)}: {error}") from None
        total += -(-round(stored) // 8)
    return total


def _coded(weight: Weight, bits: int) -> float:
    """Bits of a weight in Huffman's code; vectors, and what the code would make longer, are stored dense."""
    dense = float(weight.size * bits)
    return min(dense, huffman_bits(weight, bits)) if len(weight.shape) > 1 else dense


def _shown(storage: Storage, weight: Weight) -> Storage:
    """Return a format with the parameters that a weight's mask shows, if it shows any."""
    mask = weight.mask
    if mask is not None and storage.format == Format.N_M:
        groups = find_groups(mask)
        if groups is not None:
            n, m, axis = groups
            return replace(storage, n=n, m=m, axis=axis)
    if mask is not None and storage.format == Format.BLOCK:
        block = find_block(mask)
        if block is None:
            raise SparsityError(
                "BLOCK: its zeros lie in no blocks; Storage(format=Format.BLOCK, block=...) gives extents"
            )
        return replace(storage, block=block)
    return storage


def _format(name: str | Format) -> Format:
    if isinstance(name, Format):
        return name
    known = {one.name.lower(): one for one in Format}
    if name not in known:
        raise SparsityError(f"format must be one of {', '.join([*known, HUFFMAN])}, got {shown(name)}")
    return known[name]
