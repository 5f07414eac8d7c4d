"""Density models by brute force: write out every mask, visit every tile, count. Slow and obvious."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import prod

Mask = dict[tuple[int, ...], bool]
Law = dict[int, Fraction]


def places(shape: Sequence[int]) -> list[tuple[int, ...]]:
    return list(product(*(range(extent) for extent in shape)))


def choices(cells: Sequence[tuple[int, ...]], kept: int) -> Iterator[set[tuple[int, ...]]]:
    yield from (set(chosen) for chosen in combinations(cells, kept))


def uniform_masks(shape: Sequence[int], kept: int) -> Iterator[Mask]:
    for chosen in choices(places(shape), kept):
        yield {place: place in chosen for place in places(shape)}


def masks_by_group(
    shape: Sequence[int], groups: dict[object, list[tuple[int, ...]]], kept: dict[object, int]
) -> Iterator[Mask]:
    """Every way of keeping, in each group of cells, its own number of them."""
    for picks in product(*(list(choices(cells, kept[name])) for name, cells in groups.items())):
        alive = set().union(*picks)
        yield {place: place in alive for place in places(shape)}


def n_m_masks(shape: Sequence[int], n: int, m: int, axis: int) -> Iterator[Mask]:
    groups: dict[object, list[tuple[int, ...]]] = {}
    for place in places(shape):
        groups.setdefault((place[:axis], place[axis] // m, place[axis + 1 :]), []).append(place)
    yield from masks_by_group(shape, groups, dict.fromkeys(groups, n))


def profile_masks(shape: Sequence[int], axis: int, counts: Sequence[int]) -> Iterator[Mask]:
    groups: dict[object, list[tuple[int, ...]]] = {}
    for place in places(shape):
        groups.setdefault(place[axis], []).append(place)
    yield from masks_by_group(shape, groups, dict(enumerate(counts)))


def block_masks(shape: Sequence[int], block: Sequence[int], kept: int) -> Iterator[Mask]:
    def home(place: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(at // side for at, side in zip(place, block, strict=True))

    for chosen in choices(sorted({home(place) for place in places(shape)}), kept):
        yield {place: home(place) in chosen for place in places(shape)}


def channel_masks(shape: Sequence[int], axis: int, kept: int) -> Iterator[Mask]:
    for alive in combinations(range(shape[axis]), kept):
        yield {place: place[axis] in alive for place in places(shape)}


def banded_mask(shape: Sequence[int], half_width: int) -> Mask:
    return {place: abs(place[-2] - place[-1]) <= half_width for place in places(shape)}


def periodic_mask(shape: Sequence[int], patterns: Sequence[Sequence[Sequence[int]]]) -> Mask:
    return {
        place: bool(patterns[(place[0] + place[1] + 1) % len(patterns)][place[2]][place[3]])
        for place in places(shape)
    }


def tile_counts(mask: Mask, shape: Sequence[int], tile: Sequence[int]) -> list[int]:
    found = []
    for corner in places([extent // side for extent, side in zip(shape, tile, strict=True)]):
        count = 0
        for step in places(tile):
            place = tuple(c * t + s for c, t, s in zip(corner, tile, step, strict=True))
            count += mask[place]
        found.append(count)
    return found


def law(masks: Iterable[Mask], shape: Sequence[int], tile: Sequence[int]) -> Law:
    """Exact distribution of a tile's non-zeros over all masks and all whole tiles."""
    seen: Counter[int] = Counter()
    for mask in masks:
        seen.update(tile_counts(mask, shape, tile))
    return {count: Fraction(times, seen.total()) for count, times in seen.items()}


def mean(law: Law) -> Fraction:
    return sum((count * chance for count, chance in law.items()), Fraction(0))


def variance(law: Law) -> Fraction:
    middle = mean(law)
    return sum(((count - middle) ** 2 * chance for count, chance in law.items()), Fraction(0))


def empty(law: Law) -> Fraction:
    return law.get(0, Fraction(0))


def at_most(law: Law, confidence: Fraction) -> int:
    total = Fraction(0)
    for count in sorted(law):
        total += law[count]
        if total >= confidence:
            return count
    return max(law)


def to_array(mask: Mask, shape: Sequence[int]) -> list[int]:
    """Flat row-major zeros and ones."""
    assert len(mask) == prod(shape)
    return [int(mask[place]) for place in places(shape)]
