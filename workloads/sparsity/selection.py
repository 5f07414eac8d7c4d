"""Masks that keep the highest scores: magnitudes, saliencies, or random numbers where nothing is known.

Every function keeps an exact count; equal scores are kept in the order of the tensor.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workloads.sparsity.checks import SparsityError, check_axis, nonzeros_at

_SAMPLED, _PART = 257, 1 << 16
"""One score in how many is sampled (a prime: no shape of a layer keeps step with it); scores a part."""

Scores = Mapping[str, NDArray[np.floating]]
"""A score for each element of each layer's weight, by layer."""


def top(scores: ArrayLike, kept: int) -> NDArray[np.bool_]:
    """Keep the `kept` highest scores, wherever they are.

    Examples
    --------
    >>> top([[1.0, 3.0], [3.0, 3.0]], 2).tolist()
    [[False, True], [True, False]]

    """
    values = _finite(scores)
    flat = values.ravel()
    mask = np.zeros(flat.size, dtype=np.bool_)
    if not 0 <= kept <= flat.size:
        raise SparsityError(f"top: {kept} of {flat.size} scores cannot be kept")
    if kept:
        threshold = np.partition(flat, flat.size - kept)[flat.size - kept]
        np.greater(flat, threshold, out=mask)
        ties = np.flatnonzero(flat == threshold)
        mask[ties[: kept - np.count_nonzero(mask)]] = True
    return mask.reshape(values.shape)


def top_of_all(scores: Scores, density: float) -> dict[str, NDArray[np.bool_]]:
    """Keep the highest scores of all layers together: global pruning.

    Examples
    --------
    >>> masks = top_of_all({"a": np.array([9.0, 1.0]), "b": np.array([8.0, 2.0])}, density=0.5)
    >>> masks["a"].tolist(), masks["b"].tolist()
    ([True, False], [True, False])

    """
    flat = np.concatenate([_finite(values, layer).ravel() for layer, values in scores.items()])
    whole = top(flat, nonzeros_at(density, flat.size, "global"))
    ends = np.cumsum([values.size for values in scores.values()])[:-1]
    parts = np.split(whole, ends)
    return {layer: part.reshape(scores[layer].shape) for layer, part in zip(scores, parts, strict=True)}


def kth(scores: Sequence[NDArray[np.floating]], number: int) -> float:
    """Return the `number`-th smallest score of all arrays together, counted from 1.

    Parameters
    ----------
    scores
        Flat arrays of finite scores.
    number
        From 1 to the number of all scores.

    Notes
    -----
    A sample tells between which two scores it lies; one pass counts those below and keeps those between. So
    large networks are ranked without a copy, in a fifth of a partition's time. Where the sample is wrong,
    all scores are partitioned.

    Examples
    --------
    >>> kth([np.array([3.0, 1.0]), np.array([2.0, 1.0])], 3)
    2.0

    """
    total = sum(one.size for one in scores)
    if not 1 <= number <= total:
        raise SparsityError(f"kth: {number} of {total} scores")
    sample = np.sort(np.concatenate([one[::_SAMPLED] for one in scores]))
    place, slack = number / total * sample.size, 4.0 * math.sqrt(sample.size) + 1.0
    low = sample[int(place - slack)] if place > slack else -math.inf
    high = sample[int(place + slack)] if place + slack < sample.size else math.inf
    below, between = 0, []
    for one in scores:
        for start in range(0, one.size, _PART):
            part = one[start : start + _PART]
            over = part > low
            below += part.size - int(np.count_nonzero(over))
            between.append(part[over & (part <= high)])
    inside = np.concatenate(between)
    if not below < number <= below + inside.size:
        inside, below = np.concatenate(list(scores)), 0
    return float(np.partition(inside, number - below - 1)[number - below - 1])


def top_n_m(scores: ArrayLike, n: int, m: int, axis: int) -> NDArray[np.bool_]:
    """Keep the n highest scores of every m along an axis.

    Examples
    --------
    >>> top_n_m([[1.0, 4.0, 2.0, 3.0]], n=2, m=4, axis=1).tolist()
    [[False, True, False, True]]

    """
    values = _finite(scores)
    axis = check_axis(axis, values.shape, "n_m")
    if values.shape[axis] % m or not 1 <= n <= m:
        raise SparsityError(f"n_m: {n}:{m} does not divide the {values.shape[axis]} along axis {axis}")
    lines = np.moveaxis(values, axis, -1)
    groups = lines.reshape(*lines.shape[:-1], -1, m)
    order = np.argsort(-groups, axis=-1, kind="stable")
    mask = np.zeros(groups.shape, dtype=np.bool_)
    np.put_along_axis(mask, order[..., :n], True, axis=-1)
    return np.ascontiguousarray(np.moveaxis(mask.reshape(lines.shape), -1, axis))


def top_blocks(scores: ArrayLike, block: tuple[int, ...], kept: int) -> NDArray[np.bool_]:
    """Keep the `kept` blocks with the highest sums of scores, whole.

    Examples
    --------
    >>> top_blocks([[1.0, 1.0, 9.0, 0.0]], block=(1, 2), kept=1).tolist()
    [[False, False, True, True]]

    """
    values = _finite(scores)
    if len(block) != values.ndim or any(np.mod(values.shape, block)):
        raise SparsityError(f"block: {block} does not divide the extents {values.shape}")
    grid = tuple(extent // side for extent, side in zip(values.shape, block, strict=True))
    split = [extent for pair in zip(grid, block, strict=True) for extent in pair]
    sums = values.reshape(split).sum(axis=tuple(range(1, 2 * values.ndim, 2)))
    mask = top(sums, kept)
    for axis, side in enumerate(block):
        mask = mask.repeat(side, axis=axis)
    return mask


def top_slices(scores: ArrayLike, axis: int, kept: int) -> NDArray[np.bool_]:
    """Keep the `kept` slices along an axis with the highest sums of scores, whole: filters or channels.

    Examples
    --------
    >>> top_slices([[1.0, 1.0], [0.0, 3.0]], axis=0, kept=1).tolist()
    [[False, False], [True, True]]

    """
    shape = np.shape(scores)
    axis = check_axis(axis, shape, "channel")
    return top_blocks(scores, tuple(1 if one == axis else extent for one, extent in enumerate(shape)), kept)


def _finite(scores: ArrayLike, layer: str = "scores") -> NDArray[np.floating]:
    values: NDArray[np.floating] = np.asarray(scores)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    if not math.isfinite(float(values.sum(dtype=np.float64))):
        raise SparsityError(f"{layer}: scores must be finite numbers")
    return values
