"""Slow twins: convolutions, transposed convolutions and products as loops over every position and tap."""

from itertools import product

import numpy as np


def convolution_hits(length, kernel, stride, dilation, before, after):
    """List (output, tap, input or None) along one axis; None where the tap lies in the padding."""
    hits = []
    output, start = 0, -before
    while start + dilation * (kernel - 1) < length + after:
        for tap in range(kernel):
            position = start + tap * dilation
            hits.append((output, tap, position if 0 <= position < length else None))
        start += stride
        output += 1
    return hits


def transposed_hits(length, kernel, stride, dilation, before, after, extra):
    """List (output, tap, input) along one axis by scattering every input, and the output's length."""
    full = (length - 1) * stride + dilation * (kernel - 1) + 1
    outputs = full - before - after + extra
    hits = []
    for position, tap in product(range(length), range(kernel)):
        output = position * stride + tap * dilation - before
        if 0 <= output < outputs:
            hits.append((output, tap, position))
    return outputs, hits


def dense_convolution_macs(shape, filters, kernel, groups, outputs):
    """Count multiplications one by one."""
    n, channels, *_ = shape
    count = 0
    for _image, _filter in product(range(n), range(filters)):
        for _position in product(*map(range, outputs)):
            for _tap in product(range(channels // groups), *map(range, kernel)):
                count += 1
    return count


def effectual_convolution_macs(activations, weights, stride, groups):
    """Count products of two non-zeros of an unpadded convolution, mask against mask."""
    n, _, rows, cols = activations.shape
    filters, per_group, r, s = weights.shape
    total = 0
    for image, k in product(range(n), range(filters)):
        group = k // (filters // groups)
        seen = activations[image, group * per_group : (group + 1) * per_group]
        for y, x in product(range(0, rows - r + 1, stride), range(0, cols - s + 1, stride)):
            total += int(np.count_nonzero(seen[:, y : y + r, x : x + s] * weights[k]))
    return total
