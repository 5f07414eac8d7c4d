"""What arguments have to be, said at the door: a wrong one is one line that names it, and what would do."""

import functools
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import numpy as np

from workloads.errors import WrongTypeError, shown
from workloads.grammar.errors import nearest

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST_PATH: Final = 4096
_LONGEST_NAME: Final = 255
"""Bytes of a path, and of each name in it, that systems take."""


class Kind(NamedTuple):
    """What an argument is to be: in words, and whether a value is it."""

    words: str
    fits: Callable[[Any], bool]

    def or_none(self) -> "Kind":
        """Return the same, or None."""
        return Kind(f"{self.words} or None", lambda value: value is None or self.fits(value))


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


def _path(value: Any) -> bool:
    """Whether a system could have a file of that name; what could not be one is not even asked for."""
    try:
        name = os.fsencode(value)
    except (TypeError, ValueError):  # a surrogate has no bytes
        return False
    parts = name.replace(b"\\", b"/").split(b"/")
    return b"\0" not in name and len(name) <= _LONGEST_PATH and max(map(len, parts)) <= _LONGEST_NAME


WHOLE: Final = Kind("a whole number", _whole)
POSITIVE: Final = Kind("a whole number of at least 1", lambda value: _whole(value) and value >= 1)
NATURAL: Final = Kind("a whole number of at least 0", lambda value: _whole(value) and value >= 0)
SEED: Final = Kind("a whole number from 0 to 2^64 - 1", lambda value: NATURAL.fits(value) and value < 1 << 64)
"""What PyTorch's generators take."""
NUMBER: Final = Kind("a number", _number)
TEXT: Final = Kind("a text", lambda value: isinstance(value, str))
PATH: Final = Kind("a path", lambda value: isinstance(value, str | os.PathLike) and _path(value))
NAME: Final = Kind("a name, or the path of a file", PATH.fits)
TEXTS: Final = Kind(
    "texts",
    lambda value: isinstance(value, str) or (_listed(value) and all(isinstance(v, str) for v in value)),
)
TRUTH: Final = Kind("True or False", lambda value: isinstance(value, bool | np.bool_))
LISTED: Final = Kind("a sequence", _listed)
NUMBERS: Final = Kind("numbers", lambda value: _listed(value) and all(_number(one) for one in value))
PATHS: Final = Kind("paths", lambda value: _listed(value) and all(PATH.fits(one) for one in value))
MAPPING: Final = Kind("a mapping", lambda value: isinstance(value, Mapping))


def _has(value: Any, name: str) -> bool:
    """Whether a value has an attribute; a property of its class is not worked out for that."""
    return hasattr(type(value), name) or hasattr(value, name)


def having(words: str, *attributes: str) -> Kind:
    """Kind of values with attributes, whatever their class: doors here are protocols.

    Examples
    --------
    >>> having("a machine", "model", "replace").fits("edge_32x32")
    False

    """
    return Kind(
        words, lambda value: all(_has(value, name) for name in attributes) and not inspect.isclass(value)
    )


def either(*kinds: Kind) -> Kind:
    """Kind of values that are one of several.

    Examples
    --------
    >>> either(WHOLE, TEXT).words
    'a whole number or a text'

    """
    return Kind(
        " or ".join(kind.words for kind in kinds), lambda value: any(kind.fits(value) for kind in kinds)
    )


def _meant(signature: inspect.Signature, given: Mapping[str, Any]) -> str:
    """Which arguments one is like that a function does not have; nothing where it has all of them."""
    named = [one.name for one in signature.parameters.values() if one.kind is not one.POSITIONAL_ONLY]
    known = [name for name in named if name != "self"]
    return next((nearest(name, known) for name in given if name not in known), "")


def takes(**kinds: Kind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse arguments of a wrong type before the function runs.

    Parameters
    ----------
    kinds
        Parameter -> what it has to be; others are not looked at, nor is one that is not given.

    Returns
    -------
    callable
        Decorator. The function raises WrongTypeError, a ValueError and a TypeError.

    Examples
    --------
    >>> @takes(batch=WHOLE.or_none())
    ... def run(batch=None):
    ...     return batch
    >>> run(3)
    3
    >>> run("three")
    Traceback (most recent call last):
    ...
    workloads.errors.WrongTypeError: run: batch must be a whole number or None, got 'three'

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        name = function.__name__ if function.__name__ != "__init__" else function.__qualname__.split(".")[0]

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as problem:
                raise WrongTypeError(f"{name}: {problem}{_meant(signature, kwargs)}") from None
            for parameter, kind in kinds.items():
                if parameter in given and not kind.fits(given[parameter]):
                    got = shown(given[parameter])
                    raise WrongTypeError(
                        f"{name}: {parameter} must be {kind.words}, got {got}", path=parameter
                    )
            return function(*args, **kwargs)

        return checked

    return decorate
