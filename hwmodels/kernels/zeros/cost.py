"""Cycles and energy of a mapping with zeros, from the counts of the nest.

The twin of `hwmodels.interop.sparseloop.SparseModel`, which says what each step is.
"""

from math import ceil, inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import FILLS, READS, TILES, UPDATES, MappingColumns
from hwmodels.kernels.zeros.columns import (
    COMPRESS,
    DECOMPRESS,
    FILL,
    FIRST_RANK,
    META_FILL,
    META_READ,
    META_UPDATE,
    READ,
    SAVED_META_READ,
    SAVED_READ,
    SAVED_UPDATE,
    UPDATE,
    Ground,
    Room,
    ShareColumns,
)
from hwmodels.kernels.zeros.metadata import TOO_FEW, tile_bits

REFUSED = -1.0  # cycles of a mapping whose tiles a format cannot hold
STEPS, MAC_PJ, INNER = 0, 1, 2  # ShareColumns.totals


@kernel
def whole(count: float, instances: float, size: float) -> float:
    """Accesses of so many words each, whole ones of the average instance."""
    return instances * ceil(count / instances / size - 1e-9)


@kernel
def cost_with_zeros(
    ground: Ground, shares: ShareColumns, mapping: MappingColumns, row: int, room: Room
) -> tuple[float, float]:
    """Cycles and energy [pJ] of one mapping, whose counts `room` holds.

    Cycles are REFUSED where a format cannot hold a tile.
    """
    stored, stored_updates, reach, skips, _held, _spread, converts, prices, totals = shares
    problem, zeros, blocks, word_bits = ground.problem, ground.zeros, ground.blocks, ground.word_bits
    rates = ground.arch.rates
    keep = mapping.keep
    words, use = room.counts
    formats, width_bits = zeros.stored, zeros.width_bits
    depth, operands = words.shape[1], words.shape[2]
    energy = totals[MAC_PJ]
    longest = float(ceil(totals[STEPS] * use[depth] - 1e-6))
    for level in range(depth):
        instances = float(use[level])
        read_words = 0.0
        written = 0.0
        for o in range(operands):
            if keep[row, level, o] == 0:
                continue
            price = prices[level, o]
            block = blocks[level]
            reads = words[READS, level, o] * stored[level, o]
            fills = words[FILLS, level, o] * stored[level, o]
            updates = words[UPDATES, level, o] * stored_updates[level, o]
            saved = 1.0 - reach[level, o]
            saved_reads, saved_updates = reads * saved, updates * saved
            reads *= reach[level, o]
            updates *= reach[level, o]
            energy += whole(reads, instances, block) * price[READ]
            energy += whole(fills, instances, block) * price[FILL]
            energy += whole(updates, instances, block) * price[UPDATE]
            energy += whole(saved_reads, instances, block) * price[SAVED_READ]
            energy += whole(saved_updates, instances, block) * price[SAVED_UPDATE]
            read_bits = fill_bits = update_bits = saved_bits = 0.0
            if formats[level, o, FIRST_RANK] >= 0:
                bits = tile_bits(problem, zeros, mapping, row, level, o, room.memo, room.scratch)
                if bits == TOO_FEW:
                    return REFUSED, 0.0
                tile = max(words[TILES, level, o], 1)
                fill_bits = bits * words[FILLS, level, o] / tile
                update_bits = bits * words[UPDATES, level, o] / tile
                read_bits = bits * words[READS, level, o] / tile
                saved_bits = read_bits * saved
                read_bits *= reach[level, o]
                width = float(width_bits[level])
                if width > 0.0:
                    energy += whole(read_bits, instances, width) * price[META_READ]
                    energy += whole(fill_bits, instances, width) * price[META_FILL]
                    energy += whole(update_bits, instances, width) * price[META_UPDATE]
                    energy += whole(saved_bits, instances, width) * price[SAVED_META_READ]
            outer = converts[level, o]
            if outer >= 0:
                energy += fills * price[DECOMPRESS]
                sent = words[UPDATES, outer, o] * stored_updates[outer, o] * reach[outer, o]
                energy += sent * price[COMPRESS]
            each = 1.0 / instances
            gated = 0.0 if skips[level, o] == 1 else each
            width = word_bits[level]
            read_words += (reads + read_bits / width) * each
            read_words += (saved_reads + saved_bits / width) * gated
            written += (fills + updates + (fill_bits + update_bits) / width) * each
            written += saved_updates * gated
        longest = max(longest, port_cycles(rates[level, 0], read_words))
        longest = max(longest, port_cycles(rates[level, 1], written))
        longest = max(longest, port_cycles(rates[level, 2], read_words + written))
    return longest, energy


@kernel
def port_cycles(rate: float, moved: float) -> float:
    """Busy cycles of a port; none where it has no limit."""
    return 0.0 if rate == inf else float(ceil(moved / rate - 1e-6))
