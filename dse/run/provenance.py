"""What made a result: network, space, prices, model, versions, seed, commit; kept with every file."""

import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dse.run.digest import model_digest, prices_digest, root
from dse.version import version
from workloads.table import fingerprint

if TYPE_CHECKING:
    from dse.space.space import Space
    from workloads.table import LayerTable

KEY: Final = "springboard.provenance"
"""Name of the metadata of a Parquet file or a PNG that hold it as JSON."""

_LIBRARIES: Final = ("numpy", "numba")
"""Whose versions may move a figure's last digits."""


def provenance(network: str, layers: "LayerTable", space: "Space", **more: Any) -> dict[str, Any]:
    """Everything that a result follows from, as plain data.

    Parameters
    ----------
    network, layers
        Name and operations.
    space
        The machines.
    more
        Objectives, strategy, seed and the like; None is left out.

    """
    return {
        **made_by(),
        "network": {"name": network, "fingerprint": fingerprint(layers)},
        "space": {"name": space.name, "fingerprint": space.fingerprint(), "points": space.size},
        **{name: value for name, value in more.items() if value is not None},
    }


@cache
def made_by() -> dict[str, Any]:
    """Versions, digests of the model and of its prices, and the commit where it runs from a checkout."""
    found: dict[str, Any] = {"springboard": version(), "model": model_digest(), "prices": prices_digest()}
    at = commit()
    if at:
        found["commit"] = at
    found["python"] = platform.python_version()
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def commit() -> str:
    """Commit of the checkout that this runs from, with "-dirty" where files differ; "" outside of one."""
    folder: Path = root()
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return ""
    command = [git, "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
