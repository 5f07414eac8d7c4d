"""What a machine is: an architecture, what its hardware can map onto it, and where the facts come from."""

from dataclasses import dataclass
from typing import Any

from hwmodels.components.arithmetic import register
from hwmodels.components.sram import sram
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, Factors

DIMENSIONS = ("N", "K", "C", "P", "Q", "R", "S")
"""Dimensions that every `convolution` has; matrix products are convolutions of one position here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A published machine on the loop-nest engine.

    Its constraints name the dimensions of `hwmodels.mapping.convolution`; groups, where there are any, are
    free.
    """

    name: str
    architecture: Architecture
    constraints: Constraints
    source: str


def only(*dimensions: str) -> Factors:
    """Limits that leave loops over these dimensions and no others.

    Examples
    --------
    >>> only("K", "C").range("K")[1] > 1, only("K", "C").range("Q")
    (True, (1, 1))

    """
    return Factors(fixed={dimension: 1 for dimension in DIMENSIONS if dimension not in dimensions})


def memory(
    name: str,
    *,
    words: int,
    word_bits: int,
    node_nm: float,
    voltage: float,
    block_words: int = 1,
    banks: int = 1,
    **more: Any,
) -> StorageLevel:
    """A storage level of SRAM at low operating power, priced by `hwmodels.components.sram`.

    Parameters
    ----------
    name
        What to call it.
    words, word_bits, block_words
        Capacity in words, bits of one, words of one access.
    node_nm, voltage
        Technology.
    banks
        Macros of equal size that make up the level; an access goes to one of them.
    more
        Further fields of `StorageLevel`.

    """
    width = word_bits * block_words
    cost = sram(words * word_bits / 8 / banks, width, node_nm, voltage=voltage, device="lop")
    return StorageLevel(
        name=name,
        capacity_words=words,
        word_bits=word_bits,
        block_words=block_words,
        read_pj=float(cost.read_pj_per_byte) * width / 8,
        fill_pj=float(cost.write_pj_per_byte) * width / 8,
        update_pj=float(cost.write_pj_per_byte) * width / 8,
        leakage_w=float(cost.leakage_w) * banks,
        area_um2=float(cost.area_mm2) * 1e6 * banks,
        **more,
    )


def registers(
    name: str, *, words: int, word_bits: int, node_nm: float, voltage: float, **more: Any
) -> StorageLevel:
    """A storage level of flip-flops, priced by `hwmodels.components.arithmetic.register`."""
    word = register(word_bits, node_nm, voltage)
    return StorageLevel(
        name=name,
        capacity_words=words,
        word_bits=word_bits,
        fill_pj=float(word.energy_pj),
        update_pj=float(word.energy_pj),
        leakage_w=float(word.leakage_w) * words,
        area_um2=float(word.area_um2) * words,
        **more,
    )
