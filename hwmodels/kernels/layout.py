"""Steps that the loops of a tile take on an array, for each way of wiring it (see `array.Array`).

A systolic array folds K, C x window and positions onto its edges. An unrolled one takes ceil(tile / unroll)
steps along every loop. A cartesian one gives each PE its part of the plane and, channel by channel,
multiplies `unroll.n` of its inputs by `unroll.k` of the weights of a group of output channels; a stride is
taken apart into phases, so that every product counts (assumed), and positions are then those of outputs.
"""

import math

from hwmodels.accelerate import kernel
from hwmodels.kernels.rows import Config, Layer

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
def plane_share(rows: int, cols: int, config: Config) -> float:
    """Positions of a plane that the fullest PE of a cartesian array holds."""
    p, q = config.unroll_p, config.unroll_q
    return float(((rows + p - 1) // p) * ((cols + q - 1) // q))


@kernel
def channel_group(layer: Layer, config: Config) -> int:
    """Output channels that a PE of a cartesian array accumulates at once, halo of its part included."""
    rows = (layer.p + config.unroll_p - 1) // config.unroll_p + (layer.r - 1) // layer.stride_p
    cols = (layer.q + config.unroll_q - 1) // config.unroll_q + (layer.s - 1) // layer.stride_q
    return min(max(config.accumulators // (rows * cols), 1), layer.k)


@kernel
def plane_steps(rows: int, cols: int, config: Config) -> float:
    """Input vectors that a PE of a cartesian array takes for a plane."""
    return float(math.ceil(plane_share(rows, cols, config) / config.unroll_n))


@kernel
def position_steps(layer: Layer, config: Config, tile_n: int, tile_p: int, tile_q: int) -> float:
    """Steps along output positions, over all tiles of those extents."""
    if config.interconnect == UNROLLED:
        steps = dimension_steps(layer.n, tile_n, config.unroll_n)
        steps *= dimension_steps(layer.p, tile_p, config.unroll_p)
        return float(steps * dimension_steps(layer.q, tile_q, config.unroll_q))
    if tile_q < layer.q:
        whole, rest = divmod(layer.q, tile_q)
        row = whole * plane_steps(1, tile_q, config) + plane_steps(1, rest, config)
        return layer.n * layer.p * row
    whole, rest = divmod(layer.p, tile_p)
    plane = whole * plane_steps(tile_p, layer.q, config) + plane_steps(rest, layer.q, config)
    return layer.n * plane


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
def distinct_inputs(layer: Layer, config: Config, tile_p: int, tile_q: int) -> float:
    """Inputs that an unrolled array is sent over those that its multipliers take."""
    rows = sent_share(
        layer.p, tile_p, layer.r, layer.stride_p, layer.dilation_r, config.unroll_p, config.unroll_r
    )
    return rows * sent_share(
        layer.q, tile_q, layer.s, layer.stride_q, layer.dilation_s, config.unroll_q, config.unroll_s
    )
