"""Text files of other tools: read within bounds, and numbers that say where they stand."""

from os import PathLike, fspath
from pathlib import Path

from workloads import values
from workloads.errors import NetworkImportError, shown
from workloads.file_kinds import advice

LARGEST = 1 << 31  # of a dimension: far above any layer, and three of them make no 64-bit count wrap


def stem(path: str | PathLike[str]) -> str:
    """Name of a network read from a file."""
    return Path(fspath(path)).name.split(".")[0] or "network"


def read_text(path: str | PathLike[str], kind: str) -> str:
    """Text of a file that should be of a kind.

    Raises
    ------
    NetworkImportError
        If it is missing, too long, no text, or looks like a file of another kind.

    """
    name = fspath(path)
    other = advice(name, kind)
    if other:
        raise NetworkImportError(f"{name}: {other}")
    try:
        return values.read_text(name)
    except values.ForeignFileError as error:
        raise NetworkImportError(str(error)) from error


def whole(where: str, field: str, word: object, least: int = 1) -> int:
    """A whole number from `least` to 2^31.

    Raises
    ------
    NetworkImportError
        If it is none; `where` and `field` say which.

    """
    text = str(word).strip()[:40]
    digits = text.removesuffix(".0")
    if isinstance(word, bool) or not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise NetworkImportError(
            f"{where}: {field} must be a whole number of at least {least}, got {shown(text)}"
        )
    number = int(digits)
    if not least <= number <= LARGEST:
        raise NetworkImportError(f"{where}: {field} must be from {least} to {LARGEST:,}, got {number:,}")
    return number
