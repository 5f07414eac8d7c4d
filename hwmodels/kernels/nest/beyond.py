"""What lies beyond a tile of the level that feeds the array: paths of tiles outwards, and what they cost.

A path of tiles from that level (`middle`) to the whole nest has labels, as one inside a PE has: the words
over its links in one order of its loops. An operand that waits in a PE through all loops of the middle level
goes on waiting; how often a path brings its tile anew (`renewals`) is the label of a link that starts there.
"""

from math import inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACCUMULATED,
    COUNTED,
    DRAINED,
    RANKS,
    SLIDING,
    ArchitectureColumns,
    Floats,
    Ints,
    ProblemColumns,
    Small,
)
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import (
    CHILD,
    OPERAND,
    PARENT,
    Labels,
    Lattice,
    Scratch,
    divides,
    extend_level,
    tile_words,
)
from hwmodels.kernels.nest.pairs import floor_pair, keep_at_most
from hwmodels.kernels.nest.prices import access_pj, busy_cycles, drain_pj
from hwmodels.kernels.nest.search import LATENCY, objective_of

# Columns of what a path costs: pJ; then words read and written by level, the middle first.
ENERGY, READS, WRITES = 0, 1, 2
ROUNDING = 1.0 + 1e-13


class Limits(NamedTuple):
    """What the loops of the levels beyond the middle must obey, by level."""

    still: Small  # (L, D): dimensions whose loops belong further in
    kept: Ints  # (L,): operands (bits) kept by the level just inside
    here: Floats  # (L, T): words kept of each tile
    below: Floats  # (L, T, 2): energy and cycles at least outside each tile; infinite where it does not fit
    rising: Ints  # (L, T): tiles by rising energy (or cycles, if they are minimised)
    reach: Floats  # (T, 2): energy and cycles at least of everything inside each tile of the middle
    prices: Floats  # (Q,): pJ a word at least over the links that start at the middle
    elided: float  # pJ of words that they elide
    span: Ints  # (2, D), room
    moves: Ints  # (O,), room
    window: Floats  # (Q,), room


class Rows(NamedTuple):
    """Labels of the paths beyond tiles, one path after another."""

    tile: Ints  # (m,): row of the tiles asked for
    path: Ints  # (m, L): tiles of the levels beyond the middle, the last the whole nest
    costs: Floats  # (m, 1 + 2 levels)
    renewals: Floats  # (m, O): how often the path brings an operand's tile anew
    cycles: Floats  # (m,): busiest port beyond the middle


@kernel
def start_label(problem: ProblemColumns, lattice: Lattice, links: Ints, own: int, middle: int, held: float,
                tile: int, labels: Labels) -> None:  # fmt: skip
    """The one label of a tile of the middle: its words, and for links past `own` that it comes once."""
    traits = problem.traits
    labels.tiles[0] = tile
    labels.start[0] = 0
    labels.start[1] = 1
    labels.closed[0] = 0
    labels.held[0] = held
    labels.windows[0] = 0
    for q in range(links.shape[1]):
        labels.words[0, q] = 0.0
        if links[CHILD, q] == middle:
            o = links[OPERAND, q]
            words = tile_words(
                problem.coefficient, problem.rank_dims, traits[o, RANKS], o, lattice.extents[tile],
                labels.windows[0, q, 0],
            )  # fmt: skip
            labels.words[0, q] = words if q < own or traits[o, SLIDING] == 1 else 1.0


@kernel
def floor_level(
    problem: ProblemColumns,
    lattice: Lattice,
    rests: Small,
    links: Ints,
    least: Floats,
    rule: int,
    level: int,
    tiles: Ints,
    prices: Floats,
    times: Ints,
    moves: Ints,
    kept: Floats,
    label: Labels,
    floors: Floats,
) -> None:
    """Fill `floors` (n,): the least energy of the links that start at a level, by its tile.

    `prices` (Q,) are pJ a word, and 0 for all other links; `times` (2, D), `moves` (O,) and `kept` (Q,) are
    room.
    """
    times[0, :] = 1
    for i in range(tiles.size):
        start_label(problem, lattice, links, links.shape[1], level, 0.0, tiles[i], label)
        for d in range(problem.bounds.size):
            times[1, d] = problem.bounds[d] // lattice.extents[tiles[i], d]
        keep_at_most(problem, links, rule, label, 0, lattice.extents[tiles[i]], times[1], kept)
        floors[i] = floor_pair(
            problem, rests, links, least, label, 0, lattice.visits[tiles[i]], prices, kept, times[0],
            times[1], moves,
        )  # fmt: skip


@kernel
def price_row(
    problem: ProblemColumns,
    links: Ints,
    own: int,
    least: Floats,
    arch: ArchitectureColumns,
    touches: int,
    middle: int,
    words_of: Floats,
    costs: Floats,
) -> float:
    """Fill what a label costs; the cycles of the busiest port beyond the middle."""
    traits = problem.traits
    _usable, _fanouts, rates, _hidden, prices, _totals, joined = arch
    costs[:] = 0.0
    for q in range(own):
        o = links[OPERAND, q]
        child = links[CHILD, q]
        parent = links[PARENT, q]
        accumulated = traits[o, ACCUMULATED] == 1
        held = least[o] if accumulated and touches & COUNTED == 0 else 0.0
        words = max(words_of[q], least[o])
        costs[ENERGY] += access_pj(prices, parent, 0, words - held, 1.0)
        costs[ENERGY] += access_pj(prices, child, 1, words - held, 1.0)
        costs[READS + 2 * (parent - middle)] += words - held
        costs[WRITES + 2 * (child - middle)] += words - held
        if accumulated:
            costs[ENERGY] += access_pj(prices, parent, 2, words, 1.0)
            costs[ENERGY] += words * drain_pj(prices, traits, o, child, touches, 1.0)
            costs[WRITES + 2 * (parent - middle)] += words
            costs[READS + 2 * (child - middle)] += words if touches & DRAINED != 0 else 0.0
    longest = 0.0
    reads = 0.0
    writes = 0.0
    for level in range(middle + 1, rates.shape[0]):
        if joined[level] == 0:
            reads = 0.0
            writes = 0.0
        reads += costs[READS + 2 * (level - middle)]
        writes += costs[WRITES + 2 * (level - middle)]
        longest = max(longest, busy_cycles(rates, level, reads, writes, 1.0))
    return longest


@kernel
def list_candidates(
    problem: ProblemColumns,
    lattice: Lattice,
    guard: int,
    rests: Small,
    links: Ints,
    least: Floats,
    objective: int,
    rule: int,
    leak: float,
    best: float,
    level: int,
    limits: Limits,
    label: Labels,
    energy: float,
    most: int,
    found: Ints,
) -> int:
    """Tiles of a level that a tile of the middle divides and with which something may beat the best.

    `label` is that of the middle's tile; `energy` what is spent at least up to the level, whatever its tile.
    """
    tile = label.tiles[0]
    steps = limits.reach[tile, 1]
    inner = limits.reach[tile, 0] - limits.elided
    near = limits.span[0]
    far = limits.span[1]
    for d in range(near.size):
        near[d] = problem.bounds[d] // lattice.extents[tile, d]
    keep_at_most(problem, links, rule, label, 0, lattice.extents[tile], near, limits.window)
    n = 0
    for at in range(limits.rising.shape[1]):
        t = limits.rising[level, at]
        beyond = limits.below[level, t, 0]
        if beyond == inf or n == most:
            break
        cycles = max(steps, limits.below[level, t, 1])
        if objective_of(objective, cycles, energy + beyond + leak * cycles) * ROUNDING >= best:
            floor = objective_of(objective, steps, energy + beyond + leak * steps)
            if objective == LATENCY or floor * ROUNDING >= best:
                break
            continue
        if not divides(lattice.codes[tile], lattice.codes[t], guard):
            continue
        for d in range(near.size):
            near[d] = lattice.extents[t, d] // lattice.extents[tile, d]
            far[d] = problem.bounds[d] // lattice.extents[t, d]
        closer = inner + floor_pair(
            problem, rests, links, least, label, 0, lattice.visits[tile], limits.prices, limits.window, near,
            far, limits.moves,
        )  # fmt: skip
        if objective_of(objective, cycles, closer + beyond + leak * cycles) * ROUNDING < best:
            found[n] = t
            n += 1
    return n


@kernel
def extend_paths(
    problem: ProblemColumns,
    lattice: Lattice,
    guard: int,
    rests: Small,
    links: Ints,
    arch: ArchitectureColumns,
    rule: int,
    exact: int,
    middle: int,
    level: int,
    limits: Limits,
    scratch: Scratch,
    inside: Labels,
    outside: Labels,
    inner_path: Ints,
    path: Ints,
    tiles: int,
) -> int:
    """Label the first `tiles` of `outside` from those of the level inside, paths too; -1: no more room."""
    joins = arch.joined[level]
    joined_to = arch.joined[level + 1] if level + 1 < arch.joined.size else 0
    view = Labels(
        outside.tiles[:tiles], outside.start[: tiles + 1], outside.closed, outside.words, outside.windows,
        outside.origin, outside.held,
    )  # fmt: skip
    found = extend_level(
        problem, lattice, guard, rests, links, level, rule, exact, limits.still[level], limits.kept[level],
        -1, rests[0], limits.here[level], arch.usable_words[level], joins, joined_to, inside, view, scratch,
    )  # fmt: skip
    for k in range(found):
        for j in range(level - middle - 1):
            path[k, j] = inner_path[view.origin[k, 1], j]
    for i in range(tiles):
        for k in range(view.start[i], view.start[i + 1]):
            path[k, level - middle - 1] = view.tiles[i]
    return found


@kernel
def list_rows(
    problem: ProblemColumns,
    lattice: Lattice,
    guard: int,
    rests: Small,
    links: Ints,
    own: int,
    least: Floats,
    arch: ArchitectureColumns,
    touches: int,
    rule: int,
    exact: int,
    objective: int,
    middle: int,
    tiles: Ints,
    local: Floats,
    limits: Limits,
    most: int,
    best: float,
    first: Labels,
    one: Labels,
    other: Labels,
    one_path: Ints,
    other_path: Ints,
    scratch: Scratch,
    rows: Rows,
    costs: Floats,
    progress: Ints,
) -> bool:
    """Add the rows of tiles from `progress[0]` on, after `progress[1]` of them; False: no more room.

    `links` are those beyond the middle, the first `own` of them real; `local` (n,) is the energy at least of
    those that start at the middle.
    """
    depth = arch.joined.size
    whole = lattice.codes.size - 1
    leak = arch.totals[LEAKAGE]
    while progress[0] < tiles.size:
        tile = tiles[progress[0]]
        inner = limits.reach[tile, 0]
        start_label(problem, lattice, links, own, middle, limits.here[middle, tile], tile, first)
        inside = first
        inner_path = one_path
        outside = other
        outer_path = other_path
        found = 1
        for level in range(middle + 1, depth):
            n = 1
            outside.tiles[0] = whole
            if level < depth - 1:
                n = list_candidates(
                    problem, lattice, guard, rests, links, least, objective, rule, leak, best, level, limits,
                    first, inner + local[progress[0]], most, outside.tiles,
                )  # fmt: skip
            found = extend_paths(
                problem, lattice, guard, rests, links, arch, rule, exact, middle, level, limits, scratch,
                inside, outside, inner_path, outer_path, n,
            )  # fmt: skip
            if found < 0:
                return False
            inside = Labels(
                outside.tiles[:n], outside.start[: n + 1], outside.closed, outside.words, outside.windows,
                outside.origin, outside.held,
            )  # fmt: skip
            inner_path = outer_path
            if (level - middle) % 2 == 1:
                outside = one
                outer_path = one_path
            else:
                outside = other
                outer_path = other_path
        end = progress[1]
        for k in range(found):
            busy = price_row(problem, links, own, least, arch, touches, middle, inside.words[k], costs)
            cycles = max(limits.reach[tile, 1], busy)
            floor = objective_of(objective, cycles, inner + costs[ENERGY] + leak * cycles)
            if floor * ROUNDING >= best:
                continue
            if end >= rows.tile.size:
                return False
            rows.tile[end] = progress[0]
            rows.path[end] = inner_path[k]
            rows.costs[end] = costs
            rows.cycles[end] = busy
            for o in range(rests.shape[0]):
                rows.renewals[end, o] = 0.0
            for q in range(own, links.shape[1]):
                rows.renewals[end, links[OPERAND, q]] = inside.words[k, q]
            end += 1
        progress[0] += 1
        progress[1] = end
    return True
