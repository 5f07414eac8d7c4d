"""Names that a package offers and loads when they are first used, so that importing it is quick."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from workloads.errors import shown


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make `__getattr__` and `__dir__` of a package.

    Parameters
    ----------
    package
        Its `__name__`.
    homes
        Name -> module that defines it: below the package, or of `workloads` by its whole name.

    Returns
    -------
    tuple
        The two functions.

    Examples
    --------
    >>> load, names = lazily("workloads", {"lazily": "lazy"})
    >>> load("lazily") is lazily, names()
    (True, ['lazily'])

    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {shown(package)} has no attribute {shown(name)}")
        home = homes[name]
        value = getattr(import_module(home if home.startswith("workloads.") else f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(homes)
