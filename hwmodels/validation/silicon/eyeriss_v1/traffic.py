"""Bytes between the chip and main memory, run-length coded, and words through the global buffer."""

from collections.abc import Sequence

from hwmodels.machines.eyeriss_v1 import WORD_BITS
from hwmodels.mapping.evaluation import Evaluation
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


def dram_bytes(layer: Layer, results: Sequence[Evaluation]) -> dict[str, float]:
    """Bytes by operand: filters and the image as they are, other maps coded, zero padding not at all."""
    ifmaps = sum(result.at("dram", "I").reads for result in results) * _inside(layer)
    ofmaps = sum(result.at("dram", "O").updates for result in results)
    filters = sum(result.at("dram", "W").reads for result in results)
    return {
        "W": filters * WORD_BYTES,
        "I": ifmaps * WORD_BYTES if layer.image else coded_bytes(ifmaps, layer.ifmap_density),
        "O": coded_bytes(ofmaps, layer.ofmap_density),
    }


def buffer_bytes(layer: Layer, results: Sequence[Evaluation]) -> float:
    """Bytes written into and read from the global buffer.

    Psums as they are accumulated and once more as they leave; ifmaps filled and delivered, without padding;
    filters delivered (their two banks only look ahead; section V-A).
    """
    words = 0.0
    for result in results:
        psums, ifmaps = result.at("psums", "O"), result.at("ifmaps", "I")
        words += psums.reads + psums.updates + result.at("dram", "O").updates
        words += (ifmaps.reads + ifmaps.fills) * _inside(layer)
        words += result.at("filters", "W").reads
    return words * WORD_BYTES


def _inside(layer: Layer) -> float:
    """Share of an ifmap that is not zero padding."""
    return ((layer.padded - 2 * layer.padding) / layer.padded) ** 2
