"""Boxes of a grid, entry by entry."""

import itertools


def entries(table, low, high):
    ranges = [range(a, b) for a, b in zip(low, high, strict=True)]
    return [table[codes] for codes in itertools.product(*ranges)]


def codes(low, high):
    return list(itertools.product(*(range(a, b) for a, b in zip(low, high, strict=True))))
