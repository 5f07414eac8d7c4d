"""How an object hands itself to a view: by the view's name, so that no result imports a figure or a text."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def view(module: str, name: str) -> Callable[..., Any]:
    """Function of `dse.views`, loaded when it is first asked for.

    Parameters
    ----------
    module, name
        As in `view("text", "latex")`.

    """
    found: Callable[..., Any] = getattr(import_module(f"dse.views.{module}"), name)
    return found
