"""How a budget of non-zeros is shared among layers: shapes and shares in, densities or counts out."""

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at

Shapes = Mapping[str, Sequence[int]]
"""Shape of the weight of each layer, by name."""


def uniform(shapes: Shapes, density: float, dense: Collection[str] = ()) -> dict[str, float]:
    """Give every layer the same density, but for those named in `dense`, which stay dense.

    Examples
    --------
    >>> uniform({"conv1": (64, 3, 7, 7), "fc": (10, 512)}, 0.1, dense=["conv1"])
    {'conv1': 1.0, 'fc': 0.1}

    """
    known = _known(dense, shapes)
    return {name: 1.0 if name in known else check_density(density, name) for name in shapes}


def erdos_renyi_kernel(shapes: Shapes, density: float, dense: Collection[str] = ()) -> dict[str, float]:
    """Give small layers more: density in proportion to sum(shape) / prod(shape) (ERK).

    Parameters
    ----------
    shapes
        Weight shapes, kernel axes included.
    density
        Non-zeros over elements, all layers together, in (0, 1].
    dense
        Layers that stay dense and outside the budget, as the first convolution often does.

    Returns
    -------
    dict of str to float
        Density of each layer, at most 1. The budget is met exactly, up to the rounding of each layer's zeros.

    Raises
    ------
    SparsityError
        If the density is outside (0, 1], or `dense` names a layer that is not there.

    Notes
    -----
    Evci et al., RigL, ICML 2020 (after Mocanu et al., Nature Communications 2018). Layers that would pass 1
    are made dense, the worst first, and the rest is shared anew, as in the authors' sparse_utils.

    Examples
    --------
    >>> share = erdos_renyi_kernel({"small": (10, 10), "large": (100, 100)}, 0.1)
    >>> round(share["small"], 4), round(share["large"], 4)
    (0.9182, 0.0918)

    """
    check_density(density, "erk")
    outside = _known(dense, shapes)
    sizes = {name: math.prod(shape) for name, shape in shapes.items() if name not in outside}
    raw = {name: sum(shapes[name]) / size for name, size in sizes.items()}
    budget = sum(nonzeros_at(density, size, "erk") for size in sizes.values())
    full: set[str] = set()
    while free := [name for name in sizes if name not in full]:
        left = budget - sum(sizes[name] for name in full)
        scale = left / sum(raw[name] * sizes[name] for name in free)
        top = max(raw[name] for name in free)
        if scale * top <= 1.0:
            break
        full |= {name for name in free if raw[name] == top}
    whole = outside | full
    return {name: 1.0 if name in whole else scale * raw[name] for name in shapes}


def proportional(shares: ArrayLike, sizes: ArrayLike, total: int) -> NDArray[np.int64]:
    """Share `total` non-zeros in proportion to `shares`: none beyond its layer's size, none lost.

    Parameters
    ----------
    shares
        What each layer is worth (in DNR the mean momentum of its weights), not negative, shape (layers,).
    sizes
        Elements of each layer, shape (layers,).
    total
        Non-zeros to place.

    Returns
    -------
    int array of shape (layers,)
        Non-zeros of each layer; they sum to `total`.

    Raises
    ------
    SparsityError
        If the layers cannot hold the total, or a share is negative.

    Notes
    -----
    Kundu et al., DNR, ASP-DAC 2021 (after Dettmers and Zettlemoyer, arXiv 1907.04840): weights pruned in an
    epoch are regrown in proportion to the layers' normalised momentum. What a full layer cannot take goes to
    the others; whole numbers by largest remainder.

    Examples
    --------
    >>> proportional([3.0, 1.0, 0.0], sizes=[5, 100, 100], total=10).tolist()
    [5, 5, 0]

    """
    worth, room = np.asarray(shares, dtype=np.float64), np.asarray(sizes, dtype=np.int64)
    if worth.shape != room.shape or (worth < 0).any() or not np.isfinite(worth).all():
        raise SparsityError("proportional: needs one share for each size, finite and not negative")
    if not 0 <= total <= room.sum():
        raise SparsityError(f"proportional: {room.sum()} elements cannot hold {total} non-zeros")
    given = np.zeros(room.size)
    free = room > 0
    while (left := total - given.sum()) > 0.5 and free.any():
        weight = np.where(free, worth, 0.0)
        if not weight.any():
            weight = np.where(free, (room - given).astype(np.float64), 0.0)  # nothing asked: fill evenly
        ask = left * weight / weight.sum()
        full = free & (given + ask >= room)
        if not full.any():
            given += ask
            break
        given = np.where(full, room, given)
        free &= ~full
    return _whole(given, room, total)


def _whole(given: NDArray[np.float64], room: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Round to whole numbers of the same sum, the largest remainders up."""
    counts = np.floor(given + 1e-9).astype(np.int64)
    short = total - int(counts.sum())
    order = np.argsort(counts - given, kind="stable")
    takers = order[counts[order] < room[order]][:short]
    counts[takers] += 1
    return counts


def _known(names: Collection[str], shapes: Shapes) -> set[str]:
    unknown = [name for name in names if name not in shapes]
    if unknown:
        raise SparsityError(f"dense: there is no layer {shown(unknown[0])}")
    return set(names)
