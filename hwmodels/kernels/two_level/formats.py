"""Bits that an element of a stored tensor takes on average, by format: the value's, and those that place it.

The formulas are those of `workloads.sparsity.formats.format_bits`, for tensors whose zeros are scattered
evenly, one element at a time.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.rows import Operand

DENSE = 0
BITMASK = 1
RLE = 2
CSR = 3
CSC = 4
COO = 5
N_M = 6
BLOCK = 7
PERIODIC = 8


@kernel
def index_bits(count: float) -> float:
    """Bits that tell `count` things apart; none for less than two."""
    return float(math.ceil(math.log2(count))) if count > 1.0 else 0.0


@kernel
def stored_share(density: float, operand: Operand) -> float:
    """Share of the elements that a format stores as values: the non-zeros, and zeros it cannot leave out.

    NaN for a format that is not known.
    """
    if operand.format == DENSE:
        return 1.0
    if operand.format == RLE:
        return density / (1.0 - math.pow(1.0 - density, float(1 << operand.run_bits)))
    if operand.format == N_M:
        return float(operand.n) / operand.m if density * operand.m <= operand.n else 1.0
    if operand.format == BLOCK:
        return 1.0 - (1.0 - density) ** operand.block
    if operand.format in (BITMASK, CSR, CSC, COO, PERIODIC):
        return density
    return math.nan


@kernel
def metadata_bits(stored: float, operand: Operand, elements: float, rows: float) -> float:
    """Bits of metadata an element, where `stored` of the elements are stored as values.

    The tensor has `rows` rows of `elements / rows` elements.
    """
    code = operand.format
    if code == BITMASK:
        return 1.0
    if code == RLE:
        return stored * operand.run_bits
    if code == CSR:
        pointers = (rows + 1.0) * index_bits(stored * elements + 1.0)
        return stored * index_bits(elements / rows) + pointers / elements
    if code == CSC:
        pointers = (elements / rows + 1.0) * index_bits(stored * elements + 1.0)
        return stored * index_bits(rows) + pointers / elements
    if code == COO:
        return stored * index_bits(elements)
    if code == N_M:
        return stored * index_bits(float(operand.m)) if stored * operand.m <= operand.n else 0.0
    if code == BLOCK:
        blocks = stored * elements / operand.block
        pointers = (rows + 1.0) * index_bits(math.ceil(blocks) + 1.0)
        return (blocks * index_bits(elements / operand.block / rows) + pointers) / elements
    if code == PERIODIC:
        return operand.block / elements
    return 0.0


@kernel
def matrix_rows(operand: Operand, channels: float, plane: float) -> float:
    """Rows of the matrix that a format sees of one image: channels by positions.

    `channels` channels have `plane` elements each. Without a plane an image is a vector: one row, or in
    compressed columns one column.
    """
    return channels if plane > 1.0 or operand.format == CSC else 1.0


class Stored(NamedTuple):
    """Bytes that an element takes on average, and where."""

    dram: float  # in main memory, metadata included
    chip: float  # in the operand's own buffer
    mask: float  # in the mask buffer


@kernel
def stored(
    operand: Operand, own_bits: int, density: float, elements: float, rows: float, mask_buffer: float
) -> Stored:
    """Bytes of an element of a tensor; `own_bits` is the network's own width, 0 where it states none.

    A scale that elements share goes where metadata does; a tensor of a width of its own has none.
    """
    bits, scale = float(operand.bits), operand.scale_bits
    if own_bits > 0:
        bits, scale = float(own_bits), 0.0
    if operand.format == DENSE:
        total = (bits + scale) / 8.0
        if mask_buffer > 0.0:
            return Stored(total, bits / 8.0, scale / 8.0)
        return Stored(total, total, 0.0)
    share = stored_share(density, operand)
    value = bits * share
    index = metadata_bits(share, operand, elements, rows) + scale * share
    total = (value + index) / 8.0
    if operand.on_chip == 0:
        return Stored(total, (bits + scale) / 8.0, 0.0)
    if mask_buffer > 0.0:
        return Stored(total, value / 8.0, index / 8.0)
    return Stored(total, total, 0.0)
