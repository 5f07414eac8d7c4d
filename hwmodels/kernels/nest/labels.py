"""Labels of the tiles inside a PE: what every path of tiles to them, and every loop order, has cost so far.

With perfect factors a tiling is a path of tiles, each dividing the next. A *link* is an operand's way from
the level that keeps it (the child) to the next one outwards that does; the words over it depend on the tile
at the child and the loops outside. It is *open* as long as loops further out may still save words, and closed
by the first level whose loops bring it wholly new tiles: then its words are known. A label of a tile holds,
by link, the words of all instances (closed) or those that one instance fetches for the tile (open), and where
a window has slid to. One label dominates another if every link is sure to carry no more words.
"""

from typing import Any

from numpy.typing import NDArray

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import (
    OVERLAP,
    RANKS,
    SLIDING,
    Ints,
    Small,
)
from hwmodels.kernels.nest.slide import order_options
from hwmodels.kernels.nest.tables import CHILD, OPERAND, Gate, Labels, Lattice, Links, Loops, Nest, OrderRoom


@lean
def overwrite(target: NDArray[Any], source: NDArray[Any]) -> None:
    """Copy an array of some shape; a slice's own assignment would allocate."""
    for i in range(source.size):
        target.flat[i] = source.flat[i]


@lean
def any_slides(traits: Ints) -> bool:
    """Whether the window of any operand slides."""
    found = False
    for o in range(traits.shape[0]):
        found = found or traits[o, SLIDING] == 1
    return found


@lean
def divides(inner: int, outer: int, guard: int) -> bool:
    """Whether one tile divides another, by their codes; `guard` holds the bit above each field."""
    return ((outer | guard) - inner) & guard == guard


@lean
def allowed(lattice: Lattice, level: int, inner: int, outer: int) -> bool:
    """Whether a level may walk from one tile to another: its loops are within their limits."""
    if lattice.limited == 1:
        for d in range(lattice.extents.shape[1]):
            times = lattice.extents[outer, d] // lattice.extents[inner, d]
            if times < lattice.fewest[level, d] or times > lattice.most[level, d]:
                return False
    return True


@lean
def rest_over(rests: Small, operand: int, first: int, times: Ints) -> float:
    """Iterations of the loops in `first` (bits) that an operand rests over."""
    rest = 1.0
    for d in range(times.size):
        if (first >> d) & 1 and rests[operand, d] == 1:
            rest *= times[d]
    return rest


@lean
def movement(rank: Ints, rank_dims: Ints, operand: int, times: Ints) -> int:
    """What a level's loops do to an operand: 0 leave it in place, 1 slide its window, 2 bring new tiles."""
    found = 0
    for d in range(times.size):
        r = rank[operand, d]
        if times[d] > 1 and r >= 0:
            found = max(found, 2 if rank_dims[operand, r, 1] < 0 else 1)
    return found


@lean
def tile_words(
    coefficient: Ints, rank_dims: Ints, count: int, operand: int, extents: Ints, sizes: Ints
) -> float:
    """Words of an operand's tile; fills its sizes by rank."""
    words = 1.0
    for r in range(count):
        size = 1
        for t in range(2):
            d = rank_dims[operand, r, t]
            if d >= 0:
                size += coefficient[operand, d] * (extents[d] - 1)
        sizes[r] = size
        words *= size
    return words


@lean
def carry_window(
    rank: Ints, coefficient: Ints, operand: int, rule: int, span: Ints, times: Ints, moved: Ints
) -> None:
    """Add to how far a window has moved; under the rule of equal steps, the steps themselves."""
    for d in range(times.size):
        r = rank[operand, d]
        if r >= 0 and times[d] > 1:
            moved[r] += coefficient[operand, d] * span[d] * (times[d] - 1 if rule == OVERLAP else 1)


@lean
def dominates(labels: Labels, one: int, other: int, visits: float, exact: int) -> bool:
    """Whether `one` is sure to carry no more words than `other` over every link.

    Where labels are bounds that no order may attain, only labels of one path are compared.
    """
    if exact == 0:
        for c in range(2):
            if labels.origin[one, c] != labels.origin[other, c]:
                return False
    if labels.held[one] > labels.held[other]:
        return False
    for q in range(labels.words.shape[1]):
        bit = 1 << q
        words = labels.words[one, q]
        if labels.closed[other] & bit:
            if not labels.closed[one] & bit:
                words *= visits
        else:
            if labels.closed[one] & bit:
                return False
            for r in range(labels.windows.shape[3]):
                if labels.windows[one, q, 0, r] != labels.windows[other, q, 0, r]:
                    return False
                if labels.windows[one, q, 1, r] != labels.windows[other, q, 1, r]:
                    return False
        if words > labels.words[other, q]:
            return False
    return True


@lean
def copy_label(labels: Labels, source: int, target: int) -> None:
    """Overwrite a label."""
    labels.closed[target] = labels.closed[source]
    overwrite(labels.words[target], labels.words[source])
    overwrite(labels.windows[target], labels.windows[source])
    overwrite(labels.origin[target], labels.origin[source])
    labels.held[target] = labels.held[source]


@lean
def admit(labels: Labels, start: int, end: int, visits: float, exact: int) -> int:
    """Admit the label at `end` to those from `start`, unless one dominates it; the new end."""
    for i in range(start, end):
        if dominates(labels, i, end, visits, exact):
            return end
    kept = start
    for i in range(start, end):
        if not dominates(labels, end, i, visits, exact):
            if kept != i:
                copy_label(labels, i, kept)
            kept += 1
    if kept != end:
        copy_label(labels, end, kept)
    return kept + 1


@lean
def idles(rests: Small, links: Ints, level: int, kept: int, closed: int, times: Ints) -> bool:
    """Whether a loop moves nothing that is open, nor what the level inside keeps: it belongs there."""
    for d in range(times.size):
        if times[d] == 1:
            continue
        idle = True
        for o in range(rests.shape[0]):
            idle = idle and ((kept >> o) & 1 == 0 or rests[o, d] == 1)
        for q in range(links.shape[1]):
            if links[CHILD, q] < level and (closed >> q) & 1 == 0:
                idle = idle and rests[links[OPERAND, q], d] == 1
        if idle:
            return True
    return False


@lean
def extend_level(  # noqa: C901 - one transition, read top to bottom
    nest: Nest, links: Links, level: int, gate: Gate, inside: Labels, outside: Labels, room: OrderRoom
) -> int:
    """Label the tiles outside a level's loops from those inside; the number of labels, or -1: no more room.

    Where the level inside keeps one operand alone, its tile is the whole of the one outside if that fits,
    else a single element; either, where the two are one memory.
    """
    problem, lattice, rests, rows = nest.problem, nest.lattice, nest.rests, links.rows
    alone, fitting, joins = gate.alone, gate.fitting, gate.joins
    bounds, rank, coefficient, rank_dims, traits = problem
    dims = bounds.size
    count = rows.shape[1]
    times = room.times[0]
    windowless = not any_slides(traits)
    end = 0
    for j in range(outside.tiles.size):
        outer = outside.tiles[j]
        start = end
        outside.start[j] = start
        for i in range(inside.tiles.size):
            inner = inside.tiles[i]
            if not divides(lattice.codes[inner], lattice.codes[outer], nest.guard):
                continue
            if not allowed(lattice, level, inner, outer):
                continue
            span = lattice.extents[inner]
            usual = True
            alike = True
            single = True
            for d in range(dims):
                times[d] = lattice.extents[outer, d] // span[d]
                alike = alike and times[d] == 1
                usual = usual and (times[d] == 1 or gate.still[d] == 0)
                if alone >= 0 and rank[alone, d] >= 0:
                    single = single and span[d] == 1
            if alone >= 0:
                entire = fitting[outer] == 1 and alike
                usual = usual and (entire or (single and (joins == 1 or fitting[outer] == 0)))
            if not usual:
                continue
            whole = lattice.visits[inner] / lattice.visits[outer]
            for k in range(inside.start[i], inside.start[i + 1]):
                held = gate.here[outer] + (inside.held[k] if joins == 1 else 0.0)
                if held > gate.usable:
                    continue
                if (
                    level > 0
                    and lattice.limited == 0
                    and (nest.rule == OVERLAP or windowless)
                    and idles(rests, rows, level, gate.kept, inside.closed[k], times)
                ):
                    continue
                loops = Loops(level, inside.closed[k], 0)
                found = order_options(nest, links, loops, inside.windows[k], span, room.options[0], room)
                for option in range(found):
                    if end >= outside.closed.size:
                        return -1
                    closed = inside.closed[k]
                    overwrite(outside.windows[end], inside.windows[k])
                    outside.origin[end, 0] = i
                    outside.origin[end, 1] = k
                    for q in range(count):
                        o = rows[OPERAND, q]
                        words = inside.words[k, q]
                        if rows[CHILD, q] == level:
                            words = tile_words(
                                coefficient, rank_dims, traits[o, RANKS], o, lattice.extents[outer],
                                outside.windows[end, q, 0],
                            )  # fmt: skip
                        elif rows[CHILD, q] < level and (closed >> q) & 1 == 0:
                            moves = movement(rank, rank_dims, o, times)
                            if traits[o, SLIDING] == 1:
                                words = whole * words - room.reuse[0, q, option]
                            elif moves == 2:
                                words *= whole / rest_over(rests, o, room.options[0, option], times)
                            if moves == 2:
                                closed |= 1 << q
                                words *= lattice.visits[outer]
                            elif moves == 1:
                                carry_window(
                                    rank, coefficient, o, nest.rule, span, times, outside.windows[end, q, 1]
                                )
                        outside.words[end, q] = words
                    outside.closed[end] = closed
                    outside.held[end] = held if gate.joined_to == 1 else 0.0
                    end = admit(outside, start, end, lattice.visits[outer], links.exact)
    outside.start[outside.tiles.size] = end
    return end
