"""Input positions that tiles of output positions touch, in closed form: tiles are counted, never listed.

Tile t of one axis holds outputs t T, ..., t T + T - 1 and touches the input interval [t T s - pad,
t T s - pad + (T - 1) s + reach), clipped to the input that exists.
The clipped length is zero outside some tiles and
concave in t between them, so its largest value lies where a clip begins or ends, and its sum is that of three
arithmetic series.
"""

from typing import NamedTuple


class Window(NamedTuple):
    """How one axis of outputs reads one axis of inputs."""

    stride: int
    reach: int  # dilated kernel size
    pad: int  # positions before the input
    existing: int  # input size


def touched(window: Window, start: int, positions: int) -> int:
    """Existing inputs of the bounding interval of `positions` outputs from `start` on; 0 for padding only."""
    first = start * window.stride - window.pad
    last = first + (positions - 1) * window.stride + window.reach
    return max(min(last, window.existing) - max(first, 0), 0)


def _above(number: int, slope: int, at: int) -> int:
    """Sum over t = 0, ..., number - 1 of max(slope t + at, 0), for a slope above 0."""
    first = max(-(at // slope), 0)  # the first t whose term is not negative
    terms = number - first
    return terms * at + slope * (first + number - 1) * terms // 2 if terms > 0 else 0


def largest_and_total(window: Window, extent: int, tile: int) -> tuple[int, int]:
    """Largest and total number of inputs touched by the tiles of an axis of `extent` outputs."""
    whole, rest = divmod(extent, tile)
    step = tile * window.stride
    length = (tile - 1) * window.stride + window.reach
    begins = [-(-window.pad // step), (window.existing - length + window.pad) // step]
    near = {min(max(t, 0), whole - 1) for begin in begins for t in (begin - 1, begin, begin + 1)}
    largest = max(touched(window, t * tile, tile) for t in near)
    # length - what lies before the input - what lies behind it, where those do not meet
    before, behind = window.pad, length - window.pad - window.existing
    seen = range(max((before - length) // step + 1, 0), min(-(-(window.existing + before) // step), whole))
    total = 0
    if seen:
        start, number = seen[0], len(seen)
        total = number * length - _above(number, step, start * step + behind)
        total -= _above(number, step, before - (start + number - 1) * step)  # from the last tile backwards
    if rest:
        at_end = touched(window, whole * tile, rest)
        return max(largest, at_end), total + at_end
    return largest, total
