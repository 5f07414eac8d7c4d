"""A function's code as text: what fingerprints say of functions from user code, the same in every process.

What a function rests on is spelt too: defaults, cells, what a method or a partial holds, and the constants
and functions of its own module that it names. Modules that it imports are taken as they are.
"""

import functools
from collections.abc import Mapping
from hashlib import sha256
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

_PLAIN = bool | int | float | complex | str | bytes | None


def spelt(function: Any) -> str:
    """Spell a function out: instructions, names and constants, and what it rests on."""
    return _spelt(function, ())


def digest(function: Any) -> str:
    """Sixteen hexadecimal digits of a function's code.

    Examples
    --------
    >>> digest(lambda x: x + 1) == digest(lambda x: x + 1), digest(lambda x: x + 1) == digest(lambda x: x + 2)
    (True, False)

    """
    return sha256(spelt(function).encode()).hexdigest()[:16]


def _spelt(value: Any, above: tuple[int, ...]) -> str:
    """Spell a value, a function among them; `above` are those that it is a part of."""
    if id(value) in above:
        return f"above {above.index(id(value))}"
    above = (*above, id(value))
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, CodeType):
        held = (_spelt(one, above) for one in value.co_consts)
        return repr((value.co_code.hex(), value.co_names, value.co_varnames, *held))
    if isinstance(value, FunctionType):
        return " ".join(_spelt(part, above) for part in _parts(value))
    if isinstance(value, MethodType):
        return f"{_spelt(value.__func__, above)} of {_spelt(value.__self__, above)}"
    if isinstance(value, functools.partial):
        return f"partial {_spelt((value.func, value.args, value.keywords), above)}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__}({', '.join(_spelt(one, above) for one in value)})"
    if isinstance(value, set | frozenset):  # their order differs between processes
        return f"set({', '.join(sorted(_spelt(one, above) for one in value))})"
    if isinstance(value, Mapping):
        return (
            f"map({', '.join(f'{_spelt(key, above)}: {_spelt(one, above)}' for key, one in value.items())})"
        )
    if isinstance(value, np.ndarray):  # its `repr` leaves out the middle
        return f"{value.dtype} {_spelt(value.tolist(), above)}"
    return _object(value, above)


def _parts(function: FunctionType) -> tuple[Any, ...]:
    """Return what a function is made of, and the constants and functions of its module that it names."""
    code, around = function.__code__, function.__globals__
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            cells.append(None)
    named = {
        name: around[name] for name in sorted(_names(code)) if _is_own(around.get(name), function.__module__)
    }
    return code, function.__defaults__, function.__kwdefaults__, cells, named


def _names(code: CodeType) -> set[str]:
    """Names that code, or code inside it, uses."""
    return {*code.co_names}.union(*(_names(one) for one in code.co_consts if isinstance(one, CodeType)))


def _is_own(value: Any, module: str) -> bool:
    """Whether what a function names in its module is a constant, or a function that is written there.

    What can change while a program runs, as a memo does, is none.
    """
    if isinstance(value, FunctionType):
        return value.__module__ == module
    return value is not None and isinstance(value, _PLAIN | tuple | frozenset)


def _object(value: Any, above: tuple[int, ...]) -> str:
    """Spell an object of another kind: its class, and its `repr` or what it holds where that has an address.

    Modules are not named: what runs as a script has another one in processes that it starts.
    """
    kind = type(value)
    name = kind.__qualname__
    if isinstance(value, type | ModuleType):
        return f"{name} {value.__name__}"
    if isinstance(value, BuiltinFunctionType):
        return f"{value.__qualname__} of {_spelt(value.__self__, above)}"
    call = vars(kind).get("__call__")
    code = _spelt(call, above) if isinstance(call, FunctionType) else ""
    told = any("__repr__" in vars(one) for one in kind.__mro__[:-1])
    if told and not code:
        return f"{name} {value!r}"
    return f"{name} {code} {_spelt(getattr(value, '__dict__', {}), above)}"
