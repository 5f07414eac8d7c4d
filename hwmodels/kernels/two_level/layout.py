"""Codes of the ways of wiring an array (`array.Array`), and what a PE of a cartesian one holds.

What tiles take on an array is tabulated with them (`hwmodels.tiles`).
"""

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.rows import Config, Layer

SYSTOLIC = 0
UNROLLED = 1
IDEAL = 2
CARTESIAN = 3


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
