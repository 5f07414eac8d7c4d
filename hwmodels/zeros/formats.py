"""Words of metadata that a stored tile needs: its ranks given to loops, fibers counted, zeros left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import ceil

from hwmodels.mapping.mapping import LevelMapping, Loop
from hwmodels.mapping.mapping import Mapping as Nest
from hwmodels.mapping.problem import MappingError, Operand
from hwmodels.zeros.density import Zeros
from hwmodels.zeros.section import Rank, Representation

BITMASKS = ("B", "UB")


class NonZeros(IntEnum):
    """How expected non-zeros of a bitmask's or a coordinate list's fiber are rounded."""

    FIBER = 0
    """Up, for each fiber (Timeloop 3.0.3)."""
    EXACT = 1
    """Not at all: only the total is (the Sparseloop artifact)."""
    MEAN = 2
    """Not at all: means over all masks, as those of a mask that is known are counted. The others take fibers
    that are not empty to hold as much as all do on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankWords:
    """Expected words of one rank of a tile."""

    metadata: float
    payload: float
    metadata_bits: int
    payload_bits: int

    def stored_bits(self, width: int) -> float:
        """Bits that both take in a memory of so many bits an access, of which no word straddles two."""
        return sum(
            count * (width / max(width // bits, 1) if bits else 0)
            for count, bits in ((self.metadata, self.metadata_bits), (self.payload, self.payload_bits))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fiber:
    """What a rank spans: coordinates of a fiber, and the elements under a fiber and under a coordinate."""

    coordinates: float
    elements: int
    inside: int
    extents: Mapping[str, int] = field(default_factory=dict)  # of a fiber
    inner: Mapping[str, int] = field(default_factory=dict)  # of a coordinate


Groups = list[list[Loop]]  # loops of each rank, innermost rank and loop first


def rank_loops(
    operand: Operand, mapping: Nest, level: int, child: int, stored: Representation, inside: Groups | None
) -> Groups:
    """Give the loops of a tile to the ranks of its format.

    Parameters
    ----------
    operand, mapping, level
        Whose tile it is, and where.
    child
        The next level inwards that keeps the operand; -1: none.
    stored
        Its format at the level.
    inside
        Ranks of the child's tile, which this one keeps; None where it need not: the child holds one element.

    Returns
    -------
    list
        One group of loops a rank; empty where a rank has none.

    Raises
    ------
    MappingError
        If there are more loops than ranks that may take them.

    """
    first = 0 if inside is None else child + 1
    loops = [loop for at in mapping.levels[first : level + 1] for loop in innermost_first(at)]
    loops = [loop for loop in loops if loop[0] in operand.dimensions and loop[1] > 1]
    groups = [] if inside is None else list(inside)
    name = mapping.levels[level].level
    if len(stored.ranks) < len(groups):
        raise MappingError(
            f"{operand.name} at {name}: {len(stored.ranks)} ranks are fewer than the {len(groups)} further in"
        )
    ranks = list(stored.ranks[len(groups) :])
    given = _inner_to_outer(loops, ranks) if stored.inner_to_outer else _outer_to_inner(loops, ranks)
    if sum(map(len, given)) < len(loops):
        raise MappingError(f"{operand.name} at {name}: {len(stored.ranks)} ranks are too few for its loops")
    return groups + given


def fibers(operand: Operand, groups: Groups) -> list[Fiber]:
    """What each rank spans, innermost first."""
    extents: dict[str, int] = {}
    found = []
    below = 1
    for group in groups:
        inner = dict(extents)
        for dimension, count in group:
            extents[dimension] = extents.get(dimension, 1) * count
        elements = operand.elements(extents)
        found.append(
            Fiber(
                coordinates=elements / below,
                elements=elements,
                inside=below,
                extents=dict(extents),
                inner=inner,
            )
        )
        below = elements
    return found


def words(
    stored: Representation,
    spans: list[Fiber],
    zeros: Zeros,
    default_bits: int,
    rounding: NonZeros = NonZeros.FIBER,
    *,
    fullest: bool = False,
) -> list[RankWords]:
    """Expected metadata of a tile, innermost rank first.

    Parameters
    ----------
    stored, spans
        The format, and the fibers of its ranks.
    zeros
        How zeros fall.
    default_bits
        Bits of a word where the format does not say.
    rounding
        How expected non-zeros are rounded.
    fullest
        Where the mask is known: what no tile exceeds, in place of the mean.

    """
    top = len(spans) - 1
    tile = spans[top].elements
    # A rank of one coordinate costs nothing, but for the one that ranks were given out from.
    counted = [
        span.coordinates > 1 or i == (0 if stored.inner_to_outer else top) for i, span in enumerate(spans)
    ]
    data = next((i for i, counts in enumerate(counted) if counts), 0)  # its payload is the data itself
    found = []
    for i, (rank, span) in enumerate(zip(stored.ranks, spans, strict=True)):
        one = RankWords(
            metadata=0.0,
            payload=0.0,
            metadata_bits=_bits(rank.metadata_bits, 1 if rank.format in BITMASKS else default_bits),
            payload_bits=_bits(rank.payload_bits, default_bits),
        )
        if counted[i] and (zeros.boxes is not None or rounding is NonZeros.MEAN):
            most = zeros.boxes.fullest(spans[top].extents) if fullest and zeros.boxes is not None else None
            metadata, payload = _mean_words(rank, span, tile, zeros, most)
            one = replace(one, metadata=metadata, payload=0.0 if i == data else payload)
        elif counted[i]:
            for nonzeros, probability in zeros.occupancies(tile):
                metadata, payload = _fiber_words(rank, span, tile, nonzeros, zeros, rounding)
                one = replace(
                    one,
                    metadata=one.metadata + probability * metadata,
                    payload=one.payload + (0.0 if i == data else probability * payload),
                )
        found.append(one)
    return found


def _fiber_words(
    rank: Rank, span: Fiber, tile: int, nonzeros: float, zeros: Zeros, rounding: NonZeros
) -> tuple[float, float]:
    """Metadata and payload words of all fibers of a rank that are not empty."""
    number = tile / span.elements * (1.0 - zeros.empty(span.elements, tile, nonzeros))
    if rank.format == "UOP":
        return 0.0, number * (span.coordinates + 1)
    there = span.coordinates * (1.0 - zeros.empty(span.inside, tile, nonzeros))
    if rounding is NonZeros.FIBER and rank.format != "RLE":
        there = ceil(there - 1e-9)  # a float just above a whole number is that number
    return number * (span.coordinates if rank.format in BITMASKS else there), number * there


def _mean_words(rank: Rank, span: Fiber, tile: int, zeros: Zeros, most: int | None) -> tuple[float, float]:
    """The same on average over tiles and masks, or what no tile of at most so many non-zeros exceeds.

    A tile has no more boxes that are not empty than non-zeros; one whose boxes are single elements has as
    many.
    """
    number, there = tile / span.elements, tile / span.inside
    if most is not None:
        number, there = min(number, most), min(there, most)
    else:
        number *= zeros.nonempty(span.elements, span.extents)
        there *= zeros.nonempty(span.inside, span.inner)
    if rank.format == "UOP":
        return 0.0, number * (span.coordinates + 1)
    return (number * span.coordinates if rank.format in BITMASKS else there), there


def _bits(given: int | None, default: int) -> int:
    return default if given is None else given


def innermost_first(level: LevelMapping) -> list[Loop]:
    """Loops of a level, spatial ones inside temporal ones."""
    return [*reversed(level.spatial_x), *reversed(level.spatial_y), *reversed(level.temporal)]


def _inner_to_outer(loops: list[Loop], ranks: list[Rank]) -> list[list[Loop]]:
    """The innermost rank takes the innermost loop that it may, and on outwards; ranks left over take none."""
    left = list(loops)
    groups = []
    for rank in ranks:
        group: list[Loop] = []
        while left and _takes(rank, left[0], group):
            group.append(left.pop(0))
        groups.append(group)
    return groups


def _outer_to_inner(loops: list[Loop], ranks: list[Rank]) -> list[list[Loop]]:
    """The outermost rank takes the outermost loop that it may, and on inwards."""
    reversed_groups = _inner_to_outer(loops[::-1], ranks[::-1])
    return [group[::-1] for group in reversed_groups[::-1]]


def _takes(rank: Rank, loop: Loop, group: list[Loop]) -> bool:
    if rank.dimensions is None:
        return not group
    return loop[0] in rank.dimensions
