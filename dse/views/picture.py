"""What a figure of a front shows, as data."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.views.units import Unit

FloatArray = NDArray[np.float64]


class Scale(NamedTuple):
    """One quantity of the figure, in the column's own unit."""

    column: str
    unit: Unit
    values: FloatArray  # of the front
    background: FloatArray  # of other configurations; empty where they are not known
    log: bool
    span: tuple[float, float] | None = None  # of the colours, where it is not that of the values


class Mark(NamedTuple):
    """A design with a name in the figure, and what the key says about it."""

    name: str
    cells: tuple[tuple[str, str], ...]  # heading and text
    row: int  # of the front; -1 for a design that is marked beside it
    symbol: str  # matplotlib's marker
    measured: int = 0  # how many cells, the last ones, are objectives
    place: tuple[float, float] | None = None  # beside the front: its x and y


class Bands(NamedTuple):
    """The axis whose values lie apart in the figure, told by shape."""

    title: str
    labels: tuple[str, ...]
    codes: NDArray[np.int64]  # of each design


class Bars(NamedTuple):
    """Ranges of the designs, where they are uncertain."""

    x: FloatArray  # lower and upper end, shape (2, n_designs), in the column's unit
    y: FloatArray
    ringed: NDArray[np.bool_]  # designs with a dark rim


class Picture(NamedTuple):
    """Everything a figure of a front shows."""

    x: Scale
    y: Scale
    colour: Scale | None
    maximise: tuple[bool, bool]  # x, y
    marks: tuple[Mark, ...]
    bars: Bars | None = None
    bands: Bands | None = None
    line: bool = False  # the two quantities are all that was asked for: the front is a line
    rivals: tuple[tuple[str, FloatArray, FloatArray], ...] = ()  # name, x and y of other fronts behind it
    dominated: int = 0  # configurations behind the front
    said: tuple[str, ...] = ()  # what a reader has to know, over the figure
