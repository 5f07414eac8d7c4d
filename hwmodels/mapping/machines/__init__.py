"""Published machines on the loop-nest engine, one file each.

>>> from hwmodels.mapping import machines
>>> machines.names()
['eyeriss_v1', 'nvdla_like', 'simba_like', 'tpu_v1']
>>> machines.load("eyeriss_v1").architecture.macs
168
"""

from collections.abc import Callable

from hwmodels.mapping.machines import eyeriss_v1, nvdla_like, simba_like, tpu_v1
from hwmodels.mapping.machines.machine import Machine
from workloads.errors import SpringboardError

__all__ = ["Machine", "UnknownMachineError", "load", "names"]

_MACHINES: dict[str, Callable[[], Machine]] = {
    "eyeriss_v1": eyeriss_v1.machine,
    "nvdla_like": nvdla_like.machine,
    "simba_like": simba_like.machine,
    "tpu_v1": tpu_v1.machine,
}


class UnknownMachineError(KeyError, SpringboardError):
    """A name that is no machine's; `str` gives the message without a KeyError's quotes."""

    def __str__(self) -> str:
        return str(self.args[0])


def names() -> list[str]:
    """Names of the machines."""
    return sorted(_MACHINES)


def load(name: str) -> Machine:
    """Look a machine up by name.

    Parameters
    ----------
    name
        One of `names()`.

    Returns
    -------
    Machine
        Architecture, constraints of its dataflow, and source.

    Raises
    ------
    UnknownMachineError
        If there is no such machine.

    """
    if name not in _MACHINES:
        raise UnknownMachineError(f"unknown machine {name!r}; there are {', '.join(names())}")
    return _MACHINES[name]()
