"""Scans of count vectors: the best of a front under the prices and speeds of each configuration."""

from math import ceil, inf, nan
from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel, spliced
from hwmodels.kernels.nest.columns import Floats, Ints
from hwmodels.kernels.nest.search import objective_of


class Vectors(NamedTuple):
    """What each count vector costs any machine of its form, before prices; L levels."""

    amounts: Floats  # (N, L, 3): accesses read, filled, updated
    words: Floats  # (N, L, 2): words read and written by all instances
    use: Floats  # (N, L): instances that are used
    steps: Floats  # (N,)


class Seen(NamedTuple):
    """What main memory sees of each count vector where some of its tensors stay on the chip."""

    amounts: Floats  # (N, 3): accesses read, filled, updated
    crossing: Floats  # (N,): share of its words
    moved: Floats  # (N, 2): words read and written


class Front(NamedTuple):
    """Which vectors fit which bucket of capacities: of bucket b, `rows[start[b]:start[b + 1]]`."""

    start: Ints  # (buckets + 1,)
    rows: Ints
    macs: float  # of the nest
    room: Floats  # (3, vectors of the largest bucket): to work in, see `chip_of`


class Configs(NamedTuple):
    """Prices and speeds of configurations."""

    prices: Floats  # (n, L, 3): pJ an access
    rates: Floats  # (n, L, 3): words a cycle of the read, write and shared port
    hidden: Ints  # (n, L): whether transfers hide behind computation
    mac_pj: Floats  # (n,)
    leak_pj: Floats  # (n,): of a cycle


class Standing(NamedTuple):
    """What turns cycles and words of configurations into seconds, energy and bytes."""

    clock_hz: Floats  # (n,)
    watts: Floats  # (n,): leakage and standby
    word_bytes: Floats  # (n,): of main memory


LATENCY_S, STEPS, READ_BYTES, WRITE_BYTES, COSTED, MAC_J, BUFFER_J, DRAM_J, STATIC_J = range(9)
"""Rows of what `total` adds to."""


@inlined
def port_cycles(
    read: float, written: float, use: float, read_rate: float, write_rate: float, shared_rate: float
) -> float:
    """Cycles of the busiest port of a level; words read and written, and rates of its three ports.

    Divided in the order in which the engine divides: what rounds up there must round up here.
    """
    busy = 0.0
    if read_rate < inf:
        busy = max(busy, float(ceil(read / (read_rate * use))))
    if write_rate < inf:
        busy = max(busy, float(ceil(written / (write_rate * use))))
    if shared_rate < inf:
        busy = max(busy, float(ceil((read + written) / (shared_rate * use))))
    return busy


@spliced
def alike(configs: Configs, c: int, other: int) -> bool:
    """Whether two configurations have the same chip: all levels but the last, and the MACs."""
    prices, rates, hidden, mac_pj, _leak_pj = configs
    same = mac_pj[c] == mac_pj[other]
    for level in range(hidden.shape[1] - 1):
        same = same and hidden[c, level] == hidden[other, level]
        for kind in range(3):
            same = same and prices[c, level, kind] == prices[other, level, kind]
            same = same and rates[c, level, kind] == rates[other, level, kind]
    return bool(same)


@spliced
def chip_of(vectors: Vectors, front: Front, configs: Configs, bucket: int, c: int) -> None:
    """Fill `front.room` with what a bucket's vectors cost on chip: energy, longest, exposed cycles."""
    amounts, words, use, steps = vectors
    prices, rates, hidden, mac_pj, _leak_pj = configs
    start, rows, macs, room = front
    for at in range(start[bucket], start[bucket + 1]):
        v = rows[at]
        energy = macs * mac_pj[c]
        longest = steps[v]
        exposed = 0.0
        for level in range(amounts.shape[1] - 1):
            for kind in range(3):
                energy += amounts[v, level, kind] * prices[c, level, kind]
            busy = port_cycles(
                words[v, level, 0], words[v, level, 1], use[v, level],
                rates[c, level, 0], rates[c, level, 1], rates[c, level, 2],
            )  # fmt: skip
            if hidden[c, level] == 1:
                longest = max(longest, busy)
            else:
                exposed += busy
        at -= start[bucket]
        room[0, at] = energy
        room[1, at] = longest
        room[2, at] = exposed


@spliced
def best_of(vectors: Vectors, front: Front, configs: Configs, bucket: int, objective: int, c: int) -> int:
    """The vector that configuration c does best with, -1 where none fits its bucket.

    Of equal ones the quicker is taken, then the thriftier. `front.room` is as `chip_of` fills it for a chip
    that is alike.
    """
    amounts, words, use, _steps = vectors
    prices, rates, hidden, _mac_pj, leak_pj = configs
    start, rows, _macs, room = front
    memory = amounts.shape[1] - 1
    best = -1
    least = quickest = thriftiest = inf
    first = start[bucket]
    for at in range(start[bucket + 1] - first):
        v = rows[first + at]
        energy, longest, exposed = room[0, at], room[1, at], room[2, at]
        for kind in range(3):
            energy += amounts[v, memory, kind] * prices[c, memory, kind]
        busy = port_cycles(
            words[v, memory, 0], words[v, memory, 1], use[v, memory],
            rates[c, memory, 0], rates[c, memory, 1], rates[c, memory, 2],
        )  # fmt: skip
        if hidden[c, memory] == 1:
            longest = max(longest, busy)
        else:
            exposed += busy
        cycles = longest + exposed
        energy += leak_pj[c] * cycles
        value = objective_of(objective, cycles, energy)
        if value < least or (
            value == least and (cycles < quickest or (cycles == quickest and energy < thriftiest))
        ):
            least, quickest, thriftiest = value, cycles, energy
            best = v
    return best


@kernel
def choose(
    vectors: Vectors, front: Front, configs: Configs, buckets: Ints, objective: int, best: Ints
) -> None:
    """Fill `best` (n,) with the vector that each configuration does best with, -1 where none fits."""
    held = -1
    for c in range(buckets.size):
        if buckets[c] != held or not alike(configs, c, c - 1):
            held = buckets[c]
            chip_of(vectors, front, configs, held, c)
        best[c] = best_of(vectors, front, configs, held, objective, c)


@spliced
def waits_of(
    vectors: Vectors, crossing: Floats, configs: Configs, clock_hz: Floats, v: int, c: int
) -> tuple[float, float, float]:
    """Seconds of what does not hide, of the chip and of main memory: of vector v on configuration c."""
    words, use, steps = vectors.words, vectors.use, vectors.steps
    rates, hidden = configs.rates, configs.hidden
    outside_s = memory_s = 0.0
    chip_s = steps[v] / clock_hz[c]
    memory = use.shape[1] - 1
    for level in range(memory + 1):
        busy = port_cycles(
            words[v, level, 0], words[v, level, 1], use[v, level],
            rates[c, level, 0], rates[c, level, 1], rates[c, level, 2],
        )  # fmt: skip
        seconds = (busy * crossing[v] if level == memory else busy) / clock_hz[c]
        if hidden[c, level] == 0:
            outside_s += seconds
        elif level == memory:
            memory_s = seconds
        else:
            chip_s = max(chip_s, seconds)
    return outside_s, chip_s, memory_s


@kernel
def total(
    vectors: Vectors,
    seen: Seen,
    front: Front,
    configs: Configs,
    standing: Standing,
    places: Ints,
    asked: tuple[int, float, float],
    sums: Floats,
) -> int:
    """Add what each configuration's best vector costs to `sums` (9, m); returns how many fit none.

    latency = launch + sum of what does not hide + max(chip, memory), chip the busiest of the array and the
    levels but the last; the energies are counts times prices, and what stands by over the latency.

    `places` (2, n) are the bucket of each configuration, which turns -1 where nothing fits, and its column of
    `sums`. `asked` are the objective, how often the operation occurs, and what each time takes to launch [s].
    """
    amounts, prices, steps = vectors.amounts, configs.prices, vectors.steps
    start, macs = front.start, front.macs
    objective, repeats, launch_s = asked
    memory = amounts.shape[1] - 1
    left = 0
    held = -1
    for c in range(places.shape[1]):
        bucket = places[0, c]
        if bucket != held or not alike(configs, c, c - 1):
            held = bucket
            chip_of(vectors, front, configs, bucket, c)
        v = best_of(vectors, front, configs, bucket, objective, c)
        if v < 0:
            places[0, c] = -1
            left += 1
            continue
        outside_s, chip_s, memory_s = waits_of(vectors, seen.crossing, configs, standing.clock_hz, v, c)
        buffer_pj = 0.0
        for level in range(memory):
            for kind in range(3):
                buffer_pj += amounts[v, level, kind] * prices[c, level, kind]
        latency_s = launch_s + outside_s + max(chip_s, memory_s)
        dram_pj = 0.0
        for kind in range(3):
            dram_pj += seen.amounts[v, kind] * prices[c, memory, kind]
        m = places[1, c]
        sums[LATENCY_S, m] += repeats * latency_s
        sums[STEPS, m] += repeats * steps[v]
        sums[READ_BYTES, m] += repeats * (seen.moved[v, 0] * standing.word_bytes[c])
        sums[WRITE_BYTES, m] += repeats * (seen.moved[v, 1] * standing.word_bytes[c])
        sums[COSTED, m] += start[bucket + 1] - start[bucket]
        sums[MAC_J, m] += repeats * (macs * configs.mac_pj[c] * 1e-12)
        sums[BUFFER_J, m] += repeats * (buffer_pj * 1e-12)
        sums[DRAM_J, m] += repeats * (dram_pj * 1e-12)
        sums[STATIC_J, m] += repeats * (latency_s * standing.watts[c])
    return left


@kernel
def wait(
    vectors: Vectors,
    seen: Seen,
    front: Front,
    configs: Configs,
    standing: Standing,
    places: Ints,
    asked: tuple[int, float],
    seconds: Floats,
) -> None:
    """Fill `seconds` (2, m) with what each configuration's best vector takes on chip and of main memory.

    What hides behind nothing counts to both; NaN where nothing fits. `asked` are the objective and what it
    takes to launch [s]; see `total`.
    """
    objective, launch_s = asked
    held = -1
    for c in range(places.shape[1]):
        m = places[1, c]
        if places[0, c] != held or not alike(configs, c, c - 1):
            held = places[0, c]
            chip_of(vectors, front, configs, held, c)
        v = best_of(vectors, front, configs, held, objective, c)
        seconds[0, m] = nan
        seconds[1, m] = nan
        if v >= 0:
            outside_s, chip_s, memory_s = waits_of(vectors, seen.crossing, configs, standing.clock_hz, v, c)
            outside_s = launch_s + outside_s
            seconds[0, m] = chip_s + outside_s
            seconds[1, m] = memory_s + outside_s if memory_s > 0.0 else 0.0
