"""How a tile slides over its operand: what it still shares with the next one, by where it has been.

A tile that was stored somewhere and has moved since is told by its size and its way back to the start, rank
by rank. Of those *states* only the ones are kept whose steps may still share words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import NamedTuple

import numpy as np

from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.mapping.lattice import prime_powers
from hwmodels.mapping.problem import Operand, Problem
from hwmodels.mapping.rules import Reuse

INPUT = 1
"""The operand whose windows slide, by its place in `hwmodels.counts.form.LETTERS`."""
Profile = tuple[tuple[int, int], ...]  # by window: size, and how far the loops so far have moved it


class Slides(NamedTuple):
    """States of a sliding tile; S states, A prime steps of the nest, X tiles of the windows' dimensions."""

    of_tile: Ints  # (T,): tile of the windows' dimensions
    first: Ints  # (X,): state of a tile that was stored there, -1 where no step shares words
    begin: Ints  # (X + 1,): states at each tile
    after: Ints  # (S, A): state after a step outwards, -1 where none shares words any more
    saved: Floats  # (S, A): words that all but the first iteration of the step share, of the windows' ranks
    still: Ints  # (S,): 1 where nothing has moved the tile yet
    crossed: Ints  # (S, X): state where spatial loops of those extents follow, -1 where none
    dims: Ints  # (A,): dimension of a step
    beside: Floats  # (T,): words of the other ranks
    visits: Floats  # (T,): iterations outside a tile


@dataclass(frozen=True)
class _Walk:
    """Steps of the windows' dimensions: tiles are tuples of extents."""

    bounds: tuple[int, ...]
    ranks: tuple[tuple[tuple[int, int], ...], ...]  # by window: places and coefficients of its two dimensions
    waits: bool  # whether the operand rests over a dimension
    reuse: Reuse

    def sizes(self, tile: tuple[int, ...]) -> Profile:
        """Profile of what is stored at a tile."""
        return tuple((1 + sum(c * (tile[d] - 1) for d, c in rank), 0) for rank in self.ranks)

    def kept(self, tile: tuple[int, ...], profile: Profile, moving: int) -> int:
        """Words shared over a step along a dimension; -1: one that the operand rests over."""
        words = 1
        for rank, (size, back) in zip(self.ranks, profile, strict=True):
            shift = sum(c * tile[d] for d, c in rank if d == moving) - back
            if self.reuse is Reuse.NOTHING and shift:
                return 0
            words *= max(0, size - abs(shift))
        return words

    def moved(self, tile: tuple[int, ...], profile: Profile, moving: int, times: int) -> Profile:
        """Profile after a step."""
        return tuple(
            (size, back + sum(c * tile[d] * (times - 1) for d, c in rank if d == moving))
            for rank, (size, back) in zip(self.ranks, profile, strict=True)
        )

    def steps(self, tile: tuple[int, ...]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Dimension, prime and tile of every step outwards."""
        for d, (extent, bound) in enumerate(zip(tile, self.bounds, strict=True)):
            for prime, _ in prime_powers(bound // extent):
                yield d, prime, (*tile[:d], extent * prime, *tile[d + 1 :])


def _moved(profile: Profile) -> bool:
    """Whether loops have moved a tile since it was stored; one that rests before is as well stored later."""
    return any(back for _, back in profile)


def windows_of(operand: Operand) -> tuple[str, ...]:
    """Dimensions of ranks of two terms."""
    return tuple(d for rank in operand.ranks if len(rank) > 1 for d, _ in rank)


def slides_of(
    problem: Problem, axes: tuple[tuple[int, int], ...], extents: Ints, reuse: Reuse, most: int
) -> Slides | None:
    """Tabulate the states of a nest's windows; None where they are more than `most`."""
    operand = problem.operands[INPUT]
    names = windows_of(operand)
    place = {problem.dimensions.index(name): i for i, name in enumerate(names)}
    walk = _Walk(
        bounds=tuple(problem.extents[name] for name in names),
        ranks=tuple(tuple((names.index(d), c) for d, c in rank) for rank in operand.ranks if len(rank) > 1),
        waits=any(d not in operand.dimensions for d in problem.dimensions),
        reuse=reuse,
    )
    columns = extents[:, list(place)]
    tiles, of_tile = np.unique(columns, axis=0, return_inverse=True)
    states = _states(walk, [tuple(map(int, tile)) for tile in tiles], most)
    if states is None:
        return None
    numbers = {state: i for i, state in enumerate(states)}
    at = {tuple(map(int, tile)): x for x, tile in enumerate(tiles)}
    after = np.full((len(states), len(axes)), -1, dtype=np.int64)
    saved = np.zeros((len(states), len(axes)))
    crossed = np.full((len(states), len(tiles)), -1, dtype=np.int64)
    for i, (tile, profile) in enumerate(states):
        for a, (d, prime) in enumerate(axes):
            if d in place:
                w = place[d]
                if walk.bounds[w] // tile[w] % prime:
                    continue
                reached = (*tile[:w], tile[w] * prime, *tile[w + 1 :])
                saved[i, a] = (prime - 1) * walk.kept(tile, profile, w)
                after[i, a] = numbers.get((reached, walk.moved(tile, profile, w, prime)), -1)
            elif problem.dimensions[d] not in operand.dimensions and _moved(profile):
                saved[i, a] = (prime - 1) * walk.kept(tile, profile, -1)
                after[i, a] = i
        for spread, x in at.items():
            reached = tuple(t * s for t, s in zip(tile, spread, strict=True))
            crossed[i, x] = numbers.get((reached, profile), -1)
    owner = np.array([at[tile] for tile, _ in states])
    ranks = [
        1 + sum(c * (columns[:, names.index(d)] - 1) for d, c in rank)
        for rank in operand.ranks
        if len(rank) > 1
    ]
    whole = [
        1 + sum(c * (extents[:, problem.dimensions.index(d)] - 1) for d, c in rank) for rank in operand.ranks
    ]
    return Slides(
        of_tile=of_tile.reshape(-1).astype(np.int64),
        first=np.array([numbers.get((tile, walk.sizes(tile)), -1) for tile in at], dtype=np.int64),
        begin=np.searchsorted(owner, np.arange(len(tiles) + 1)).astype(np.int64),
        after=after,
        saved=saved,
        still=np.array([not _moved(profile) for _, profile in states], dtype=np.int64),
        crossed=crossed,
        dims=np.array([d for d, _ in axes], dtype=np.int64),
        beside=np.prod(np.stack(whole), axis=0) / np.prod(np.stack(ranks), axis=0),
        visits=(np.array(problem.bounds, dtype=np.float64) / extents).prod(axis=1),
    )


def _states(
    walk: _Walk, tiles: list[tuple[int, ...]], most: int
) -> list[tuple[tuple[int, ...], Profile]] | None:
    """States that some step may still share words of, by tile; None where they are more than `most`.

    Spatial loops may follow at any time: they make steps longer without moving the tile.
    """
    looked = [0]

    @cache
    def promising(tile: tuple[int, ...], profile: Profile) -> bool:
        looked[0] += 1
        if looked[0] > 8 * most:
            return False
        if walk.waits and _moved(profile) and walk.kept(tile, profile, -1):
            return True
        return any(
            walk.kept(tile, profile, d)
            or promising(reached, walk.moved(tile, profile, d, prime))
            or promising(reached, profile)
            for d, prime, reached in walk.steps(tile)
        )

    found: set[tuple[tuple[int, ...], Profile]] = set()
    left = [(tile, walk.sizes(tile)) for tile in tiles]
    while left:
        state = left.pop()
        if state in found or not promising(*state):
            continue
        found.add(state)
        tile, profile = state
        for d, prime, reached in walk.steps(tile):
            left += [(reached, walk.moved(tile, profile, d, prime)), (reached, profile)]
        if len(found) > most or looked[0] > 8 * most:
            return None
    return sorted(found)


def shared_by(problem: Problem, inner: Ints, spread: Ints) -> Floats:
    """Instances that share a word of each operand, (..., O), where tiles `inner` (..., D) are spread.

    Of n and m positions of steps a and b along the two dimensions of a rank n·m − (n − b/g)(m − a/g) differ,
    with g = gcd(a, b).
    """
    places = {d: i for i, d in enumerate(problem.dimensions)}
    columns = []
    for operand in problem.operands:
        different = np.ones(np.broadcast_shapes(inner.shape, spread.shape)[:-1])
        for rank in operand.ranks:
            spreads = [spread[..., places[d]] for d, _ in rank]
            if len(rank) == 1:
                different = different * spreads[0]
                continue
            a, b = (c * inner[..., places[d]] for d, c in rank)
            n, m = spreads
            g = np.gcd(a, b)
            again = np.maximum(0, n - b // g) * np.maximum(0, m - a // g)
            different = different * (n * m - again)
        columns.append(spread.prod(axis=-1) / different)
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def words_of(problem: Problem, extents: Ints) -> Floats:
    """Words of each operand's box over tiles, (O, T)."""
    places = {d: i for i, d in enumerate(problem.dimensions)}
    wide = extents.astype(np.float64)
    return np.array(
        [
            prod(
                (1 + sum(c * (wide[:, places[d]] - 1) for d, c in rank) for rank in o.ranks),
                start=np.ones(len(wide)),
            )
            for o in problem.operands
        ]
    )
