"""Bits of metadata that a stored tile needs: its loops given to the ranks of its format, its fibers counted.

The twin of `hwmodels.zeros.formats`, which says what each step is.
"""

from math import ceil, exp, floor, lgamma

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    RANKS,
    TEMPORAL,
    Floats,
    Ints,
    MappingColumns,
    ProblemColumns,
)
from hwmodels.kernels.zeros.columns import (
    BITMASK,
    COMPRESSED,
    DRAWN,
    ELEMENTS,
    FIRST_RANK,
    INWARDS,
    KIND,
    LOCATED,
    MEMO,
    METADATA_BITS,
    MOST,
    NONZEROS,
    ONE_LOOP,
    PAYLOAD_BITS,
    RANK_COUNT,
    RUN_LENGTHS,
    SHARE,
    SOME,
    TAKES,
    UOP,
    WHOLE_BITMASK,
    Memo,
    Scratch,
    ZeroColumns,
)

WHOLE = 4096  # larger tiles are taken at their expected occupancy: its spread is below one part in a hundred
DIM, COUNT, RANK = 0, 1, 2  # Scratch.loops
FIBER, EXACT, MEAN = 0, 1, 2  # ZeroColumns.rounding
TOO_FEW = -1.0  # ranks: the format cannot hold the tile


@kernel
def log_choices(n: float, k: float) -> float:
    """Logarithm of n over k."""
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)


@kernel
def empty(part: float, tile: float, nonzeros: float, drawn: bool) -> float:
    """Probability that `part` elements of a tile with so many non-zeros are all zero."""
    if not drawn:
        return max(0.0, 1.0 - part * nonzeros / tile)
    if part + nonzeros > tile:
        return 0.0
    return exp(log_choices(tile - part, nonzeros) - log_choices(tile, nonzeros))


@kernel
def fiber_words(
    kind: int, elements: float, inside: float, tile: float, nonzeros: float, drawn: bool, rounding: int
) -> tuple[float, float]:
    """Metadata and payload words of all fibers of a rank that are not empty."""
    number = tile / elements * (1.0 - empty(elements, tile, nonzeros, drawn))
    coordinates = elements / inside
    if kind == UOP:
        return 0.0, number * (coordinates + 1.0)
    there = coordinates * (1.0 - empty(inside, tile, nonzeros, drawn))
    if rounding == FIBER and kind != RUN_LENGTHS:
        there = float(ceil(there - 1e-9))
    masked = kind in (BITMASK, WHOLE_BITMASK)
    return number * (coordinates if masked else there), number * there


@kernel
def expected_words(
    kind: int, elements: float, inside: float, tile: float, zeros: Floats, rounding: int
) -> tuple[float, float]:
    """The same over all occupancies that a tile may have."""
    mean = tile * zeros[SHARE]
    if zeros[DRAWN] == 0.0:
        low = float(floor(mean))
        few = fiber_words(kind, elements, inside, tile, low, False, rounding)
        many = fiber_words(kind, elements, inside, tile, low + 1.0, False, rounding)
        more = mean - low
        return (1.0 - more) * few[0] + more * many[0], (1.0 - more) * few[1] + more * many[1]
    if tile > WHOLE or tile >= zeros[ELEMENTS]:
        return fiber_words(kind, elements, inside, tile, mean, True, rounding)
    total = zeros[ELEMENTS]
    nonzeros = zeros[NONZEROS]
    metadata = 0.0
    payload = 0.0
    k = max(0.0, tile + nonzeros - total)
    all_ways = log_choices(total, tile)
    while k <= min(tile, nonzeros):
        ways = log_choices(nonzeros, k) + log_choices(total - nonzeros, tile - k)
        found = fiber_words(kind, elements, inside, tile, k, True, rounding)
        chance = exp(ways - all_ways)
        metadata += chance * found[0]
        payload += chance * found[1]
        k += 1.0
    return metadata, payload


@kernel
def remembered_words(
    kind: int, elements: int, inside: int, tile: int, operand: int, columns: ZeroColumns, memo: Memo
) -> tuple[float, float]:
    """The same from a memo where it holds them: zeros that are drawn take a sum over all occupancies."""
    zeros = columns.operands[operand]
    rounding = columns.rounding
    if zeros[DRAWN] == 0.0:
        return expected_words(kind, float(elements), float(inside), float(tile), zeros, rounding)
    keys, known = memo
    who = operand * 8 + kind
    place = (((who * 31 + elements) * 1000003 + inside) * 8191 + tile * 131) & (MEMO - 1)
    if (
        keys[place, 0] != who
        or keys[place, 1] != elements
        or keys[place, 2] != inside
        or keys[place, 3] != tile
    ):
        found = expected_words(kind, float(elements), float(inside), float(tile), zeros, rounding)
        keys[place, 0], keys[place, 1], keys[place, 2], keys[place, 3] = who, elements, inside, tile
        known[place, 0], known[place, 1] = found
    return known[place, 0], known[place, 1]


@kernel
def box_row(zeros: ZeroColumns, operand: int, extents: Ints) -> int:
    """Row of the boxes of such extents, where the operand's mask is known."""
    row = int(zeros.operands[operand, LOCATED])
    if row >= 0:
        for d in range(extents.size):
            row += zeros.places[operand, d, extents[d]]
    return row


@kernel
def some(part: float, zeros: Floats) -> float:
    """Probability that so many elements of the whole tensor are not all zero."""
    if part == 1.0 or zeros[DRAWN] == 0.0:
        return float(min(1.0, part * zeros[SHARE]))
    return 1.0 - empty(part, zeros[ELEMENTS], zeros[NONZEROS], True)


@kernel
def mean_words(kind: int, number: float, coordinates: float, there: float) -> tuple[float, float]:
    """Metadata and payload words of so many fibers, and coordinates, that are not empty."""
    if kind == UOP:
        return 0.0, number * (coordinates + 1.0)
    masked = kind in (BITMASK, WHOLE_BITMASK)
    return number * coordinates if masked else there, there


@kernel
def elements_of(problem: ProblemColumns, extents: Ints, operand: int) -> int:
    """Elements of an operand's box of such extents."""
    _bounds, _rank, coefficient, rank_dims, traits = problem
    words = 1
    for r in range(traits[operand, RANKS]):
        size = 1
        for t in range(2):
            d = rank_dims[operand, r, t]
            if d >= 0:
                size += coefficient[operand, d] * (extents[d] - 1)
        words *= size
    return words


@kernel
def list_loops(
    rank: Ints, mapping: MappingColumns, row: int, operand: int, first: int, last: int, loops: Ints
) -> int:
    """Loops over an operand's dimensions at some levels, innermost first, spatial inside temporal ones."""
    factors, order, _keep = mapping
    found = 0
    dims = factors.shape[3]
    for level in range(first, last + 1):
        for kind in (ACROSS, DOWN):
            for d in range(dims - 1, -1, -1):
                if rank[operand, d] >= 0 and factors[row, level, kind, d] > 1:
                    loops[DIM, found], loops[COUNT, found] = d, factors[row, level, kind, d]
                    found += 1
        for position in range(dims):
            d = order[row, level, position]
            if rank[operand, d] >= 0 and factors[row, level, TEMPORAL, d] > 1:
                loops[DIM, found], loops[COUNT, found] = d, factors[row, level, TEMPORAL, d]
                found += 1
    return found


@kernel
def give_loops(loops: Ints, count: int, ranks: Ints, first: int, last: int, inwards: bool) -> bool:
    """Give loops to the ranks from `first` to before `last`; whether all could be.

    Each rank in turn, from the inside where `inwards`, takes the loops that it may.
    """
    left = count
    for step in range(last - first):
        r = first + step if inwards else last - 1 - step
        takes = ranks[r, TAKES]
        taken = 0
        while left > 0:
            i = count - left if inwards else left - 1
            may = taken == 0 if takes == ONE_LOOP else (takes >> loops[DIM, i]) & 1 == 1
            if not may:
                break
            loops[RANK, i] = r
            taken += 1
            left -= 1
    return left == 0


@kernel
def find_path(
    problem: ProblemColumns,
    zeros: ZeroColumns,
    mapping: MappingColumns,
    row: int,
    level: int,
    operand: int,
    scratch: Scratch,
) -> int:
    """List the levels whose ranks a tile keeps, from its own inwards, in `path`; how many they are."""
    factors, _order, keep = mapping
    path, extents, stored = scratch.path, scratch.extents, zeros.stored
    steps = 1
    path[0] = level
    while True:
        at = path[steps - 1]
        if stored[at, operand, FIRST_RANK] < 0 or stored[at, operand, COMPRESSED] == 0:
            return steps
        child = at - 1
        while child >= 0 and keep[row, child, operand] == 0:
            child -= 1
        if child < 0:
            return steps
        for d in range(factors.shape[3]):
            extents[d] = 1
            for inner in range(child + 1):
                for kind in range(3):
                    extents[d] *= factors[row, inner, kind, d]
        if elements_of(problem, extents, operand) == 1:
            return steps
        path[steps] = child
        steps += 1


@kernel
def rank_spans(
    problem: ProblemColumns,
    zeros: ZeroColumns,
    mapping: MappingColumns,
    row: int,
    level: int,
    operand: int,
    scratch: Scratch,
) -> bool:
    """Elements under each rank of an operand's tile at a level; whether its ranks can hold it."""
    steps = find_path(problem, zeros, mapping, row, level, operand, scratch)
    path, extents, loops, spans = scratch.path, scratch.extents, scratch.loops, scratch.spans
    for d in range(extents.size):
        extents[d] = 1
    groups = 0
    first = 0
    for step in range(steps - 1, -1, -1):
        at = path[step]
        count = list_loops(problem.rank, mapping, row, operand, first, at, loops)
        first = at + 1
        start, wanted = zeros.stored[at, operand, FIRST_RANK], zeros.stored[at, operand, RANK_COUNT]
        if start < 0:  # no format: one rank of all loops
            start, wanted = 0, 1
            for i in range(count):
                loops[RANK, i] = 0
        elif wanted < groups or not give_loops(
            loops,
            count,
            zeros.ranks,
            start + groups,
            start + wanted,
            zeros.stored[at, operand, INWARDS] == 1,
        ):
            return False
        i = 0
        for r in range(groups, wanted):
            while i < count and loops[RANK, i] == start + r:
                extents[loops[DIM, i]] *= loops[COUNT, i]
                i += 1
            spans[r] = elements_of(problem, extents, operand)
            scratch.places[r] = box_row(zeros, operand, extents)
        groups = wanted
    return True


@kernel
def tile_bits(
    problem: ProblemColumns,
    zeros: ZeroColumns,
    mapping: MappingColumns,
    row: int,
    level: int,
    operand: int,
    memo: Memo,
    scratch: Scratch,
) -> tuple[float, float]:
    """Bits of metadata of an operand's tile at a level that has a format; TOO_FEW ranks.

    Those expected, and of a known mask those that no tile exceeds.
    """
    stored, ranks, boxes = zeros.stored, zeros.ranks, zeros.boxes
    spans, places = scratch.spans, scratch.places
    if not rank_spans(problem, zeros, mapping, row, level, operand, scratch):
        return TOO_FEW, TOO_FEW
    start, count = stored[level, operand, FIRST_RANK], stored[level, operand, RANK_COUNT]
    one = 0 if stored[level, operand, INWARDS] == 1 else count - 1  # counts even with one coordinate
    tile = spans[count - 1]
    width = zeros.width_bits[level]
    first = int(zeros.operands[operand, LOCATED])
    mean = first >= 0 or zeros.rounding == MEAN
    most = boxes[places[count - 1], MOST] if first >= 0 else 0.0
    tiles = zeros.operands[operand, ELEMENTS] / tile
    bits = 0.0
    worst = 0.0
    inside = 1
    data = True
    within = first
    for r in range(count):
        elements = spans[r]
        if elements > inside or r == one:
            kind = ranks[start + r, KIND]
            for_data = stored_bits(width, ranks[start + r, METADATA_BITS])
            for_payload = 0.0 if data else stored_bits(width, ranks[start + r, PAYLOAD_BITS])
            if mean:
                across = elements / inside
                if first >= 0:
                    number, there = boxes[places[r], SOME] / tiles, boxes[within, SOME] / tiles
                else:
                    number = tile / elements * some(float(elements), zeros.operands[operand])
                    there = tile / inside * some(float(inside), zeros.operands[operand])
                metadata, payload = mean_words(kind, number, across, there)
                number, there = min(float(tile / elements), most), min(float(tile / inside), most)
                full = mean_words(kind, number, across, there)
                worst += full[0] * for_data + full[1] * for_payload
            else:
                metadata, payload = remembered_words(kind, elements, inside, tile, operand, zeros, memo)
            bits += metadata * for_data + payload * for_payload
            data = False
        inside = elements
        within = places[r]
    return bits, worst if first >= 0 else bits


@kernel
def stored_bits(width: int, bits: int) -> float:
    """Bits that a word takes in a memory of so many bits an access, of which none straddles two."""
    if bits == 0:
        return 0.0
    return width / max(width // bits, 1)
