"""A mapping of a machine with one level on chip, in the words of its mapspace: what a user may give."""

import dataclasses
from typing import Final

from hwmodels.checks import one_of, whole
from workloads.errors import InputError

INNERMOST: Final = ("positions", "k", "c")
"""Loops over tiles that may be innermost, in the order of the kernels' codes."""


class TilingError(InputError):
    """A tiling that is none of its operation; `row` is the operation's place in the layer table."""

    row: int = -1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Tiles of one operation against main memory, and the loop over them that is innermost.

    Parameters
    ----------
    k, c
        Output and input channels of a tile, per group.
    positions
        Output positions of a tile, of whole images (a multiple of P Q), else whole rows of one image (a
        multiple of Q), else columns of one row.
    innermost
        "positions", "k" or "c": weights, inputs or partial sums stay. A loop of one turn is none; where all
        tiles are single it is "positions". "": whichever is best.

    Raises
    ------
    ValueError
        If a size is below 1, or the loop is none of these.

    Examples
    --------
    >>> Tiling(k=64, c=32, positions=56 * 14, innermost="c").k
    64

    """

    k: int
    c: int
    positions: int
    innermost: str = ""

    def __post_init__(self) -> None:
        whole(self, "k", "c", "positions")
        one_of(self, "innermost", ("", *INNERMOST))

    @property
    def code(self) -> int:
        """Code of the innermost loop for kernels; -1 leaves it to the search."""
        return INNERMOST.index(self.innermost) if self.innermost else -1
