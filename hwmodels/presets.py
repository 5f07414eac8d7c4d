"""Machines by name or by file; a new one is one file in `hwmodels/machines` and a row here, or `register`."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from hwmodels.interop.told import of_another_tool
from hwmodels.machine import check_machine
from hwmodels.machine_file import is_machine_file, read_machine
from workloads.errors import InputError, UnknownNameError, shown
from workloads.grammar.arguments import NAME, TEXT, takes
from workloads.grammar.errors import alike

_MODULES = {
    "a100": "gpus",
    "a100_2_4": "a100_2_4",
    "datacentre_128x128": "reference",
    "dstc": "dstc",
    "edge_16x16": "reference",
    "edge_32x32": "reference",
    "edge_lanes": "reference",
    "edge_levels": "reference",
    "eie": "eie",
    "eyeriss_v1": "eyeriss_v1",
    "eyeriss_v1_zeros": "eyeriss_v1",
    "eyeriss_v2_pe": "eyeriss_v2_pe",
    "gtx_1080_ti": "gtx_1080_ti",
    "hexagon_680": "mobile",
    "mi210": "gpus",
    "nvdla_like": "nvdla_like",
    "pixel_1_cpu": "mobile",
    "scnn": "scnn",
    "scnn_dense": "scnn",
    "simba_like": "simba_like",
    "spring": "spring",
    "template": "reference",
    "gemmini": "gemmini",
    "tpu_v1": "tpu_v1",
    "tpu_v3": "tpu_cores",
    "tpu_v4": "tpu_cores",
    "tpu_v4i": "tpu_v4i",
}
"""Name, which is that of the building function -> module of `hwmodels.machines`, imported when asked for."""

_REGISTERED: dict[str, Callable[[], Any]] = {}


class UnknownAcceleratorError(InputError, UnknownNameError):
    """No machine of that name; the message lists the nearest."""


def names() -> list[str]:
    """Names of the machines that `load` knows: those built in and those registered."""
    return sorted({*_MODULES, *_REGISTERED})


@takes(name=TEXT)
def register(name: str, machine: Any) -> None:
    """Give a machine of your own a name that `load`, `dse.evaluate`, spaces and commands of a process know.

    A space or a sweep holds the machine itself: it travels to processes and clusters, and its fields enter
    fingerprints, whether or not the name is known there.

    Parameters
    ----------
    name
        What to call it; the name of one built in is refused, one registered before is replaced.
    machine
        A machine, or a function without arguments that builds one.

    Raises
    ------
    ValueError, TypeError
        If the name is taken or no name, or the machine is none.

    Examples
    --------
    >>> import hwmodels
    >>> hwmodels.register("wide", hwmodels.load("edge_16x16").replace({"array.cols": 64}))
    >>> hwmodels.load("wide").array.cols
    64

    """
    if not isinstance(name, str) or not name or "/" in name or name.endswith((".yaml", ".yml")):
        raise InputError(f"register: a name is a text without a slash that is no file's, got {shown(name)}")
    if name in _MODULES:
        raise InputError(f"register: {name} is built in; choose another name")
    build = machine if callable(machine) and not hasattr(machine, "model") else lambda: machine
    check_machine(build())
    _REGISTERED[name] = build


@takes(name=NAME)
def load(name: str) -> Any:
    """Return a machine by its name, or by the path of a machine file or of another tool's.

    Parameters
    ----------
    name
        One of `names()`, or a path: it ends in .yaml or .yml, or is a SCALE-Sim configuration. A file is read
        anew every time.

    Returns
    -------
    Accelerator, LevelMachine, Template or whatever was registered

    Raises
    ------
    UnknownAcceleratorError
        If there is none of that name; the nearest names are given.
    ValueError
        If a machine file describes none; the path of the field is named, and what would do. If another
        tool's file is no machine: what it looks like.

    Examples
    --------
    >>> import hwmodels
    >>> hwmodels.load("tpu_v1").macs
    65536

    """
    if name not in _MODULES and (found := of_another_tool(name)) is not None:
        return found
    if is_machine_file(name):
        return read_machine(Path(name))
    if name in _REGISTERED:
        return check_machine(_REGISTERED[name]())
    if name not in _MODULES:
        near = alike(name, names())
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names())}"
        raise UnknownAcceleratorError(f"unknown accelerator {shown(name)}; {hint}")
    return _built(name)


@cache
def _built(name: str) -> Any:
    return check_machine(getattr(import_module(f"hwmodels.machines.{_MODULES[name]}"), name)())
