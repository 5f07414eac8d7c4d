"""Machines by name; a new one is one file in `hwmodels/machines` and one row here."""

import difflib
from functools import cache
from importlib import import_module

from hwmodels.spec import Accelerator
from workloads.errors import InputError

_MODULES = {
    "a100_2_4": "a100_2_4",
    "datacentre_128x128": "reference",
    "dstc": "dstc",
    "edge_16x16": "reference",
    "edge_32x32": "reference",
    "eie": "eie",
    "eyeriss_v2_pe": "eyeriss_v2_pe",
    "gtx_1080_ti": "gtx_1080_ti",
    "scnn": "scnn",
    "scnn_dense": "scnn",
    "spring": "spring",
    "tpu_v1": "tpu_v1",
}
"""Name, which is that of the building function -> module of `hwmodels.machines`, imported when asked for."""


class UnknownAcceleratorError(KeyError, InputError):
    """No preset of that name; the message lists the nearest."""

    def __str__(self) -> str:
        """Return the message without KeyError's quotes."""
        return str(self.args[0])


def names() -> list[str]:
    """Names of the accelerators that `load` knows."""
    return sorted(_MODULES)


@cache
def load(name: str) -> Accelerator:
    """Return a published or reference accelerator.

    Raises
    ------
    UnknownAcceleratorError
        If there is none of that name; the nearest names are given.

    Examples
    --------
    >>> import hwmodels
    >>> hwmodels.load("tpu_v1").array.pes
    65536

    """
    if name not in _MODULES:
        near = difflib.get_close_matches(name, _MODULES, n=3, cutoff=0.4) or names()
        raise UnknownAcceleratorError(f"unknown accelerator {name!r}; did you mean {', '.join(near)}?")
    built = getattr(import_module(f"hwmodels.machines.{_MODULES[name]}"), name)()
    assert isinstance(built, Accelerator)
    return built
