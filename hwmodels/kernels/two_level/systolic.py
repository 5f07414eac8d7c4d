"""Cycle counts of a rows x cols systolic array, for three dataflows.

A product (m, k) x (k, n) is cut into folds of the array. Counts are numbers of cycles; SCALE-Sim prints the
index of the last cycle, one less. Source: Samajdar et al., ISPASS 2020; SCALE-Sim 3.0.0's demand matrices,
whose 102 runs the tests repeat.
"""

from hwmodels.accelerate import kernel

OUTPUT_STATIONARY = 0
WEIGHT_STATIONARY = 1
INPUT_STATIONARY = 2


@kernel
def ceil_div(a: int, b: int) -> int:
    """Quotient of positive integers, rounded up."""
    return (a + b - 1) // b


@kernel
def fold_overhead(rows: int, cols: int, dataflow: int) -> int:
    """Cycles a fold takes beyond its stream: skew, and shifting the held operand in; -1 for no dataflow."""
    if dataflow == OUTPUT_STATIONARY:
        return rows + cols - 2
    if dataflow in (WEIGHT_STATIONARY, INPUT_STATIONARY):
        return 2 * rows + cols - 2
    return -1


@kernel
def systolic_cycles(m: int, k: int, n: int, rows: int, cols: int, dataflow: int) -> int:
    """Cycles to run an (m, k) x (k, n) product on a rows x cols array.

    OS holds (m on rows, n on columns) and streams k; WS holds (k, n) and streams m; IS holds (k, m) and
    streams n. A fold takes its stream length plus the skew; WS and IS first shift their stationary operand
    in, rows cycles. -1 for a dataflow that is not known.
    """
    overhead = fold_overhead(rows, cols, dataflow)
    if dataflow == OUTPUT_STATIONARY:
        return ceil_div(m, rows) * ceil_div(n, cols) * (k + overhead)
    if dataflow == WEIGHT_STATIONARY:
        return ceil_div(k, rows) * ceil_div(n, cols) * (m + overhead)
    if dataflow == INPUT_STATIONARY:
        return ceil_div(k, rows) * ceil_div(m, cols) * (n + overhead)
    return -1
