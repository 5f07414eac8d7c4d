"""The order of the loops over the tiles of a nest, and what it leaves where it is.

Main memory is outside, one on-chip level inside, the array at the centre. A tile stays on chip until one of
its own indices changes, so an operand is fetched once for every turn of the loops down to the innermost one
that indexes it. Of the six orders only the innermost loop matters:

    innermost M   weights stay: each weight once, inputs nK times, partial sums spill nC - 1 times
    innermost K   inputs stay: each input once, weights nM times, partial sums spill nC - 1 times
    innermost C   outputs stay: nothing spills, weights nM times, inputs nK times

because the operand that the innermost loop does not index sees both other loops, whatever their order, and
the other two see all three. A loop of one turn is no loop: its order costs what the next loop's does.

So may the array keep what it holds: where a tile is one fold and the innermost loop does not index the held
operand, the next tile streams on behind this one, as if both were one.
"""

from hwmodels.accelerate import inlined
from hwmodels.kernels.two_level.layout import SYSTOLIC, UNROLLED
from hwmodels.kernels.two_level.room import APART, Channels, Pixels
from hwmodels.kernels.two_level.systolic import INPUT_STATIONARY, OUTPUT_STATIONARY, WEIGHT_STATIONARY
from hwmodels.kernels.two_level.terms import Counts

ANY = -1
INNERMOST_M = 0
INNERMOST_K = 1
INNERMOST_C = 2


@inlined
def loop_turns(innermost: int, n_k: float, n_c: float, n_m: float) -> tuple[float, float, float]:
    """How often each operand passes the main-memory port: weights, inputs, and spills of the partial sums.

    A loop of a single turn cannot be innermost (its order is another one's): weights are then negative.
    """
    if innermost == INNERMOST_M and (n_m > 1.0 or (n_k == 1.0 and n_c == 1.0)):
        return 1.0, n_k, n_c - 1.0
    if innermost == INNERMOST_K and n_k > 1.0:
        return n_m, 1.0, n_c - 1.0
    if innermost == INNERMOST_C and n_c > 1.0:
        return n_m, n_k, 0.0
    return -1.0, 0.0, 0.0


@inlined
def turns_apart(innermost: int, n_k: float, n_c: float, n_m: float) -> tuple[float, float, float]:
    """As `loop_turns`, where tiles of images run one after the other, a group's outermost loop.

    Weights that are one tile stay; others are loaded by every tile of images.
    """
    if innermost != INNERMOST_M:
        return loop_turns(innermost, n_k, n_c, n_m)
    if n_k == 1.0 and n_c == 1.0:
        return 1.0, 1.0, 0.0
    return -1.0, 0.0, 0.0


@inlined
def turns_of(chosen: tuple[int, int], n_k: float, n_c: float, n_m: float) -> tuple[float, float, float]:
    """Turns of the innermost loop and the way tiles fit that were chosen; see `loop_turns`, `turns_apart`."""
    order, place = chosen
    if place == APART:
        return turns_apart(order, n_k, n_c, n_m)
    return loop_turns(order, n_k, n_c, n_m)


@inlined
def some_stay(counts: Counts, m: Pixels) -> bool:
    """Whether what the array holds may stay in it for tiles of positions, beside some tiles of K and C.

    Only behind double buffers does the next tile wait for nothing. Taps that take steps of their own change
    weights and inputs within a tile.
    """
    if counts.double == 0 or (counts.interconnect != SYSTOLIC and counts.interconnect != UNROLLED):
        return False
    if counts.flow == WEIGHT_STATIONARY:
        return counts.taps == 1.0
    return m.steps == m.tiles and (counts.flow == OUTPUT_STATIONARY or counts.taps == 1.0)


@inlined
def may_stay(counts: Counts, k: Channels, m: Pixels) -> bool:
    """Whether it may for tiles of K and positions, beside some tiles of C."""
    return some_stay(counts, m) and (counts.flow == INPUT_STATIONARY or k.steps == k.tiles)


@inlined
def stays(counts: Counts, tiles: tuple[Channels, Channels, Pixels], chosen: tuple[int, int]) -> bool:
    """Whether what the array holds stays in it from a tile to the next; `chosen` as in `turns_of`.

    Runs of images that are loaded, computed and stored one after the other (`room.APART`) empty the array:
    what it holds stays within a run, which has no loop over positions.
    """
    k, c, m = tiles
    order, place = chosen
    if not may_stay(counts, k, m):
        return False
    if counts.flow == OUTPUT_STATIONARY:
        return order == INNERMOST_C
    if c.steps != c.tiles:
        return False
    if counts.flow == INPUT_STATIONARY:
        return order == INNERMOST_K
    return order == INNERMOST_M and place != APART
