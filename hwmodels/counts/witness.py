"""The mapping that a count vector is of: cuts become loops, stored operands and spatial loops."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from hwmodels.counts.form import LETTERS, Form
from hwmodels.counts.lattice import CutLattice
from hwmodels.counts.windows import ARRAY, END
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.lattice import prime_powers
from hwmodels.mapping.mapping import LevelMapping, Loop, Mapping
from hwmodels.mapping.problem import Problem


class Cut(NamedTuple):
    """What tells one mapping of a nest: rows of the lattice of its tiles."""

    inside: tuple[int, ...]  # by operand
    outside: tuple[int, ...]
    spread: int
    along_x: tuple[int, ...]  # the part of the spread along X, by dimension
    run: int  # operand that rests over the loops just outside the array
    path: tuple[int, ...] = ()  # where windows slide: loops and storage, see `hwmodels.counts.windows`


class _Walk:
    """Loops from the inside outwards, over the dimensions of the nest as it is written.

    A joined dimension is walked in the order of those it holds: its count so far goes to the first of them
    until that is full.
    """

    def __init__(self, problem: Problem, joined: Problem) -> None:
        self._parts = {d: d.split("·") for d in joined.dimensions}
        self._left = {
            d: {part: dict(prime_powers(problem.extents[part])) for part in parts}
            for d, parts in self._parts.items()
        }

    def take(self, dimension: str, count: int) -> list[Loop]:
        """Walk `count` of a joined dimension."""
        loops: dict[str, int] = {}
        for prime, power in prime_powers(count):
            for part in self._parts[dimension]:
                left = self._left[dimension][part]
                here = min(power, left.get(prime, 0))
                if here:
                    left[prime] -= here
                    power -= here
                    loops[part] = loops.get(part, 1) * prime**here
        return list(loops.items())


def mapping_of_cut(
    problem: Problem, architecture: Architecture, form: Form, table: CutLattice, cut: Cut
) -> Mapping:
    """Write a choice of cuts as a mapping of a nest onto a machine.

    The counts of the mapping are those of the cuts: between two cuts the order of loops does not matter,
    and a run of loops that an operand rests over comes first.
    """
    walk = _Walk(problem, table.problem)
    if cut.path:
        return _mapping_of_path(walk, architecture, form, table, cut)
    operands = range(len(LETTERS))
    # A pad inside another stores what the outer one's tile holds already: the same words.
    stored = [
        min(
            (cut.inside[p] for p in operands if p == o or form.memory[p] > form.memory[o]),
            key=lambda tile: prod(table.extents[tile]),
        )
        for o in operands
    ]
    levels: list[LevelMapping] = []
    at = [1] * len(table.problem.dimensions)
    for pad in range(form.pads):
        mine = {o: stored[o] for o in operands if form.memory[o] == pad}
        levels.append(_level(architecture.levels[pad].name, table, walk, at, mine, cut.inside, -1))
    spread = table.extents[cut.spread].tolist()
    across, down = _spatial(walk, table, cut)
    for d, count in enumerate(spread):
        at[d] *= count
    scaled = [
        [int(extent) * count for extent, count in zip(table.extents[tile], spread, strict=True)]
        for tile in cut.inside
    ]
    buffer = architecture.levels[form.pads].name
    inside = tuple(_number(table, tile) for tile in scaled)
    fed = _level(buffer, table, walk, at, dict(enumerate(cut.outside)), inside, cut.run)
    levels.append(
        LevelMapping(
            level=buffer,
            temporal=fed.temporal,
            spatial_x=across,
            spatial_y=down,
            keep=fed.keep,
            depths=fed.depths,
        )
    )
    whole = {o: len(table.codes) - 1 for o in operands}
    outermost = _level(architecture.levels[-1].name, table, walk, at, whole, (), cut.run)
    levels.append(LevelMapping(level=outermost.level, temporal=outermost.temporal, keep=outermost.keep))
    return Mapping(levels=tuple(levels))


def _spatial(walk: _Walk, table: CutLattice, cut: Cut) -> tuple[tuple[Loop, ...], tuple[Loop, ...]]:
    """Spatial loops along X and along Y."""
    dimensions, spread = table.problem.dimensions, table.extents[cut.spread].tolist()
    across = [walk.take(d, x) for d, x in zip(dimensions, cut.along_x, strict=True)]
    down = [walk.take(d, whole // x) for d, whole, x in zip(dimensions, spread, cut.along_x, strict=True)]
    return tuple(loop for loops in across for loop in loops), tuple(loop for loops in down for loop in loops)


def _mapping_of_path(
    walk: _Walk, architecture: Architecture, form: Form, table: CutLattice, cut: Cut
) -> Mapping:
    """Write a path of loops and storage, one of `hwmodels.counts.windows`, as a mapping."""
    path = [op for op in cut.path if op != END]
    middle = path.index(ARRAY)
    inside, outside = path[:middle], path[middle + 1 :]
    last = max(i for i, op in enumerate(outside) if op < 0) + 1
    pad, buffer, memory = (level.name for level in architecture.levels)
    innermost = _laid(pad, table, walk, inside)
    across, down = _spatial(walk, table, cut)
    fed = _laid(buffer, table, walk, outside[:last])
    extents = table.extents
    done = [int(extents[cut.spread, d]) for d in range(len(table.problem.dimensions))]
    for op in (*inside, *outside):
        if op >= 0:
            dimension, prime = table.axes[op]
            done[dimension] *= prime
    left = [
        axis
        for axis, (dimension, prime) in enumerate(table.axes)
        for _ in range(_power(table.problem.bounds[dimension] // done[dimension], prime))
    ]
    outermost = _laid(memory, table, walk, [*outside[last:], *left])
    return Mapping(
        levels=(
            innermost,
            replace(fed, spatial_x=across, spatial_y=down),
            replace(outermost, keep=frozenset(LETTERS)),
        )
    )


def _power(number: int, prime: int) -> int:
    return dict(prime_powers(number)).get(prime, 0)


def _laid(name: str, table: CutLattice, walk: _Walk, ops: Sequence[int]) -> LevelMapping:
    """Loops and storage of a level: between two places of storage a dimension has one loop."""
    loops: list[Loop] = []  # innermost first
    places: dict[str, int] = {}
    gap = 0
    for op in ops:
        if op < 0:
            places[LETTERS[-1 - op]] = gap = len(loops)
            continue
        d, prime = table.axes[op]
        for dimension, count in walk.take(table.problem.dimensions[d], prime):
            same = [i for i in range(gap, len(loops)) if loops[i][0] == dimension]
            if same:
                loops[same[0]] = (dimension, loops[same[0]][1] * count)
            else:
                loops.append((dimension, count))
    depths = {letter: len(loops) - place for letter, place in places.items()}
    return LevelMapping(
        level=name,
        temporal=tuple(reversed(loops)),
        keep=frozenset(depths),
        depths=tuple(sorted((letter, depth) for letter, depth in depths.items() if depth)),
    )


def _number(table: CutLattice, extents: Sequence[int]) -> int:
    """Row of a tile."""
    number = 0
    for (d, prime), size in zip(table.axes, table.shape, strict=True):
        power, left = 0, extents[d]
        while left % prime == 0:
            left, power = left // prime, power + 1
        number = number * size + power
    return number


def _level(
    name: str,
    table: CutLattice,
    walk: _Walk,
    at: list[int],
    stored: dict[int, int],
    others: tuple[int, ...],
    run: int,
) -> LevelMapping:
    """Loops of a level from the tile `at` (moved to the end), past the tiles where operands are stored.

    `others` are cuts that the loops pass in their order, too; `run` is the operand whose loops come first.
    """
    end = max(stored.values(), key=lambda tile: prod(table.extents[tile]))
    stops = sorted({*stored.values(), *others}, key=lambda tile: prod(table.extents[tile]))
    loops: list[Loop] = []  # innermost first
    places: dict[int, int] = {}
    gap = 0  # first loop since something was stored
    for tile in stops:
        extents = table.extents[tile].tolist()
        if any(extent % here for extent, here in zip(extents, at, strict=True)) or any(
            whole % extent for whole, extent in zip(table.extents[end].tolist(), extents, strict=True)
        ):
            continue
        first = sorted(range(len(at)), key=lambda d: table.rests[d] != run)
        for d in first:
            for dimension, count in walk.take(table.problem.dimensions[d], extents[d] // at[d]):
                same = [i for i in range(gap, len(loops)) if loops[i][0] == dimension]
                if same:
                    loops[same[0]] = (dimension, loops[same[0]][1] * count)
                else:
                    loops.append((dimension, count))
            at[d] = extents[d]
        here = [o for o, place in stored.items() if place == tile]
        for o in here:
            places[o] = len(loops)
        gap = len(loops) if here else gap
    total = len(loops)
    depths = {LETTERS[o]: total - place for o, place in places.items()}
    return LevelMapping(
        level=name,
        temporal=tuple(reversed(loops)),
        keep=frozenset(depths),
        depths=tuple(sorted((letter, depth) for letter, depth in depths.items() if depth)),
    )
