"""Which sets of weights are tried as those that stay from one inference to the next.

Pinned weights take their room in every row, so a set of them is chosen once for a whole schedule. Of few
weights every set is tried. Of many, sets that grow weight by weight: the smallest first, and those first
that are used least often for each element, as they wait for main memory longest.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

from hwmodels.residency.tensors import Tensor
from workloads.table import LayerTable

FEW: Final = 5
"""Weights of which every set is tried."""
_GROWTH: Final = 1.5
"""How much larger the next set is at least, where there are more."""

PinnedSet = tuple[Tensor, ...]


def pinned_sets(layers: LayerTable, weights: Sequence[Tensor]) -> tuple[tuple[PinnedSet, ...], bool]:
    """Sets of weights to try, none first, and whether they are all there are.

    Examples
    --------
    >>> import workloads
    >>> from hwmodels.residency.tensors import weights_of
    >>> layers = workloads.load("lenet5").table()
    >>> sets, every = pinned_sets(layers, weights_of(layers, layers.weight_elements.tolist()))
    >>> len(sets), every, [tensor.elements for tensor in sets[-1]]
    (16, True, [500, 25000, 400000, 5000])

    """
    if len(weights) <= FEW:
        every = (some for size in range(len(weights) + 1) for some in combinations(weights, size))
        return tuple(every), True
    smallest = sorted(weights, key=lambda tensor: (tensor.elements, -tensor.place))
    rarest = sorted(weights, key=lambda tensor: (_uses(layers, tensor), tensor.elements, -tensor.place))
    sets = {frozenset(t.place for t in some): some for some in (*_growing(smallest), *_growing(rarest))}
    return ((), *sets.values()), False


def _growing(weights: Sequence[Tensor]) -> Iterable[PinnedSet]:
    """The first few weights, and ever more of them up to all."""
    size = before = 0
    for count, tensor in enumerate(weights, 1):
        size += tensor.elements
        if size >= _GROWTH * before or count == len(weights):
            before = size
            yield tuple(weights[:count])


def _uses(layers: LayerTable, tensor: Tensor) -> float:
    """Multiply-accumulates for each element of some weights."""
    (row,) = tensor.reads
    return float(layers.macs[row]) * float(layers.repeats[row]) / tensor.elements
