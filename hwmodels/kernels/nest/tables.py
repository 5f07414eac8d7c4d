"""What the searches on the lattice of tile extents read and write (`labels`, `cells`, `pairs`, `beyond`).

Layout letters as in `columns`; besides, T tiles of the lattice, Q links, and n, m of whatever is listed.
"""

from typing import NamedTuple

from hwmodels.kernels.nest.columns import ArchitectureColumns, Factors, Floats, Ints, ProblemColumns, Small

OPERAND, CHILD, PARENT = 0, 1, 2  # rows of `Links.rows`; child -1: the MACs ask
# Rows of a cell's `terms`, by link: pJ a word; words at the parent by word; words elided; words of a window
# that any step of loops further out keeps at most.
PRICE, MERGE, HELD, KEPT = 0, 1, 2, 3
NOISE = 1e-13  # costs closer than this share of themselves are equal: rounding leaves no more of a difference
CELLS, MET, TILINGS, SPREAD, ORDERED = range(5)  # of `Found.tally`


class Lattice(NamedTuple):
    """All tiles of a nest: every extent divides its bound."""

    extents: Ints  # (T, D)
    codes: Ints  # (T,): prime exponents in fields of bits, so that division is a subtraction
    visits: Floats  # (T,): tiles in the whole nest
    limited: int  # 1: the loops of levels have limits
    fewest: Ints  # (L, D): least and greatest iterations of temporal loops; (1, D) where there are no limits
    most: Ints
    places: (
        Ints  # (L, D): n: nth of the loops that are to be innermost; -n: of those to be outermost; 0: free
    )


class Nest(NamedTuple):
    """A nest as a lattice."""

    problem: ProblemColumns
    lattice: Lattice
    guard: int  # the bit above each field of the codes
    rests: Small  # (O, D): 1 where a dimension leaves an operand in place
    least: Floats  # (O,): words that any mapping moves once
    rule: int  # what overlaps of windows count


class Links(NamedTuple):
    """Ways of operands from the level that keeps them to the next one outwards, with one choice of both."""

    rows: Ints  # (3, Q): operand, child, parent
    first: Ints  # (O,): innermost level that keeps each operand
    exact: int  # whether some order attains every label


class Setting(NamedTuple):
    """What is searched: a nest on a machine, with one choice of operands kept, for less than the best."""

    nest: Nest
    arch: ArchitectureColumns
    links: Links
    touches: int
    objective: float  # see `objective_of`
    middle: int  # the level that feeds the array
    best: Floats  # (1,): the least cost so far


class Labels(NamedTuple):
    """Labels of the tiles of one level."""

    tiles: Ints  # (n,): indices into the lattice
    start: Ints  # (n + 1,): first label of each tile
    closed: Ints  # (m,): bit q for link q
    words: Floats  # (m, Q)
    windows: Ints  # (m, Q, 2, R): sizes of an open window by rank, and how far it has moved
    origin: Ints  # (m, 2): tile (row of `tiles`) and label of the level inside
    held: Floats  # (m,): words so far in a memory that the next level outwards is joined to


class Gate(NamedTuple):
    """What the loops and tiles of one level must obey."""

    still: Small  # (D,): dimensions that move nothing kept further in: their loops belong there
    kept: int  # operands (bits) that the level just inside keeps
    alone: int  # the one operand kept further in, by the level just inside, or -1
    fitting: Small  # (T,): whether a tile fits the level just inside
    here: Floats  # (T,): words that the level keeps of each tile
    usable: float  # words, with those of the level inside where it joins that
    joins: int
    joined_to: int  # whether the next level outwards joins this one


class Loops(NamedTuple):
    """Loops of a level whose orders are told apart."""

    level: int
    closed: int  # links (bits) whose words they change no more
    outside: int  # 1: the places of all operands matter; row of the rooms that are used


class OrderRoom(NamedTuple):
    """Room to order the loops of a level."""

    times: Ints  # (2, D): counts of the loops; those of the level outside
    loops: Ints  # (D,)
    shifts: Ints  # (R,)
    values: Floats  # (3, 2**D, D)
    options: Ints  # (2, OPTIONS)
    reuse: Floats  # (2, Q, OPTIONS)


class Room(NamedTuple):
    """Room to work on a cell."""

    orders: OrderRoom
    words: Floats  # (2 + OPTIONS, Q)
    energies: Floats  # (OPTIONS,)
    span: Ints  # (D,)
    terms: Floats  # (4, Q)
    low: Floats  # (Q,)
    windows: Ints  # (Q + 1, 2, R)
    moves: Ints  # (O,)
    far_reuse: Floats  # (Q, options)
    further: Floats  # (Q, 2)


class Spreads(NamedTuple):
    """Spatial loops over the array."""

    tiles: Ints  # (S,): how many of each dimension, as a tile of the lattice
    lanes: Floats  # (S,): instances
    copies: Floats  # (S, O): instances that hold the same elements
    along_x: Ints  # (S, D): a way to lay it out
    ways: Ints  # (S,): how many there are


class TileFloors(NamedTuple):
    """What anything with a tile inside a PE costs at least."""

    tiles: Ints  # (n,)
    fewest: Floats  # (n, Q): words over the links at least
    beyond: Floats  # (T, 2): energy and cycles at least outside any tile that this one divides
    floors: Floats  # (n,)
    reach: Floats  # (T, 2): energy and cycles at least of what is inside a tile that some spread makes


class Paths(NamedTuple):
    """Tiles and labels of every level inside, one level after another."""

    tiles: Ints
    origin: Ints
    tile_start: Ints  # (L,): first of a level's tiles
    label_start: Ints  # (L,): first of its labels


class Cells(NamedTuple):
    """Pairs of a tile inside a PE and a spread over the array."""

    labels: Labels  # of the tiles
    paths: Paths  # to them
    spreads: Spreads
    fewest: Floats  # (tiles, Q): words over the links at least
    beyond: Floats  # (T, 2), see `TileFloors`
    still: Small  # (D,): dimensions whose loops at the middle belong further in
    rows: Ints  # (n, 2): rows of tile and spread
    floors: Floats  # (n, 2): bound of the whole; energy up to the array
    ranking: Ints  # rows by rising bound


class Cell(NamedTuple):
    """One cell."""

    span: Ints  # (D,): the tile over the whole array
    terms: Floats  # (4, Q)
    lanes: float
    copies: Floats  # (O,)
    fixed: float  # pJ besides the links
    base: float  # the same with what links elide
    inner: float  # pJ at least up to the array


class Outer(NamedTuple):
    """Tiles of the level that feeds the array under main memory, cheapest first (`outer`)."""

    tiles: Ints  # (n,)
    options: Ints  # (n, ROOM)
    counts: Ints  # (n,)
    costs: Floats  # (n, ROOM, 5)
    floors: Floats  # (n, 2)
    held: Floats  # (n,): words kept there


class Ends(NamedTuple):
    """Tiles of the level that feeds the array, by rising energy (or cycles) beyond them at least."""

    tiles: Ints  # (n,)
    below: Floats  # (n, 2): energy and cycles at least
    held: Floats  # (n,): words kept there
    most: int  # tiles that a cell is paired with


class Pairs(NamedTuple):
    """Pairs of a cell and a tile of the level that feeds the array."""

    rows: Ints  # (n, 4): row of the cell's tile, its spread, its label, the tile
    bounds: Floats  # (n, 2): of the whole; energy up to the array
    listed: Ints  # (1,): how many
    reach: Floats  # (T, 2): least energy and cycles of what is inside a tile
    ranking: Ints  # rows by rising bound


class FarPaths(NamedTuple):
    """Paths beyond tiles of the level that feeds the array, and their labels (`beyond`)."""

    tiles: Ints  # (t,): of that level
    first: Ints  # (t + 1,): first path beyond each, cheapest first
    path: Ints  # (n, levels beyond): tiles further out, the last the whole nest
    start: Ints  # (n + 1,): first label of each path
    costs: Floats  # (m, 1 + 2 levels)
    renewals: Floats  # (m, O)
    floors: Floats  # (n, 2): energy and cycles at least
    seldom: Floats  # (t, O): least renewals of any path beyond each tile


class Limits(NamedTuple):
    """What the loops of the levels beyond the middle must obey, by level, and room to see to it."""

    own: int  # real links, the first; the others tell how often an operand's tile comes anew
    most: int  # tiles of a level that are looked at
    still: Small  # (L, D): dimensions whose loops belong further in
    kept: Ints  # (L,): operands (bits) kept by the level just inside
    here: Floats  # (L, T): words kept of each tile
    below: Floats  # (L, T, 2): energy and cycles at least outside each tile; infinite where it does not fit
    rising: Ints  # (L, T): tiles by rising energy (or cycles, if they are minimised); after the last, -1
    reach: Floats  # (T, 2): energy and cycles at least of everything inside each tile of the middle
    terms: Floats  # (4, Q), of the links that start at the middle: their prices, room for what windows keep
    elided: float  # pJ of words that they elide
    times: Ints  # (2, D), room
    moves: Ints  # (O,), room
    costs: Floats  # (1 + 2 levels,), room


class Trail(NamedTuple):
    """Labels of a level beyond the middle, and the tiles that led to each."""

    labels: Labels
    path: Ints  # (m, L)


class Rows(NamedTuple):
    """Labels of the paths beyond tiles, one path after another."""

    tile: Ints  # (m,): row of the tiles asked for
    path: Ints  # (m, L): tiles of the levels beyond the middle, the last the whole nest
    costs: Floats  # (m, 1 + 2 levels)
    renewals: Floats  # (m, O): how often the path brings an operand's tile anew
    cycles: Floats  # (m,): busiest port beyond the middle


class Found(NamedTuple):
    """The best tiling so far, and what was done for it."""

    factors: Factors  # (L, 3, D)
    tally: Floats  # (5,): cells, meetings; tilings, with all ways to lay them out; mappings costed
