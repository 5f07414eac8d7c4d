"""Gradients by enumerating every product: which input meets which weight for which output, nothing else."""

from itertools import product

import numpy as np


def triples(row):
    """Every (output, input, tap) of one axis of a forward nest that does not touch the padding."""
    for p, r in product(range(row["out"]), range(row["taps"])):
        h = p * row["stride"] + r * row["dilation"] - row["pad"]
        if 0 <= h < row["length"]:
            yield p, h, r


def weight_gradient(x, g, groups, kernel, strides, dilations, pads):
    """dW of a two-dimensional convolution: x (n, c, h, w), g (n, k, p, q) -> (k, c / groups, *kernel)."""
    n, channels, *lengths = x.shape
    filters, positions = g.shape[1], g.shape[2:]
    axes = [
        {"out": o, "taps": t, "stride": s, "dilation": d, "pad": p, "length": length}
        for o, t, s, d, p, length in zip(positions, kernel, strides, dilations, pads, lengths, strict=True)
    ]
    width, wide = channels // groups, filters // groups
    result = np.zeros((filters, width, *kernel), dtype=x.dtype)
    for (p, h, r), (q, w, s) in product(triples(axes[0]), triples(axes[1])):
        for k, c in product(range(filters), range(width)):
            group = k // wide
            result[k, c, r, s] += sum(g[i, k, p, q] * x[i, group * width + c, h, w] for i in range(n))
    return result


def run_nest(row, inputs, weights):
    """Execute a nest row: inputs (n, g, c, rows, cols), weights (g, k, c, r, s) -> (n, g, k, p, q)."""
    out = np.zeros((row.n, row.g, row.k, row.p, row.q), dtype=inputs.dtype)
    loops = (row.n, row.g, row.k, row.c, row.p, row.q, row.r, row.s)
    for n, g, k, c, p, q, r, s in product(*map(range, loops)):
        h = p * row.stride_p + r * row.dilation_r - row.pad_top
        w = q * row.stride_q + s * row.dilation_s - row.pad_left
        if 0 <= h < row.in_rows and 0 <= w < row.in_cols:
            out[n, g, k, p, q] += inputs[n, g, c, h, w] * weights[g, k, c, r, s]
    return out


def cut(array, axis, starts, length):
    """Pieces of an array along an axis, zeros where there is nothing, stacked along a new first axis."""
    pieces = []
    for start in starts:
        piece = np.zeros((*array.shape[:axis], length, *array.shape[axis + 1 :]), dtype=array.dtype)
        for i in range(length):
            if 0 <= start + i < array.shape[axis]:
                at = (slice(None),) * axis
                piece[(*at, i)] = array[(*at, start + i)]
        pieces.append(piece)
    return np.stack(pieces)


def input_gradient_macs(length, taps, stride, dilation, pad, positions):
    """Products of one axis of an input gradient: each tap with every input of its stride phase.

    A gradient of one position meets each tap once, where that falls into the input.
    """
    if positions == 1 and taps > 1:
        return sum(0 <= t * dilation - pad < length for t in range(taps))
    return sum((h + pad - t * dilation) % stride == 0 for h in range(length) for t in range(taps))
