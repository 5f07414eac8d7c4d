"""Images of ones stay constant but at their borders: tensors kept as one position for each run of equal ones.

A window that slides along a run sees the same numbers at every place, so one result stands for all of them;
each border of padding makes one more position different at each layer. What is computed on the few positions
is exactly what all positions hold, so sums over all of them are sums over the few, weighed by their runs.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import torch

Runs = tuple[int, ...]
"""How many positions along an axis each stored position stands for, in order."""


class Image(NamedTuple):
    """A tensor (n, channels, *positions) with the runs of each spatial axis; none for fewer dimensions."""

    data: "torch.Tensor"
    runs: tuple[Runs, ...]

    @classmethod
    def of(cls, data: "torch.Tensor") -> "Image":
        """Return a tensor whose every position stands for itself."""
        return cls(data, tuple((1,) * length for length in data.shape[2:]))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Positions along each spatial axis, all of them."""
        return tuple(map(sum, self.runs))

    def repeated(self, counts: Sequence[Runs]) -> "torch.Tensor":
        """Return the tensor with each position as often as told."""
        data = self.data
        for axis, count in enumerate(counts, start=2):
            if max(count) > 1:
                places = [i for i, times in enumerate(count) for _ in range(times)]
                data = data.index_select(axis, torch.tensor(places, device=data.device))
        return data

    def whole(self) -> "torch.Tensor":
        """Return the tensor with all its positions."""
        return self.repeated(self.runs)


class Cut(NamedTuple):
    """Runs shortened for a sliding window, and the runs of its results."""

    kept: Runs
    results: Runs


def cut(runs: Runs, positions: int, stride: int, extent: int, before: int) -> Cut:
    """Shorten runs so that of the windows that lie in one run alone, one is left.

    Parameters
    ----------
    runs
        Of the axis.
    positions
        Places of the window.
    stride, extent, before
        Step of the window, positions it spans, and padding before the first.

    Examples
    --------
    >>> cut((8,), positions=8, stride=1, extent=3, before=1)
    Cut(kept=(3,), results=(1, 6, 1))

    """
    kept, results, done = [], [], 0
    for start, run in zip(accumulate((0, *runs)), runs, strict=False):
        first = -(-(start + before) // stride)
        last = min((start + run + before - extent) // stride, positions - 1)
        same = last - first + 1
        if same > 1:
            results += [1] * (first - done) + [same]
            done = last + 1
            kept.append(run - (same - 1) * stride)
        else:
            kept.append(run)
    return Cut(tuple(kept), (*results, *(1,) * (positions - done)))


def together(images: Sequence[Image]) -> tuple[list["torch.Tensor"], tuple[Runs, ...]] | None:
    """Bring images to common runs; None where they have other numbers of axes, or of positions beyond 1.

    An axis of one position fits any other: it is left for broadcasting.
    """
    if len({image.data.ndim for image in images}) > 1:
        return None
    common: list[Runs] = []
    for axes in zip(*(image.runs for image in images), strict=True):
        long = [runs for runs in axes if sum(runs) > 1]
        if len({sum(runs) for runs in long}) > 1:
            return None
        ends = sorted({end for runs in long for end in accumulate(runs)})
        common.append(tuple(b - a for a, b in zip((0, *ends), ends, strict=False)) or (1,))
    data = []
    for image in images:
        counts = [
            runs if sum(runs) == 1 else _parts(runs, shared)
            for runs, shared in zip(image.runs, common, strict=True)
        ]
        data.append(image.repeated(counts))
    return data, tuple(common)


def _parts(runs: Runs, finer: Runs) -> Runs:
    """Count how many of the finer runs each run is cut into."""
    ends, place, counts = list(accumulate(finer)), 0, []
    for end in accumulate(runs):
        first = place
        while place < len(ends) and ends[place] <= end:
            place += 1
        counts.append(place - first)
    return tuple(counts)
