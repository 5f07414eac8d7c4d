"""The flat layer table: one row per operation, one array per column. What `hwmodels` sees of a network."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntColumn = NDArray[np.int64]
FloatColumn = NDArray[np.float64]


class Kind(IntEnum):
    """What a row of the table is: the columns that carry meaning depend on it."""

    NEST = 0
    """Multiply-accumulates over the loop nest n, g, k, c, p, q, r, s."""
    VECTOR = 1
    """Element-wise or reducing work, counted in vector operations."""
    MOVEMENT = 2
    """Bytes moved and nothing computed."""


class LayerTable(NamedTuple):
    """Operations of one network after lowering; every column has shape (n_operations,).

    A NEST row is the loop nest of design section 3: a convolution of `n` inputs in `g` groups, from `c` input
    channels *per group* to `k` output channels *per group*, over `p` x `q` output positions and an `r` x `s`
    kernel. A matrix product (m, k) x (k, n) has n = m, c = k, k = n and p = q = r = s = 1; a batched product puts
    its batch in `g`. The dimensions of VECTOR and MOVEMENT rows are all 1 and their work is in
    `vector_ops`, `read_elements` and `write_elements`.

    In every row the operands' elements are explicit, so that traffic never depends on a formula upstairs:
    `weight_elements`, `read_elements` (input elements that exist, padding excluded) and `write_elements`.
    A VECTOR row that is `fused` into its producer runs behind the array as outputs leave it, and reads and writes
    only what does not already flow past (nothing for an activation function; the other addend for a residual sum).

    Bits of 0 mean "whatever the datapath stores". Densities are fractions of non-zero elements in (0, 1];
    `effectual_macs` is the expected number of MACs whose two operands are both non-zero (0 outside NEST rows).
    """

    kind: IntColumn  # a value of Kind
    count: IntColumn  # identical operations this row stands for; 1 before deduplication
    n: IntColumn  # batch
    g: IntColumn  # groups
    k: IntColumn  # output channels per group
    c: IntColumn  # input channels per group
    p: IntColumn  # output rows
    q: IntColumn  # output columns
    r: IntColumn  # kernel rows
    s: IntColumn  # kernel columns
    stride_p: IntColumn
    stride_q: IntColumn
    dilation_r: IntColumn
    dilation_s: IntColumn
    pad_top: IntColumn
    pad_left: IntColumn
    in_rows: IntColumn  # rows of the input that exist, padding excluded
    in_cols: IntColumn
    weight_elements: IntColumn
    read_elements: IntColumn
    write_elements: IntColumn
    vector_ops: FloatColumn
    fused: IntColumn  # 1: pipelined behind the producing operation; 0: stands alone
    weight_bits: IntColumn  # 0: the datapath's
    input_bits: IntColumn
    output_bits: IntColumn
    weight_density: FloatColumn
    input_density: FloatColumn
    output_density: FloatColumn
    effectual_macs: FloatColumn

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.kind.size)

    @property
    def macs(self) -> FloatColumn:
        """Multiply-accumulates of one instance of each row, shape (n_operations,); exact below 2**53."""
        dims = (self.n, self.g, self.k, self.c, self.p, self.q, self.r, self.s)
        product = np.ones(self.rows)
        for dim in dims:
            product *= dim
        return np.where(self.kind == Kind.NEST, product, 0.0)


INT_COLUMNS = frozenset(
    name
    for name in LayerTable._fields
    if name not in ("vector_ops", "weight_density", "input_density", "output_density", "effectual_macs")
)


def deduplicate(table: LayerTable) -> tuple[LayerTable, IntColumn]:
    """Merge identical rows, so that identical layers are costed once.

    Parameters
    ----------
    table
        A layer table; columns of shape (n_operations,).

    Returns
    -------
    unique : LayerTable
        Rows in order of first appearance; `count` sums the counts of the rows merged.
    index : int array of shape (n_operations,)
        Row of `unique` that stands for each row of `table`.

    Examples
    --------
    >>> from workloads.table import blank_table, deduplicate
    >>> unique, index = deduplicate(blank_table(3))
    >>> unique.rows, unique.count.tolist(), index.tolist()
    (1, [3], [0, 0, 0])

    """
    keys = list(zip(*(getattr(table, name).tolist() for name in table._fields if name != "count"), strict=True))
    first: dict[tuple[float, ...], int] = {}
    index = np.array([first.setdefault(key, len(first)) for key in keys], dtype=np.int64)
    rows = np.array([keys.index(key) for key in first], dtype=np.int64)
    counts = np.bincount(index, weights=table.count, minlength=len(first)).astype(np.int64)
    unique = LayerTable(*(column[rows] for column in table))
    return unique._replace(count=counts), index


def blank_table(rows: int) -> LayerTable:
    """Make a table of `rows` movement rows that move nothing: the start of every lowering and of many tests."""
    columns = {
        name: np.ones(rows, dtype=np.int64) if name in INT_COLUMNS else np.zeros(rows)
        for name in LayerTable._fields
    }
    table = LayerTable(**columns)
    zeros = np.zeros(rows, dtype=np.int64)
    return table._replace(
        kind=np.full(rows, int(Kind.MOVEMENT), dtype=np.int64),
        pad_top=zeros,
        pad_left=zeros.copy(),
        weight_elements=zeros.copy(),
        read_elements=zeros.copy(),
        write_elements=zeros.copy(),
        fused=zeros.copy(),
        weight_bits=zeros.copy(),
        input_bits=zeros.copy(),
        output_bits=zeros.copy(),
        weight_density=np.ones(rows),
        input_density=np.ones(rows),
        output_density=np.ones(rows),
    )
