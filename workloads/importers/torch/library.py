"""PyTorch itself, loaded when this module first is; the one place that says how to get it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from workloads.errors import NetworkImportError

Array = Any
"""A torch.Tensor."""
FxNode = Any
"""A torch.fx.Node."""

try:
    torch: Any = import_module("torch")
except ImportError as error:
    raise NetworkImportError(
        "this needs PyTorch, which is not installed: pip install 'springboard[torch]'"
    ) from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch on one thread for the while.

    Small layers gain nothing by more, products bound by memory only wait; and sums keep their order.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def integer_bits(dtype: Any) -> int:
    """Return the bits of an integer type (8 for booleans); 0, the datapath's, for a floating-point type."""
    if dtype.is_floating_point or dtype.is_complex:
        return 0
    return 8 * int(dtype.itemsize)


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says that says something."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
