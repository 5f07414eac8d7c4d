"""Steps that the loops of a tile take on an array, for each way of wiring it (see `array.Array`).

A systolic array folds K, C x window and positions onto its edges. An unrolled one takes ceil(tile / unroll)
steps along every loop; where there is one output row (or column), the PEs that would take others take further
images: a matrix product has one loop of rows, whatever an array calls its PEs. A cartesian one gives each PE
its part of the plane and, channel by channel, multiplies `unroll.n` of its inputs by `unroll.k` of the
weights of a group of output channels; a stride is taken apart into phases, so that every product counts
(assumed), and positions are then those of outputs.
"""

import math
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.rows import Config, Layer

SYSTOLIC = 0
UNROLLED = 1
IDEAL = 2
CARTESIAN = 3


@kernel
def folds(tiles: float, size: float, rest_tiles: float, rest_size: float, edge: float) -> float:
    """Folds of all tiles of a dimension on an array edge; exact while size * edge < 2**52."""
    return tiles * math.ceil(size / edge) + rest_tiles * math.ceil(rest_size / edge)


@kernel
def dimension_steps(size: int, tile: int, unroll: int) -> int:
    """Steps along one loop of `size` cut into tiles, the last one maybe smaller, `unroll` at a time."""
    whole = size // tile
    rest = size - whole * tile
    return whole * ((tile + unroll - 1) // unroll) + (rest + unroll - 1) // unroll


@kernel
def plane_share(rows: int, cols: int, unroll_p: int, unroll_q: int) -> float:
    """Positions of a plane that the fullest PE of a cartesian array holds."""
    return float(((rows + unroll_p - 1) // unroll_p) * ((cols + unroll_q - 1) // unroll_q))


@kernel
def channel_group(layer: Layer, config: Config) -> int:
    """Output channels that a PE of a cartesian array accumulates at once, halo of its part included."""
    rows = (layer.p + config.unroll_p - 1) // config.unroll_p + (layer.r - 1) // layer.stride_p
    cols = (layer.q + config.unroll_q - 1) // config.unroll_q + (layer.s - 1) // layer.stride_q
    return min(max(config.accumulators // (rows * cols), 1), layer.k)


class Plane(NamedTuple):
    """What the steps along output positions depend on: the nest's plane and window, and the unrolling."""

    interconnect: int
    n: int
    p: int
    q: int
    r: int
    s: int
    stride_p: int
    stride_q: int
    dilation_r: int
    dilation_s: int
    unroll_n: int
    unroll_p: int
    unroll_q: int
    unroll_r: int
    unroll_s: int


@kernel
def plane_of(layer: Layer, config: Config) -> Plane:
    """Collect the plane of a nest on a configuration."""
    return Plane(
        interconnect=config.interconnect,
        n=layer.n,
        p=layer.p,
        q=layer.q,
        r=layer.r,
        s=layer.s,
        stride_p=layer.stride_p,
        stride_q=layer.stride_q,
        dilation_r=layer.dilation_r,
        dilation_s=layer.dilation_s,
        unroll_n=config.unroll_n,
        unroll_p=config.unroll_p,
        unroll_q=config.unroll_q,
        unroll_r=config.unroll_r,
        unroll_s=config.unroll_s,
    )


@kernel
def plane_steps(rows: int, cols: int, plane: Plane) -> float:
    """Input vectors that a PE of a cartesian array takes for a plane."""
    return float(math.ceil(plane_share(rows, cols, plane.unroll_p, plane.unroll_q) / plane.unroll_n))


@kernel
def position_steps(plane: Plane, tile_n: int, tile_p: int, tile_q: int) -> float:
    """Steps along output positions, over all tiles of those extents."""
    if plane.interconnect == UNROLLED:
        images = plane.unroll_n
        images *= plane.unroll_p if plane.p == 1 else 1
        images *= plane.unroll_q if plane.q == 1 else 1
        steps = dimension_steps(plane.n, tile_n, images)
        steps *= dimension_steps(plane.p, tile_p, plane.unroll_p)
        return float(steps * dimension_steps(plane.q, tile_q, plane.unroll_q))
    if tile_q < plane.q:
        whole, rest = divmod(plane.q, tile_q)
        row = whole * plane_steps(1, tile_q, plane) + plane_steps(1, rest, plane)
        return plane.n * plane.p * row
    whole, rest = divmod(plane.p, tile_p)
    image = whole * plane_steps(tile_p, plane.q, plane) + plane_steps(rest, plane.q, plane)
    return plane.n * image


@kernel
def weight_steps(channels: float, window: float, group: float, vector: float) -> float:
    """Weight vectors of one input channel of a cartesian array, for a tile of output channels."""
    whole = math.floor(channels / group)
    rest = channels - whole * group
    return float(whole * math.ceil(group * window / vector) + math.ceil(rest * window / vector))


@kernel
def sent_share(
    size: int, tile: int, taps: int, stride: int, dilation: int, unroll: int, tap_unroll: int
) -> float:
    """Inputs that one axis of an unrolled array is sent over those that its multipliers take.

    Outputs done side by side share their windows: a step of e outputs and t taps takes the fewer of e t and
    (e - 1) stride + (t - 1) dilation + 1, each summed over all steps.
    """
    steps = dimension_steps(size, tile, unroll)
    tap_steps = (taps + tap_unroll - 1) // tap_unroll
    sent = stride * (size - steps) * tap_steps + dilation * (taps - tap_steps) * steps + steps * tap_steps
    return min(float(sent) / float(size * taps), 1.0)


@kernel
def distinct_inputs(plane: Plane, tile_p: int, tile_q: int) -> float:
    """Inputs that an unrolled array is sent over those that its multipliers take."""
    rows = sent_share(
        plane.p, tile_p, plane.r, plane.stride_p, plane.dilation_r, plane.unroll_p, plane.unroll_r
    )
    return rows * sent_share(
        plane.q, tile_q, plane.s, plane.stride_q, plane.dilation_s, plane.unroll_q, plane.unroll_s
    )
