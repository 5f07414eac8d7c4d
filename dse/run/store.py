"""A sweep on disk: one Parquet file a range of indices, renamed into place, so that the files are the ledger.

    runs/a/manifest.json                          what was swept: network, space, model, version, chunk
    runs/a/definition.json                        the same as values, to open it without being told
    runs/a/parts/000000-002048.parquet            rows of indices 0 .. 2047: index, axis values, metrics
    runs/a/ended.json                             of a search that came to its end: its certificate
    runs/a/lock                                   held by the process that writes

A part is there, whole and this sweep's own (`dse.run.seal`), or it is computed again. Parts depend on the
manifest alone, never on timing, so that a sweep that was killed and resumed ends with the same bytes as one
that was not. Any tool that reads Parquet opens `parts/*.parquet` directly.
"""

import contextlib
import errno
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from dse.arguments import folder_named
from dse.errors import StoreError, StoreWarning
from dse.run.columns import limit_names
from dse.run.definition import read_definition
from dse.run.digest import model_digest
from dse.run.lock import acquire, let_go
from dse.run.parts import Parts
from dse.run.seal import owner_of
from dse.space.space import Space
from dse.version import version
from hwmodels.residency.tensors import Schedule
from workloads.errors import LONGEST_VALUE
from workloads.plain_files import read_plain
from workloads.table import LayerTable, fingerprint

FORMAT: Final = 2
"""Version of the layout; a store of another one is refused."""

ENDED: Final = "ended.json"
"""What a search knows at its end: its certificate, and what it did that was not asked for."""

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_FREE: Final = ("version", "chunk")
"""Fields that may differ where a sweep resumes: the model has a digest, and every part says its rows."""


def manifest_of(
    network: str,
    layers: LayerTable,
    space: Space,
    mapping_objective: str,
    kept: Mapping[str, Any],
    chunk: int,
    *schedules: Schedule | None,
) -> dict[str, Any]:
    """Everything that a store's numbers depend on, as plain data."""
    return {
        "format": FORMAT,
        "version": version(),
        "model": model_digest(),
        "network": {"name": network, "fingerprint": fingerprint(layers)},
        "space": space.describe(),
        "mapping_objective": mapping_objective,
        "schedule": [[one.name, fingerprint(one.edges)] for one in schedules if one is not None] or "layers",
        "kept": dict(kept),
        "points": space.size,
        "chunk": chunk,
        "limits": list(limit_names(space)),
    }


class Store:
    """A folder of parts, open for writing by this process alone.

    Parameters
    ----------
    path
        The folder; made where it does not exist.
    manifest
        What is being swept, of `manifest_of`. Where the folder holds a manifest already, every field must be
        equal, except that `chunk` and `version` are taken from there.
    definition
        The same as values, of `write_definition`; written where it is not there as such.

    Raises
    ------
    StoreError
        If the folder was made for something else (the first field that differs is named), is in use by
        another process, or cannot be written.

    """

    def __init__(
        self, path: str | os.PathLike[str], manifest: Mapping[str, Any], definition: bytes | None = None
    ) -> None:
        self.path = folder_named(path)
        self._lock: int | None = None
        folder = self.path / "parts"
        with self._writing("be created"):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = acquire(self.path)
        try:
            self.manifest = self._agree(dict(manifest))
            with self._writing("be cleaned"):
                for stray in folder.glob("*.tmp"):  # of a process that was killed while writing
                    stray.unlink()
            if definition is not None:
                self._define(definition)
        except BaseException:
            self.close()
            raise
        self.parts = parts_of(self.path, self.manifest)

    def _define(self, definition: bytes) -> None:
        """Write the definition where it is not there; say so where another one was and was not whole."""
        file = self.path / "definition.json"
        if os.path.lexists(file):
            try:
                found = read_plain(file)
                if found == definition:
                    return
                read_definition(found, self.path)
            except (StoreError, OSError) as damage:
                warnings.warn(StoreWarning(f"{damage}: done"), stacklevel=2)
        with self._writing("take definition.json"):
            _replace(file, definition)

    def _agree(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Hold the manifest against the one that is there, or write it."""
        try:
            found = read_manifest(self.path)
        except StoreError as problem:
            self._adopt(manifest, problem)
            content = {**manifest, "sha256": _checksum(manifest)}
            with self._writing("take manifest.json"):
                _replace(self.path / "manifest.json", (json.dumps(content, indent=1) + "\n").encode())
            return manifest
        manifest |= {field: found[field] for field in _FREE}
        there, here = dict(_leaves(found)), dict(_leaves(json.loads(json.dumps(manifest))))
        if there.get("format") == FORMAT and there.get("model") != here["model"]:
            raise StoreError(
                f"store {self.path}: made by another version of the model (digest {found.get('model')}, "
                f"now {here['model']}); dse.open reads it, but it cannot be resumed: choose another folder"
            )
        for field in {**here, **there}:
            if there.get(field) != here.get(field):
                raise StoreError(
                    f"store {self.path}: made with {field} = {_brief(there.get(field))}, this sweep has "
                    f"{_brief(here.get(field))}; choose another folder or remove this one"
                )
        return found

    def _adopt(self, manifest: dict[str, Any], problem: StoreError) -> None:
        """Where there is no manifest, or a damaged one: go on only with parts that are this sweep's own."""
        files = sorted((self.path / "parts").glob("*.parquet"))
        damaged = (self.path / "manifest.json").exists()
        if not files and not damaged:
            return
        own = parts_of(self.path, manifest)
        ranges = [rows for file in files if (rows := own.rows_of(file)) is not None]
        if files and not ranges:
            raise StoreError(f"{problem}, and no part of this sweep is there; choose another folder")
        if own.every_range:
            whole = [stop - start for start, stop in ranges if stop < own.points or start == 0]
            manifest["chunk"] = max(whole, default=manifest["chunk"])
        said = f"{problem}; its parts are this sweep's own, and it was written anew"
        warnings.warn(StoreWarning(said), stacklevel=2)

    def end(self, told: Mapping[str, Any]) -> None:
        """Write what is known once nothing is left to do, beside the manifest."""
        content = {**told, "sha256": _checksum(told)}
        with self._writing(f"take {ENDED}"):
            _replace(self.path / ENDED, (json.dumps(content) + "\n").encode())

    def write(self, start: int, stop: int, part: bytes) -> None:
        """Write the part of a range; it is there in full or not at all.

        Raises
        ------
        StoreError
            If the disk is full or cannot be written.

        """
        with self._writing("take a part", "; the parts it has are whole"):
            _replace(self.parts.file(start, stop), part)

    @contextlib.contextmanager
    def _writing(self, what: str, then: str = "") -> Iterator[None]:
        """Turn what the system refuses into an error that names the store."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno == errno.EISDIR and error.filename:
                reason = f"{Path(error.filename2 or error.filename).name} is a folder; remove it"
            elif error.errno in (errno.EEXIST, errno.ELOOP) and error.filename:
                reason = f"{Path(error.filename).name} is there and is no folder; remove it"
            if then and error.errno in _NO_ROOM:
                then += ": make room and run again to resume"
            raise StoreError(f"store {self.path}: cannot {what} ({reason}){then}") from None

    def close(self) -> None:
        """Let another process have the store."""
        if self._lock is not None:
            let_go(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_end(path: Path) -> dict[str, Any] | None:
    """Read what `Store.end` wrote; None where it did not, or it is not as it was written."""
    try:
        found = json.loads(read_plain(path / ENDED))
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and found.pop("sha256", None) == _checksum(found)
    return found if whole else None


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a store's manifest.

    Raises
    ------
    StoreError
        If there is none, or it is not as it was written.

    """
    try:
        found = json.loads(read_plain(path / "manifest.json"))
        if not isinstance(found, dict) or found.pop("sha256", None) != _checksum(found) or _misshapen(found):
            raise StoreError(f"store {path}: manifest.json cannot be read (it was damaged or edited)")
    except FileNotFoundError:
        has = "parts but no manifest.json" if (path / "parts").exists() else "no sweep and no search"
        raise StoreError(f"store {path}: holds {has}") from None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"store {path}: manifest.json cannot be read ({_brief(error)})") from None
    return found


def _misshapen(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest of this format lacks what parts are found by: a checksum says nothing of sense."""
    if manifest.get("format") != FORMAT:
        return False
    counts = [manifest.get(name) for name in ("points", "chunk")]
    kept, limits = manifest.get("kept"), manifest.get("limits")
    return not (
        all(type(count) is int and count >= 1 for count in counts)
        and isinstance(kept, dict)
        and kept.get("rows") in ("all", "front", "trace")
        and isinstance(limits, list)
        and all(isinstance(name, str) for name in limits)
    )


def _checksum(manifest: Mapping[str, Any]) -> str:
    return sha256(json.dumps(dict(manifest), sort_keys=True).encode()).hexdigest()


def parts_of(path: Path, manifest: Mapping[str, Any]) -> Parts:
    """Parts of the store that a manifest describes."""
    identity = {field: value for field, value in manifest.items() if field not in _FREE}
    return Parts(
        path / "parts",
        manifest["points"],
        manifest["chunk"],
        manifest["kept"]["rows"],
        owner_of(identity),
        tuple(manifest["limits"]),
    )


def _brief(value: object) -> str:
    """A value in a message, as it reads, and cut."""
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _replace(file: Path, content: bytes) -> None:
    """Write a file beside its place and rename it there; on failure nothing is left behind."""
    beside = file.with_name(file.name + ".tmp")
    try:
        beside.write_bytes(content)
        beside.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _leaves(data: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values of nested plain data."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else name)
    elif isinstance(data, list):
        yield f"{prefix} (number)", len(data)
        for number, value in enumerate(data):
            yield from _leaves(value, f"{prefix}[{number}]")
    else:
        yield prefix, data
