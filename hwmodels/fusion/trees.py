"""Exact fronts of capacity against traffic: one buffer in front of main memory, operations fused or not.

A mapping of a group is a tree. At a node the steps of a *run* go through shared loops together; at the end of
these loops the run falls into shorter runs, and the tensors between them are stored there, in tiles as large
as the loops have left them. A leaf is one step, with loops of its own. On the way down every other operand is
stored once, at some *point*: the extents that the loops above have left of every dimension. Of an operand
stored at point x, in a step of `macs` iterations,

    held  = product of x over its own dimensions
    moved = macs / product of x over the step's other dimensions,    2 moved - elements if it is accumulated

(of a tensor with zeros, whole tiles take the words of their format, and partial sums all of theirs: `packed`)

since loops that do not move it are put right above it at no cost. Words held add up down a path, of things
that run one after the other the greater counts; words moved add up. Shared loops run over dimensions that
every tensor handed on within the run has: nothing is computed twice, and no partial sum is handed on.
"""

from collections.abc import Callable, Iterator
from functools import reduce

import numpy as np

from hwmodels.fusion.group import Group
from hwmodels.fusion.runs import Run
from hwmodels.fusion.ways import DONE, NONE, Ways, both, either, more

Table = list[Ways]
"""Mappings from each point of a run downwards."""


class Trees:
    """All mappings of a run, from every point down, by the operands that are stored already.

    A set of operands is a bit mask over `run.operands`. From a point x with the operands `stored`:

    - `event(stored)[x]`: something happens at x: operands are stored, or the run falls apart;
    - `lower(stored)[x]`: the next thing happens at a point below x;
    - `rest(stored)[x]`: all that may follow once everything to be stored at x is.

    These are disjoint, so that every mapping is counted once.
    """

    def __init__(self, run: Run, runs: "Runs") -> None:
        self.run, self._runs = run, runs
        self._all = (1 << len(run.operands)) - 1
        self._tables: dict[tuple[str, int], Table] = {}

    def _kept(self, name: str, stored: int, make: Callable[[int], Table]) -> Table:
        key = (name, stored)
        if key not in self._tables:
            self._tables[key] = make(stored)
        return self._tables[key]

    def rest(self, stored: int) -> Table:
        """What may follow at each point when nothing more is stored there."""
        return self._kept("rest", stored, self._rest)

    def lower(self, stored: int) -> Table:
        """What may follow each point further down."""
        return self._kept("lower", stored, self._lower)

    def apart(self, stored: int) -> Table:
        """The run falls apart at each point."""
        return self._kept("apart", stored, self._apart)

    def begin(self, point: int, stored: int, *, outermost: bool = False) -> Ways:
        """Everything from a point, where a run within another has loops of its own before it falls apart."""
        after = self.rest if self.run.alone or outermost else self.lower
        return reduce(
            either,
            (
                more(after(stored | chosen)[point], *self._cost(chosen, point))
                for chosen in [0, *_choices(self._all & ~stored)]
            ),
        )

    def _cost(self, chosen: int, point: int) -> tuple[int, int]:
        """Words held and moved by operands stored at a point."""
        taken = [operand for i, operand in enumerate(self.run.operands) if chosen >> i & 1]
        return sum(int(o.held[point]) for o in taken), sum(int(o.moved[point]) for o in taken)

    def _rest(self, stored: int) -> Table:
        if self.run.alone:
            return [DONE] * self.run.points if stored == self._all else self.lower(stored)
        return [either(*pair) for pair in zip(self.lower(stored), self.apart(stored), strict=True)]

    def _event(self, stored: int) -> Table:
        """Something is stored at each point, or the run falls apart there."""
        found = [NONE] * self.run.points if self.run.alone else list(self.apart(stored))
        for chosen in _choices(self._all & ~stored):
            for point, ways in enumerate(self.rest(stored | chosen)):
                found[point] = either(found[point], more(ways, *self._cost(chosen, point)))
        return found

    def _lower(self, stored: int) -> Table:
        """Unions over all points below: along one axis after another, so that each is met once."""
        reached, found = self._event(stored), [NONE] * self.run.points
        for below in self.run.below:
            for point, under in enumerate(below):
                if under >= 0:
                    found[point] = either(found[point], reached[under])
                    reached[point] = either(reached[point], reached[under])
        return found

    def _apart(self, stored: int) -> Table:
        """The shorter runs that the run falls into, one after the other, with what is alive meanwhile."""
        first, last = self.run.first, self.run.last
        found: dict[int, Table] = {last + 1: [DONE] * self.run.points}
        for start in range(last, first - 1, -1):
            table = [NONE] * self.run.points
            for end in range(start, last + (start > first)):
                part = self._part(start, end, stored)
                for point, ways in enumerate(part):
                    table[point] = either(table[point], both(ways, found[end + 1][point]))
            found[start] = table
        return found[first]

    def _part(self, first: int, last: int, stored: int) -> Table:
        """A shorter run from each point of this one; tensors between the shorter runs are stored there."""
        run, trees = self.run, self._runs.trees(first, last)
        if trees is None:
            return [NONE] * run.points
        part = Run(run.group, first, last)
        above = {(o.step, o.name) for i, o in enumerate(run.operands) if stored >> i & 1}
        known = sum(
            1 << i
            for i, operand in enumerate(part.operands)
            if operand.name in run.inside or (operand.step, operand.name) in above
        )
        alive = np.zeros(run.points, dtype=np.int64)
        for tensor in run.inside - part.inside:
            if run.group.writers[tensor] <= last and run.group.last_readers[tensor] >= first:
                alive += run.size(tensor, whole=run.group.writers[tensor] < first)
        seen = part.seen_from(run)
        return [more(trees.begin(int(seen[x]), known), int(alive[x]), 0) for x in range(run.points)]


class Runs:
    """Trees of every run of a group; runs that differ in names only are searched once."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._trees: dict[tuple[object, ...], Trees] = {}

    def trees(self, first: int, last: int) -> Trees | None:
        """Trees of a run; none if some step hands nothing on to the next ones."""
        run = Run(self.group, first, last)
        if not run.linked:
            return None
        if run.signature not in self._trees:
            self._trees[run.signature] = Trees(run, self)
        return self._trees[run.signature]


def mappings(group: Group, *, fused: bool = True) -> Ways:
    """All mappings of a group: runs of steps that keep on chip what they hand on, one after another."""
    runs = Runs(group)
    count = len(group.steps)
    found = {count: DONE}
    for first in range(count - 1, -1, -1):
        found[first] = NONE
        for last in range(first, count if fused else first + 1):
            trees = runs.trees(first, last)
            if trees is not None:
                whole = trees.begin(trees.run.points - 1, 0, outermost=True)
                found[first] = either(found[first], both(whole, found[last + 1]))
    return found[0]


def _choices(free: int) -> Iterator[int]:
    """Every set of operands but the empty one, as bit masks."""
    chosen = free
    while chosen:
        yield chosen
        chosen = (chosen - 1) & free
