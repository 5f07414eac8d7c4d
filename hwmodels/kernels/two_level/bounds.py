"""Lower bounds of what tiles can reach, whatever the order of the loops and the other tiles."""

import math
from typing import NamedTuple

from hwmodels.accelerate import inlined
from hwmodels.kernels.two_level.chip import ChipWork, chip_at
from hwmodels.kernels.two_level.cost import overlapped_latency, score
from hwmodels.kernels.two_level.systolic import OUTPUT_STATIONARY, WEIGHT_STATIONARY
from hwmodels.kernels.two_level.terms import Terms


class Crossing(NamedTuple):
    """What the main-memory port takes at least, for given tiles of K and positions."""

    least_s: float  # one tile of C, in the faster of the two orders
    least_pj: float
    each_s: float  # more for each further tile of C, whose sums spill
    each_pj: float
    never_s: float  # C innermost: nothing spills
    never_pj: float


@inlined
def crossing(terms: Terms, n_k: float, n_m: float, input_bytes: float) -> Crossing:
    """Bound `total_cost`: inputs cross for each tile of K, or weights for each tile of positions."""
    nest, rates = terms.counts, terms.rates
    weights, inputs = nest.weight_bytes, input_bytes
    weight_s, input_s = weights * nest.weight_moves * rates.read_s, inputs * nest.input_moves * rates.read_s
    weight_pj, input_pj = weights * rates.weight_fill_pj, inputs * rates.input_fill_pj
    out_s = nest.result_bytes * rates.write_s
    out_pj = nest.result_bytes * rates.output_drain_pj + rates.mac_pj + rates.result_pj + rates.stays_pj
    return Crossing(
        least_s=out_s + min(weight_s + n_k * input_s, n_m * weight_s + input_s),
        least_pj=out_pj + min(weight_pj + n_k * input_pj, n_m * weight_pj + input_pj),
        each_s=nest.sum_bytes * (rates.read_s + rates.write_s),
        each_pj=nest.sum_bytes * (rates.output_fill_pj + rates.output_drain_pj),
        never_s=out_s + n_m * weight_s + n_k * input_s,
        never_pj=out_pj + n_m * weight_pj + n_k * input_pj,
    )


@inlined
def holding(terms: Terms, n_k: float, n_m: float, input_bytes: float) -> Crossing:
    """As `crossing`, of the one order of loops in which the array keeps what it holds (`orders.stays`)."""
    nest, rates = terms.counts, terms.rates
    port = crossing(terms, n_k, n_m, input_bytes)
    if nest.flow == OUTPUT_STATIONARY:
        return Crossing(port.never_s, port.never_pj, 0.0, 0.0, port.never_s, port.never_pj)
    weights, inputs = nest.weight_bytes, input_bytes
    if nest.flow == WEIGHT_STATIONARY:
        inputs *= n_k
    else:
        weights *= n_m
    out_pj = nest.result_bytes * rates.output_drain_pj + rates.mac_pj + rates.result_pj + rates.stays_pj
    moved = weights * nest.weight_moves + inputs * nest.input_moves
    return Crossing(
        least_s=nest.result_bytes * rates.write_s + moved * rates.read_s,
        least_pj=out_pj + weights * rates.weight_fill_pj + inputs * rates.input_fill_pj,
        each_s=port.each_s,
        each_pj=port.each_pj,
        never_s=math.inf,
        never_pj=math.inf,
    )


@inlined
def single_folds(c: tuple[float, float]) -> tuple[float, float]:
    """Tiles of C and their folds, at least `c`, where every tile is one fold."""
    number = max(c[0], c[1])
    return number, number


_SLACK = 1.0 - 1e-12
"""What the rounding of a bound may not decide."""


@inlined
def hopeless(
    terms: Terms,
    work: ChipWork,
    port: Crossing,
    c: tuple[float, float],
    edge_s: float,
    objective: int,
    best: tuple[float, float],
) -> bool:
    """Whether no mapping with so many tiles of C, or more, can beat `best` = (score, energy).

    `c` are their tiles and fewest steps. At least `edge_s` is exposed. Equal scores are told apart by energy.
    """
    _, chip_s, chip_pj = chip_at(terms, work, c[0], c[1])
    spills = c[0] - 1.0
    dram_s = min(port.least_s + spills * port.each_s, port.never_s)
    latency = overlapped_latency(chip_s, dram_s, edge_s, terms.counts.double)
    pj = chip_pj + min(port.least_pj + spills * port.each_pj, port.never_pj)
    pj += latency * terms.rates.static_pj_per_s
    least = score(latency, pj, objective)
    if least * _SLACK >= best[0]:
        return True
    return least >= best[0] and pj * _SLACK >= best[1]
