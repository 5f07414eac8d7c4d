"""Networks by name or by file."""

from pathlib import Path
from typing import Any

import workloads
from dse.naming import refuse_another
from workloads.errors import InputError, shown


def load_network(name: str, batch: int | None = None, **said: Any) -> "workloads.Network":
    """Find a network by built-in name or by the path of a file.

    Parameters
    ----------
    name
        A built-in network, or a path that `workloads.from_file` reads: it ends in ".onnx", contains a
        separator or is a file.
    batch
        Value of a file's dynamic batch dimension.
    **said
        What else `workloads.from_file` is told of a file: `dims`, `unknown`, `inputs`, `weights`, `caches`,
        `batch_axis`. `workloads.load` refuses it of a built-in network.

    Raises
    ------
    ValueError, KeyError
        As `workloads.load` and `workloads.from_file`.

    """
    if _is_file(f"{name}/manifest.json"):
        raise InputError(
            f"{shown(name)} is a sweep's store, no network: say --store, or dse.open", path="network"
        )
    if name.endswith(".onnx") or "/" in name or _is_file(name):
        return workloads.from_file(name, batch=batch, **said)
    refuse_another(name, "network")
    return workloads.load(name, **said)


def _is_file(name: str) -> bool:
    """Whether there is a file of that name; a name too long for one is none."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
