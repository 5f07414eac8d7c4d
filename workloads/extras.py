"""Libraries that only some uses need: which extra brings them, said where one is missing."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from workloads.errors import SpringboardError

_IN_CHECKOUT: Final = (Path(__file__).resolve().parents[1] / "pyproject.toml").exists()


class MissingLibraryError(SpringboardError, ImportError):  # type: ignore[misc]  # as NetworkImportError
    """A library that an extra of the distribution brings is not installed."""


def library(module: str, extra: str, what: str) -> Any:
    """Import a module of an optional library.

    Parameters
    ----------
    module
        Dotted name.
    extra
        The extra that installs it.
    what
        What needs it, the beginning of the message.

    Raises
    ------
    MissingLibraryError
        If it is not installed; the message says how to install it.

    """
    try:
        return import_module(module)
    except ImportError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingLibraryError(
            f"{what} needs {package}, which is not installed: pip install 'springboard[{extra}]'"
            + (f" (in a checkout: pip install -e '.[{extra}]')" if _IN_CHECKOUT else "")
        ) from None
