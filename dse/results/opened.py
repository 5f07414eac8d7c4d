"""Results opened without being told what is in them: stores, saved fronts, searches, stress tests."""

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas

from dse.errors import InfeasibleSpaceError, StoreError, StoreWarning
from dse.metrics import columns, objectives_of
from dse.results.found import Found
from dse.results.networks_sweep import LISTED, NetworksSweep
from dse.results.reading import read_front, read_pairs
from dse.results.saved import FILES
from dse.results.saved_pairs import PAIRS
from dse.results.stressed import STRESS, read_stress
from dse.results.sweep import Sweep
from dse.run.definition import Definition
from dse.run.digest import model_digest
from dse.run.gather import Gather, Gathered
from dse.run.opening import Verification, definition_of, folder_of, verify
from dse.run.parts import Parts
from dse.run.store import FORMAT, parts_of, read_end, read_manifest
from dse.strategies.certificate import Certificate
from dse.strategies.ledger import joined, read_batches
from dse.strategies.search import why_infeasible
from dse.strategies.stored import problem_of
from workloads.errors import InputError
from workloads.grammar.arguments import PATH, takes
from workloads.plain_files import read_plain
from workloads.table import fingerprint

if TYPE_CHECKING:
    from dse.results.codesigned import Codesigned
    from dse.results.front import Front
    from dse.results.stressed import Stressed

_MEMBERS: Final = (FILES[0], STRESS[0], PAIRS[0], "run.yaml")
"""Files that may stand for the folder they lie in."""


@takes(path=PATH)
def open(path: str | os.PathLike[str]) -> "Sweep | NetworksSweep | Front | Found | Stressed | Codesigned":
    """Open what a sweep, a search, `save` or a command left in a folder.

    Parameters
    ----------
    path
        The store of a sweep or a search, or the folder that a front, a search or a stress test was saved to;
        front.parquet, stress.parquet, codesign.parquet or run.yaml in there will do, too.

    Returns
    -------
    Sweep, NetworksSweep, Front, Found, Stressed or Codesigned
        What was kept. Of a store, `.frame`, `.front()`, `.limits()` read the parts when they are asked for
        and `.verify()` checks them all; of several networks `[name]` is the sweep of one of them.

    Raises
    ------
    StoreError
        If there is nothing of the kind in the folder, or what describes it is damaged. Parts that are missing
        or not whole are found when they are read; `dse.resume` computes them again.

    Warns
    -----
    StoreWarning
        If it was made by another version of the model. Rows are read as they are; a store cannot be resumed.

    """
    if isinstance(path, str | os.PathLike) and Path(path).name in _MEMBERS and Path(path).is_file():
        path = Path(path).parent
    folder = folder_of(path)
    listed = folder / LISTED
    if listed.exists():
        return _several(folder, listed)
    if any((folder / name).exists() for name in ("manifest.json", "definition.json", "parts")):
        return _store(folder)
    if (folder / STRESS[0]).exists():
        return read_stress(folder)
    if (folder / PAIRS[0]).exists():
        return read_pairs(folder)
    if (folder / FILES[0]).exists():
        return read_front(folder)
    raise StoreError(
        f"store {folder}: holds no sweep and no search, and none of {', '.join(_MEMBERS[:3])} "
        "that `save` writes"
    )


def _several(folder: Path, listed: Path) -> NetworksSweep:
    """Open the stores of several networks, with what was measured of them."""
    try:
        sealed = json.loads(read_plain(listed))
        content = sealed["content"]
        if hashlib.sha256(json.dumps(content).encode()).hexdigest() != sealed["sha256"]:
            raise InputError("its checksum does not match")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(
            f"store {folder}: {LISTED} is damaged; the same sweep, told again, writes it anew"
        ) from None
    rows = pandas.DataFrame(**content["networks"])
    sweeps = {
        label: _sweep(folder_of(folder / below))
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


def _sweep(folder: Path) -> Sweep:
    """Open the store of one network's sweep."""
    found = _store(folder)
    if not isinstance(found, Sweep):
        raise StoreError(f"store {folder}: holds a search where the sweep of a network was left")
    return found


@takes(path=PATH)
def verify_store(path: str | os.PathLike[str]) -> Verification:
    """Check every part of the store of a sweep or a search against the checksum it carries."""
    folder = folder_of(path)
    definition_of(folder)
    return verify(parts_of(folder, read_manifest(folder)))


def _store(folder: Path) -> Sweep | Found:
    definition = definition_of(folder)
    manifest = read_manifest(folder)
    ours = _current(folder, definition, manifest)
    parts = parts_of(folder, manifest)
    if definition.kept["rows"] == "trace":
        return _search(folder, definition, parts)
    return Sweep(
        definition.network,
        definition.layers,
        definition.space,
        definition.mapping_objective,
        definition.objectives,
        partial(_gathered, definition, parts),
        parts,
        ours,
        definition.schedule,
        definition.source,
        definition.rows,
    )


def _current(folder: Path, definition: Definition, manifest: dict[str, Any]) -> bool:
    """Whether the model that runs made a store, whose two descriptions have to agree."""
    if manifest["format"] != FORMAT:
        raise StoreError(f"store {folder}: its format is {manifest['format']}, this version reads {FORMAT}")
    ours = bool(manifest["model"] == model_digest())
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
        warnings.warn(StoreWarning(told), stacklevel=4)
    return ours


def _search(folder: Path, definition: Definition, parts: Parts) -> Found:
    """Put together what a search had costed, whole batches only."""
    problem = problem_of(definition)
    names = ["index", "feasible", "limit", *(objective.column for objective in problem.objectives)]
    batches, fault = read_batches(parts, names)
    trace = joined(batches)
    if not batches or not trace["feasible"].any():
        why = why_infeasible(problem, trace) if batches else f"store {folder}: nothing was costed yet"
        raise InfeasibleSpaceError(why)
    ended = read_end(folder)
    if ended is not None and ended["costed"] == len(trace["index"]):
        proof, remarks = ended["certificate"], ended["remarks"]
    else:
        proof, remarks = None, ["the search did not come to its end"]
    if fault is not None:
        remarks = [*remarks, f"read up to {fault.file}, which is {fault.reason}"]
    marks = [0]
    for batch in batches:
        marks.append(marks[-1] + len(batch["index"]))
    certificate = None if proof is None else Certificate(**proof)
    kept = definition.kept
    return Found.of(
        problem,
        trace,
        np.array(marks[1:], dtype=np.int64),
        kept["strategy"],
        kept["seed"],
        certificate,
        remarks,
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
