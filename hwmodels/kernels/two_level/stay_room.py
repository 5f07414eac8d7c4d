"""Where tensors may stay on a configuration, and what that leaves to each operation."""

from typing import Final, NamedTuple

from hwmodels.accelerate import spliced
from hwmodels.kernels.two_level.formats import matrix_rows, stored
from hwmodels.kernels.two_level.rows import Config
from hwmodels.residency.graph import StayGraph
from workloads.table import FloatColumn, FloatMatrix, IntColumn

NOWHERE, IN_WEIGHT, IN_INPUT, IN_SHARED = range(-1, 3)
"""Where a kind of tensor may stay."""

HOMES: Final = ("weight", "input", "shared")
"""Buffers by these codes."""


class Homes(NamedTuple):
    """What stays where, for configurations that are alike."""

    home: IntColumn  # of each kind of tensor
    bytes: FloatColumn  # that one takes there, and in the mask buffer
    mask: FloatColumn
    beside: FloatMatrix  # (n_situations, fields of `Beside`): what each leaves to its operation
    fits: IntColumn  # 1 where what a situation holds is no more than the buffers


@spliced
def find_homes(config: Config, flags: tuple[int, int, int], graph: StayGraph, homes: Homes) -> None:
    """Say for each kind of tensor where it may stay and what it takes there.

    A tensor stays in the buffer that it is read from: one that is read as a weight and as an input needs one
    buffer for both. It is held as its readers hold its tiles, so in their format.
    """
    kinds = graph.tensors
    for t in range(kinds.elements.size):
        operand = config.weight if kinds.as_weight[t] == 1 else config.input
        home = IN_SHARED
        if operand.capacity_bytes > 0.0:
            home = IN_WEIGHT if kinds.as_weight[t] == 1 else IN_INPUT
            if kinds.as_weight[t] == 2:
                home = NOWHERE
        elif kinds.as_weight[t] == 2 and config.weight.capacity_bytes > 0.0:
            home = NOWHERE
        allowed = flags[IN_WEIGHT] if kinds.as_weight[t] == 1 else flags[IN_INPUT]
        if home == IN_SHARED:
            allowed = max(allowed, flags[IN_SHARED])
        if allowed == 0:
            home = NOWHERE
        elements, channels = float(kinds.elements[t]), float(kinds.channels[t])
        images = max(1.0, float(kinds.images[t]))  # each stored by itself
        rows, each = matrix_rows(operand, channels / images, elements / channels), elements / images
        size = stored(operand, kinds.bits[t], kinds.density[t], each, rows, config.mask_capacity_bytes)
        homes.home[t] = home
        homes.bytes[t] = elements * size.chip
        homes.mask[t] = elements * size.mask


@spliced
def furnish(s: int, config: Config, graph: StayGraph, homes: Homes) -> bool:
    """Write down what situation `s` leaves to its operation's tiles; False where what is held is too much."""
    weight = inputs = shared = mask = 0.0
    weights_made = inputs_made = weight_masks_made = input_masks_made = 0.0
    homeless = False
    for place in range(graph.held_start[s], graph.held_start[s + 1]):
        t = graph.held[place]
        if homes.home[t] == IN_WEIGHT:
            weight += homes.bytes[t]
        elif homes.home[t] == IN_INPUT:
            inputs += homes.bytes[t]
        elif homes.home[t] == IN_SHARED:
            shared += homes.bytes[t]
        else:
            homeless = True
        mask += homes.mask[t]
    for place in range(graph.made_start[s], graph.made_start[s + 1]):
        t = graph.made[place]
        part = graph.made_part[place]
        if graph.tensors.as_weight[t] == 1:
            weights_made += part * homes.bytes[t]
            weight_masks_made += part * homes.mask[t]
        else:
            inputs_made += part * homes.bytes[t]
            input_masks_made += part * homes.mask[t]
        homeless = homeless or homes.home[t] == NOWHERE
    beside = homes.beside[s]
    beside[0] = graph.weight_share[s]
    beside[1] = graph.input_share[s]
    beside[2] = graph.output_share[s]
    beside[3] = weight
    beside[4] = inputs
    beside[5] = shared
    beside[6] = mask
    beside[7] = weights_made
    beside[8] = inputs_made
    beside[9] = weight_masks_made
    beside[10] = input_masks_made
    fits = weight <= config.weight.capacity_bytes and inputs <= config.input.capacity_bytes
    return (
        not homeless
        and fits
        and shared <= config.shared_capacity_bytes
        and mask <= config.mask_capacity_bytes
    )
