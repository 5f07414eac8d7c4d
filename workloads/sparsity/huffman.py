"""Huffman's code over what a sparse weight is stored as: Deep Compression's last step.

A weight is stored as its non-zeros and, before each, the run of zeros that it follows (a run too long is
bridged by a stored zero, see `formats`). Values and runs are two alphabets, each with a code of its own.
Sources: Huffman, Proc. IRE 40(9), 1952; Han, Mao, Dally, "Deep compression", ICLR 2016, section 4.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.formats import RUN_BITS
from workloads.tensors import Weight

LENGTH_BITS = 8
"""Bits of a symbol's length in the table that a decoder needs (a canonical code is its lengths); assumed."""


def code_lengths(counts: ArrayLike) -> NDArray[np.int64]:
    """Bits of each symbol's code word in a shortest prefix code; 0 for symbols that never come.

    Parameters
    ----------
    counts
        How often each symbol comes (or its probability), not negative, shape (symbols,).

    Notes
    -----
    A lone symbol still takes one bit.

    Examples
    --------
    >>> code_lengths([4, 2, 1, 1]).tolist(), code_lengths([0, 7]).tolist()
    ([1, 2, 3, 3], [0, 1])

    """
    weights = np.asarray(counts, dtype=np.float64)
    lengths = np.zeros(weights.size, dtype=np.int64)
    live = np.flatnonzero(weights > 0.0)
    if live.size == 1:
        lengths[live] = 1
    # Trees by weight, told apart by their age so that equal weights keep an order.
    trees: list[tuple[float, int, list[int]]] = [(weights[i], age, [int(i)]) for age, i in enumerate(live)]
    heapq.heapify(trees)
    for age in range(live.size, 2 * live.size - 1):
        light, _, first = heapq.heappop(trees)
        heavy, _, second = heapq.heappop(trees)
        members = first + second
        lengths[members] += 1
        heapq.heappush(trees, (light + heavy, age, members))
    return lengths


def coded_bits(counts: ArrayLike) -> float:
    """Bits of a text of these symbols in its own Huffman code, the table of lengths included.

    Examples
    --------
    >>> coded_bits([4, 2, 1, 1])
    46.0

    """
    weights = np.asarray(counts, dtype=np.float64)
    return float(weights @ code_lengths(weights)) + LENGTH_BITS * int(np.count_nonzero(weights))


def huffman_bits(weight: Weight, bits: int) -> float:
    """Bits of a weight whose values and runs of zeros are Huffman-coded.

    Parameters
    ----------
    weight
        Its mask gives the runs; where none is known they are those of zeros scattered evenly. Its kept values
        give how often each level comes; where none are kept every level comes as often (assumed), and the
        code saves nothing on them.
    bits
        Of a value: kept values are brought to the nearest of 2**bits - 1 levels, even from -max to max.

    """
    runs = _runs(weight)
    fillers = runs[-1] if weight.nonzeros < weight.size else 0.0  # each filler is a stored zero
    levels = _levels(weight, bits)
    total = coded_bits(levels) if levels is not None else float(bits * weight.nonzeros)
    if levels is None:
        total += bits * fillers
    elif fillers:
        total = coded_bits(np.append(levels, fillers))
    if weight.nonzeros == weight.size:
        return total
    return total + coded_bits(_symbols(runs))


def _symbols(runs: Sequence[float]) -> list[float]:
    """Return how often each run is stored: fillers are runs of the longest kind."""
    longest = 2**RUN_BITS - 1
    return [*runs[:longest], runs[longest] + runs[-1]]


def _runs(weight: Weight) -> list[float]:
    """Return how often each run of 0 ... 2**RUN_BITS - 1 zeros comes before a non-zero, then the fillers."""
    size = 2**RUN_BITS
    if weight.packed is not None:
        places = np.flatnonzero(np.unpackbits(weight.packed, count=weight.size))
        gaps = np.diff(places, prepend=-1) - 1
        counts = np.bincount(gaps % size, minlength=size).tolist()
        return [*counts, float((gaps // size).sum())]
    if weight.nonzeros == 0:
        return [0.0] * (size + 1)
    zeros = 1.0 - weight.density
    share = (1.0 - zeros) / (1.0 - zeros**size)
    counts = [weight.nonzeros * share * zeros**run for run in range(size)]
    return [*counts, weight.nonzeros * zeros**size / (1.0 - zeros**size)]


def _levels(weight: Weight, bits: int) -> NDArray[np.int64] | None:
    """Return how often each level comes among the non-zeros, None where no values are kept."""
    values = weight.array
    if values is None:
        return None
    live = values[values != 0].astype(np.float64)
    if not live.size:
        return np.zeros(1, dtype=np.int64)
    most = max(1, 2 ** (bits - 1) - 1)
    nearest = np.rint(live / np.abs(live).max() * most).astype(np.int64)
    # Small values that would round to zero are kept: they are not pruned.
    nearest = np.where(nearest == 0, np.sign(live).astype(np.int64), nearest)
    return np.unique(nearest, return_counts=True)[1].astype(np.int64)
