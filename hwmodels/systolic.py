"""Cycles of one matrix product on a systolic array: the public face of the kernel."""

from hwmodels.kernels.two_level.systolic import systolic_cycles as _cycles
from hwmodels.spec import Dataflow
from workloads.errors import InputError, shown
from workloads.grammar.arguments import WHOLE, takes


@takes(m=WHOLE, k=WHOLE, n=WHOLE, rows=WHOLE, cols=WHOLE)
def systolic_cycles(m: int, k: int, n: int, rows: int, cols: int, dataflow: Dataflow | str) -> int:
    """Count the cycles of an (m, k) x (k, n) product on a rows x cols systolic array.

    Parameters
    ----------
    m, k, n
        Rows of the first factor, reduction length, columns of the second; elements, at least 1. For a
        convolution: output positions, window (input channels x kernel area), output channels.
    rows, cols
        PEs along each edge, at least 1.
    dataflow
        "os", "ws" or "is": outputs, weights (the second factor) or inputs (the first) stay in the PEs.

    Returns
    -------
    int
        Cycles from the first operand entering to the last product: a count, where SCALE-Sim prints the index
        of the last cycle, one less.

    Raises
    ------
    ValueError
        If a size is below 1, the dataflow is unknown, or the count would leave 64 bits.

    Notes
    -----
    Folds x (stream + skew): OS ceil(m/rows) ceil(n/cols) (k + rows + cols - 2); WS ceil(k/rows) ceil(n/cols)
    (m + 2 rows + cols - 2); IS ceil(k/rows) ceil(m/cols) (n + 2 rows + cols - 2). Every operand is on chip:
    memory stalls are not counted. Source: Samajdar et al., ISPASS 2020, with the fold lengths of SCALE-Sim
    3.0.0.

    Examples
    --------
    One PE needs one cycle a product:

    >>> systolic_cycles(3, 5, 2, rows=1, cols=1, dataflow="os")
    30

    """
    flow = Dataflow.parse(dataflow)
    sizes = {"m": m, "k": k, "n": n, "rows": rows, "cols": cols}
    for name, size in sizes.items():
        if isinstance(size, bool) or int(size) != size or size < 1:
            raise InputError(f"systolic_cycles: {name} must be an integer >= 1, got {shown(size)}")
    if float(m + rows) * float(n + cols) * float(k + 2 * rows + cols) >= 2.0**63:
        raise InputError(f"systolic_cycles: the count of ({m}, {k}) x ({k}, {n}) does not fit 64 bits")
    return int(_cycles(int(m), int(k), int(n), int(rows), int(cols), int(flow)))
