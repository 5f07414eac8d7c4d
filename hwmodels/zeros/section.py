"""What a machine does about zeros, in Sparseloop's words: formats by ranks, gating and skipping."""

from collections.abc import Collection
from dataclasses import dataclass, field

FORMATS = ("UOP", "B", "CP", "RLE", "UB")  # offsets, bitmask, coordinates, run lengths, bitmask of all
MOST_BITS = 128  # of a word of metadata
COMPRESSING = ("B", "CP", "RLE")  # formats that leave zeros out


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a level can hold of compression metadata."""

    bits: int = 0  # of one metadata word; 0 where the formats say
    block_words: int = 1
    width_bits: int = 0  # of one access; 0: metadata is not counted
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """One rank of a format: how a fiber of its coordinates is written."""

    format: str
    metadata_bits: int | None  # of one word; None: the level's own, one for a bitmask
    payload_bits: int | None
    dimensions: frozenset[str] | None  # what may be flattened into it; None: one loop, whatever it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """How an operand is stored at a level: ranks, innermost first."""

    ranks: tuple[Rank, ...]
    inner_to_outer: bool  # which loops are given to ranks first

    @property
    def compressed(self) -> bool:
        """Whether zeros are left out."""
        return any(rank.format in COMPRESSING for rank in self.ranks)

    @property
    def names_positions(self) -> bool:
        """Whether it says where zeros are; offsets alone do not."""
        return any(rank.format != "UOP" for rank in self.ranks)

    def blind(self, dimensions: Collection[str]) -> bool:
        """Whether offsets take every loop before a rank that names positions: zeros go for nothing."""
        ranks = self.ranks if self.inner_to_outer else self.ranks[::-1]
        first = next((i for i, rank in enumerate(ranks) if rank.format != "UOP"), 0)
        return any(rank.dimensions == frozenset(dimensions) for rank in ranks[:first])


KINDS = ("gating", "skipping", "skipping-spatial", "spatial-skipping", "position-skipping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimization:
    """Accesses to an operand that are saved where others are zero.

    `spatial` skipping packs what is left into the instances side by side; `position` skipping needs no
    partner: an operand's own zeros are left out.
    """

    skips: bool  # else they are gated: no energy, but their time
    conditions: tuple[str, ...]
    spatial: bool = False
    position: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseSection:
    """What the section says; keys are (level, operand)."""

    formats: dict[tuple[str, str], Representation] = field(default_factory=dict)
    optimizations: dict[tuple[str, str], Optimization] = field(default_factory=dict)
    compute_skips: bool = False
    compute_gates: bool = False
