"""What words cost at a level, and what a tile inside a PE and a spread over the array cost by word."""

from math import ceil, inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    COUNTED,
    DRAINED,
    RANKS,
    Floats,
    Ints,
)
from hwmodels.kernels.nest.cost import BLOCK, MAC_PJ, MACROS
from hwmodels.kernels.nest.even import distinct_sums
from hwmodels.kernels.nest.tables import CHILD, HELD, MERGE, OPERAND, PARENT, PRICE, Setting, Spreads


@kernel
def access_pj(prices: Floats, level: int, kind: int, words: float, use: float) -> float:
    """Energy of words at a level: whole blocks of an instance's average."""
    if words <= 0.0:
        return 0.0
    each = words / use
    block = prices[level, BLOCK]
    if block > 1.0:
        each = float(ceil(each / block))
    return float(each * prices[level, kind] * min(use, prices[level, MACROS]))


@kernel
def word_pj(prices: Floats, level: int, kind: int, use: float) -> float:
    """Energy of one word at a level at least."""
    return float(prices[level, kind] / prices[level, BLOCK] * min(1.0, prices[level, MACROS] / use))


@kernel
def different_words(
    coefficient: Ints, rank_dims: Ints, count: int, operand: int, extents: Ints, spread: Ints
) -> float:
    """Instances that ask for different words of an operand."""
    different = 1.0
    for r in range(count):
        a = rank_dims[operand, r, 0]
        b = rank_dims[operand, r, 1]
        if b < 0 or spread[a] == 1 or spread[b] == 1:
            different *= spread[a] * (spread[b] if b >= 0 else 1)
        else:
            step = coefficient[operand, a] * extents[a]
            different *= distinct_sums(spread[a], spread[b], step, coefficient[operand, b] * extents[b])
    return different


@kernel
def fewest_different(rank_dims: Ints, count: int, operand: int, spread: Ints) -> float:
    """Instances that ask for different words at least, whatever the tile."""
    different = 1.0
    for r in range(count):
        n = spread[rank_dims[operand, r, 0]]
        m = spread[rank_dims[operand, r, 1]] if rank_dims[operand, r, 1] >= 0 else 1
        different *= n + m - 1
    return different


@kernel
def parent_pj(prices: Floats, traits: Ints, operand: int, parent: int, use: float) -> float:
    """Energy at least of a word that the parent of a link sends, and takes back where it is accumulated."""
    price = word_pj(prices, parent, 0, use)
    return price + (word_pj(prices, parent, 2, use) if traits[operand, ACCUMULATED] == 1 else 0.0)


@kernel
def drain_pj(prices: Floats, traits: Ints, operand: int, child: int, touches: int, use: float) -> float:
    """Energy at least of reading a word that leaves the child of a link; where blocks round, nothing."""
    if traits[operand, ACCUMULATED] == 0 or touches & DRAINED == 0 or prices[child, BLOCK] > 1.0:
        return 0.0
    return word_pj(prices, child, 0, use)


@kernel
def price_cell(
    setting: Setting, spreads: Spreads, g: int, extents: Ints, terms: Floats
) -> tuple[float, float]:
    """Fill `terms` of a tile and a spread; its energy besides its links, and with what they elide, in pJ."""
    nest = setting.nest
    _bounds, _rank, coefficient, rank_dims, traits = nest.problem
    prices, totals = setting.arch.prices, setting.arch.totals
    links, first, least = setting.links.rows, setting.links.first, nest.least
    touches, middle = setting.touches, setting.middle
    macs = nest.lattice.visits[0]
    spread = nest.lattice.extents[spreads.tiles[g]]
    lanes = spreads.lanes[g]
    copies = spreads.copies[g]
    energy = macs * totals[MAC_PJ]
    for o in range(traits.shape[0]):
        if first[o] < middle:
            accumulated = traits[o, ACCUMULATED] == 1
            held = least[o] * copies[o] if accumulated and touches & COUNTED == 0 else 0.0
            energy += access_pj(prices, first[o], 0, macs - held, lanes)
            if accumulated:
                energy += access_pj(prices, first[o], 2, macs, lanes)
    fixed = energy
    for q in range(links.shape[1]):
        o = links[OPERAND, q]
        accumulated = traits[o, ACCUMULATED] == 1
        held = least[o] * copies[o] if accumulated and touches & COUNTED == 0 else 0.0
        parent = links[PARENT, q]
        use = lanes
        merge = 1.0
        held_outside = held
        if parent >= middle:
            use = 1.0
            merge = different_words(coefficient, rank_dims, traits[o, RANKS], o, extents, spread) / lanes
            held_outside = least[o] if held > 0.0 else 0.0
        price = merge * parent_pj(prices, traits, o, parent, use)
        energy -= held_outside * word_pj(prices, parent, 0, use)
        if links[CHILD, q] >= 0:
            price += word_pj(prices, links[CHILD, q], 1, lanes)
            energy -= held * word_pj(prices, links[CHILD, q], 1, lanes)
            price += drain_pj(prices, traits, o, links[CHILD, q], touches, lanes)
        terms[PRICE, q] = price
        terms[MERGE, q] = merge
        terms[HELD, q] = held
    return fixed, energy


@kernel
def busy_cycles(rates: Floats, level: int, reads: float, writes: float, use: float) -> float:
    """Cycles that the busiest port of a level's instances takes."""
    busy = 0.0
    if rates[level, 0] < inf:
        busy = max(busy, float(ceil(reads / (rates[level, 0] * use))))
    if rates[level, 1] < inf:
        busy = max(busy, float(ceil(writes / (rates[level, 1] * use))))
    if rates[level, 2] < inf:
        busy = max(busy, float(ceil((reads + writes) / (rates[level, 2] * use))))
    return busy
