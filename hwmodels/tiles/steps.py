"""What tiles of output positions and channels take on an array, for each way of wiring it (`array.Array`).

A systolic array folds K, C x window and positions onto its edges. An unrolled one takes ceil(tile / unroll)
steps along every loop; PEs that have no output row (or column) of an image, in groups that hold all of its
rows, take further images: a matrix product has one loop of rows, whatever an array calls its PEs, and the
"images" of a weight gradient are its channels, its rows those of a kernel. A cartesian one gives each PE
its part of the plane and, channel by channel, multiplies `unroll.n` of its inputs by `unroll.k` of the
weights of a group of output channels; a stride is taken apart into phases, so that every product counts
(assumed), and positions are then those of outputs. Numbers are exact integers.
"""

from typing import NamedTuple


def ceil_div(a: int, b: int) -> int:
    """Quotient of positive integers, rounded up."""
    return -(-a // b)


class Nest(NamedTuple):
    """Extents and windows of one NEST row, as integers of any size; shares of non-zeros of what is held."""

    n: int
    k: int
    c: int
    p: int
    q: int
    r: int
    s: int
    stride_p: int
    stride_q: int
    dilation_r: int
    dilation_s: int
    pad_top: int
    pad_left: int
    in_rows: int
    in_cols: int
    weight_density: float
    input_density: float


class Cartesian(NamedTuple):
    """Parts of the plane along rows and columns, inputs and weights multiplied at once, accumulators."""

    p: int
    q: int
    n: int
    k: int
    accumulators: int

    def group(self, nest: Nest) -> int:
        """Output channels that a PE accumulates at once, halo of its part included."""
        rows = ceil_div(nest.p, self.p) + (nest.r - 1) // nest.stride_p
        cols = ceil_div(nest.q, self.q) + (nest.s - 1) // nest.stride_q
        return min(max(self.accumulators // (rows * cols), 1), nest.k)

    def weight_vectors(self, nest: Nest, channels: int) -> int:
        """Weight vectors of one input channel, for a tile of output channels."""
        group, window = self.group(nest), nest.r * nest.s
        whole, rest = divmod(channels, group)
        return whole * ceil_div(group * window, self.k) + ceil_div(rest * window, self.k)

    def input_vectors(self, rows: int, cols: int) -> int:
        """Input vectors that the fullest PE takes for a plane."""
        return ceil_div(ceil_div(rows, self.p) * ceil_div(cols, self.q), self.n)


def sent_share(steps: int, extent: int, taps: int, stride: int, dilation: int, tap_unroll: int) -> float:
    """Inputs that one axis of an unrolled array is sent over those that its multipliers take.

    Outputs done side by side share their windows: a step of e outputs and t taps takes the fewer of e t and
    (e - 1) stride + (t - 1) dilation + 1, each summed over all `steps` of the axis.
    """
    tap_steps = ceil_div(taps, tap_unroll)
    sent = stride * (extent - steps) * tap_steps + dilation * (taps - tap_steps) * steps + steps * tap_steps
    return min(sent / (extent * taps), 1.0)
