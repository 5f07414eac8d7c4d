"""What is wrong with the user's input, said so that the next attempt works."""

from workloads.grammar.errors import ConstraintError as ConstraintError
from workloads.grammar.errors import nearest as nearest


class UnknownNameError(KeyError):
    """A name that is in no table; `str` gives the message without `KeyError`'s quotes."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InfeasibleSpaceError(ValueError):
    """No configuration of the space is feasible."""


class StoreError(ValueError):
    """A sweep's store cannot be used, read or written."""
