"""Sets of mappings as fronts of count vectors, with how many mappings each set stands for.

Whatever is done to a set keeps `represented = kept + dominated`: a mapping is on the front, or it lost to
another mapping of the same part, and all that would have been made of it lost with it.
"""

from typing import NamedTuple

import numpy as np

from hwmodels.kernels.fusion.staircase import Front, in_turn, merged, shifted


class Ways(NamedTuple):
    """Mappings of a part: their front, how many there are, and how many lost to another."""

    front: Front
    represented: int
    dominated: int

    @property
    def kept(self) -> int:
        """How many lost to none."""
        return len(self.front)


NONE = Ways(np.empty((0, 2), dtype=np.int64), 0, 0)
"""No mapping at all."""

DONE = Ways(np.zeros((1, 2), dtype=np.int64), 1, 0)
"""The one mapping of a part of which nothing is left to be stored."""


def either(first: Ways, second: Ways) -> Ways:
    """Mappings of two disjoint sets."""
    if not first.represented or not second.represented:
        return first if first.represented else second
    front = merged(first.front, second.front)
    lost = len(first.front) + len(second.front) - len(front)
    return Ways(front, first.represented + second.represented, first.dominated + second.dominated + lost)


def both(first: Ways, second: Ways) -> Ways:
    """Every mapping of one part with every one of another that runs after it."""
    front = in_turn(first.front, second.front)
    pairs = len(first.front) * len(second.front)
    lost = first.dominated * second.represented + len(first.front) * second.dominated
    return Ways(front, first.represented * second.represented, lost + pairs - len(front))


def more(ways: Ways, held: int, moved: int) -> Ways:
    """The same mappings with an operand more stored above."""
    if not (held or moved) or not ways.represented:
        return ways
    return ways._replace(front=shifted(ways.front, held, moved))
