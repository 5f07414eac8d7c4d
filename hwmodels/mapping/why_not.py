"""Why no mapping fits: the level, the operand, the bytes needed, and the capacity that would do."""

from collections.abc import Callable, Mapping
from math import ceil, inf, prod

import numpy as np

from hwmodels.kernels.nest.columns import ACROSS, DOWN, Factors, Small
from hwmodels.mapping.mapspace import Mapspace

Held = Callable[[str, Mapping[str, float]], Mapping[str, float]]


def explain(space: Mapspace, chains: list[Factors], keeps: list[Small], held: Held | None = None) -> str:
    """Say in one line why no mapping of a space fits.

    Parameters
    ----------
    space
        The mapspace; no mapping of it fits.
    chains
        Its chains by dimension.
    keeps
        Its choices of operands kept.
    held
        Words that the tiles of operands take at a level, by its name, where they are compressed.

    Returns
    -------
    str
        The first level (from the inside) whose least tiles exceed its capacity, the operand that takes most
        of it, the bytes needed and the bytes there are, and the smallest capacity that would do; else the
        fanout or parallelism that cannot be met; else that limits fail only in combination.

    """
    if not keeps:
        return _kept_nowhere(space)
    least = _least_extents(space, chains)
    for index, level in enumerate(space.architecture.levels):
        usable = level.usable_words
        kept = dict.fromkeys(tuple(keep[index].tolist()) for keep in keeps)  # each choice once, in order
        tiles = [_tiles(space, least[index], choice) for choice in kept]
        choices = tiles if held is None else [held(level.name, words) for words in tiles]
        needed = min(choices, key=lambda tiles: sum(tiles.values()))
        words = sum(needed.values())
        if words > usable:
            operand = max(needed, key=lambda name: needed[name])
            enough = ceil(words * level.multiple_buffering * level.word_bits / 8)
            return (
                f"{space.problem.name}: no mapping fits {level.name}: {operand} alone needs "
                f"{_bytes(needed[operand], level.word_bits):,} bytes and all operands there "
                f"{_bytes(words, level.word_bits):,}, but {_bytes(usable, level.word_bits):,} can be used; "
                f"a capacity of {enough:,} bytes would do"
            )
    for index, level in enumerate(space.architecture.levels):
        for kind, fanout, axis in ((ACROSS, level.fanout_x, "X"), (DOWN, level.fanout_y, "Y")):
            spread = prod(int(chain[:, index, kind].min()) for chain in chains)
            if spread > fanout:
                return (
                    f"{space.problem.name}: no mapping fits {level.name}: the constraints ask for {spread} "
                    f"instances along {axis}, but there are {fanout}"
                )
    most = prod(int(chain[:, :, (ACROSS, DOWN)].prod(axis=(1, 2)).max()) for chain in chains)
    wanted = space.constraints.min_parallelism * space.architecture.macs
    if most < wanted:
        return (
            f"{space.problem.name}: no mapping occupies {wanted:g} MACs, the least parallelism asked for; "
            f"the constraints allow {most}"
        )
    return f"{space.problem.name}: no mapping fits: its limits can be met one by one, but not together"


def _kept_nowhere(space: Mapspace) -> str:
    """Name the operand that no level may keep, and what is in the way at each."""
    for operand in space.problem.operands:
        reasons = []
        for level in space.architecture.levels:
            if operand.name in space.constraints.at(level.name).bypass:
                reasons.append(f"{level.name} is told to bypass it")
            elif not level.may_keep(operand.name):
                reasons.append(f"{level.name} may not hold it")
        if len(reasons) == len(space.architecture.levels):
            return f"{space.problem.name}: {operand.name} is kept at no level: {', '.join(reasons)}"
    return f"{space.problem.name}: the constraints keep some operand at no level"


def _least_extents(space: Mapspace, chains: list[Factors]) -> list[dict[str, int]]:
    """Extents of the smallest tiles that the chains allow, by level and dimension."""
    sizes = [np.cumprod(chain.prod(axis=2, dtype=np.int64), axis=1).min(axis=0) for chain in chains]
    names, bounds = space.problem.dimensions, space.problem.bounds
    return [
        {d: min(int(size[index]), bound) for d, size, bound in zip(names, sizes, bounds, strict=True)}
        for index in range(len(space.architecture.levels))
    ]


def _tiles(space: Mapspace, extents: dict[str, int], kept: tuple[int, ...]) -> dict[str, int]:
    """Words of the tiles of the operands kept."""
    operands = space.problem.operands
    return {o.name: o.elements(extents) for o, keeps in zip(operands, kept, strict=True) if keeps}


def _bytes(words: float, bits: int) -> int:
    return 0 if words == inf else ceil(words * bits / 8)
