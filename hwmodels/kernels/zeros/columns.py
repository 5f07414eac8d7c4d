"""What the kernels for zeros read beside the columns of the nest.

Layout letters as there (`hwmodels.kernels.nest.columns`): L storage levels (0 is innermost), D dimensions, O
operands; R ranks of all formats together.
"""

from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.columns import (
    ArchitectureColumns,
    CountColumns,
    Factors,
    Floats,
    Ints,
    ProblemColumns,
    Small,
    Work,
)

UOP, BITMASK, COORDINATES, RUN_LENGTHS, WHOLE_BITMASK = 0, 1, 2, 3, 4  # FormatColumns.ranks: KIND
KIND, METADATA_BITS, PAYLOAD_BITS, TAKES = 0, 1, 2, 3  # FormatColumns.ranks
ONE_LOOP = -1  # TAKES: one loop, whatever it is over; otherwise bits of the dimensions that may be flattened
FIRST_RANK, RANK_COUNT, COMPRESSED, INWARDS = 0, 1, 2, 3  # FormatColumns.stored
NONZEROS, SHARE, ELEMENTS, DRAWN, LOCATED = 0, 1, 2, 3, 4  # ZeroColumns.operands
SOME, MOST, LEAST = 0, 1, 2  # ZeroColumns.boxes

# ShareColumns.prices
READ, FILL, UPDATE, SAVED_READ, SAVED_UPDATE = 0, 1, 2, 3, 4
META_READ, META_FILL, META_UPDATE, SAVED_META_READ, DECOMPRESS, COMPRESS = 5, 6, 7, 8, 9, 10
ACTIONS = 11

MEMO = 2**14  # rank sizes whose expected words are remembered


class ZeroColumns(NamedTuple):
    """How zeros fall, and in what formats they are left out."""

    operands: Floats  # (O, 5): non-zeros, their share, elements, 1 where drawn, first of `boxes` or -1
    stored: Ints  # (L, O, 4): first rank or -1, ranks, 1 where compressed, 1 where loops go inwards first
    ranks: Ints  # (R, 4), innermost rank first
    width_bits: Ints  # (L,): of the metadata memory
    places: Ints  # (O, D, extents): what an extent adds to the row of a box of a known mask
    boxes: Floats  # (boxes, 3): those that are not empty, non-zeros of the fullest, least of any as large
    rounding: int  # how expected non-zeros of a fiber are (`hwmodels.zeros.formats.NonZeros`)


class ShareColumns(NamedTuple):
    """What formats, gating and skipping leave of the dense counts, for one choice of operands kept.

    V is 1 where every access that saves is of one element. Blocks lie along the innermost loop, and V goes
    over which that is: none (0), or 1 + level * D + dimension.
    """

    stored: Floats  # (L, O): share of words that a format leaves
    reach: Floats  # (V, L, O): share of reads and updates that nothing saves, by the innermost loop
    skips: Ints  # (L, O): 1 where what is saved takes no time
    held: Floats  # (L, O): share of a tile's words that take room; 1 where it is not compressed
    full: Ints  # (L, O): 1 where the fullest tile's non-zeros do, as a mask tells them
    spread: Floats  # (L,): share of the instances below that packed lanes need
    converts: Ints  # (L, O): level outside that holds the operand compressed where this one does not, or -1
    prices: Floats  # (L, O, 11)
    totals: Floats  # (V, 4): cycles a dense step; pJ of all MACs; levels (from inside) that must not spread;
    # pJ by which whole accesses may fall short of shares


class Memo(NamedTuple):
    """Expected words of rank sizes seen before, each at the place that its hash names."""

    keys: Ints  # (MEMO, 4)
    words: Floats  # (MEMO, 2)


class Ground(NamedTuple):
    """What all mappings of a search share."""

    problem: ProblemColumns
    arch: ArchitectureColumns
    blocks: Floats  # (L,): words of an access
    word_bits: Floats  # (L,)
    zeros: ZeroColumns
    macros: Floats  # (L,): memory macros of a level whose instances share them, else inf
    within: Ints  # (L,): 1 where metadata takes room among the level's words
    fullest: Ints  # (L,): 1 where it takes what the fullest tile's does, as a mask tells it
    leak_pj: float  # of a cycle
    reuse: int
    touches: int


class Scratch(NamedTuple):
    """Scratch space of one thread, for metadata and bounds."""

    path: Ints  # (L,)
    extents: Ints  # (D,)
    loops: Ints  # (3, 3 L D): dimension, count and rank of the loops of a tile
    spans: Ints  # (ranks,): elements under each rank
    places: Ints  # (ranks,): rows of the boxes under each rank, where the mask is known
    every: Ints  # (D,): the dimensions
    facts: Floats  # (3,): those of one operand
    moved: Floats  # (L, 2): its words at least


class Room(NamedTuple):
    """Scratch space of one thread."""

    work: Work
    counts: CountColumns
    memo: Memo
    scratch: Scratch


class Choices(NamedTuple):
    """What a search chooses from and bounds by, for one choice of operands kept; see `search_tilings`."""

    least: Floats  # (O, L, 5): prices of a dense word at least
    chains: Factors
    chain_start: Ints
    chain_facts: Floats
    floor_facts: Floats
    floor_extent: Ints
    sequence: Ints
    unique: Floats
    order_start: Ints
    orders: Small
    objective: float
    min_parallelism: float


class Progress(NamedTuple):
    """How far a search is, and the best it found; see `search_tilings`."""

    chain_at: Ints  # (D,): next chain by place in the sequence
    choice: Ints
    products: Floats
    best: Floats  # (2,): the cost, and what decides between equal ones
    best_chain: Ints
    best_order: Ints
    tally: Ints  # (8, D)
    place: Ints


def memo_columns() -> Memo:
    """An empty memo."""
    return Memo(np.full((MEMO, 4), -1, dtype=np.int64), np.zeros((MEMO, 2)))


def scratch_columns(levels: int, dims: int, ranks: int) -> Scratch:
    """Allocate scratch space for formats of so many ranks at most."""
    return Scratch(
        path=np.zeros(levels, dtype=np.int64),
        extents=np.ones(dims, dtype=np.int64),
        loops=np.zeros((3, 3 * levels * dims), dtype=np.int64),
        spans=np.ones(max(ranks, 1), dtype=np.int64),
        places=np.zeros(max(ranks, 1), dtype=np.int64),
        every=np.arange(dims, dtype=np.int64),
        facts=np.ones(3),
        moved=np.zeros((levels, 2)),
    )
