"""Words that no index of a nest ever touches: a stride beyond the window, a common divisor of both steps."""

from dataclasses import replace
from math import gcd

from hwmodels.mapping.problem import Operand, Problem, Rank


def closed(problem: Problem) -> Problem:
    """The nest over the words that its indices touch, numbered without the gaps between them.

    Parameters
    ----------
    problem
        A nest; the rank of a window touches a·i + b·j for 0 <= i < n, 0 <= j < m, a >= b.

    Returns
    -------
    Problem
        The same nest with those ranks renumbered:

        - m = 1, or n = 1: i (or j) itself, step 1;
        - a > b·(m - 1), windows apart: m·i + j, so that every window follows the last;
        - else both steps over their greatest common divisor. Residues that the steps still miss (a stride and
          a dilation that share no divisor) stay in the box.

        Order and multiplicity of the words are kept, so tiles, overlaps and multicasts are those of the words
        that are touched.

    Examples
    --------
    A 1 x 1 kernel at every second pixel reads a quarter of the image:

    >>> from hwmodels.mapping.problem import convolution
    >>> layer = convolution(k=1, c=64, p=28, q=28, stride=(2, 2))
    >>> whole, used = (each.operand("I").elements(each.extents) for each in (layer, closed(layer)))
    >>> whole, used
    (193600, 50176)

    """
    return replace(problem, operands=tuple(_close(problem, operand) for operand in problem.operands))


def _close(problem: Problem, operand: Operand) -> Operand:
    ranks = tuple(_renumber(problem, rank) for rank in operand.ranks)
    return operand if ranks == operand.ranks else replace(operand, ranks=ranks)


def _renumber(problem: Problem, rank: Rank) -> Rank:
    bounds = problem.extents
    moving = [(d, c) for d, c in rank if bounds[d] > 1]
    if len(moving) < 2:
        return tuple((d, 1) for d, _ in rank)
    (_, a), (inner, b) = sorted(moving, key=lambda term: -term[1])
    m = bounds[inner]
    if a > b * (m - 1):
        return tuple((d, 1 if d == inner else m) for d, _ in rank)
    divisor = gcd(a, b)
    return tuple((d, c // divisor if bounds[d] > 1 else 1) for d, c in rank)
