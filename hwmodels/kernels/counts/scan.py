"""Scans of count vectors: the best of a front under the prices and speeds of each configuration."""

from math import ceil, inf
from typing import NamedTuple

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.kernels.nest.search import objective_of


class Vectors(NamedTuple):
    """What each count vector costs any machine of its form, before prices; L levels."""

    amounts: Floats  # (N, L, 3): accesses read, filled, updated
    words: Floats  # (N, L, 2): words read and written by all instances
    use: Floats  # (N, L): instances that are used
    steps: Floats  # (N,)


class Configs(NamedTuple):
    """Prices and speeds of configurations."""

    prices: Floats  # (n, L, 3): pJ an access
    rates: Floats  # (n, L, 3): words a cycle of the read, write and shared port
    hidden: Ints  # (n, L): whether transfers hide behind computation
    mac_pj: Floats  # (n,)
    leak_pj: Floats  # (n,): of a cycle


@kernel
def port_cycles(words: Floats, use: float, rates: Floats) -> float:
    """Cycles of the busiest port of a level; `words` read and written, `rates` of its three ports.

    Divided in the order in which the engine divides: what rounds up there must round up here.
    """
    busy = 0.0
    if rates[0] < inf:
        busy = max(busy, float(ceil(words[0] / (rates[0] * use))))
    if rates[1] < inf:
        busy = max(busy, float(ceil(words[1] / (rates[1] * use))))
    if rates[2] < inf:
        busy = max(busy, float(ceil((words[0] + words[1]) / (rates[2] * use))))
    return busy


@kernel
def choose(
    vectors: Vectors,
    start: Ints,
    rows: Ints,
    macs: float,
    configs: Configs,
    buckets: Ints,
    objective: int,
    best: Ints,
) -> None:
    """Fill `best` (n,) with the vector that each configuration does best with, -1 where none fits.

    Vectors `rows[start[b]:start[b + 1]]` fit bucket b. Of equal ones the quicker is taken, then the
    thriftier.
    """
    amounts, words, use, steps = vectors
    levels = amounts.shape[1]
    for c in range(buckets.size):
        best[c] = -1
        least = quickest = thriftiest = inf
        for at in range(start[buckets[c]], start[buckets[c] + 1]):
            v = rows[at]
            energy = macs * configs.mac_pj[c]
            longest = steps[v]
            exposed = 0.0
            for level in range(levels):
                for kind in range(3):
                    energy += amounts[v, level, kind] * configs.prices[c, level, kind]
                busy = port_cycles(words[v, level], use[v, level], configs.rates[c, level])
                if configs.hidden[c, level] == 1:
                    longest = max(longest, busy)
                else:
                    exposed += busy
            cycles = longest + exposed
            energy += configs.leak_pj[c] * cycles
            value = objective_of(objective, cycles, energy)
            if value < least or (
                value == least and (cycles < quickest or (cycles == quickest and energy < thriftiest))
            ):
                least, quickest, thriftiest = value, cycles, energy
                best[c] = v
