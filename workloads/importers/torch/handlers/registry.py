"""Which function builds which operator."""

from collections.abc import Callable

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call

Handler = Callable[[Call, Builder], Value]
HANDLERS: dict[str, Handler] = {}
"""Operator -> function that adds its operations to the network under construction and returns its result."""


def handles(*operators: str, library: str = "aten.") -> Callable[[Handler], Handler]:
    """Register a function for some operators of a library, and for their in-place forms."""

    def register(handler: Handler) -> Handler:
        for operator in operators:
            for name in (operator, f"{operator}_"):
                HANDLERS[name if "." in name else f"{library}{name}"] = handler
        return handler

    return register
