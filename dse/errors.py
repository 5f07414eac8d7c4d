"""What is wrong with the user's input, said so that the next attempt works."""

from workloads.errors import InputError, SpringboardError, UnknownNameError, shown
from workloads.grammar.errors import ConstraintError, nearest

__all__ = [
    "ConstraintError",
    "InfeasibleSpaceError",
    "InputError",
    "SpringboardError",
    "StoreError",
    "StoreWarning",
    "UnknownNameError",
    "nearest",
    "shown",
]


class InfeasibleSpaceError(InputError):
    """No configuration of the space is feasible."""


class StoreError(InputError):
    """A sweep's store cannot be used, read or written."""


class StoreWarning(UserWarning):
    """Something in a store was not as it was written, and was made anew."""
