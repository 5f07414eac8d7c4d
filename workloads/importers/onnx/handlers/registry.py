"""Which function builds which operator."""

from collections.abc import Callable

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.node import NodeView

Handler = Callable[[NodeView, Builder], None]
HANDLERS: dict[str, Handler] = {}
"""Operator -> function that adds its operations to the network under construction."""


def handles(*operators: str) -> Callable[[Handler], Handler]:
    """Register a function for some operators."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(operators, handler))
        return handler

    return register
