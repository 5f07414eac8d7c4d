"""Dominance by looking at every pair of points."""


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def struck(points, good):
    """Which points one of the good points dominates."""
    return [any(dominates(other, point) for other in good) for point in points]


def nondominated(points):
    return [not any(dominates(other, point) for other in points) for point in points]


def struck_everywhere(points, good):
    """Points (n, samples, m) that in every sample some good point (samples, k, m) dominates."""
    return [
        all(any(dominates(one, point[s]) for one in good[s]) for s in range(len(point))) for point in points
    ]
