"""Every uneven mapping of a product onto pads, a row of PEs, a buffer and main memory, one by one.

A mapping is a choice of prime factors spread over the PEs and a sequence of the others as loops, a boundary
between those of the pads and those outside, and by operand how many loops lie inside its tile in the pads and
in the buffer. None of the engine's or the sets' ideas is used.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hwmodels.mapping import Problem
from tests.mapping.brute import prime_loops, sequences

Loops = tuple[tuple[str, int], ...]


class Prices(NamedTuple):
    """Energy of a word [pJ]: into a pad, out of the buffer, over main memory's link either way.

    The first touch of a sum reads nothing anywhere, and what leaves a memory costs only where it arrives.
    """

    pad: float
    buffer: float
    memory: float


def spreads(loops: Loops, lanes: int) -> Iterator[tuple[Loops, Loops]]:
    """Loops that PEs may take, and the others."""
    seen = set()
    for size in range(len(loops) + 1):
        for chosen in combinations(range(len(loops)), size):
            spread = tuple(sorted(loops[i] for i in chosen))
            if spread not in seen and np.prod([n for _, n in spread], dtype=int) <= lanes:
                seen.add(spread)
                yield spread, tuple(loop for i, loop in enumerate(loops) if i not in chosen)


def least_energies(
    problem: Problem, lanes: int, capacities: Sequence[tuple[int, int]], prices: Prices
) -> list[float]:
    """Least energy of the words moved, by capacities of pad and buffer; inf where no mapping fits."""
    best = np.full(len(capacities), np.inf)
    pads, buffers = (np.array(column) for column in zip(*capacities, strict=True))
    for spread, rest in spreads(tuple(prime_loops(problem)), lanes):
        used = int(np.prod([n for _, n in spread], dtype=int))
        for loops in sequences(list(rest)):
            for boundary in range(len(loops) + 1):
                inside = _least(problem, loops, spread, (0, boundary), pads, (prices, used))
                outside = _least(problem, loops, spread, (boundary, len(loops)), buffers, (prices, 0))
                best = np.minimum(best, inside + outside)
    return [float(energy) for energy in best]


def _least(
    problem: Problem,
    loops: Loops,
    spread: Loops,
    cuts: tuple[int, int],
    capacities: np.ndarray,
    about: tuple[Prices, int],
) -> np.ndarray:
    """Least energy of a memory of some capacities, whose tiles hold the first `cuts` loops."""
    prices, used = about
    held, spent = [], []
    for operand in problem.operands:
        over = int(np.prod([n for d, n in spread if d in operand.dimensions], dtype=int))
        size = int(np.prod([problem.extents[d] for d in operand.dimensions], dtype=int))
        words, energy = [], []
        for cut in range(cuts[0], cuts[1] + 1):
            moves = [d in operand.dimensions for d, _ in loops]
            tile = int(np.prod([n for (_, n), m in zip(loops[:cut], moves, strict=False) if m], dtype=int))
            again = next((i for i in range(cut, len(loops)) if moves[i]), len(loops))
            visits = int(np.prod([n for _, n in loops[again:]], dtype=int))
            if used:  # a pad, filled from the buffer
                words.append(tile)
                fetched, first = tile * visits, size // over if operand.read_write else 0
                energy.append((fetched - first) * (used * prices.pad + over * prices.buffer))
            else:
                words.append(tile * over)
                crossings = 2 * tile * over * visits - size if operand.read_write else tile * over * visits
                energy.append(crossings * prices.memory)
        held.append(np.array(words))
        spent.append(np.array(energy))
    total = held[0][:, None, None] + held[1][:, None] + held[2]
    cost = spent[0][:, None, None] + spent[1][:, None] + spent[2]
    return np.array([cost[total <= capacity].min(initial=np.inf) for capacity in capacities])
