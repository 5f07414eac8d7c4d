"""What a buffer of a given size in front of main memory must move: exact fronts of groups of operations."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwmodels.fusion.even import even_front
from hwmodels.fusion.group import Group
from hwmodels.fusion.runs import Run
from hwmodels.fusion.trees import mappings
from hwmodels.mapping.problem import MappingError
from workloads.errors import shown

STORAGE = ("uneven", "even")


@dataclass(frozen=True)
class TrafficFront:
    """The least words through main memory at every capacity of the buffer in front of it.

    Parameters
    ----------
    capacity_words, moved_words
        Rising capacities at which the least traffic falls, and that traffic; shape (n,), words.
    represented
        Mappings that were searched; 0 where they were not counted.
    kept, dominated
        Those on the front, and those that lost to another at some point of the search. The front is exact if
        `represented = kept + dominated`.

    """

    capacity_words: NDArray[np.int64]
    moved_words: NDArray[np.int64]
    represented: int = 0
    kept: int = 0
    dominated: int = 0

    def moved(self, capacity_words: int) -> int:
        """Least words moved with a buffer of a capacity.

        Raises
        ------
        MappingError
            If no mapping fits; the message has the capacity that would do.

        """
        place = int(np.searchsorted(self.capacity_words, capacity_words, side="right")) - 1
        if place < 0:
            raise MappingError(
                f"capacity_words: no mapping fits {capacity_words}; "
                f"the smallest needs {self.capacity_words[0]}"
            )
        return int(self.moved_words[place])


def capacity_front(group: Group, *, fused: bool = True, storage: str = "uneven") -> TrafficFront:
    """Find the exact front of capacity against traffic of a group.

    One buffer keeps every operand, a tile at a time; tiles are divisors, not double-buffered. Of a partial
    sum the last write counts and the first read does not. Tiles of tensors with zeros (`Group.packed`) take
    the words of their format.

    Parameters
    ----------
    group
        Operations in the order they run.
    fused
        Whether tensors may stay in the buffer between the operations that write and read them, whole or in
        tiles of shared loops.
    storage
        "uneven": each operand is stored at loops of its own; "even": those of an operation share one tile.

    Raises
    ------
    MappingError
        If the storage is not known, or even where tensors have zeros (`Group.packed`).

    Examples
    --------
    Two products of 16^3: half a buffer of 273 words is enough once they are fused.

    >>> from hwmodels.fusion.group import product_chain
    >>> two = product_chain(16, (16, 16, 16))
    >>> capacity_front(two, fused=False).moved(273), capacity_front(two).moved(137)
    (1536, 1536)

    """
    if storage not in STORAGE:
        raise MappingError(f"storage must be one of {', '.join(STORAGE)}, got {shown(storage)}")
    if storage == "even" and group.packed:
        raise MappingError(
            f"storage: even tiles are counted dense; {', '.join(group.packed)} has zeros, take 'uneven'"
        )
    if storage == "even":
        front = even_front(group, fused=fused)
        return TrafficFront(front[:, 0], front[:, 1])
    ways = mappings(group, fused=fused)
    return TrafficFront(ways.front[:, 0], ways.front[:, 1], ways.represented, ways.kept, ways.dominated)


def traffic_at(group: Group, tile: Mapping[str, int]) -> dict[str, int]:
    """Words of every tensor that cross main memory where the whole group shares the loops down to a tile.

    Every operand is stored right inside the shared loops, and nothing that is handed on leaves the buffer.

    Parameters
    ----------
    group
        Operations in the order they run.
    tile
        What the shared loops leave of each dimension; others are whole.

    Raises
    ------
    MappingError
        If a dimension cannot be shared, or its tile does not divide it.

    Examples
    --------
    Attention over 1,024 positions, 64 wide, in tiles of 256 queries: keys and values are read four times.

    >>> from hwmodels.fusion.group import product_chain
    >>> traffic_at(product_chain(1024, (64, 1024, 64)), {"m": 256})
    {'T0': 65536, 'W0': 262144, 'W1': 262144, 'T2': 65536}

    """
    run = Run(group, 0, len(group.steps) - 1)
    for dimension, size in tile.items():
        if dimension not in run.joined:
            raise MappingError(
                f"tile: {shown(dimension)} cannot be shared, {', '.join(run.joined) or 'no dimension'} can"
            )
        if size < 1 or group.sizes[dimension] % size:
            raise MappingError(f"tile: {size} of {dimension} does not divide {group.sizes[dimension]}")
    wanted = {name: tile.get(name, group.sizes[name]) for name in run.joined}
    at = np.flatnonzero(np.all([run.extents[name] == size for name, size in wanted.items()], axis=0))[0]
    found: dict[str, int] = {}
    for operand in run.operands:
        found[operand.name] = found.get(operand.name, 0) + int(operand.moved[at])
    return found
