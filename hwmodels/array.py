"""The array at the centre of a machine: how many multipliers, how they are wired, which operand stays."""

from __future__ import annotations

import dataclasses
import math
from enum import IntEnum
from numbers import Integral

from hwmodels.checks import made_of, one_of, share, truth, whole
from workloads.errors import InputError, shown

INTERCONNECTS = {"systolic": 0, "unrolled": 1, "ideal": 2, "cartesian": 3}
"""How operands reach the multipliers, with the codes that tables carry; see `Array`."""

DIMENSIONS = ("n", "k", "c", "p", "q", "r", "s")

LOOPS_OF_EDGES = {"rows": ("c", "r", "s"), "cols": ("n", "k", "p", "q")}
"""Loops that an unrolled array lays along each edge: what is summed along the rows."""
FOLLOWING = ("unrolled", "cartesian")
"""Interconnects of arrays whose rows and columns follow from `Unroll`."""

ROWS_OF, COLS_OF = ("c", "r", "s"), ("n", "k", "p", "q")
"""Factors of an unrolled or cartesian array whose products are its rows, what is summed, and its columns."""

LONGEST_EDGE = 1 << 20
"""PEs along an edge at most: far above any chip, and far below what counts can hold."""


class Dataflow(IntEnum):
    """Which operand stays in the PEs while the other two move."""

    OUTPUT_STATIONARY = 0
    WEIGHT_STATIONARY = 1
    INPUT_STATIONARY = 2

    @classmethod
    def parse(cls, value: Dataflow | str | int) -> Dataflow:
        """Read "os", "ws", "is", a long name or a code."""
        short = {"os": cls.OUTPUT_STATIONARY, "ws": cls.WEIGHT_STATIONARY, "is": cls.INPUT_STATIONARY}
        if isinstance(value, str):
            name = value.lower().replace("-", "_")
            if name in short:
                return short[name]
            if name.upper() in cls.__members__:
                return cls[name.upper()]
        elif isinstance(value, Integral) and not isinstance(value, bool) and value in list(cls):
            return cls(value)
        raise InputError(f'array.dataflow must be "os", "ws" or "is", got {shown(value)}')

    @property
    def short(self) -> str:
        """The two letters of the literature."""
        return ("os", "ws", "is")[self]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unroll:
    """Iterations of each loop that an unrolled array does side by side; 1 is one after another.

    n images, k output channels, c input channels, p and q output rows and columns, r and s kernel rows and
    columns. A PE is one (n, p, q), a lane of it one (k, r, s), and c its multipliers, summed by a tree. In an
    operation with one output row (column), as matrix products are, the PEs of the others take further n.
    """

    n: int = 1
    k: int = 1
    c: int = 1
    p: int = 1
    q: int = 1
    r: int = 1
    s: int = 1

    def __post_init__(self) -> None:
        whole(self, *DIMENSIONS, most=LONGEST_EDGE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Edges:
    rows: int
    cols: int

    def __post_init__(self) -> None:
        whole(self, "rows", "cols", most=LONGEST_EDGE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array of multipliers.

    Parameters
    ----------
    rows, cols
        PEs along each edge, one multiplier each. Of an unrolled or cartesian array they follow from `unroll`:
        what is summed (c, r, s) along the rows, what is not along the columns.
    dataflow
        Which operand stays while the inner loops of a tile run: "os", "ws" or "is".
    interconnect
        "systolic": operands enter skewed at two edges. "unrolled": operands are broadcast to the multipliers
        that `unroll` lays out; every loop takes ceil(tile / unroll) steps. "cartesian": `unroll.p` x
        `unroll.q` PEs share the plane of inputs, each multiplies `unroll.n` inputs by `unroll.k` weights of
        one input channel, every pair of them, for as many output channels at once as its accumulators hold
        (SCNN). "ideal": any nest fills it; with `efficiency` the
        compute side of a roofline.
    unroll
        Factors of an unrolled or cartesian array.
    im2col
        Whether the `unroll.c` multipliers of a lane take terms of any tap, not of any input channel only.
    accumulators
        Accumulators of a PE of a cartesian array.
    efficiency
        Share of the peak that is sustained, in (0, 1]: for machines whose inside is not modelled. An
        assumption by nature; 1 leaves the other rules alone.

    """

    rows: int = 0
    cols: int = 0
    dataflow: Dataflow = Dataflow.WEIGHT_STATIONARY
    interconnect: str = "systolic"
    unroll: Unroll = Unroll()
    im2col: bool = False
    accumulators: int = 1024
    efficiency: float = 1.0

    def __post_init__(self) -> None:
        made_of(self, unroll=Unroll)
        one_of(self, "interconnect", INTERCONNECTS)
        truth(self, "im2col")
        if self.follows_unroll:
            for edge, factors in (("rows", ROWS_OF), ("cols", COLS_OF)):
                size = math.prod(getattr(self.unroll, factor) for factor in factors)
                object.__setattr__(self, edge, size)
        whole(self, "rows", "cols", most=LONGEST_EDGE)
        whole(self, "accumulators")
        object.__setattr__(self, "dataflow", Dataflow.parse(self.dataflow))
        if self.im2col and (self.interconnect != "unrolled" or self.unroll.r * self.unroll.s > 1):
            raise InputError(
                "Array.im2col is for unrolled arrays with unroll.r = unroll.s = 1", path="im2col"
            )
        share(self, "efficiency")

    def of_edges(self, *, rows: int | None = None, cols: int | None = None) -> Array:
        """Return an array of other edges, with the unrolling that gives them.

        Along the rows c changes and the taps stay where they divide the edge, else c is all of it. Along the
        columns k changes and n, p, q stay where they divide it, else p and q alone, else k is all of it.

        Raises
        ------
        ValueError
            If an edge is no positive whole number, or a cartesian array, which sums nothing, is to have rows.

        """
        if not self.follows_unroll:
            return dataclasses.replace(
                self, rows=self.rows if rows is None else rows, cols=self.cols if cols is None else cols
            )
        now = self.unroll
        wanted = _Edges(rows=self.rows if rows is None else rows, cols=self.cols if cols is None else cols)
        if self.interconnect == "cartesian" and wanted.rows != self.rows:
            raise InputError(f"array.rows of a cartesian array is {self.rows}, got {wanted.rows}")
        factors = {name: getattr(now, name) for name in DIMENSIONS}
        if wanted.rows != self.rows:
            taps = now.r * now.s
            fits = wanted.rows % taps == 0
            factors |= {"c": wanted.rows // taps} if fits else {"c": wanted.rows, "r": 1, "s": 1}
        if wanted.cols != self.cols:
            plane = now.p * now.q
            if wanted.cols % (now.n * plane) == 0:
                factors |= {"k": wanted.cols // (now.n * plane)}
            elif wanted.cols % plane == 0:
                factors |= {"k": wanted.cols // plane, "n": 1}
            else:
                factors |= {"k": wanted.cols, "n": 1, "p": 1, "q": 1}
        return dataclasses.replace(self, unroll=Unroll(**factors))

    @property
    def follows_unroll(self) -> bool:
        """Whether `rows` and `cols` are derived."""
        return self.interconnect in FOLLOWING

    @property
    def macs_per_cycle(self) -> int:
        """Multiply-accumulates of a cycle with every multiplier busy."""
        return self.rows * self.cols

    @property
    def pes(self) -> int:
        """Number of PEs."""
        if self.interconnect == "cartesian":
            return self.unroll.p * self.unroll.q
        if self.interconnect == "unrolled":
            return self.unroll.n * self.unroll.p * self.unroll.q
        return self.rows * self.cols

    @property
    def lanes(self) -> int:
        """Number of lanes: multipliers that share one adder tree, one front end and one rounding unit."""
        return self.macs_per_cycle // self.lane_width

    @property
    def lane_width(self) -> int:
        """Multipliers of a lane."""
        return self.unroll.c if self.interconnect == "unrolled" else 1
