"""Which axis of a space makes the bands that a front shows."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from dse.designs import Designs
from dse.errors import UnknownNameError, nearest
from dse.space.words import axis_title
from dse.views.picture import Bands
from dse.views.style import MARKERS
from workloads.errors import InputError, shown

_LEAST_SHARE: Final = 0.04
"""Two values at least have to be taken by so many designs."""
_LEAST_KAPPA: Final = 0.85
_NEIGHBOURS: Final = 4
_MOST_DESIGNS: Final = 5_000


def bands_of(front: Designs, places: NDArray[np.float64], asked: str | None = "auto") -> Bands | None:
    """Find the axis whose values lie apart in a figure.

    Parameters
    ----------
    front
        The front.
    places
        Its designs in the figure, both coordinates from 0 to 1, shape (n, 2).
    asked
        An axis by name, "auto" to find it, None for none.

    Returns
    -------
    Bands or None
        None where no axis of up to eight values separates them.

    Raises
    ------
    UnknownNameError
        If the space has no such axis.
    ValueError
        If an axis that was asked for has more values than there are shapes.

    Notes
    -----
    For each axis the share of designs whose nearest neighbours in the figure take the same value, beyond what
    chance would give (Cohen's kappa); the axis of the greatest share is taken if it is 0.85 or more.

    """
    if asked is None:
        return None
    axes = {axis.name: axis for axis in front.space.axes}
    if asked != "auto" and asked not in axes:
        raise UnknownNameError(f"bands: the space has no axis {shown(asked)}{nearest(asked, axes)}")
    coded = {name: _codes(front, name) for name in ([asked] if asked != "auto" else axes)}
    if asked != "auto":
        if len(coded[asked][1]) > len(MARKERS):
            raise InputError(
                f"bands: {asked} takes {len(coded[asked][1])} values on this front, and "
                f"there are {len(MARKERS)} shapes"
            )
        return Bands(axis_title(asked), coded[asked][1], coded[asked][0])
    best, most = None, _LEAST_KAPPA
    for name, (codes, labels) in coded.items():
        if not 2 <= len(labels) <= len(MARKERS):
            continue
        kappa = _kappa(places, codes)
        if kappa > most:
            best, most = Bands(axis_title(name), labels, codes), kappa
    return best


def _codes(front: Designs, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Which value of an axis each design takes, and what those values are called."""
    axis = next(axis for axis in front.space.axes if axis.name == name)
    rows = front.frame[list(axis.fields)].itertuples(index=False, name=None)
    known = {labels: place for place, labels in enumerate(axis.labels)}
    places = np.array([known[tuple(row)] for row in rows], dtype=np.int64)
    taken, codes = np.unique(places, return_inverse=True)
    shown = (axis.show(int(place)) for place in taken)
    return codes.astype(np.int64), tuple(text.upper() if name == "main_memory" else text for text in shown)


def _kappa(places: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Agreement of designs with their neighbours beyond chance; 0 where all but one value are rare."""
    if len(codes) > _MOST_DESIGNS:
        some = np.linspace(0, len(codes) - 1, _MOST_DESIGNS).astype(np.int64)
        places, codes = places[some], codes[some]
    shares = np.bincount(codes) / len(codes)
    if len(codes) <= 2 * _NEIGHBOURS or len(shares) < 2 or np.sort(shares)[-2] < _LEAST_SHARE:
        return 0.0
    _, near = cKDTree(places).query(places, k=_NEIGHBOURS + 1)
    same = float((codes[near[:, 1:]] == codes[:, None]).mean())
    chance = float((shares**2).sum())
    return (same - chance) / (1.0 - chance)
