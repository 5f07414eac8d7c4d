"""Tiles of a chain along one axis of the positions: what each nest computes, and what it finds there already.

Tiles cut what the last nest of a chain writes. Going backwards, the nest before it must have computed the
rows that the windows of a tile touch,

    [lo, hi)  ->  [lo * stride - pad, (hi - 1) * stride - pad + dilation * (kernel - 1) + 1),

clipped to what exists. Rows that two tiles touch, the *halo*, are computed twice (`recompute`), or kept from
one tile to the next (`keep`).
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from workloads.errors import InputError, shown

HALOS: Final = ("keep", "recompute")
"""What becomes of rows that two tiles touch."""


class Window(NamedTuple):
    """How a nest's outputs look at its inputs along an axis."""

    outputs: int
    inputs: int  # that exist
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    pad: int = 0


class Part(NamedTuple):
    """What one nest does for one tile: rows computed, rows of input at hand, and of these, kept before."""

    computed: int
    at_hand: int
    kept: int


Step = tuple[Part, ...]
"""Parts of the nests of a chain for one tile, first nest first."""


def steps(windows: Sequence[Window], tile: int, halo: str) -> Counter[Step]:
    """Cut an axis of a chain into tiles.

    Parameters
    ----------
    windows
        The nests of a chain, first to last: what one puts out the next takes in.
    tile
        Outputs of the last nest in a tile; the last tile may be smaller.
    halo
        "keep" or "recompute".

    Returns
    -------
    Counter
        How many tiles there are of each kind.

    Examples
    --------
    Two 3 x 3 layers on 8 rows, tiles of 4: the first tile has rows of padding above, the second one below.

    >>> layer = Window(8, 8, kernel=3, pad=1)
    >>> sorted(steps([layer, layer], 4, "recompute").items())
    [((Part(computed=5, at_hand=6, kept=0), Part(computed=4, at_hand=5, kept=0)), 2)]
    >>> sorted(steps([layer, layer], 4, "keep"))[0]
    (Part(computed=3, at_hand=4, kept=2), Part(computed=4, at_hand=5, kept=2))

    """
    if halo not in HALOS:
        raise InputError(f"halo must be one of {', '.join(HALOS)}, got {shown(halo)}", path="halo")
    return _steps(tuple(windows), tile, halo)


@lru_cache(maxsize=1024)
def _steps(windows: tuple[Window, ...], tile: int, halo: str) -> Counter[Step]:
    """See `steps`; groups share the ends of their chains."""
    found: Counter[Step] = Counter()
    made = [0] * len(windows)  # outputs of each nest that were computed before
    seen = [0] * len(windows)  # inputs of each nest that were at hand before
    for begin in range(0, windows[-1].outputs, tile):
        low, high = begin, min(begin + tile, windows[-1].outputs)
        parts: list[Part] = []
        for i in range(len(windows) - 1, -1, -1):
            if halo == "keep":
                low = max(low, made[i])
                made[i] = max(made[i], high)
            window = windows[i]
            if low >= high:  # all there already
                parts.append(Part(0, 0, 0))
                low = high = 0
                continue
            computed = high - low
            low, high = _touched(window, low, high)
            kept = max(0, min(seen[i], high) - low) if halo == "keep" else 0
            seen[i] = max(seen[i], high)
            parts.append(Part(computed, high - low, kept))
        found[tuple(reversed(parts))] += 1
    return found


def _touched(window: Window, low: int, high: int) -> tuple[int, int]:
    """Inputs that the windows of some outputs touch, as far as they exist."""
    first = low * window.stride - window.pad
    last = (high - 1) * window.stride - window.pad + window.dilation * (window.kernel - 1) + 1
    begin = min(max(first, 0), window.inputs)
    return begin, max(begin, min(last, window.inputs))


def tile_sizes(outputs: int, most: int = 16) -> list[int]:
    """Tiles that cut an axis into 1, 2, 4, ... equal parts, the last of them perhaps smaller; whole first."""
    sizes: list[int] = []
    parts = 1
    while parts <= min(outputs, most):
        size = -(-outputs // parts)
        if size not in sizes:
            sizes.append(size)
        parts *= 2
    return sizes
