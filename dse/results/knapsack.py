"""A knapsack with one choice a list, exact for sizes in whole parts of its budget."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def knapsack(
    choices: Sequence[Sequence[tuple[float, float]]], budget: float, steps: int = 1000, *, slack: float = 1.0
) -> list[int] | None:
    """Pick one (size, cost) of each list so that sizes fit a budget and costs are least.

    Parameters
    ----------
    choices
        What there is to choose, list by list.
    budget
        Sum of sizes at most.
    steps
        Parts that the budget is divided into; sizes are rounded up, so that a pick never exceeds it.
    slack
        Share of the budget that may be left; where every pick leaves more, the largest ones are left.

    Returns
    -------
    list of int or None
        Places picked; None where nothing fits.

    Examples
    --------
    >>> knapsack([[(5, 1.0), (2, 3.0)], [(5, 1.0), (2, 1.5)]], 7)
    [0, 1]
    >>> knapsack([[(5, 1.0), (2, 0.5)], [(5, 1.0), (2, 0.5)]], 7, slack=0.2)
    [1, 0]

    """
    if budget == int(budget) and 0 < budget <= steps:
        steps = int(budget) * (steps // int(budget))  # whole sizes are whole parts, and nothing is lost
    best = np.full(steps + 1, np.inf)
    best[0] = 0.0
    taken: list[np.ndarray[Any, np.dtype[np.int64]]] = []
    for own in choices:
        new, place = np.full(steps + 1, np.inf), np.full(steps + 1, -1, dtype=np.int64)
        for number, (size, cost) in enumerate(own):
            units = int(np.ceil(size / budget * steps - 1e-9))
            if units > steps:
                continue
            moved = np.full(steps + 1, np.inf)
            moved[units:] = best[: steps + 1 - units] + cost
            better = moved < new
            new[better], place[better] = moved[better], number
        best = new
        taken.append(place)
    if not np.isfinite(best).any():
        return None
    least = min(int(np.ceil((1 - slack) * steps - 1e-9)), int(np.flatnonzero(np.isfinite(best))[-1]))
    left = least + int(np.argmin(best[least:]))
    picked = []
    for own, place in zip(reversed(choices), reversed(taken), strict=True):
        number = int(place[left])
        picked.append(number)
        left -= int(np.ceil(own[number][0] / budget * steps - 1e-9))
    return picked[::-1]
