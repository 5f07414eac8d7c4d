"""What the traffic between the two outer levels costs, by the tile of the inner one and the order outside."""

from math import inf

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import ACCUMULATED, COUNTED, DRAINED, RANKS, SLIDING, Ints
from hwmodels.kernels.nest.labels import rest_over, tile_words
from hwmodels.kernels.nest.prices import access_pj, busy_cycles, drain_pj
from hwmodels.kernels.nest.slide import order_options
from hwmodels.kernels.nest.tables import OPERAND, Loops, OrderRoom, Outer, Setting

# Of `costs`: pJ; then words read and written by level: inside as they leave and are filled, and outside.
ENERGY, DRAINS, FILLS, READS, WRITES = 0, 1, 2, 3, 4
ROOM = 8  # options of an order that are told apart


@lean
def cost_outer(setting: Setting, outer: Outer, windows: Ints, room: OrderRoom) -> None:
    """Fill, by tile, the options outside it, their number, their costs, and energy and cycles at least.

    The links are those between the two levels; `windows` (Q, 2, R) is room.
    """
    nest, links, middle, touches = setting.nest, setting.links.rows, setting.middle, setting.touches
    lattice, rests, least = nest.lattice, nest.rests, nest.least
    bounds, _rank, coefficient, rank_dims, traits = nest.problem
    rates, prices = setting.arch.rates, setting.arch.prices
    tiles, options, counts, costs, floors, _held = outer
    times = room.times[1]
    windows[:] = 0
    for i in range(tiles.size):
        extents = lattice.extents[tiles[i]]
        visits = lattice.visits[tiles[i]]
        for d in range(bounds.size):
            times[d] = bounds[d] // extents[d]
        for q in range(links.shape[1]):
            o = links[OPERAND, q]
            tile_words(coefficient, rank_dims, traits[o, RANKS], o, extents, windows[q, 0])
        loops = Loops(middle + 1, 0, 1)
        found = order_options(nest, setting.links, loops, windows, extents, options[i], room)
        counts[i] = found
        floors[i, 0] = inf
        floors[i, 1] = inf
        for option in range(found):
            for c in range(5):
                costs[i, option, c] = 0.0
            for q in range(links.shape[1]):
                o = links[OPERAND, q]
                accumulated = traits[o, ACCUMULATED] == 1
                held = least[o] if accumulated and touches & COUNTED == 0 else 0.0
                words = visits
                for r in range(traits[o, RANKS]):
                    words *= windows[q, 0, r]
                if traits[o, SLIDING] == 1:
                    words -= room.reuse[1, q, option]
                else:
                    moves = False
                    for d in range(bounds.size):
                        moves = moves or (times[d] > 1 and rests[o, d] == 0)
                    words /= rest_over(rests, o, options[i, option], times) if moves else visits
                words = max(words, least[o])
                costs[i, option, ENERGY] += access_pj(prices, middle + 1, 0, words - held, 1.0)
                costs[i, option, ENERGY] += access_pj(prices, middle, 1, words - held, 1.0)
                costs[i, option, READS] += words - held
                costs[i, option, FILLS] += words - held
                if accumulated:
                    costs[i, option, ENERGY] += access_pj(prices, middle + 1, 2, words, 1.0)
                    costs[i, option, WRITES] += words
                    costs[i, option, ENERGY] += words * drain_pj(prices, traits, o, middle, touches, 1.0)
                    costs[i, option, DRAINS] += words if touches & DRAINED != 0 else 0.0
            busy = busy_cycles(rates, middle + 1, costs[i, option, READS], costs[i, option, WRITES], 1.0)
            floors[i, 0] = min(floors[i, 0], costs[i, option, ENERGY])
            floors[i, 1] = min(floors[i, 1], busy)
