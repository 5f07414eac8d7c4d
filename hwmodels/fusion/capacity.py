"""What a buffer of a given size in front of main memory must move: exact fronts of groups of operations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwmodels.fusion.even import even_front
from hwmodels.fusion.group import Group
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
    sum the last write counts and the first read does not.

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
        If the storage is not known.

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
    if storage == "even":
        front = even_front(group, fused=fused)
        return TrafficFront(front[:, 0], front[:, 1])
    ways = mappings(group, fused=fused)
    return TrafficFront(ways.front[:, 0], ways.front[:, 1], ways.represented, ways.kept, ways.dominated)
