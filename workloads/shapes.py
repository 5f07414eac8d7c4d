"""Shape arithmetic: integers in, integers out. Convolution and pooling windows, broadcasting, padding."""

from collections.abc import Sequence
from math import prod

from workloads.errors import InputError

Shape = tuple[int, ...]


def size(shape: Shape) -> int:
    """Return the number of elements of a shape; 1 for a scalar's ()."""
    return prod(shape)


def text(shape: Shape) -> str:
    """Write a shape the way people do: 1x3x224x224."""
    return "x".join(map(str, shape)) if shape else "scalar"


def window_extent(kernel: int, dilation: int) -> int:
    """Return how many positions a dilated kernel spans."""
    return dilation * (kernel - 1) + 1


def window_positions(
    length: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int], *, ceil_mode: bool = False
) -> int:
    """Count the positions of a sliding window; 0 or less when it does not fit.

    With `ceil_mode` a last, partly filled window counts too, unless it would start in the padding after the
    input (the rule of PyTorch and of ONNX since opset 19).

    Examples
    --------
    >>> window_positions(224, 7, 2, 1, (3, 3))
    112
    >>> window_positions(5, 2, 2, 1, (0, 0)), window_positions(5, 2, 2, 1, (0, 0), ceil_mode=True)
    (2, 3)

    """
    room = length + pads[0] + pads[1] - window_extent(kernel, dilation)
    if room < 0:
        return 0
    if not ceil_mode:
        return room // stride + 1
    positions = -(-room // stride) + 1
    if (positions - 1) * stride >= length + pads[0]:
        positions -= 1
    return positions


def broadcast(*shapes: Shape) -> Shape:
    """Return the common shape of element-wise operands under NumPy's rules.

    Raises
    ------
    ValueError
        If two operands disagree in a dimension and neither is 1 there; the message names dimension and
        values.

    """
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    result = []
    for axis, lengths in enumerate(zip(*padded, strict=True)):
        wide = sorted({length for length in lengths if length != 1})
        if len(wide) > 1:
            raise InputError(f"dimension {axis}: {wide[0]} and {wide[1]} do not broadcast")
        result.append(wide[0] if wide else 1)
    return tuple(result)


def normal_axis(axis: int, rank: int) -> int:
    """Count a negative axis from the end.

    Raises
    ------
    ValueError
        If the axis is outside -rank .. rank - 1.

    """
    if not -rank <= axis < rank:
        raise InputError(f"axis {axis} is outside a tensor of {rank} dimensions", path="axis")
    return axis % rank


def conv_macs(
    *, out: Sequence[int], channels: int, filters: int, kernel: Sequence[int], groups: int = 1
) -> int:
    """Multiply-accumulates of a convolution of one input, padding counted as work (the usual convention).

    Parameters
    ----------
    out
        Output rows and columns (any number of spatial axes).
    channels, filters
        Input and output channels in total.
    kernel
        Kernel rows and columns.
    groups
        Groups the channels are split into.

    Examples
    --------
    >>> conv_macs(out=(55, 55), channels=3, filters=96, kernel=(11, 11))  # AlexNet conv1
    105415200

    """
    return prod(out) * filters * (channels // groups) * prod(kernel)
