"""One colour an operand, the same in every figure."""

from typing import Final

OPERAND_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, which stay apart for colour-blind readers."""


def operand_colour(position: int) -> str:
    """Colour of the operand at a position of its problem.

    Examples
    --------
    >>> operand_colour(0), operand_colour(6) == operand_colour(0)
    ('#0072b2', True)

    """
    return OPERAND_COLOURS[position % len(OPERAND_COLOURS)]
