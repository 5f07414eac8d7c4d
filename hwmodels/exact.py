"""Counts that a table may hold: products of these are exact in a float64 and never wrap in an integer."""

import numpy as np

from workloads.errors import InputError
from workloads.table import FloatColumn, LayerTable

MOST = float(1 << 53)
"""Whole numbers up to here are exact in a float64, and every one of them is an int64."""

_COUNTS = (
    "repeats",
    "pad_top",
    "pad_left",
    "in_rows",
    "in_cols",
    "weight_elements",
    "read_elements",
    "write_elements",
    "vector_ops",
    "effectual_macs",
    "weight_bits",
    "input_bits",
    "output_bits",
)

_STEPS = ("stride_p", "stride_q", "dilation_r", "dilation_s")
_FARTHEST = float((1 << 31) - 1)
"""Of a step: times any tile it is an int64, and no input is that long."""


def check_counts(layers: LayerTable) -> None:
    """Refuse a table whose counts, or products of them that kernels form, are too large to be exact.

    Raises
    ------
    InputError
        Naming the row, the count and the limit.

    """
    for names, most, words in ((_COUNTS, MOST, "0 to 2**53"), (_STEPS, _FARTHEST, "1 to 2**31 - 1")):
        for name in names:
            column = np.asarray(getattr(layers, name), dtype=np.float64)
            fits = (column >= 0.0) & (column <= most)
            if not fits.all():
                row = int(np.argmin(fits))
                raise InputError(
                    f"LayerTable.{name}[{row}] must be from {words}, got {float(column[row]):.17g}", path=name
                )
    _refuse(layers.macs, "MACs")
    for rows, cols, what in (
        (layers.in_rows, layers.in_cols, "input elements"),
        (*_reach(layers), "halos"),
        (*_covered(layers), "input positions under its windows"),
    ):
        product = np.ones(layers.rows)
        for factor in (layers.n, layers.g, layers.c, rows, cols):
            product = product * factor
        _refuse(product, what)


def _reach(layers: LayerTable) -> tuple[FloatColumn, FloatColumn]:
    """Input rows and columns that the outputs touch, each output for itself."""
    reach = []
    for outputs, taps, dilation, there in (
        (layers.p, layers.r, layers.dilation_r, layers.in_rows),
        (layers.q, layers.s, layers.dilation_s, layers.in_cols),
    ):
        window = (taps.astype(np.float64) - 1.0) * dilation + 1.0
        reach.append(outputs.astype(np.float64) * np.minimum(window, np.maximum(there, 1)))
    return reach[0], reach[1]


def _covered(layers: LayerTable) -> tuple[FloatColumn, FloatColumn]:
    """Rows and columns from the first window's first position to the last one's last."""
    covered = []
    for outputs, taps, dilation, stride in (
        (layers.p, layers.r, layers.dilation_r, layers.stride_p),
        (layers.q, layers.s, layers.dilation_s, layers.stride_q),
    ):
        window = (taps.astype(np.float64) - 1.0) * dilation + 1.0
        covered.append((outputs.astype(np.float64) - 1.0) * stride + window)
    return covered[0], covered[1]


def _refuse(counts: FloatColumn, what: str) -> None:
    if counts.max() > MOST:
        row = int(counts.argmax())
        raise InputError(f"LayerTable row {row} has {counts[row]:.3g} {what}; counts are exact to 2**53 only")
