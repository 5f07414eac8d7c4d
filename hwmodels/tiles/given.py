"""The mapspace of an operation whose tiles are given: lists of one candidate each."""

from collections.abc import Callable, Sequence

from hwmodels.tiles.positions import Candidate, Positions, candidate, position_candidates
from hwmodels.tiles.sizes import Cut, cut
from hwmodels.tiles.steps import Nest
from hwmodels.tiling import Tiling, TilingError

Whole = Callable[[Nest], Sequence[float]]
"""What makes the list of a nest and takes its largest candidate: the dimension as a single tile."""


def given_channels(nest: Nest, dimension: str, size: int, whole: Whole) -> Cut:
    """Cut K or C into tiles of `size`; a tile takes the steps of a nest that has no more than it."""
    return cut(getattr(nest, dimension), size, lambda tile: int(whole(nest._replace(**{dimension: tile}))[3]))


def given_positions(nest: Nest, on: Positions, size: int) -> Candidate:
    """Cut positions into tiles of `size`: whole images, rows of one image or columns of one row.

    Raises
    ------
    ValueError
        If `size` is none of these; the message says what would do.

    """
    axis, unit, extent, turns = shape(nest, size)

    def steps(tile: int) -> int:
        sizes = {"n": 1, "p": 1, "q": tile} if axis == 2 else {"n": 1, "p": tile}
        inside = nest._replace(n=tile) if axis == 0 else nest._replace(**sizes)
        return next(one.steps for one in position_candidates(inside, on) if one.tiles == 1)

    one = cut(extent, size // unit, steps)
    return candidate(nest, on, axis, one._replace(tiles=one.tiles * turns, steps=one.steps * turns))


def shape(nest: Nest, size: int) -> tuple[int, int, int, int]:
    """Axis that tiles of positions cut, positions of one of its elements, its extent, and turns around it."""
    plane = nest.p * nest.q
    if size % plane == 0 and size // plane <= nest.n:
        return 0, plane, nest.n, 1
    if size % nest.q == 0 and size // nest.q <= nest.p:
        return 1, nest.q, nest.p, nest.n
    if size <= nest.q:
        return 2, 1, nest.q, nest.n * nest.p
    raise TilingError(
        f"Tiling.positions must be whole images (up to {nest.n} of {plane} positions), whole rows (up to "
        f"{nest.p} of {nest.q}) or columns (up to {nest.q}), got {size}",
        path="positions",
    )


def check_tiling(nest: Nest, tiling: Tiling) -> None:
    """Refuse tiles that are larger than the operation, or an innermost loop of one turn.

    Raises
    ------
    ValueError
        Naming the field, its value and what would do.

    """
    for name in ("k", "c"):
        if getattr(tiling, name) > getattr(nest, name):
            raise TilingError(
                f"Tiling.{name} must be at most the operation's {getattr(nest, name)} channels a group, "
                f"got {getattr(tiling, name)}",
                path=name,
            )
    _, unit, extent, around = shape(nest, tiling.positions)
    turns = {
        "positions": -(-extent * unit // tiling.positions) * around,
        "k": -(-nest.k // tiling.k),
        "c": -(-nest.c // tiling.c),
    }
    loops = [name for name, number in turns.items() if number > 1] or ["positions"]
    if tiling.innermost and tiling.innermost not in loops:
        raise TilingError(
            f"Tiling.innermost must be a loop of more than one turn ({', '.join(loops)}) or left out, "
            f"got {tiling.innermost}",
            path="innermost",
        )
