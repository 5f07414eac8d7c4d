"""How many bits a sparse tensor takes in each storage format: data (values) and metadata (where they belong).

A tensor is stored row by row: rows are its first axis (filters of a weight), all other axes together its
columns. Three floors: `format_bits` is plain arithmetic on counts, for batches and for kernels to copy;
`expected_size` asks a density model; `exact_size` counts on a mask.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError, check_axis
from workloads.sparsity.density import DensityModel, Periodic, Uniform
from workloads.sparsity.density.hypergeometric import probability_none
from workloads.sparsity.density.tiles import tile_counts
from workloads.sparsity.recognise import find_period

RUN_BITS = 4  # bits of a run of zeros; EIE (Han et al., ISCA 2016)
NEGLIGIBLE = 60.0  # exp(-60) of a filler is none: where sums over ever longer runs end


class Format(IntEnum):
    """A way to store a tensor. The numbers are what kernels see."""

    DENSE = 0
    """Every element, zero or not."""
    BITMASK = 1
    """The non-zeros, and one bit an element (SPRING, SparTen, MicroNet's count)."""
    RLE = 2
    """Each non-zero with the zeros before it; a run too long is bridged by a stored zero (EIE, Eyeriss)."""
    CSR = 3
    """Each non-zero with its column; a pointer a row."""
    CSC = 4
    """Each non-zero with its row; a pointer a column."""
    COO = 5
    """Each non-zero with its place in the whole tensor."""
    N_M = 6
    """n slots for each group of m elements, each with its place in the group (2:4 tensor cores)."""
    BLOCK = 7
    """The blocks that are not empty, whole, each with its block column; a pointer a block row (BCSR)."""
    PERIODIC = 8
    """The non-zeros; their places are one cycle of kernel patterns, stored once (pSConv)."""


class Size(NamedTuple):
    """Bits of a stored tensor; numbers, or arrays where the question was one."""

    data_bits: NDArray[np.float64]
    metadata_bits: NDArray[np.float64]

    @property
    def bits(self) -> NDArray[np.float64]:
        """Data and metadata together."""
        return self.data_bits + self.metadata_bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A format with its parameters; those that its format does not use are ignored.

    Attributes
    ----------
    format
        Which format.
    run_bits
        RLE: bits of a run of zeros.
    n, m, axis
        N_M: slots a group, elements a group, and the axis that groups run along.
    block
        BLOCK: extents of a block along each axis of the tensor.

    """

    format: Format
    run_bits: int = RUN_BITS
    n: int = 2
    m: int = 4
    axis: int = 1
    block: tuple[int, ...] = ()


def index_bits(count: ArrayLike) -> NDArray[np.float64]:
    """Bits that tell `count` things apart: ceil(log2(count)), 0 for one thing or none.

    Examples
    --------
    >>> index_bits([1, 2, 5, 4096]).tolist()
    [0.0, 1.0, 3.0, 12.0]

    """
    return np.asarray(np.ceil(np.log2(np.maximum(np.asarray(count, dtype=np.float64), 1.0))))


def format_bits(
    code: int,
    elements: ArrayLike,
    nonzeros: ArrayLike,
    bits: ArrayLike,
    *,
    rows: ArrayLike = 1,
    run_bits: int = RUN_BITS,
    n: int = 2,
    m: int = 4,
    block: int = 1,
    block_rows: ArrayLike = 1,
    period_bits: ArrayLike = 0,
) -> Size:
    """Bits of tensors whose zeros are scattered evenly, as far as their numbers tell.

    Parameters
    ----------
    code
        A `Format`; one for the whole batch.
    elements, nonzeros, bits
        Elements of the tensor, those that are not zero (whole or expected), bits of one value.
    rows
        Extent of the first axis (CSR, CSC).
    run_bits
        RLE: bits of a run.
    n, m
        N_M: slots and elements of a group.
    block, block_rows
        BLOCK: elements of a block, and blocks along the first axis.
    period_bits
        PERIODIC: elements of one cycle of patterns, a bit each.

    Returns
    -------
    Size
        Data and metadata bits, shaped as the arguments broadcast.

    Notes
    -----
    RLE: each non-zero is an entry, and so is each 2**run_bits zeros of the run before it; with geometric
    runs entries = nonzeros / (1 - (1 - density)**(2**run_bits)). BLOCK: a block of s elements is empty with
    probability (1 - density)**s. Both are the limits for large tensors; `expected_size` is exact.

    Examples
    --------
    >>> size = format_bits(Format.BITMASK, 1000, 100, 16)
    >>> float(size.data_bits), float(size.metadata_bits), float(size.bits)
    (1600.0, 1000.0, 2600.0)

    """
    total, kept, width = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (elements, nonzeros, bits))
    )
    zeros = 1.0 - kept / np.maximum(total, 1.0)
    lines = np.asarray(rows, dtype=np.float64)
    if code == Format.DENSE:
        return Size(width * total, np.zeros_like(total))
    if code == Format.BITMASK:
        return Size(width * kept, total.copy())
    if code == Format.RLE:
        entries = np.divide(kept, 1.0 - zeros ** (2**run_bits), out=np.zeros_like(total), where=kept > 0.0)
        return Size(width * entries, run_bits * entries)
    if code == Format.CSR:
        return Size(width * kept, kept * index_bits(total / lines) + (lines + 1.0) * index_bits(kept + 1.0))
    if code == Format.CSC:
        return Size(width * kept, kept * index_bits(lines) + (total / lines + 1.0) * index_bits(kept + 1.0))
    if code == Format.COO:
        return Size(width * kept, kept * index_bits(total))
    if code == Format.N_M:
        slots = total / m * n
        return Size(width * slots, slots * index_bits(m))
    if code == Format.BLOCK:
        grid = total / block
        blocks = grid * (1.0 - zeros**block)
        tall = np.asarray(block_rows, dtype=np.float64)
        pointers = (tall + 1.0) * index_bits(np.ceil(blocks) + 1.0)
        return Size(width * block * blocks, blocks * index_bits(grid / tall) + pointers)
    if code == Format.PERIODIC:
        return Size(width * kept, np.asarray(period_bits, dtype=np.float64) + 0.0 * kept)
    raise SparsityError(f"format_bits: code must be one of {[int(one) for one in Format]}, got {shown(code)}")


def expected_size(storage: Storage, model: DensityModel, bits: int) -> Size:
    """Bits to expect of a tensor of which a density model is known.

    Parameters
    ----------
    storage
        The format and its parameters.
    model
        Where the tensor's non-zeros lie.
    bits
        Bits of one value.

    Raises
    ------
    SparsityError
        If the format cannot hold every mask of the model, or its blocks do not divide the tensor.

    Notes
    -----
    Exact expectations, but for two things: RLE of random models other than `Uniform` is counted on one mask
    drawn with seed 0, and BLOCK's pointers are as wide as the expected number of blocks asks.

    Examples
    --------
    >>> from workloads.sparsity.density import NM
    >>> size = expected_size(Storage(format=Format.N_M), NM((64, 64), 2, 4), bits=16)
    >>> float(size.bits) / (64 * 64 * 16)  # 9/16, as PyTorch stores 2:4 in 16 bits
    0.5625

    """
    if storage.format == Format.RLE:
        return _runs(_expected_fillers(model, storage.run_bits), model.nonzeros, storage.run_bits, bits)
    if storage.format == Format.BLOCK:
        block = _block(storage, model.shape)
        grid = model.elements // math.prod(block)
        return _blocks(grid * (1.0 - float(model.probability_empty(block))), block, model.shape, bits)
    if storage.format == Format.N_M:
        _check_groups(storage, model.shape, lambda tile: int(model.max_occupancy(tile)))
    if storage.format == Format.PERIODIC and not isinstance(model, Periodic):
        return exact_size(storage, model.draw(np.random.default_rng(0)), bits)
    cycle = model.period * math.prod(model.shape[2:]) if isinstance(model, Periodic) else 0
    return _plain(storage, model.shape, model.nonzeros, bits, cycle)


def exact_size(storage: Storage, mask: ArrayLike, bits: int) -> Size:
    """Bits of a tensor whose mask is known; see `expected_size` for parameters and refusals.

    Examples
    --------
    >>> size = exact_size(Storage(format=Format.RLE, run_bits=1), [0, 0, 0, 1], bits=8)
    >>> float(size.data_bits), float(size.metadata_bits)  # 0 0-filler, then one zero and the 1
    (16.0, 2.0)

    """
    live = np.asarray(mask, dtype=np.bool_)
    nonzeros = int(np.count_nonzero(live))
    if storage.format == Format.RLE:
        return _runs(float(_fillers(live, storage.run_bits)), nonzeros, storage.run_bits, bits)
    if storage.format == Format.BLOCK:
        block = _block(storage, live.shape)
        return _blocks(float(np.count_nonzero(tile_counts(live, block))), block, live.shape, bits)
    if storage.format == Format.N_M:
        _check_groups(storage, live.shape, lambda tile: int(tile_counts(live, tile).max()))
    cycle = 0
    if storage.format == Format.PERIODIC:
        period = find_period(live)
        if period is None:
            raise SparsityError("PERIODIC: the mask is no cycle of kernel patterns; store it as BITMASK")
        cycle = period * math.prod(live.shape[2:])
    return _plain(storage, live.shape, nonzeros, bits, cycle)


def _plain(storage: Storage, shape: tuple[int, ...], nonzeros: int, bits: int, cycle: int) -> Size:
    """Sizes that follow from the number of non-zeros alone."""
    return format_bits(
        storage.format,
        math.prod(shape),
        nonzeros,
        bits,
        rows=shape[0],
        n=storage.n,
        m=storage.m,
        period_bits=cycle,
    )


def _runs(fillers: float, nonzeros: int, run_bits: int, bits: int) -> Size:
    entries = np.asarray(nonzeros + fillers)
    return Size(bits * entries, run_bits * entries)


def _fillers(mask: NDArray[np.bool_], run_bits: int) -> int:
    """Zeros stored for runs of 2**run_bits or longer; those after the last non-zero are implied."""
    places = np.flatnonzero(mask)
    gaps = np.diff(places, prepend=-1) - 1
    return int((gaps >> run_bits).sum())


def _expected_fillers(model: DensityModel, run_bits: int) -> float:
    if not isinstance(model, Uniform):
        return float(_fillers(model.draw(np.random.default_rng(0)), run_bits))
    if not model.nonzeros:
        return 0.0
    # All gaps are alike: the one before the first non-zero is `run` or longer when the first `run` are zero.
    longest = min(model.elements, math.ceil(NEGLIGIBLE / model.density))
    runs = np.arange(2**run_bits, longest + 1, 2**run_bits)
    return model.nonzeros * float(probability_none(model.elements, model.nonzeros, runs).sum())


def _blocks(blocks: float, block: tuple[int, ...], shape: tuple[int, ...], bits: int) -> Size:
    grid = [extent // side for extent, side in zip(shape, block, strict=True)]
    pointers = (grid[0] + 1) * index_bits(math.ceil(blocks) + 1)
    data = np.asarray(bits * math.prod(block) * blocks)
    return Size(data, blocks * index_bits(math.prod(grid[1:])) + pointers)


def _block(storage: Storage, shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(storage.block) != len(shape) or any(np.mod(shape, storage.block)):
        raise SparsityError(f"BLOCK: blocks must divide the extents {shape}, got {storage.block}")
    return storage.block


def _check_groups(storage: Storage, shape: tuple[int, ...], most: Callable[[tuple[int, ...]], int]) -> None:
    axis = check_axis(storage.axis, shape, "N_M")
    if shape[axis] % storage.m:
        raise SparsityError(f"N_M: groups of {storage.m} do not divide the {shape[axis]} along axis {axis}")
    worst = most(tuple(storage.m if one == axis else 1 for one in range(len(shape))))
    if worst > storage.n:
        raise SparsityError(
            f"N_M: {storage.n}:{storage.m} along axis {axis} cannot hold {worst} non-zeros in a group"
        )
