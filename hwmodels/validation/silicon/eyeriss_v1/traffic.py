"""Bytes between the chip and main memory, run-length coded, and words through the global buffer."""

from hwmodels.accounting import Account
from hwmodels.levels import LevelMachine
from hwmodels.machines.eyeriss_v1 import WORD_BITS
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer

WORD_BYTES = WORD_BITS // 8
RUN_LIMIT = 31  # zeros before a level; section IV-B
PAIRS, PACKED_BYTES = 3, 8  # (run, level) pairs in 64 bits; section IV-B


def coded_bytes(words: float, density: float) -> float:
    """Bytes of a map in the chip's run-length code, zeros falling independently.

    A pair takes up to 31 zeros and the word after them, so `words` of them with this share of non-zeros need
    words x density / (1 - (1 - density)^32) pairs; three pairs share 64 bits.

    Examples
    --------
    >>> coded_bytes(96, 1.0)  # every word a pair: 32 times 64 bits
    256.0

    """
    pairs = words * density / (1.0 - (1.0 - density) ** (RUN_LIMIT + 1))
    return pairs / PAIRS * PACKED_BYTES


Words = dict[tuple[str, str, str], float]
"""Words by level, operand and action: "read" inwards, "fill" from outside, "update" from inside."""


def words_of(account: Account, chip: LevelMachine) -> Words:
    """Words that all rows of an account move: accesses, each of a block."""
    blocks = {level.name: level.block_words for level in chip.levels}
    counts = account.sheet.counts.sum(axis=0).tolist()
    return {
        (line.component, line.operand, line.action): count * blocks[line.component]
        for line, count in zip(account.lines, counts, strict=True)
        if line.component in blocks
    }


def dram_bytes(layer: Layer, words: Words) -> dict[str, float]:
    """Bytes by operand: filters and the image as they are, other maps coded, zero padding not at all."""
    ifmaps, ofmaps = words["dram", "input", "read"] * _inside(layer), words["dram", "output", "update"]
    return {
        "weight": words["dram", "weight", "read"] * WORD_BYTES,
        "input": ifmaps * WORD_BYTES if layer.image else coded_bytes(ifmaps, layer.ifmap_density),
        "output": coded_bytes(ofmaps, layer.ofmap_density),
    }


def buffer_bytes(layer: Layer, words: Words) -> float:
    """Bytes written into and read from the global buffer.

    Psums as they are accumulated and once more as they leave; ifmaps filled and delivered, without padding;
    filters delivered (their two banks only look ahead; section V-A).
    """
    psums = words["psums", "output", "read"] + words["psums", "output", "update"]
    ifmaps = words["ifmaps", "input", "read"] + words["ifmaps", "input", "fill"]
    moved = psums + words["dram", "output", "update"] + ifmaps * _inside(layer)
    return (moved + words["filters", "weight", "read"]) * WORD_BYTES


def _inside(layer: Layer) -> float:
    """Share of an ifmap that is not zero padding."""
    return ((layer.padded - 2 * layer.padding) / layer.padded) ** 2
