"""Tiles and steps of a fixed tiling, one by one."""

import itertools
import math


def cycles(sizes, unroll, tile, share):
    """Sum over all tiles of the steps through each, times the share, rounded up a tile."""
    pieces = []
    for name in "nkcpqrs":
        step = sizes[name] if name in "rs" else tile[name]
        pieces.append([range(at, min(at + step, sizes[name])) for at in range(0, sizes[name], step)])
    total = 0
    for one in itertools.product(*pieces):
        steps = 0
        for _ in itertools.product(
            *(part[:: unroll[name]] for name, part in zip("nkcpqrs", one, strict=True))
        ):
            steps += 1
        total += math.ceil(steps * share)
    return total * sizes["g"]
