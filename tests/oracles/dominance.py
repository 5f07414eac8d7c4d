"""Dominance by looking at every pair of points."""


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def struck(points, good):
    """Which points one of the good points dominates."""
    return [any(dominates(other, point) for other in good) for point in points]


def nondominated(points):
    return [not any(dominates(other, point) for other in points) for point in points]
