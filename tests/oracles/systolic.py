"""Systolic arrays stepped one clock at a time with real numbers in real registers; slow, obvious,
independent.

Each function multiplies two matrices on the array, fold by fold, and returns the product with the clocks it
took, so a cycle count is only believed together with a correct result.
"""

import numpy as np


def _padded(matrix, rows, cols):
    full = np.zeros((rows, cols))
    full[: matrix.shape[0], : matrix.shape[1]] = matrix
    return full


def _output_stationary_fold(a, b, rows, cols):
    """One fold: a (rows, k) enters from the left, b (k, cols) from the top; each PE accumulates its own
    product.
    """
    k = a.shape[1]
    total = np.zeros((rows, cols))
    done = np.zeros((rows, cols), dtype=int)
    left = [[None] * cols for _ in range(rows)]
    top = [[None] * cols for _ in range(rows)]
    clock = 0
    while (done < k).any():
        for r in reversed(range(rows)):
            for c in reversed(range(cols)):
                step = clock - r if c == 0 else None
                left[r][c] = left[r][c - 1] if c else (a[r, step] if 0 <= step < k else None)
                step = clock - c
                top[r][c] = top[r - 1][c] if r else (b[step, c] if 0 <= step < k else None)
        for r in range(rows):
            for c in range(cols):
                if left[r][c] is not None and top[r][c] is not None:
                    total[r, c] += left[r][c] * top[r][c]
                    done[r, c] += 1
        clock += 1
    return total, clock


def _held_fold(held, stream, rows, cols):
    """One fold with `held` (rows, cols) in the PEs and `stream` (t, rows) passing; returns stream @ held.

    The held operand is shifted in from the top, one row a clock. Then stream elements enter from the left,
    row r delayed by r, and partial sums move down one PE a clock.
    """
    clock = 0
    registers = np.zeros((rows, cols))
    for row in reversed(range(rows)):
        registers = np.vstack([held[row], registers[:-1]])
        clock += 1
    steps = stream.shape[0]
    result = np.zeros((steps, cols))
    moving = [[None] * cols for _ in range(rows)]
    sums = np.zeros((rows, cols))
    done = np.zeros((rows, cols), dtype=int)
    time = 0
    while (done < steps).any():
        above = np.vstack([np.zeros(cols), sums[:-1]])
        for r in range(rows):
            for c in reversed(range(cols)):
                step = time - r
                moving[r][c] = moving[r][c - 1] if c else (stream[step, r] if 0 <= step < steps else None)
        for r in range(rows):
            for c in range(cols):
                if moving[r][c] is not None:
                    sums[r, c] = above[r, c] + moving[r][c] * registers[r, c]
                    if r == rows - 1:
                        result[time - r - c, c] = sums[r, c]
                    done[r, c] += 1
        time += 1
    return result, clock + time


def multiply(a, b, rows, cols, dataflow):
    """Product of a (m, k) and b (k, n), and the clocks of all folds."""
    m, k = a.shape
    n = b.shape[1]
    result = np.zeros((m, n))
    clocks = 0
    if dataflow == "os":
        for i in range(0, m, rows):
            for j in range(0, n, cols):
                tile, clock = _output_stationary_fold(
                    _padded(a[i : i + rows], rows, k), _padded(b[:, j : j + cols], k, cols), rows, cols
                )
                result[i : i + rows, j : j + cols] = tile[: m - i, : n - j]
                clocks += clock
        return result, clocks
    # weights held: b in the PEs and a streams; inputs held: the transposed product
    held, stream = (b, a) if dataflow == "ws" else (a.T, b.T)
    product = np.zeros((stream.shape[0], held.shape[1]))
    for i in range(0, held.shape[0], rows):
        for j in range(0, held.shape[1], cols):
            tile, clock = _held_fold(
                _padded(held[i : i + rows, j : j + cols], rows, cols),
                _padded(stream[:, i : i + rows], stream.shape[0], rows),
                rows,
                cols,
            )
            product[:, j : j + cols] += tile[:, : held.shape[1] - j]
            clocks += clock
    return (product if dataflow == "ws" else product.T), clocks
