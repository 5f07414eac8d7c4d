"""A function's code as text: what fingerprints say of functions from user code, the same in every process."""

from hashlib import sha256
from types import CodeType, SimpleNamespace
from typing import Any


def spelt(function: Any) -> str:
    """Spell a function out: instructions, names and constants, those of functions inside it too."""
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{type(function).__module__}.{type(function).__qualname__} {vars(function)!r}"
    inner = [
        spelt(SimpleNamespace(__code__=one, __closure__=None)) if isinstance(one, CodeType) else repr(one)
        for one in code.co_consts
    ]
    held = [repr(cell.cell_contents) for cell in getattr(function, "__closure__", None) or ()]
    return repr((code.co_code.hex(), code.co_names, code.co_varnames, inner, held))


def digest(function: Any) -> str:
    """Sixteen hexadecimal digits of a function's code.

    Examples
    --------
    >>> digest(lambda x: x + 1) == digest(lambda x: x + 1), digest(lambda x: x + 1) == digest(lambda x: x + 2)
    (True, False)

    """
    return sha256(spelt(function).encode()).hexdigest()[:16]
