"""How an object hands itself to a view: by the view's name, so that no result imports a figure or a text."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, TypeVar

Drawn = TypeVar("Drawn")


def view(module: str, name: str) -> Callable[..., Any]:
    """Function of `dse.views`, loaded when it is first asked for.

    Parameters
    ----------
    module, name
        As in `view("text", "text_table")`.

    """
    found: Callable[..., Any] = getattr(import_module(f"dse.views.{module}"), name)
    return found


def stamped(drawn: Drawn, provenance: Callable[[], Mapping[str, Any]]) -> Drawn:
    """Give a figure what it writes into the metadata of its files, worked out when it is saved.

    Parameters
    ----------
    drawn
        A figure of `dse.views`, or axes of one.
    provenance
        Returns what made its numbers.

    """
    figure: Any = drawn.get_figure(root=True) if hasattr(drawn, "get_figure") else drawn
    figure.provenance = provenance
    return drawn
