"""A loop nest walked index by index, with real buffers: sets of tensor coordinates held by every instance.

Nothing here knows a closed form. Time runs over all indices of the temporal loops; at each moment every
instance's tile is the box around the coordinates that its inner loops touch (found by touching them); what a
buffer lacks of it is fetched, message by message, through the fanouts, where siblings with equal tiles share
one message.
"""

from collections import defaultdict
from itertools import product
from typing import NamedTuple

from hwmodels.mapping import Architecture, Drain, FirstTouch, Gaps, Mapping, Problem, Reuse, Rules
from hwmodels.mapping.problem import Operand, Rank


class Loop(NamedTuple):
    level: int
    position: int  # among the temporal loops of the level, 0 the outermost; spatial loops are the innermost
    spatial: bool
    dimension: str
    count: int
    step: int


Coordinates = frozenset[tuple[int, ...]]
Node = tuple[int, ...]  # digits of the spatial loops outside a level


def loops_outermost_first(mapping: Mapping) -> list[Loop]:
    bare = []
    for level in range(len(mapping.levels) - 1, -1, -1):
        at = mapping.levels[level]
        bare += [(level, i, False, d, n) for i, (d, n) in enumerate(at.temporal)]
        bare += [(level, len(at.temporal), True, d, n) for d, n in (*at.spatial_y, *at.spatial_x)]
    loops = []
    for i, (level, position, spatial, dimension, count) in enumerate(bare):
        step = 1
        for _, _, _, d, n in bare[i + 1 :]:
            step *= n if d == dimension else 1
        loops.append(Loop(level, position, spatial, dimension, count, step))
    return loops


def box(corner_points: list[tuple[int, ...]]) -> Coordinates:
    spans = [range(min(axis), max(axis) + 1) for axis in zip(*corner_points, strict=True)]
    return frozenset(product(*spans))


class Walk:
    """One walk; `counts` maps (kind, level, operand name) to words over all instances."""

    def __init__(
        self,
        problem: Problem,
        architecture: Architecture,
        mapping: Mapping,
        rules: Rules,
        *,
        two_iterations: bool = False,
    ) -> None:
        self.problem = problem
        self.mapping = mapping
        self.rules = rules
        self.two_iterations = two_iterations
        self.loops = loops_outermost_first(mapping)
        self.levels = len(architecture.levels)
        self.counts: dict[tuple[str, int, str], int] = defaultdict(int)
        self.steps = 0
        self.macs = 0
        self.largest: dict[tuple[int, str], int] = defaultdict(int)
        self.used: dict[int, set[Node]] = defaultdict(set)
        self.held: dict[tuple[int, str, Node], Coordinates] = {}
        self.before: dict[tuple[int, str, Node], Coordinates] = {}
        self.moment: dict[tuple[int, str, Node], tuple[int, ...]] = {}
        self.stride: dict[tuple[int, str, Node], tuple[int, ...] | None] = {}
        self.seen: dict[tuple[int, str, Node], set[tuple[int, ...]]] = defaultdict(set)
        self.tiles: dict[tuple[int, str, tuple[int, ...]], Coordinates] = {}
        self.numbers = {o.name: [self.numbering(rank) for rank in o.ranks] for o in problem.operands}
        self.ragged = {d for d, b in problem.extents.items() if self.product_of(d) != b}
        self.outermost = {
            o.name: max(i for i, level in enumerate(mapping.levels) if o.name in level.keep)
            for o in problem.operands
        }
        self.run()

    def numbering(self, rank: Rank) -> dict[int, int]:
        """Numbers of the coordinates that indices touch: themselves, or in a row without gaps."""
        bounds = self.problem.extents
        digits = product(*(range(bounds[d]) for d, _ in rank))
        touched = sorted({sum(c * i for (_, c), i in zip(rank, each, strict=True)) for each in digits})
        skip = self.rules.gaps is Gaps.SKIPPED
        return {coordinate: i if skip else coordinate for i, coordinate in enumerate(touched)}

    def place(self, operand: Operand, index: dict[str, int]) -> tuple[int, ...]:
        """Coordinates of the word that an index of the nest touches."""
        return tuple(
            number[sum(c * index[d] for d, c in rank)]
            for rank, number in zip(operand.ranks, self.numbers[operand.name], strict=True)
        )

    def product_of(self, dimension: str) -> int:
        total = 1
        for loop in self.loops:
            total *= loop.count if loop.dimension == dimension else 1
        return total

    def run(self) -> None:
        temporal = [i for i, loop in enumerate(self.loops) if not loop.spatial]
        spatial = [i for i, loop in enumerate(self.loops) if loop.spatial]
        ranges = [
            range(min(2, self.loops[i].count) if self.two_iterations else self.loops[i].count)
            for i in temporal
        ]
        everywhere = list(product(*(range(self.loops[i].count) for i in spatial)))
        for digits in product(*ranges):
            weight = 1
            if self.two_iterations:
                for i, digit in zip(temporal, digits, strict=True):
                    weight *= self.loops[i].count - 1 if digit == 1 else 1
            indices = [0] * len(self.loops)
            for i, digit in zip(temporal, digits, strict=True):
                indices[i] = digit
            active = []
            for place in everywhere:
                for i, digit in zip(spatial, place, strict=True):
                    indices[i] = digit
                if self.exists(indices):
                    active.append(tuple(indices))
            if active:
                self.steps += weight
                self.macs += weight * len(active)
                for operand in self.problem.operands:
                    self.move(operand, active, weight)
        if self.rules.drain is Drain.READ:  # what stands in the buffers at the end leaves as well
            for (level, name, _), tile in self.before.items():
                self.counts["reads", level, name] += len(tile)

    def exists(self, indices: list[int]) -> bool:
        index = dict.fromkeys(self.problem.dimensions, 0)
        for loop, digit in zip(self.loops, indices, strict=True):
            index[loop.dimension] += digit * loop.step
        return all(index[d] < b for d, b in self.problem.extents.items())

    def node(self, level: int, indices: tuple[int, ...]) -> Node:
        return tuple(
            digit
            for loop, digit in zip(self.loops, indices, strict=True)
            if loop.spatial and loop.level > level
        )

    def tile(self, level: int, operand: Operand, indices: tuple[int, ...]) -> Coordinates:
        """The box that the loops inside an operand's storage touch, those outside standing at `indices`."""
        outside = [i for i, loop in enumerate(self.loops) if self.lies_outside(loop, level, operand)]
        inside = [i for i, loop in enumerate(self.loops) if not self.lies_outside(loop, level, operand)]
        key = (level, operand.name, tuple(indices[i] for i in outside))
        if key not in self.tiles:
            points = []
            for digits in product(*(range(self.loops[i].count) for i in inside)):
                index = dict.fromkeys(self.problem.dimensions, 0)
                for i in outside:
                    index[self.loops[i].dimension] += indices[i] * self.loops[i].step
                for i, digit in zip(inside, digits, strict=True):
                    index[self.loops[i].dimension] += digit * self.loops[i].step
                if all(index[d] < b for d, b in self.problem.extents.items()):
                    points.append(self.place(operand, index))
            self.tiles[key] = box(points)
        return self.tiles[key]

    def lies_outside(self, loop: Loop, level: int, operand: Operand) -> bool:
        """Whether a loop brings a level one tile of an operand after another."""
        if loop.level == level and level >= 0:
            return loop.position < dict(self.mapping.levels[level].depths).get(operand.name, 0)
        return loop.level > level

    def move(self, operand: Operand, active: list[tuple[int, ...]], weight: int) -> None:
        """Bring every buffer of an operand to its tile of this moment, from the outside inwards."""
        missing: dict[tuple[int, Node], Coordinates] = {}
        for level in range(self.levels):
            for indices in active:
                node = self.node(level, indices)
                self.used[level].add(node)
                if operand.name not in self.mapping.levels[level].keep or (level, node) in missing:
                    continue
                new = self.tile(level, operand, indices)
                self.largest[level, operand.name] = max(self.largest[level, operand.name], len(new))
                missing[level, node] = self.fetch((level, operand.name, node), operand, indices, new)
        for level in range(self.levels):
            if operand.name not in self.mapping.levels[level].keep or level > self.outermost[operand.name]:
                continue
            below: dict[Node, list[tuple[int, ...]]] = defaultdict(list)
            for indices in active:
                below[self.node(level, indices)].append(indices)
            for node, members in below.items():
                self.serve(operand, level, node, members, missing, weight)
                if level < self.outermost[operand.name]:
                    key = (level, operand.name, node)
                    words = missing[level, node]
                    if operand.read_write and self.rules.first_touch is FirstTouch.ELIDED:
                        words = frozenset(words & self.seen[("in", *key)])
                        self.seen[("in", *key)] |= missing[level, node]
                    self.counts["fills", level, operand.name] += weight * len(words)
                    if operand.read_write and self.rules.drain is Drain.READ:
                        gone = self.before.get(key, frozenset()) - (self.held[key] - missing[level, node])
                        self.counts["reads", level, operand.name] += len(gone)
                        self.before[key] = self.held[key]

    def fetch(
        self, key: tuple[int, str, Node], operand: Operand, indices: tuple[int, ...], new: Coordinates
    ) -> Coordinates:
        """What the buffer lacks of its new tile, under the reuse rule."""
        level = key[0]
        loops = [
            (i, loop)
            for i, loop in enumerate(self.loops)
            if self.lies_outside(loop, level, operand) and not loop.spatial
        ]
        moment = tuple(indices[i] for i, _ in loops)
        before, self.moment[key] = self.moment.get(key), moment
        old, self.held[key] = self.held.get(key), new
        if old is None:
            return new
        if moment == before:
            return frozenset()
        if self.rules.reuse is Reuse.NOTHING:
            return frozenset() if new == old else new
        if self.rules.reuse is Reuse.OVERLAP:
            return new - old
        if self.two_iterations:
            stride = tuple(b - a for a, b in zip(min(old), min(new), strict=True))
            last = self.stride.get(key)
            self.stride[key] = stride if last is None or stride == last else None
            return new - old if last is None or stride == last else new
        advanced = next(i for i, (a, b) in enumerate(zip(before, moment, strict=True)) if a != b)
        return new - old if advanced in self.credited(operand, level) else new

    def credited(self, operand: Operand, level: int) -> set[int]:
        """Loops whose step equals the last one, each loop taken from its first iteration to its second."""
        loops = [loop for loop in self.loops if self.lies_outside(loop, level, operand) and not loop.spatial]
        verdict: dict[int, bool] = {}
        before: tuple[int, ...] | None = None
        position: tuple[int, ...] | None = None
        last: tuple[int, ...] | None = None
        for digits in product(*(range(min(2, loop.count)) for loop in loops)):
            index = dict.fromkeys(self.problem.dimensions, 0)
            for loop, digit in zip(loops, digits, strict=True):
                index[loop.dimension] += digit * loop.step
            here = tuple(sum(c * index[d] for d, c in rank) for rank in operand.ranks)
            if before is not None and position is not None:
                stride = tuple(b - a for a, b in zip(position, here, strict=True))
                same = last is None or stride == last
                last = stride if same else None
                advanced = next(i for i, (a, b) in enumerate(zip(before, digits, strict=True)) if a != b)
                assert verdict.setdefault(advanced, same) == same
            before, position = digits, here
        return {i for i, same in verdict.items() if same}

    def serve(
        self,
        operand: Operand,
        level: int,
        node: Node,
        members: list[tuple[int, ...]],
        missing: dict[tuple[int, Node], Coordinates],
        weight: int,
    ) -> None:
        messages = self.messages(operand, level, members, missing)
        key = (level, operand.name, node)
        asked = sum(len(words) for words in messages)
        read = asked
        if operand.read_write:
            self.counts["updates", level, operand.name] += weight * asked
            if self.rules.first_touch is FirstTouch.ELIDED:
                read = sum(len(words & self.seen[("out", *key)]) for words in messages)
                for words in messages:
                    self.seen[("out", *key)] |= words
        self.counts["reads", level, operand.name] += weight * read

    def messages(
        self,
        operand: Operand,
        level: int,
        members: list[tuple[int, ...]],
        missing: dict[tuple[int, Node], Coordinates],
    ) -> list[Coordinates]:
        """What leaves one instance of a level inwards: one message for all children with the same tile."""
        groups: dict[object, dict[Node, list[tuple[int, ...]]]] = defaultdict(lambda: defaultdict(list))
        for indices in members:
            child = self.node(level - 1, indices)
            # Windows of both sliding dimensions side by side coincide only where both divide evenly.
            own = tuple(
                digit
                for loop, digit in zip(self.loops, indices, strict=True)
                if loop.spatial and loop.level == level and self.blocks_diagonal(operand, loop.dimension)
            )
            groups[(self.tile(level - 1, operand, indices), own)][child].append(indices)
        messages: list[Coordinates] = []
        for group in groups.values():
            choices = []
            for child, inner in group.items():
                if level == 0:
                    choices.append([self.tile(-1, operand, inner[0])])
                elif operand.name in self.mapping.levels[level - 1].keep:
                    choices.append([missing[level - 1, child]])
                else:
                    choices.append(self.messages(operand, level - 1, inner, missing))
            messages += max(choices, key=lambda words: sum(map(len, words)))
        return messages

    def blocks_diagonal(self, operand: Operand, dimension: str) -> bool:
        for rank in operand.ranks:
            dims = {d for d, _ in rank}
            if dimension in dims and len(dims) > 1 and dims & self.ragged:
                return True
        return False


def walk(
    problem: Problem,
    architecture: Architecture,
    mapping: Mapping,
    rules: Rules,
    *,
    two_iterations: bool = False,
) -> Walk:
    """Walk the nest; `two_iterations` weighs the first two iterations of every loop, as Timeloop 3 does."""
    return Walk(problem, architecture, mapping, rules, two_iterations=two_iterations)
