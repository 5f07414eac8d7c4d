"""What a figure of a front shows, as data."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Scale(NamedTuple):
    """One quantity of the figure."""

    label: str  # title and unit, "Latency (ms)"
    values: FloatArray  # of the front, in that unit
    background: FloatArray  # of other configurations
    log: bool  # the front spans more than a factor of five
    span: tuple[float, float] | None = None  # of the colours, where it is not that of the values


class Mark(NamedTuple):
    """A design with a name in the figure, and what the key says about it."""

    name: str
    cells: tuple[tuple[str, str], ...]  # heading and text
    row: int  # of the front
    symbol: str  # matplotlib's marker
    measured: int = 0  # how many cells, the last ones, are objectives


class Bars(NamedTuple):
    """Ranges of the designs, where they are uncertain."""

    x: FloatArray  # lower and upper end, shape (2, n_designs), in the scale's unit
    y: FloatArray
    ringed: NDArray[np.bool_]  # designs with a dark rim
    note: str  # what bars and rims are, over the figure


class Picture(NamedTuple):
    """Everything a figure of a front shows."""

    x: Scale
    y: Scale
    colour: Scale | None
    maximise: tuple[bool, bool]  # x, y
    marks: tuple[Mark, ...]
    bars: Bars | None = None
