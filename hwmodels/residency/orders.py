"""Orders in which the operations of a network may run, as sets of rows that are done.

Operations follow those whose results they read. Rows of one operation, and those of what is done on its
results on their way out, follow one another without a break: together they are a *block*. Rows that no
schedule changes run as soon as they may, since when they do changes nothing. A set of rows is an integer, a
bit a row.
"""

from collections.abc import Callable
from typing import Final

from workloads.edges import OUTSIDE, EdgeTable, Passage

MOST_ARCS: Final = 32_000
"""Arcs of a graph whose schedules run in every order; where there are more, the order given is kept."""

Following = Callable[[int], list[int]]
"""Rows that may run next, by the set of those that are done; the order given comes first."""


def as_given(done: int) -> list[int]:
    """The next row of the order given."""
    return [done.bit_length()]


def every_order(edges: EdgeTable, rows: int, idle: frozenset[int]) -> Following:
    """Say what may run next in any order.

    Parameters
    ----------
    edges
        Edge table of the network; rows refer to its layer table with nothing merged.
    rows
        Rows of that.
    idle
        Rows that no schedule changes.

    """
    blocks = blocks_of(edges, rows)
    block_of = {row: block for block in blocks for row in block}
    needs = dict.fromkeys(blocks, 0)
    for written, read in zip(edges.producer_row.tolist(), edges.consumer_row.tolist(), strict=True):
        if OUTSIDE not in (written, read) and block_of[written] != block_of[read]:
            needs[block_of[read]] |= 1 << written
    still = {block for block in blocks if idle.issuperset(block)}
    known: dict[int, list[int]] = {}

    def following(done: int) -> list[int]:
        if done not in known:
            waiting = [block for block in blocks if not done >> block[-1] & 1]
            begun = [block for block in waiting if done >> block[0] & 1]
            ready = begun or [block for block in waiting if not needs[block] & ~done]
            soonest = [block for block in ready if block in still][:1] or ready
            known[done] = [next(row for row in block if not done >> row & 1) for block in soonest]
        return known[done]

    return following


def blocks_of(edges: EdgeTable, rows: int) -> list[range]:
    """Cut a layer table into the rows that follow one another without a break, in the order given.

    A row of which no edge says to which operation it belongs stays where it is between its neighbours.
    """
    known, follows = [False] * rows, [False] * rows
    for first, last in _stretches(edges):
        for row in range(first, last + 1):
            known[row] = True
            follows[row] = follows[row] or row > first
    starts = [row for row in range(rows) if row == 0 or (known[row] and known[row - 1] and not follows[row])]
    return [range(start, end) for start, end in zip(starts, [*starts[1:], rows], strict=True)]


def _stretches(edges: EdgeTable) -> list[tuple[int, int]]:
    """First and last row that each operation is known by, and each stream."""
    found: dict[int, list[int]] = {}
    for operation, row in (
        *zip(edges.producer.tolist(), edges.producer_row.tolist(), strict=True),
        *zip(edges.consumer.tolist(), edges.consumer_row.tolist(), strict=True),
    ):
        if row != OUTSIDE:
            found.setdefault(operation, []).append(row)
    streams = edges.passage == Passage.STREAM
    pairs = zip(edges.producer_row[streams].tolist(), edges.consumer_row[streams].tolist(), strict=True)
    return [(min(some), max(some)) for some in (*found.values(), *pairs)]
