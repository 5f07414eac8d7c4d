"""What lies beyond a tile of the level that feeds the array: paths of tiles outwards, and what they cost.

A path of tiles from that level (`middle`) to the whole nest has labels, as one inside a PE has: the words
over its links in one order of its loops. An operand that waits in a PE through all loops of the middle level
goes on waiting; how often a path brings its tile anew (`renewals`) is the label of a link that starts there.
"""

from hwmodels.accelerate import lean
from hwmodels.kernels.nest.columns import ACCUMULATED, COUNTED, DRAINED, RANKS, SLIDING, Floats, Ints
from hwmodels.kernels.nest.cost import LEAKAGE
from hwmodels.kernels.nest.labels import divides, extend_level, overwrite, tile_words
from hwmodels.kernels.nest.pairs import floor_pair, keep_at_most
from hwmodels.kernels.nest.prices import access_pj, busy_cycles, drain_pj
from hwmodels.kernels.nest.search import LATENCY, objective_of
from hwmodels.kernels.nest.tables import (
    CHILD,
    OPERAND,
    PARENT,
    Gate,
    Labels,
    Limits,
    Nest,
    OrderRoom,
    Rows,
    Setting,
    Trail,
)

# Columns of what a path costs: pJ; then words read and written by level, the middle first.
ENERGY, READS, WRITES = 0, 1, 2
ROUNDING = 1.0 + 1e-13


@lean
def start_label(
    nest: Nest, links: Ints, own: int, level: int, held: float, tile: int, labels: Labels
) -> None:
    """The one label of a tile of a level: its words, and for links past `own` that it comes once."""
    problem, lattice = nest.problem, nest.lattice
    traits = problem.traits
    labels.tiles[0] = tile
    labels.start[0] = 0
    labels.start[1] = 1
    labels.closed[0] = 0
    labels.held[0] = held
    labels.windows[0] = 0
    for q in range(links.shape[1]):
        labels.words[0, q] = 0.0
        if links[CHILD, q] == level:
            o = links[OPERAND, q]
            words = tile_words(
                problem.coefficient, problem.rank_dims, traits[o, RANKS], o, lattice.extents[tile],
                labels.windows[0, q, 0],
            )  # fmt: skip
            labels.words[0, q] = words if q < own or traits[o, SLIDING] == 1 else 1.0


@lean
def floor_level(
    setting: Setting,
    level: int,
    tiles: Ints,
    terms: Floats,
    times: Ints,
    moves: Ints,
    label: Labels,
    floors: Floats,
) -> None:
    """Fill `floors` (n,): the least energy of the links, which all start at a level, by its tile.

    `terms` (4, Q) holds their prices; `times` (2, D) and `moves` (O,) are room.
    """
    nest, links = setting.nest, setting.links.rows
    lattice, bounds = nest.lattice, nest.problem.bounds
    times[0, :] = 1
    for i in range(tiles.size):
        start_label(nest, links, links.shape[1], level, 0.0, tiles[i], label)
        for d in range(bounds.size):
            times[1, d] = bounds[d] // lattice.extents[tiles[i], d]
        keep_at_most(nest, links, label, 0, lattice.extents[tiles[i]], times[1], terms)
        floors[i] = floor_pair(nest, links, label, 0, lattice.visits[tiles[i]], terms, times, moves)


@lean
def price_row(setting: Setting, own: int, words_of: Floats, costs: Floats) -> float:
    """Fill what a label costs; the cycles of the busiest port beyond the middle."""
    links, least, touches, middle = setting.links.rows, setting.nest.least, setting.touches, setting.middle
    traits = setting.nest.problem.traits
    _usable, _fanouts, rates, _hidden, prices, _totals, joined = setting.arch
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


@lean
def list_candidates(
    setting: Setting, level: int, limits: Limits, label: Labels, energy: float, found: Ints
) -> int:
    """Tiles of a level that a tile of the middle divides and with which something may beat the best.

    `label` is that of the middle's tile; `energy` what is spent at least up to the level, whatever its tile.
    """
    nest, links = setting.nest, setting.links.rows
    lattice, bounds = nest.lattice, nest.problem.bounds
    objective, best, leak = setting.objective, setting.best[0], setting.arch.totals[LEAKAGE]
    tile = label.tiles[0]
    steps = limits.reach[tile, 1]
    inner = limits.reach[tile, 0] - limits.elided
    times = limits.times
    for d in range(bounds.size):
        times[0, d] = bounds[d] // lattice.extents[tile, d]
    keep_at_most(nest, links, label, 0, lattice.extents[tile], times[0], limits.terms)
    n = 0
    for at in range(limits.rising.shape[1]):
        t = limits.rising[level, at]
        if t < 0 or n == limits.most:
            break
        beyond = limits.below[level, t, 0]
        cycles = max(steps, limits.below[level, t, 1])
        if objective_of(objective, cycles, energy + beyond + leak * cycles) * ROUNDING >= best:
            floor = objective_of(objective, steps, energy + beyond + leak * steps)
            if objective == LATENCY or floor * ROUNDING >= best:
                break
            continue
        if not divides(lattice.codes[tile], lattice.codes[t], nest.guard):
            continue
        for d in range(bounds.size):
            times[0, d] = lattice.extents[t, d] // lattice.extents[tile, d]
            times[1, d] = bounds[d] // lattice.extents[t, d]
        closer = inner + floor_pair(
            nest, links, label, 0, lattice.visits[tile], limits.terms, times, limits.moves
        )
        if objective_of(objective, cycles, closer + beyond + leak * cycles) * ROUNDING < best:
            found[n] = t
            n += 1
    return n


@lean
def shortened(labels: Labels, tiles: int) -> Labels:
    """The labels of the first tiles."""
    return Labels(
        labels.tiles[:tiles],
        labels.start[: tiles + 1],
        labels.closed,
        labels.words,
        labels.windows,
        labels.origin,
        labels.held,
    )


@lean
def extend_paths(
    setting: Setting,
    level: int,
    limits: Limits,
    inside: Trail,
    outside: Trail,
    tiles: int,
    room: OrderRoom,
) -> int:
    """Label the first `tiles` of `outside` from those of the level inside, paths too; -1: no more room."""
    joined = setting.arch.joined
    gate = Gate(
        limits.still[level],
        limits.kept[level],
        -1,
        setting.nest.rests[0],
        limits.here[level],
        setting.arch.usable_words[level],
        joined[level],
        joined[level + 1] if level + 1 < joined.size else 0,
    )
    view = shortened(outside.labels, tiles)
    found = extend_level(setting.nest, setting.links, level, gate, inside.labels, view, room)
    last = level - setting.middle - 1
    for k in range(found):
        for j in range(last):
            outside.path[k, j] = inside.path[view.origin[k, 1], j]
    for i in range(tiles):
        for k in range(view.start[i], view.start[i + 1]):
            outside.path[k, last] = view.tiles[i]
    return found


@lean
def list_rows(
    setting: Setting,
    limits: Limits,
    tiles: Ints,
    local: Floats,
    trails: tuple[Trail, Trail, Trail],
    room: OrderRoom,
    rows: Rows,
    progress: Ints,
) -> bool:
    """Add the rows of tiles from `progress[0]` on, after `progress[1]` of them; False: no more room.

    `local` (n,) is the energy at least of the links that start at the middle; the first of the `trails` has
    room for one label.
    """
    nest, middle, objective, best = setting.nest, setting.middle, setting.objective, setting.best[0]
    own, costs = limits.own, limits.costs
    first, one, other = trails
    depth = setting.arch.joined.size
    whole = nest.lattice.codes.size - 1
    leak = setting.arch.totals[LEAKAGE]
    while progress[0] < tiles.size:
        tile = tiles[progress[0]]
        inner = limits.reach[tile, 0]
        held = limits.here[middle, tile]
        start_label(nest, setting.links.rows, own, middle, held, tile, first.labels)
        inside = first
        outside = other
        found = 1
        for level in range(middle + 1, depth):
            n = 1
            outside.labels.tiles[0] = whole
            if level < depth - 1:
                spent = inner + local[progress[0]]
                n = list_candidates(setting, level, limits, first.labels, spent, outside.labels.tiles)
            found = extend_paths(setting, level, limits, inside, outside, n, room)
            if found < 0:
                return False
            inside = Trail(shortened(outside.labels, n), outside.path)
            outside = one if (level - middle) % 2 == 1 else other
        end = progress[1]
        for k in range(found):
            busy = price_row(setting, own, inside.labels.words[k], costs)
            cycles = max(limits.reach[tile, 1], busy)
            floor = objective_of(objective, cycles, inner + costs[ENERGY] + leak * cycles)
            if floor * ROUNDING >= best:
                continue
            if end >= rows.tile.size:
                return False
            rows.tile[end] = progress[0]
            overwrite(rows.path[end], inside.path[k])
            overwrite(rows.costs[end], costs)
            rows.cycles[end] = busy
            for o in range(nest.rests.shape[0]):
                rows.renewals[end, o] = 0.0
            for q in range(own, setting.links.rows.shape[1]):
                rows.renewals[end, setting.links.rows[OPERAND, q]] = inside.labels.words[k, q]
            end += 1
        progress[0] += 1
        progress[1] = end
    return True
