"""A store opened without being told what is in it."""

import hashlib
import json
import os
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from dse.errors import StoreError, StoreWarning
from dse.metrics import columns, objectives_of
from dse.results.networks_sweep import LISTED, NetworksSweep
from dse.results.sweep import Sweep
from dse.run.definition import Definition
from dse.run.digest import model_digest
from dse.run.gather import Gather, Gathered
from dse.run.opening import definition_of, folder_of
from dse.run.parts import Parts
from dse.run.store import FORMAT, parts_of, read_manifest
from workloads.table import fingerprint


def open(path: str | os.PathLike[str]) -> Any:
    """Open the store of a sweep, of one network or of several.

    Parameters
    ----------
    path
        Its folder.

    Returns
    -------
    Sweep or NetworksSweep
        `.frame`, `.front()`, `.limits()` read the parts when they are asked for; `.verify()` checks them all.
        Of several networks `[name]` is the sweep of one of them.

    Raises
    ------
    StoreError
        If there is no sweep in the folder, or what describes it is damaged. Parts that are missing or not
        whole are found when they are read; `dse.resume` computes them again.

    Warns
    -----
    StoreWarning
        If it was made by another version of the model. Its rows are read as they are; it cannot be resumed.

    """
    folder = folder_of(path)
    listed = folder / LISTED
    return _several(folder, listed.read_text()) if listed.exists() else _one(folder)


def _several(folder: Path, text: str) -> NetworksSweep:
    """Open the stores of several networks, with what was measured of them."""
    import pandas

    try:
        sealed = json.loads(text)
        content = sealed["content"]
        if hashlib.sha256(json.dumps(content).encode()).hexdigest() != sealed["sha256"]:
            raise ValueError("its checksum does not match")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(
            f"store {folder}: {LISTED} is damaged; the same sweep, told again, writes it anew"
        ) from None
    rows = pandas.DataFrame(**content["networks"])
    sweeps = {
        label: _one(folder_of(folder / below))
        for label, below in zip(rows["network"].tolist(), rows["folder"], strict=True)
    }
    measured = {name: pandas.DataFrame(**table) for name, table in content["measured"].items()}
    return NetworksSweep(
        sweeps,
        next(iter(sweeps.values())).space,
        rows.drop(columns="folder"),
        {name: table.assign(**_numbers(table)) for name, table in measured.items()},
        objectives_of(content["objectives"], (*measured, *columns())),
    )


def _numbers(table: Any) -> dict[str, Any]:
    """Columns that hold numbers, with NaN where JSON holds null."""
    return {name: table[name].astype(float) for name in table if name not in ("network", "machine", "failed")}


def _one(folder: Path) -> Sweep:
    """Open the store of one network's sweep."""
    definition = definition_of(folder)
    manifest = read_manifest(folder)
    if manifest["format"] != FORMAT:
        raise StoreError(f"store {folder}: its format is {manifest['format']}, this version reads {FORMAT}")
    ours = manifest["model"] == model_digest()
    described = (manifest["network"]["fingerprint"], manifest["space"] if ours else None)
    found = (fingerprint(definition.layers), definition.space.describe() if ours else None)
    if described != found or manifest["points"] != definition.space.size:
        raise StoreError(
            f"store {folder}: manifest.json and definition.json are of two sweeps; the same sweep, told "
            "again, writes the right one"
        )
    if not ours:
        told = f"store {folder}: made by another version of the model (digest {manifest['model']}, now "
        told += f"{model_digest()}); its rows are read as they are, what is costed anew follows today's"
        warnings.warn(StoreWarning(told), stacklevel=2)
    parts = parts_of(folder, manifest)
    return Sweep(
        definition.network,
        definition.layers,
        definition.space,
        definition.mapping_objective,
        definition.objectives,
        partial(_gathered, definition, parts),
        parts,
        ours,
    )


def _gathered(definition: Definition, parts: Parts) -> Gathered:
    """Read every part."""
    gather = Gather(definition.space, definition.objectives, parts.every_row, parts)
    for start, stop in parts.ranges():
        gather.add(start, stop, parts.read(start, stop, gather.needed))
    return gather.finish()
