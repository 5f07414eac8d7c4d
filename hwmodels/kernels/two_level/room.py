"""Which tiles fit: what of each operand is held on chip, and in which buffer.

Candidates of K and C get smaller along their lists, so that those that fit are the end of a list; only the
first, a single tile, may fit where the next, held twice, does not.
"""

from typing import NamedTuple

from hwmodels.accelerate import inlined
from hwmodels.kernels.two_level.terms import Counts

SIZE, TILES, LAST, STEPS = 0, 1, 2, 3  # fields of `tiles.sizes.Cut`, and the first of a `Candidate`
INPUT_LARGEST, INPUT_TOTAL, DISTINCT, IMAGES = 4, 5, 6, 7

FITS = 0
DRAINED = 1  # group by group
TOO_LARGE = 2
APART = 3  # drained image by image, in every group


@inlined
def fits(counts: Counts, weight_need: float, input_need: float, output_need: float) -> bool:
    """Whether a tile of each operand, doubled where it is reloaded, finds room where that operand lives."""
    shared = 0.0
    if counts.weight_cap == 0.0:
        shared += weight_need
    elif weight_need > counts.weight_cap:
        return False
    if counts.input_cap == 0.0:
        shared += input_need
    elif input_need > counts.input_cap:
        return False
    if counts.output_cap == 0.0:
        shared += output_need
    elif output_need > counts.output_cap:
        return False
    if weight_need * counts.weight_mask + input_need * counts.input_mask > counts.mask_cap:
        return False
    return shared <= counts.shared_cap


@inlined
def doubled(need: float, loads: float, double: int) -> float:
    """Bytes kept for an operand: twice its tile where it is loaded again while the last one is in use."""
    return 2.0 * need if double == 1 and loads > 1.0 else need


class Channels(NamedTuple):
    """A candidate of K or C; see `tiles.sizes.Cut`."""

    size: float
    tiles: float
    last: float
    steps: float


class Pixels(NamedTuple):
    """A candidate of positions; see `tiles.positions.Candidate`."""

    size: float
    tiles: float
    last: float
    steps: float
    input_largest: float
    input_total: float
    distinct: float
    images: float


class Held(NamedTuple):
    """Tiles of positions: bytes of an operand for a channel of K or C, and how often tiles are loaded."""

    input_b: float  # of the largest tile
    output_b: float
    loads: float  # by tiles of positions
    groups: float
    may_drain: int
    may_part: int


@inlined
def room(counts: Counts, held: Held, k_size: float, n_k: float, c_size: float, n_c: float) -> int:
    """Whether tiles fit (`FITS`), do when runs are drained (`DRAINED`, `APART`), or neither."""
    weight = k_size * c_size * counts.window * counts.weight_b
    inputs = held.input_b * c_size
    output = held.output_b * k_size
    if fits(
        counts,
        doubled(weight, n_k * n_c * held.groups, counts.double),
        doubled(inputs, held.loads * n_c * held.groups, counts.double),
        doubled(output, n_k * held.loads * held.groups, counts.double),
    ):
        return FITS
    if held.may_drain == 1 and fits(
        counts,
        doubled(weight, n_k * n_c, counts.double),
        doubled(inputs, held.loads * n_c, counts.double),
        doubled(output, n_k * held.loads, counts.double),
    ):
        return DRAINED
    if held.may_part == 1 and fits(
        counts,
        doubled(weight, n_k * n_c, counts.double),
        doubled(inputs, n_c, counts.double),
        doubled(output, n_k, counts.double),
    ):
        return APART
    return TOO_LARGE


@inlined
def held_of(counts: Counts, m: Pixels) -> Held:
    """Collect what tiles of positions hold on chip, and whether their runs may be drained."""
    return Held(
        input_b=m.input_largest * counts.input_b,
        output_b=m.size * counts.sum_b,
        loads=m.tiles,
        groups=counts.groups,
        may_drain=1 if counts.double == 1 and counts.groups > 1.0 else 0,
        may_part=1 if counts.double == 1 and m.images == 1.0 else 0,
    )


@inlined
def fits_with_some(
    counts: Counts, held: Held, k_size: float, n_k: float, all_c: float, least_c: float, most_c: float
) -> bool:
    """Whether a tile of K fits beside the smallest tile of C or beside all of C, which is held once."""
    if room(counts, held, k_size, n_k, least_c, most_c) != TOO_LARGE:
        return True
    return most_c > 1.0 and room(counts, held, k_size, n_k, all_c, 1.0) != TOO_LARGE


_EXACT = 1.0 + 1e-9
"""What the rounding of a share may not decide."""


@inlined
def least_tiles(whole_b: float, cap: float, double: int) -> float:
    """Tiles that an operand is cut into at least for one to fit a buffer, twice where it is double.

    A single tile is held once. An operand without a buffer of its own, `cap` 0, may be whole.
    """
    if cap <= 0.0 or whole_b <= cap * _EXACT:
        return 1.0
    return whole_b / cap * (2.0 if double == 1 else 1.0)


@inlined
def least_k(counts: Counts, held: Held) -> float:
    """Tiles of K that there are at least beside a tile of positions."""
    return least_tiles(held.output_b * counts.all_k, counts.output_cap, counts.double)


@inlined
def least_c(counts: Counts, held: Held, k_size: float) -> float:
    """Tiles of C that there are at least beside tiles of K (0: of any) and positions."""
    weight_b = k_size * counts.all_c * counts.window * counts.weight_b
    return max(
        least_tiles(weight_b, counts.weight_cap, counts.double),
        least_tiles(held.input_b * counts.all_c, counts.input_cap, counts.double),
    )
