"""A store opened without being told what is in it."""

import os
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

from dse.errors import StoreError, StoreWarning
from dse.results.sweep import Sweep
from dse.run.definition import Definition
from dse.run.digest import model_digest
from dse.run.gather import Gather, Gathered
from dse.run.opening import definition_of, folder_of
from dse.run.parts import Parts
from dse.run.store import FORMAT, parts_of, read_manifest
from workloads.table import fingerprint


def open(path: str | os.PathLike[str]) -> Sweep:
    """Open the store of a sweep.

    Parameters
    ----------
    path
        Its folder.

    Returns
    -------
    Sweep
        `.frame`, `.front()`, `.limits()` read the parts when they are asked for; `.verify()` checks them all.

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
    definition = definition_of(folder)
    manifest = read_manifest(folder)
    if manifest["format"] != FORMAT:
        raise StoreError(f"store {folder}: its format is {manifest['format']}, this version reads {FORMAT}")
    ours = manifest["model"] == model_digest()
    described = (manifest["network"]["fingerprint"], _points(manifest["space"]) if ours else None)
    found = (fingerprint(definition.layers), _points(definition.space.describe()) if ours else None)
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


def _points(described: Mapping[str, Any]) -> dict[str, Any]:
    """What a space's points are, whatever metrics of one's own were registered beside them."""
    return {name: value for name, value in described.items() if name != "metrics"}


def _gathered(definition: Definition, parts: Parts) -> Gathered:
    """Read every part."""
    gather = Gather(definition.space, definition.objectives, parts.every_row, parts)
    for start, stop in parts.ranges():
        gather.add(start, stop, parts.read(start, stop, gather.needed))
    return gather.finish()
