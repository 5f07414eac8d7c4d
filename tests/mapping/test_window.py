"""What the best loop order saves of a window's refetches, against tiles walked one by one in every order."""

from itertools import permutations, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.kernels.nest.columns import ProblemColumns
from hwmodels.kernels.nest.tables import OrderRoom
from hwmodels.kernels.nest.window import save_over_sets, window_keeps

DIMS = ("P", "R", "Q", "S", "K")  # two windows, P with R and Q with S; K moves nothing


def fetched(order: tuple[int, ...], times: list[int], steps: list[int], sizes: tuple[int, int]) -> int:
    """Words that a buffer of one tile fetches while loops run in `order`, innermost first."""
    held: set[tuple[int, int]] = set()
    words = 0
    for digits in product(*(range(times[d]) for d in reversed(order))):
        at = dict(zip(reversed(order), digits, strict=True))
        row = sum(at[d] * steps[d] for d in (0, 1))
        column = sum(at[d] * steps[d] for d in (2, 3))
        tile = {(row + i, column + j) for i in range(sizes[0]) for j in range(sizes[1])}
        words += len(tile - held)
        held = tile
    return words


@settings(max_examples=80, deadline=None)
@given(
    times=st.lists(st.integers(1, 3), min_size=5, max_size=5),
    spans=st.lists(st.integers(1, 3), min_size=4, max_size=4),
    scales=st.lists(st.integers(1, 2), min_size=4, max_size=4),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 4)),
)
def test_the_best_order_is_found_over_sets(
    times: list[int], spans: list[int], scales: list[int], sizes: tuple[int, int]
) -> None:
    steps = [scale * span for scale, span in zip(scales, spans, strict=True)]
    walked = {order: fetched(order, times, steps, sizes) for order in permutations(range(5))}
    rank = np.array([[0, 0, 1, 1, -1]])
    loops = np.array([d for d in range(5) if times[d] > 1] + [0] * 5)
    found = sum(n > 1 for n in times)
    problem = ProblemColumns(
        bounds=np.zeros(5, dtype=np.int64),
        rank=rank,
        coefficient=np.array([[*scales, 0]]),
        rank_dims=np.array([[[0, 1], [2, 3]]]),
        traits=np.array([[2, 1, 0]]),
    )
    room = OrderRoom(
        times=np.zeros((2, 5), dtype=np.int64),
        loops=loops,
        shifts=np.zeros(2, dtype=np.int64),
        values=np.zeros((3, 2**5, 5)),
        options=np.zeros((2, 1), dtype=np.int64),
        reuse=np.zeros((2, 1, 1)),
    )
    span, counts = np.array([*spans, 1]), np.array(times)
    window = np.array([sizes, (0, 0)])
    save_over_sets(problem, 0, window, span, counts, found, room)
    whole = int(np.prod(times)) * sizes[0] * sizes[1]
    assert whole - room.values[1, 0, 0] == min(walked.values())
    # No step but those of K, first, keeps more than the bound.
    keeps = window_keeps(problem, 0, 0, window, span, counts)
    moving = int(np.prod(times[:4]))
    assert moving * sizes[0] * sizes[1] - (moving - 1) * keeps <= min(walked.values())
