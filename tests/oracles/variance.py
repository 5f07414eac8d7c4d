"""Shares of a variance straight from their definitions: groups by dictionary, axes in every order."""

import itertools
import math


def explained(cells, values, known):
    """Variance of the conditional means given the known axes; every cell counts the same."""
    groups = {}
    for cell, value in zip(cells, values, strict=True):
        groups.setdefault(tuple(cell[axis] for axis in known), []).append(value)
    mean = math.fsum(values) / len(values)
    return math.fsum(
        len(group) * (math.fsum(group) / len(group) - mean) ** 2 for group in groups.values()
    ) / len(values)


def shares(cells, values, axes):
    """First, total and Shapley share of every axis."""
    everything = tuple(range(axes))
    variance = explained(cells, values, everything)
    first = [explained(cells, values, (axis,)) / variance for axis in everything]
    total = [
        1 - explained(cells, values, tuple(a for a in everything if a != axis)) / variance
        for axis in everything
    ]
    gains = [[] for _ in everything]
    for order in itertools.permutations(everything):
        for place, axis in enumerate(order):
            before, after = (tuple(sorted(order[:end])) for end in (place, place + 1))
            gains[axis].append(explained(cells, values, after) - explained(cells, values, before))
    shapley = [math.fsum(gain) / len(gain) / variance for gain in gains]
    return first, total, shapley
