"""What given tiles of a nest cost, and the best order of the loops over them.

What the orders of the loops pass is in `orders.py`, what happens on chip in `chip.py`.

A double buffer holds two tiles of what is loaded again. Where they do not fit, single ones may be run one
after the other (*drained*): each group, or each tile of whole images of each group, is loaded, computed and
stored before the next one begins, and within it only what is loaded again is held twice. So a batch costs no
more than its runs.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.accounting.account import hidden_s
from hwmodels.kernels.two_level.chip import array_work, chip_at, chip_work
from hwmodels.kernels.two_level.orders import stays, turns_of
from hwmodels.kernels.two_level.room import APART, FITS, TOO_LARGE, Channels, Pixels, held_of, room
from hwmodels.kernels.two_level.terms import Counts, Terms

LATENCY = 0
ENERGY = 1
EDP = 2


@inlined
def score(latency_s: float, energy_pj: float, objective: int) -> float:
    """What a mapping is chosen by; less is better."""
    if objective == LATENCY:
        return latency_s
    if objective == ENERGY:
        return energy_pj
    return latency_s * energy_pj


@inlined
def overlapped_latency(on_chip_s: float, dram_s: float, edge_s: float, double_buffered: int) -> float:
    """Latency of an operation whose tiles are loaded, computed and stored.

    Double-buffered: the first load and the last store (`edge_s`) are exposed, the rest of the traffic hides
    behind the work on chip or the other way round. Single-buffered: the sum.
    """
    if double_buffered == 1:
        return hidden_s(edge_s, on_chip_s, dram_s)
    return on_chip_s + dram_s


@inlined
def total_cost(
    terms: Terms,
    work: tuple[float, float, float],
    edge_s: float,
    input_bytes: float,
    passes: tuple[float, float, float],
) -> tuple[float, float, float, float, float]:
    """Latency [s], energy [pJ], main-memory time [s], bytes read and bytes written of a nest.

    Parameters
    ----------
    terms, work, edge_s
        Constants, what `chip_at` returned, and the exposed first load and last store [s].
    input_bytes
        Bytes of one pass over the input tiles, halos included.
    passes
        What `loop_turns` returned.

    """
    nest, rates = terms.counts, terms.rates
    weight_turns, input_turns, spills = passes
    spilled = spills * nest.sum_bytes
    weights = weight_turns * nest.weight_bytes
    inputs = input_turns * input_bytes
    read = weights * nest.weight_moves + inputs * nest.input_moves + spilled
    written = nest.result_bytes + spilled
    dram_s = read * rates.read_s + written * rates.write_s
    latency = overlapped_latency(work[1], dram_s, edge_s, nest.double)
    pj = (
        rates.mac_pj
        + rates.result_pj
        + rates.stays_pj
        + work[2]
        + weights * rates.weight_fill_pj
        + inputs * rates.input_fill_pj
        + spilled * rates.output_fill_pj
        + written * rates.output_drain_pj
        + latency * rates.static_pj_per_s
    )
    return latency, pj, dram_s, read, written


@inlined
def transfer_s(terms: Terms, input_bytes: float, passes: tuple[float, float, float]) -> float:
    """Main-memory time [s] of a nest; parameters as of `total_cost`."""
    nest, rates = terms.counts, terms.rates
    spilled = passes[2] * nest.sum_bytes
    weights = passes[0] * nest.weight_bytes * nest.weight_moves
    read = weights + passes[1] * input_bytes * nest.input_moves + spilled
    return read * rates.read_s + (nest.result_bytes + spilled) * rates.write_s


@inlined
def weight_load_s(terms: Terms) -> float:
    """Seconds that main memory takes for a weight of a tile."""
    nest = terms.counts
    return nest.weight_b * nest.weight_dram * nest.weight_moves * terms.rates.read_s


@inlined
def input_load_s(terms: Terms) -> float:
    """Seconds that main memory takes for an input of a tile."""
    nest = terms.counts
    return nest.input_b * nest.input_dram * nest.input_moves * terms.rates.read_s


@inlined
def better(found: tuple[float, float], best: tuple[float, float]) -> bool:
    """Whether a (score, energy) is less; energy decides between equal scores."""
    return found[0] < best[0] or (found[0] == best[0] and found[1] < best[1])


class Tried(NamedTuple):
    """The best loop order of given tiles. The score is infinite where they do not fit."""

    score: float
    cost: tuple[float, float, float, float, float]  # of `total_cost`
    work: tuple[float, float, float]  # of `chip_at`
    edge_s: float
    order: int
    place: int  # of `room`
    costed: float


NOTHING = Tried(math.inf, (0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, -1, 0, 0.0)


@inlined
def all_input_bytes(counts: Counts, m: Pixels) -> float:
    """Bytes of one pass over the input tiles, halos included."""
    return counts.groups * m.input_total * counts.all_c * counts.input_dram_b


@inlined
def exposed_s(
    terms: Terms, tiles: tuple[Channels, Channels, Pixels], place: int, passes: tuple[float, float, float]
) -> float:
    """First load and last store [s] of tiles of K, C and positions that fit as `place` says."""
    k, c, m = tiles
    nest = terms.counts
    weight_s = k.size * c.size * nest.window * weight_load_s(terms)
    store_s = k.last * nest.output_b * terms.rates.write_s * nest.result_moves
    edge_s = weight_s + m.input_largest * c.size * input_load_s(terms) + m.last * store_s
    if place == FITS:
        return edge_s
    if place == APART:
        edge_s = m.tiles * weight_s + m.input_total * c.size * input_load_s(terms) + nest.positions * store_s
    return min(nest.groups * edge_s, transfer_s(terms, all_input_bytes(nest, m), passes))


class Goal(NamedTuple):
    """What is least, and the loop that is asked to be innermost; -1 leaves it to the search."""

    objective: int
    innermost: int


@kernel
def tried(terms: Terms, tiles: tuple[Channels, Channels, Pixels], goal: Goal) -> Tried:
    """Cost tiles of K, C and positions in every order of the loops, or in the one asked for."""
    k, c, m = tiles
    best, best_pj = math.inf, math.inf
    cost = (0.0, 0.0, 0.0, 0.0, 0.0)
    best_order, best_edge_s, costed = -1, 0.0, 0.0
    nest = terms.counts
    place = room(nest, held_of(nest, m), k.size, k.tiles, c.size, c.tiles)
    if place == TOO_LARGE:
        return NOTHING
    steps = array_work(nest, k.tiles, m.tiles, k.steps, m.steps, m.distinct, False)
    anew = chip_at(terms, chip_work(terms, steps), c.tiles, c.steps)
    work = anew
    input_bytes = all_input_bytes(nest, m)
    for order in range(3):
        passes = turns_of((order, place), k.tiles, c.tiles, m.tiles)
        if passes[0] < 0.0 or (goal.innermost >= 0 and order != goal.innermost):
            continue
        costed += 1.0
        done = anew
        if stays(nest, tiles, (order, place)):
            steps = array_work(nest, k.tiles, m.tiles, k.steps, m.steps, m.distinct, True)
            done = chip_at(terms, chip_work(terms, steps), c.tiles, c.steps)
        edge_s = exposed_s(terms, tiles, place, passes)
        found = total_cost(terms, done, edge_s, input_bytes, passes)
        value = score(found[0], found[1], goal.objective)
        if better((value, found[1]), (best, best_pj)):
            best, best_pj = value, found[1]
            cost, work, best_order, best_edge_s = found, done, order, edge_s
    return Tried(best, cost, work, best_edge_s, best_order, place, costed)
