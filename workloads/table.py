"""The flat layer table: one row per operation, one array per column. What `hwmodels` sees of a network."""

from collections.abc import Mapping
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import InputError
from workloads.grammar.arguments import having, takes

IntColumn = NDArray[np.int64]
FloatColumn = NDArray[np.float64]
FloatMatrix = NDArray[np.float64]
MaskColumn = NDArray[np.object_]
Table = TypeVar("Table", bound=tuple[Any, ...])


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
    kernel. A matrix product (m, k) x (k, n) has n = m, c = k, k = n and p = q = r = s = 1; a batched product
    puts its batch in `g`. The dimensions of VECTOR and MOVEMENT rows are all 1 and their work is in
    `vector_ops`, `read_elements` and `write_elements`.

    In every row the operands' elements are explicit, so that traffic never depends on a formula upstairs:
    `weight_elements`, `read_elements` (input elements that exist, padding excluded) and `write_elements`.
    An operand of 0 elements stays on chip: main memory never sees it. (A NEST row that states none for any
    of the three is taken to have the operands of its dimensions.)
    A VECTOR row that is `fused` into its producer runs behind the array as outputs leave it, and reads and
    writes only what does not already flow past (nothing for an activation function; the other addend for a
    residual sum).

    Bits of 0 mean "whatever the datapath stores". Densities are fractions of non-zero elements in (0, 1];
    `effectual_macs` is the expected number of MACs whose two operands are both non-zero, 0 outside NEST rows.
    `weight_dispersion` says how unevenly filters are pruned: the variance of their non-zeros over that of
    evenly scattered ones (see `sparsity.imbalance.dispersion`), 0 where no mask is known; a measured one is
    positive.
    `weight_mask` is the mask itself, a `sparsity.density.Mask` of shape (g, k, c, r, s), None where no places
    of zeros are known.
    """

    kind: IntColumn  # a value of Kind
    repeats: IntColumn  # identical operations this row stands for; 1 before deduplication
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
    weight_dispersion: FloatColumn  # 0: unknown
    weight_mask: MaskColumn  # None: unknown

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


def make_table(kind: type[Table], columns: Mapping[str, ArrayLike], rows: int) -> Table:
    """Build a table of named columns, each broadcast to `rows` and cast to the type its annotation declares.

    Parameters
    ----------
    kind
        A NamedTuple class whose annotations are `IntColumn`, `FloatColumn` or `MaskColumn`.
    columns
        Field name -> scalar or array of shape (rows,); fields left out are zero, or None.
    rows
        Length of every column.

    Raises
    ------
    InputError
        If a number is none of 64 bits.

    """
    declared = kind.__annotations__
    made = {}
    for name, annotation in declared.items():
        if annotation is MaskColumn:
            made[name] = _objects(columns.get(name), rows)
            continue
        dtype = np.int64 if annotation is IntColumn else np.float64
        try:
            made[name] = np.array(np.broadcast_to(np.asarray(columns.get(name, 0)), rows), dtype=dtype)
        except OverflowError:
            raise InputError(f"{kind.__name__}.{name} has a number beyond 2**63", path=name) from None
    return kind(**made)


def _objects(values: Any, rows: int) -> MaskColumn:
    """Objects of a column, one for all rows or one each."""
    column = np.full(rows, None, dtype=object)
    column[:] = values
    return column


def take_rows(table: Table, rows: IntColumn | slice) -> Table:
    """Select rows of a table of columns, by index or by slice."""
    return type(table)(*(column[rows] for column in table))


@takes(table=having("a layer table", "kind", "repeats"))
def deduplicate(table: LayerTable) -> tuple[LayerTable, IntColumn]:
    """Merge identical rows, so that identical layers are costed once.

    Parameters
    ----------
    table
        A layer table; columns of shape (n_operations,).

    Returns
    -------
    unique : LayerTable
        Rows in order of first appearance; `repeats` sums those of the rows merged.
    index : int array of shape (n_operations,)
        Row of `unique` that stands for each row of `table`.

    Examples
    --------
    >>> from workloads.table import blank_table, deduplicate
    >>> unique, index = deduplicate(blank_table(3))
    >>> unique.rows, unique.repeats.tolist(), index.tolist()
    (1, [3], [0, 0, 0])

    """
    compared = (getattr(table, name).tolist() for name in table._fields if name != "repeats")
    first: dict[tuple[float, ...], int] = {}
    index = np.empty(table.rows, dtype=np.int64)
    rows: list[int] = []
    for row, key in enumerate(zip(*compared, strict=True)):
        if key not in first:
            first[key] = len(rows)
            rows.append(row)
        index[row] = first[key]
    repeats = np.zeros(len(rows), dtype=np.int64)
    np.add.at(repeats, index, table.repeats)
    return take_rows(table, np.array(rows, dtype=np.int64))._replace(repeats=repeats), index


def without_masks(table: LayerTable) -> LayerTable:
    """The same operations for a machine that looks at no mask: those that are alike but for it are merged."""
    if not any(mask is not None for mask in table.weight_mask):
        return table
    return deduplicate(table._replace(weight_mask=_objects(None, table.rows)))[0]


def fingerprint(table: Any) -> str:
    """Hash of a table of columns, 16 hexadecimal digits; the same in every process."""
    digest = sha256()
    for name, column in zip(table._fields, table, strict=True):
        digest.update(name.encode())
        if column.dtype == object:
            for one in column:
                digest.update(b"-" if one is None else repr(one.shape).encode() + one.packed)
        else:
            digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:16]


def with_densities(table: LayerTable, *, weight: float, activation: float) -> LayerTable:
    """Assume one density for all weights and one for all activations, independent of each other.

    Parameters
    ----------
    table
        A layer table.
    weight, activation
        Fractions of non-zero elements, in (0, 1].

    Returns
    -------
    LayerTable
        The same operations; effectual MACs are MACs x weight x activation.

    """
    return table._replace(
        weight_density=np.full(table.rows, weight),
        input_density=np.full(table.rows, activation),
        output_density=np.full(table.rows, activation),
        effectual_macs=table.macs * (weight * activation),
        weight_dispersion=np.zeros(table.rows),
        weight_mask=_objects(None, table.rows),
    )


def blank_table(rows: int) -> LayerTable:
    """Make a table of `rows` movement rows that move nothing: the start of a lowering or of a test."""
    ones = (
        *("repeats", "n", "g", "k", "c", "p", "q", "r", "s", "in_rows", "in_cols"),
        *("stride_p", "stride_q", "dilation_r", "dilation_s"),
        *("weight_density", "input_density", "output_density"),
    )
    return make_table(LayerTable, {"kind": int(Kind.MOVEMENT), **dict.fromkeys(ones, 1)}, rows)
