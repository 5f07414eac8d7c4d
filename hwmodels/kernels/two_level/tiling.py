"""The best mapping of one nest on a two-level machine: tiles of K, C and positions M, and their loop order.

Main memory is outside, one on-chip level inside, the array at the centre. The tile loops run over K, C and M;
a tile stays on chip until one of its own indices changes, so an operand is fetched once for every turn of the
loops down to the innermost one that indexes it. Of the six orders only the innermost loop matters:

    innermost M   weights stay: each weight once, inputs nK times, partial sums spill nC - 1 times
    innermost K   inputs stay: each input once, weights nM times, partial sums spill nC - 1 times
    innermost C   outputs stay: nothing spills, weights nM times, inputs nK times

because the operand that the innermost loop does not index sees both other loops, whatever their order, and
the other two see all three. A loop of one turn is no loop: its order costs what the next loop's does. What
happens on chip is in `chip.py`.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.chip import c_steps, chip_work, k_steps, m_steps
from hwmodels.kernels.two_level.layout import CARTESIAN, SYSTOLIC, UNROLLED, Plane, distinct_inputs
from hwmodels.kernels.two_level.terms import Terms

LATENCY = 0
ENERGY = 1
EDP = 2

INNERMOST_M = 0
INNERMOST_K = 1
INNERMOST_C = 2


@kernel
def score(latency_s: float, energy_pj: float, objective: int) -> float:
    """What a mapping is chosen by; less is better."""
    if objective == LATENCY:
        return latency_s
    if objective == ENERGY:
        return energy_pj
    return latency_s * energy_pj


@kernel
def overlapped_latency(on_chip_s: float, dram_s: float, edge_s: float, double_buffered: int) -> float:
    """Latency of an operation whose tiles are loaded, computed and stored.

    Double-buffered: the first load and the last store (`edge_s`) are exposed, the rest of the traffic hides
    behind the work on chip or the other way round. Single-buffered: the sum.
    """
    if double_buffered == 1:
        return edge_s + max(on_chip_s, dram_s - edge_s)
    return on_chip_s + dram_s


@kernel
def fits(terms: Terms, weight_need: float, input_need: float, output_need: float) -> bool:
    """Whether a tile of each operand, doubled where it is reloaded, finds room where that operand lives."""
    shared = 0.0
    if terms.weight_cap == 0.0:
        shared += weight_need
    elif weight_need > terms.weight_cap:
        return False
    if terms.input_cap == 0.0:
        shared += input_need
    elif input_need > terms.input_cap:
        return False
    if terms.output_cap == 0.0:
        shared += output_need
    elif output_need > terms.output_cap:
        return False
    if weight_need * terms.weight_mask + input_need * terms.input_mask > terms.mask_cap:
        return False
    return shared <= terms.shared_cap


@kernel
def loop_turns(innermost: int, n_k: float, n_c: float, n_m: float) -> tuple[float, float, float]:
    """How often each operand passes the main-memory port: weights, inputs, and spills of the partial sums.

    A loop of a single turn cannot be innermost (its order is another one's): weights are then negative.
    """
    if innermost == INNERMOST_M and (n_m > 1.0 or (n_k == 1.0 and n_c == 1.0)):
        return 1.0, n_k, n_c - 1.0
    if innermost == INNERMOST_K and n_k > 1.0:
        return n_m, 1.0, n_c - 1.0
    if innermost == INNERMOST_C and n_c > 1.0:
        return n_m, n_k, 0.0
    return -1.0, 0.0, 0.0


@kernel
def total_cost(
    terms: Terms,
    work: tuple[float, float, float],
    edge_s: float,
    input_bytes: float,
    passes: tuple[float, float, float],
) -> tuple[float, float, float, float, float, float]:
    """Latency [s], energy [pJ], main-memory time [s], bytes read and written, buffers' energy [pJ] of a nest.

    The energy is the sum of its parts, so that no part is what a difference of large numbers leaves.

    Parameters
    ----------
    terms, work, edge_s
        Constants, what `chip_work` returned, and the exposed first load and last store [s].
    input_bytes
        Bytes of one pass over the input tiles, halos included.
    passes
        What `loop_turns` returned.

    """
    weight_turns, input_turns, spills = passes
    spilled = spills * terms.sum_bytes
    weights = weight_turns * terms.weight_bytes
    inputs = input_turns * input_bytes
    read = weights * terms.weight_moves + inputs * terms.input_moves + spilled
    written = terms.result_bytes + spilled
    dram_s = read * terms.read_s + written * terms.write_s
    latency = overlapped_latency(work[1], dram_s, edge_s, terms.double)
    buffer_pj = (
        terms.stays_pj
        + work[2]
        + weights * terms.weight_fill_pj
        + inputs * terms.input_fill_pj
        + spilled * terms.output_fill_pj
        + written * terms.output_drain_pj
    )
    pj = (
        terms.mac_pj
        + terms.result_pj
        + work[0] * terms.busy_pj
        + buffer_pj
        + read * terms.dram_read_pj
        + written * terms.dram_write_pj
        + latency * terms.static_pj_per_s
    )
    return latency, pj, dram_s, read, written, buffer_pj


@kernel
def doubled(need: float, loads: float, double: int) -> float:
    """Bytes kept for an operand: twice its tile where it is loaded again while the last one is in use."""
    return 2.0 * need if double == 1 and loads > 1.0 else need


_SLACK = 1.0 - 1e-12
"""What the rounding of a bound may not decide."""


@kernel
def least_score(
    terms: Terms,
    turns: tuple[float, float, float],
    folded: tuple[float, float, float],
    distinct: float,
    input_bytes: float,
    objective: int,
) -> float:
    """Lower bound of the score of all mappings that cut some dimensions as given and the others anyhow.

    `turns` and `folded` are those of a single tile of the others: with more tiles there are no fewer folds,
    since a sum of ceilings is no less than the ceiling of the sum, and no fewer passes. Every operand crosses
    the main-memory port at least once, and no load is exposed.
    """
    work = chip_work(terms, turns, folded, distinct)
    least = total_cost(terms, work, 0.0, input_bytes, (1.0, 1.0, 0.0))
    return score(least[0], least[1], objective) * _SLACK


class Found(NamedTuple):
    """The best mapping of a nest. The score is infinite and the candidates are -1 where nothing fits."""

    score: float
    latency_s: float
    energy_pj: float
    cycles: float  # of the array
    chip_s: float  # time on chip
    dram_s: float  # time of main memory
    read: float  # bytes of main memory
    written: float
    buffer_pj: float
    k: int  # candidates
    c: int
    m: int
    order: int  # innermost loop
    costed: float  # mappings that were costed
    edge_s: float  # of the main memory's time: the first load and the last store, which nothing hides


@kernel
def best_mapping(terms: Terms, plane: Plane, tiles: TileTable, i: int, objective: int) -> Found:
    """Search the mapspace of nest `i` of the tile table, whose terms and plane are given.

    Candidates are skipped when their tiles do not fit or when a lower bound of their score (every operand
    moved once, work on chip as it is) already reaches the best found, and whole rows of them when a bound
    over all tiles of C, or of K and C, does; all of that leaves the minimum untouched. The first best in
    enumeration order wins.
    """
    once = (1.0, 1.0, 0.0)
    best = math.inf
    cost = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    cost_work = (0.0, 0.0, 0.0)
    cost_edge_s = 0.0
    best_k, best_c, best_m, best_order = -1, -1, -1, -1
    costed = 0.0
    distinct = 1.0 if terms.interconnect == SYSTOLIC else 1.0 / terms.window

    c_least = c_steps(terms, 1.0, terms.all_c, terms.all_c)
    k_least = 1.0 if terms.interconnect == CARTESIAN else k_steps(terms, 1.0, terms.all_k, terms.all_k)
    for mi in range(tiles.m_number[i]):
        m_size = float(tiles.m_size[i, mi])
        m_rest, m_rest_size = float(tiles.m_rest[i, mi]), float(tiles.m_rest_size[i, mi])
        n_m = tiles.m_full[i, mi] + m_rest
        m_last = m_rest_size if m_rest > 0.0 else m_size
        extents = (tiles.m_n[i, mi], tiles.m_p[i, mi], tiles.m_q[i, mi])
        m_folds = m_steps(terms, plane, n_m - m_rest, m_size, m_rest, m_rest_size, extents)
        if terms.interconnect == UNROLLED:
            distinct = distinct_inputs(plane, extents[1], extents[2])
        input_bytes = terms.groups * tiles.m_input_total[i, mi] * terms.all_c * terms.input_dram_b
        turns, folded = (1.0, 1.0, n_m), (k_least, c_least, m_folds)
        if least_score(terms, turns, folded, distinct, input_bytes, objective) >= best:
            continue
        for ki in range(tiles.k_number[i]):
            k_size = float(tiles.k_size[i, ki])
            k_rest = float(tiles.k_rest_size[i, ki])
            n_k = float(tiles.k_tiles[i, ki])
            k_folds = k_steps(terms, n_k, k_size, k_rest)
            turns, folded = (n_k, 1.0, n_m), (k_folds, c_least, m_folds)
            if least_score(terms, turns, folded, distinct, input_bytes, objective) >= best:
                continue
            output_need = doubled(m_size * k_size * terms.sum_b, n_k * n_m * terms.groups, terms.double)
            drain_s = m_last * k_rest * terms.output_b * terms.write_s * terms.result_moves
            for ci in range(tiles.c_number[i]):
                c_size = float(tiles.c_size[i, ci])
                n_c = float(tiles.c_tiles[i, ci])
                weight_tile = k_size * c_size * terms.window * terms.weight_b
                input_tile = tiles.m_input_largest[i, mi] * c_size * terms.input_b
                weight_need = doubled(weight_tile, n_k * n_c * terms.groups, terms.double)
                input_need = doubled(input_tile, n_m * n_c * terms.groups, terms.double)
                if not fits(terms, weight_need, input_need, output_need):
                    continue
                c_folds = c_steps(terms, n_c, c_size, float(tiles.c_rest_size[i, ci]))
                work = chip_work(terms, (n_k, n_c, n_m), (k_folds, c_folds, m_folds), distinct)
                load = weight_tile * terms.weight_dram * terms.weight_moves
                load += input_tile * terms.input_dram * terms.input_moves
                edge_s = load * terms.read_s + drain_s
                least = total_cost(terms, work, edge_s, input_bytes, once)
                if score(least[0], least[1], objective) >= best:
                    continue
                for order in range(3):
                    passes = loop_turns(order, n_k, n_c, n_m)
                    if passes[0] < 0.0:
                        continue
                    costed += 1.0
                    found = total_cost(terms, work, edge_s, input_bytes, passes)
                    if score(found[0], found[1], objective) < best:
                        best = score(found[0], found[1], objective)
                        cost, cost_work, cost_edge_s = found, work, edge_s
                        best_k, best_c, best_m, best_order = ki, ci, mi, order
    return Found(
        score=best,
        latency_s=cost[0],
        energy_pj=cost[1],
        cycles=cost_work[0],
        chip_s=cost_work[1],
        dram_s=cost[2],
        read=cost[3],
        written=cost[4],
        buffer_pj=cost[5],
        k=best_k,
        c=best_c,
        m=best_m,
        order=best_order,
        costed=costed,
        edge_s=cost_edge_s,
    )
