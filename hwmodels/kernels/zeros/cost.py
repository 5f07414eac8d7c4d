"""Cycles and energy of a mapping with zeros, from the counts of the nest.

The twin of `hwmodels.zeros.model.SparseModel`, which says what each step is.
"""

from math import ceil, floor, inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    EXTENT,
    FILLS,
    READS,
    TEMPORAL,
    TILES,
    UPDATES,
    MappingColumns,
)
from hwmodels.kernels.zeros.columns import (
    COMPRESS,
    DECOMPRESS,
    FILL,
    FIRST_RANK,
    META_FILL,
    META_READ,
    META_UPDATE,
    MOST,
    READ,
    SAVED_META_READ,
    SAVED_READ,
    SAVED_UPDATE,
    UPDATE,
    Ground,
    Room,
    ShareColumns,
)
from hwmodels.kernels.zeros.metadata import TOO_FEW, box_row, tile_bits

REFUSED = -1.0  # cycles of a mapping whose tiles a format cannot hold
STEPS, MAC_PJ, INNER, SLACK = 0, 1, 2, 3  # ShareColumns.totals


@kernel
def whole(count: float, instances: float, size: float) -> float:
    """Accesses of so many words each, whole ones of the average instance."""
    return instances * ceil(count / instances / size - 1e-9)


@kernel
def part(count: float, share: float, instances: float) -> float:
    """A share of a count in whole accesses of the average instance, rounded down."""
    return instances * floor(count / instances * share + 1e-9)


@kernel
def part_up(count: float, share: float, instances: float) -> float:
    """The same rounded up."""
    return instances * ceil(count / instances * share - 1e-9)


@kernel
def leader_of(shares: ShareColumns, mapping: MappingColumns, row: int) -> int:
    """Which innermost loop a mapping has among the levels that save: a row of `reach` and `totals`."""
    if shares.reach.shape[0] == 1:
        return 0
    dims = mapping.factors.shape[3]
    for level in range(int(shares.totals[0, INNER])):
        for position in range(dims):
            d = mapping.order[row, level, position]
            if mapping.factors[row, level, TEMPORAL, d] > 1:
                return int(1 + level * dims + d)
    return 0


@kernel
def tile_room(ground: Ground, shares: ShareColumns, room: Room, level: int, operand: int) -> float:
    """Words of a level that a tile takes: those expected, or the fullest one's where a mask tells them."""
    if shares.full[level, operand] == 1:
        place = box_row(ground.zeros, operand, room.work.nest[level + 1, EXTENT])
        return float(ground.zeros.boxes[place, MOST])
    return float(ceil(room.counts.words[TILES, level, operand] * shares.held[level, operand] - 1e-9))


@kernel
def cost_with_zeros(
    ground: Ground, shares: ShareColumns, mapping: MappingColumns, row: int, room: Room
) -> tuple[float, float]:
    """Cycles and energy [pJ] of one mapping, whose counts `room` holds.

    Cycles are REFUSED where a format cannot hold a tile, or a level a tile with its metadata.
    """
    stored, all_reach, skips, _held, _full, _spread, converts, prices, all_totals = shares
    lead = leader_of(shares, mapping, row)
    reach, totals = all_reach[lead], all_totals[lead]
    problem, zeros, blocks, word_bits = ground.problem, ground.zeros, ground.blocks, ground.word_bits
    rates = ground.arch.rates
    keep = mapping.keep
    words, use = room.counts
    formats, width_bits = zeros.stored, zeros.width_bits
    depth, operands = words.shape[1], words.shape[2]
    energy = totals[MAC_PJ]
    longest = float(ceil(totals[STEPS] * use[depth] - 1e-6))
    exposed = 0.0
    joined = ground.arch.joined
    read_words = 0.0
    written = 0.0
    room_words = 0.0
    for level in range(depth):
        instances = float(use[level])
        macros = min(1.0, ground.macros[level] / instances)  # instances that share an access
        if joined[level] == 0:
            read_words = 0.0
            written = 0.0
            room_words = 0.0
        spent = 0.0
        for o in range(operands):
            if keep[row, level, o] == 0:
                continue
            price = prices[level, o]
            block = blocks[level]
            gone, saved = 1.0 - stored[level, o], 1.0 - reach[level, o]
            reads = words[READS, level, o] - part(words[READS, level, o], gone, instances)
            fills = words[FILLS, level, o] - part(words[FILLS, level, o], gone, instances)
            updates = words[UPDATES, level, o] - part(words[UPDATES, level, o], gone, instances)
            if problem.traits[o, ACCUMULATED] == 1:
                saved_reads = part_up(reads, saved, instances)
            else:
                saved_reads = part(reads, saved, instances)
            saved_updates = part(updates, saved, instances)
            reads -= saved_reads
            updates -= saved_updates
            room_words += tile_room(ground, shares, room, level, o)
            spent += whole(reads, instances, block) * price[READ]
            spent += whole(fills, instances, block) * price[FILL]
            spent += whole(updates, instances, block) * price[UPDATE]
            spent += whole(saved_reads, instances, block) * price[SAVED_READ]
            spent += whole(saved_updates, instances, block) * price[SAVED_UPDATE]
            read_bits = fill_bits = update_bits = saved_bits = 0.0
            if formats[level, o, FIRST_RANK] >= 0:
                found = tile_bits(problem, zeros, mapping, row, level, o, room.memo, room.scratch)
                bits = found[0]
                if bits == TOO_FEW:
                    return REFUSED, 0.0
                tile = max(words[TILES, level, o], 1)
                if ground.within[level] == 1:
                    most = found[1] if ground.fullest[level] == 1 else bits
                    room_words += ceil(most / word_bits[level] - 1e-9)
                fill_bits = bits * words[FILLS, level, o] / tile
                update_bits = bits * words[UPDATES, level, o] / tile
                read_bits = bits * words[READS, level, o] / tile
                saved_bits = read_bits * saved
                read_bits *= reach[level, o]
                width = float(width_bits[level])
                if width > 0.0:
                    spent += whole(read_bits, instances, width) * price[META_READ]
                    spent += whole(fill_bits, instances, width) * price[META_FILL]
                    spent += whole(update_bits, instances, width) * price[META_UPDATE]
                    spent += whole(saved_bits, instances, width) * price[SAVED_META_READ]
            outer = converts[level, o]
            if outer >= 0:
                energy += fills * price[DECOMPRESS]
                sent = float(words[UPDATES, outer, o])
                sent -= part(sent, 1.0 - stored[outer, o], float(use[outer]))
                sent -= part(sent, 1.0 - reach[outer, o], float(use[outer]))
                energy += sent * price[COMPRESS]
            each = 1.0 / instances
            gated = 0.0 if skips[level, o] == 1 else each
            width = word_bits[level]
            read_words += (reads + read_bits / width) * each
            read_words += (saved_reads + saved_bits / width) * gated
            written += (fills + updates + (fill_bits + update_bits) / width) * each
            written += saved_updates * gated
        if ground.within[level] == 1 and room_words > ground.arch.usable_words[level]:
            return REFUSED, 0.0
        energy += spent * macros
        if level + 1 < depth and joined[level + 1] == 1:
            continue
        busy = port_cycles(rates[level, 0], read_words)
        busy = max(busy, port_cycles(rates[level, 1], written))
        busy = max(busy, port_cycles(rates[level, 2], read_words + written))
        if ground.arch.hidden[level] == 1:
            longest = max(longest, busy)
        else:
            exposed += busy
    cycles = longest + exposed
    return cycles, energy + ground.leak_pj * cycles


@kernel
def port_cycles(rate: float, moved: float) -> float:
    """Busy cycles of a port; none where it has no limit."""
    return 0.0 if rate == inf else float(ceil(moved / rate - 1e-6))
