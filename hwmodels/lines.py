"""Lines of an account: what is counted, where, for which operand, and which part of the energy it adds to."""

from typing import Final, NamedTuple


class Line(NamedTuple):
    """One count and its price.

    Attributes
    ----------
    component
        What spends the energy: "MAC", "vector lanes", "weight buffer", a level's name, "main memory".
    operand
        "weight", "input" or "output"; "" where none is meant.
    action
        What is done: "read", "fill" (written from outside), "update" (written from inside), "drain" (read on
        the way out), "work", "leak".
    unit
        What one count is.
    part
        Column of the table of costs that it adds to, without `_energy_j`: one of
        `hwmodels.kernels.accounting.account.PARTS`.
    timed
        Whether the count is the latency in seconds.

    """

    component: str
    operand: str
    action: str
    unit: str
    part: str
    timed: bool = False


STANDING: Final = (
    Line("leakage", "", "leak", "s", "static", timed=True),
    Line("main memory", "", "stand by", "s", "static", timed=True),
)
"""What every machine spends while it works."""

TWO_LEVEL: Final = (
    Line("MAC", "", "work", "MAC", "mac"),
    Line("vector lanes", "", "work", "operation", "vector"),
    Line("front end", "", "work", "cycle", "control"),
    Line("rounding", "output", "work", "output", "control"),
    Line("weight buffer", "weight", "fill", "byte", "buffer"),
    Line("weight buffer", "weight", "read", "byte", "buffer"),
    Line("input buffer", "input", "fill", "byte", "buffer"),
    Line("input buffer", "input", "read", "byte", "buffer"),
    Line("output buffer", "output", "fill", "byte", "buffer"),
    Line("output buffer", "output", "update", "byte", "buffer"),
    Line("output buffer", "output", "read", "byte", "buffer"),
    Line("output buffer", "output", "drain", "byte", "buffer"),
    Line("mask buffer", "weight", "fill", "byte", "buffer"),
    Line("mask buffer", "weight", "read", "byte", "buffer"),
    Line("mask buffer", "input", "fill", "byte", "buffer"),
    Line("mask buffer", "input", "read", "byte", "buffer"),
    Line("main memory", "weight", "read", "byte", "dram"),
    Line("main memory", "input", "read", "byte", "dram"),
    Line("main memory", "output", "read", "byte", "dram"),
    Line("main memory", "output", "update", "byte", "dram"),
    *STANDING,
)
"""Lines of a machine of two levels; kernels know them by their place. An operand without a buffer of its own
lives in the shared one, whose prices its lines then have.
"""

TEMPLATE: Final = (
    Line("MAC", "", "work", "MAC", "mac"),
    Line("vector lanes", "", "work", "operation", "vector"),
    Line("weight banks", "weight", "fill", "byte", "buffer"),
    Line("weight banks", "weight", "read", "byte", "buffer"),
    Line("input banks", "input", "fill", "byte", "buffer"),
    Line("input banks", "input", "read", "byte", "buffer"),
    Line("input banks", "output", "update", "byte", "buffer"),
    Line("input banks", "output", "read", "byte", "buffer"),
    Line("main memory", "weight", "read", "byte", "dram"),
    Line("main memory", "input", "read", "byte", "dram"),
    Line("main memory", "output", "read", "byte", "dram"),
    Line("main memory", "output", "update", "byte", "dram"),
    *STANDING,
)
"""Lines of a template, whose input banks hold partial sums too."""
