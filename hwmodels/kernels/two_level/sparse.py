"""What zeros save on one nest: multiplications, energy and time, as shares of the dense machine's.

Nothing here depends on a tile: shares are computed once for each nest and configuration.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.formats import BLOCK, N_M, RLE, stored_share
from hwmodels.kernels.two_level.imbalance import excess
from hwmodels.kernels.two_level.layout import CARTESIAN, SYSTOLIC, channel_group, plane_share
from hwmodels.kernels.two_level.rows import Config, Layer, Operand
from hwmodels.kernels.two_level.systolic import INPUT_STATIONARY, WEIGHT_STATIONARY

NONE = 0
GATE = 1
SKIP = 2

BINOMIAL = 1
MASKS = 2
FITTED = 3

# Geometric mean of the variance of filters' non-zeros over the binomial one in four masks of a pruned
# MobileNet, 23.0, 16.0, 7.3 and 3.2 (github Accelergy-Project/micro22-sparseloop-artifact@de0374a; derived).
FITTED_DISPERSION = 9.6


class Shares(NamedTuple):
    """Of one nest on one configuration; the dense machine has 1, 1, 1."""

    kept: float  # multiplications done
    switched: float  # multiplications that spend energy
    time: float  # time that a fold of the array streams operands
    front_end: int  # 1: the front end of the lanes sets the pace


@kernel
def work_share(density: float, operand: Operand) -> float:
    """Share of an operand's elements that a machine still works on; NaN for a mode that is not known."""
    if operand.mode in (NONE, GATE):
        return 1.0
    if operand.mode != SKIP:
        return math.nan
    if operand.skip_block > 1:
        return 1.0 - (1.0 - density) ** operand.skip_block
    if operand.format in (RLE, N_M, BLOCK):
        return stored_share(density, operand)
    return density


@kernel
def vectors(share: float, group: int, width: int) -> float:
    """Expected cycles to take a group's non-zeros, `width` at a time.

    The non-zeros X are binomial: E[ceil(X / width)] = sum over j of P(X > j width). Where X spreads over
    widths its remainder is uniform and the sum is (E[X] + (width - 1) / 2) / width to five digits.
    """
    if share >= 1.0:
        return float((group + width - 1) // width)
    mean = group * share
    if mean * (1.0 - share) > 0.5625 * width * width or group > 600:
        return (mean + 0.5 * (width - 1)) / width
    cycles = 0.0
    below = 0.0
    if share <= 0.5:
        chance, odds = (1.0 - share) ** group, share / (1.0 - share)
        due = 0  # counted on, as a remainder takes longer than all the rest
        for taken in range(group):
            below += chance
            if taken == due:
                cycles += 1.0 - below
                due += width
            chance *= odds * (group - taken) / (taken + 1.0)
        return cycles
    chance, odds = share**group, (1.0 - share) / share
    due = (group - 1) % width
    for zeros in range(group):  # the same from the other end, where the chances are not too small
        below += chance
        if zeros == due:
            cycles += below
            due += width
        chance *= odds * (group - zeros) / (zeros + 1.0)
    return cycles


@kernel
def packing_loss(share: float, group: int, width: int) -> float:
    """Cycles for a group's non-zeros over those of a full group, against the share of them that there is."""
    if width == 1 or share >= 1.0:
        return 1.0
    return vectors(share, group, width) / (vectors(1.0, group, width) * share)


@kernel
def filter_dispersion(layer: Layer, config: Config) -> float:
    """Variance of filters' non-zeros over the binomial one, as far as it is known; n:m filters are alike."""
    if config.weight.format == N_M:
        return 0.0
    if config.imbalance in (MASKS, FITTED) and layer.weight_dispersion > 0.0:
        return layer.weight_dispersion
    if config.imbalance == FITTED:
        return FITTED_DISPERSION
    return 1.0 if config.imbalance in (BINOMIAL, MASKS) else math.nan


@kernel
def waiting(layer: Layer, config: Config, elements: float, weight: float, inputs: float) -> float:
    """How much longer the fullest lane works than the mean, less one.

    Parameters
    ----------
    layer, config
        Nest and configuration.
    elements
        Multiplications of a lane for one output.
    weight, inputs
        Shares of each operand that are worked on; 1 for one that is not skipped.

    Notes
    -----
    The work of a lane varies because its filters are unevenly pruned (the same for all positions, so only as
    many different amounts as there are filters) and because inputs fall unevenly on each lane; the two are
    independent and add in quadrature. Filters in order of their density differ within a group by a group's
    part of the whole spread.

    """
    share = weight * inputs
    if config.imbalance == 0 or share <= 0.0 or share >= 1.0:
        return 0.0
    filters = float(layer.k)
    lanes = min(float(config.waiting_lanes), float(layer.n * layer.p * layer.q) * filters)
    together = min(float(config.waiting_filters), min(filters, lanes))
    groups = max(filters / together, 1.0)
    at_once = float(config.outputs_between_waits)
    if at_once == 0.0:
        at_once = groups
    window = elements * at_once + config.fifo_depth * config.lane_width / share

    by_filter = inputs * (1.0 - weight) / (1.0 - share) * filter_dispersion(layer, config)
    by_input = (1.0 - inputs) / (1.0 - share)
    if config.density_sorted == 1:
        uneven = excess(window, share, by_filter, filters) / groups
    else:
        uneven = excess(window, share, by_filter, together)
    moving = excess(window, share, by_input, lanes)
    return math.sqrt(uneven * uneven + moving * moving)


@kernel
def losses(layer: Layer, config: Config, weight: float, inputs: float) -> float:
    """How much longer the shares worked on take than their product says: packing, and waiting for others.

    In a cartesian array all PEs have the same weights, packed group by group, and wait for the inputs.
    """
    if config.interconnect == CARTESIAN:
        plane = int(plane_share(layer.p, layer.q, config.unroll_p, config.unroll_q))
        uneven = waiting(layer, config, float(layer.c * plane), 1.0, inputs)
        group = channel_group(layer, config) * layer.r * layer.s
        packed = packing_loss(weight, group, config.unroll_k)
        return (1.0 + uneven) * packed * packing_loss(inputs, plane, config.unroll_n)
    taps = math.ceil(layer.r / config.unroll_r) * math.ceil(layer.s / config.unroll_s)
    uneven = waiting(layer, config, float(layer.c * taps), weight, inputs)
    packed = packing_loss(weight, config.weight.group, config.weight.width)
    return (1.0 + uneven) * packed * packing_loss(inputs, config.input.group, config.input.width)


@kernel
def held_n_m(operand: Operand, config: Config, flow: int) -> bool:
    """Whether a systolic array holds an operand n of m: what takes fewer folds does not stream less.

    `tiles.edges.held_as` counts those folds.
    """
    held = config.interconnect == SYSTOLIC and config.dataflow == flow
    return held and operand.mode == SKIP and operand.format == N_M and operand.skip_block == 1


@kernel
def shares(layer: Layer, config: Config, macs: float) -> Shares:
    """Work, energy and time of a nest on a configuration, over those of the dense machine.

    Where both operands are looked at, the layer table's effectual MACs carry their correlation. Skipping
    takes the share that is worked on, times what packing and waiting lose, and never more than the dense
    time; but a front end of f positions a cycle feeds a lane of w multipliers no faster than f / w.
    """
    weight_mode, input_mode = config.weight.mode, config.input.mode
    dense = layer.g > 1 and layer.c == 1 and config.depthwise_dense == 1
    if dense or (weight_mode == 0 and input_mode == 0):
        return Shares(1.0, 1.0, 1.0 / config.array_efficiency, 0)
    weight, inputs = layer.weight_density, layer.input_density
    weight_work, inputs_work = work_share(weight, config.weight), work_share(inputs, config.input)
    kept = switched = weight_work * inputs_work
    if weight_mode > 0 and input_mode > 0:  # both are looked at: their zeros may be correlated
        switched = layer.effectual_macs / macs
        if weight_mode == SKIP:
            switched *= weight_work / weight
        if input_mode == SKIP:
            switched *= inputs_work / inputs
        switched = min(switched, 1.0)
        if weight_mode == SKIP and input_mode == SKIP:
            kept = switched
    elif weight_mode == GATE:
        switched *= weight
    elif input_mode == GATE:
        switched *= inputs
    if weight_mode != SKIP and input_mode != SKIP:
        return Shares(kept, switched, 1.0 / config.array_efficiency, 0)
    folded = 1.0  # share of the folds that are left
    if held_n_m(config.weight, config, WEIGHT_STATIONARY):
        folded, weight_work = weight_work, 1.0
    elif held_n_m(config.input, config, INPUT_STATIONARY):
        folded, inputs_work = inputs_work, 1.0
    time = min(kept / folded * losses(layer, config, weight_work, inputs_work), 1.0)
    front_end = 0
    if config.front_end_positions > 0.0:
        fed = config.lane_width / config.front_end_positions / folded
        if fed > time:
            time, front_end = fed, 1
    return Shares(kept, switched, time / config.array_efficiency, front_end)
