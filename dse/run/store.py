"""A sweep on disk: one Parquet file a range of indices, renamed into place, so that the files are the ledger.

    runs/a/manifest.json                          what was swept: network, space, technology, version, chunk
    runs/a/parts/000000-002048.parquet            rows of indices 0 .. 2047: index, axis values, metrics
    runs/a/lock                                   held by the process that writes

A part is there and whole, or it is computed again. Parts depend on the manifest alone, never on timing, so
that a sweep that was killed and resumed ends with the same bytes as one that was not. Any tool that reads
Parquet opens `parts/*.parquet` directly.
"""

import contextlib
import importlib.metadata
import importlib.resources
import json
import os
import socket
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from dse.errors import StoreError
from dse.run.columns import limit_names
from dse.run.parts import Parts
from dse.space.space import Space
from workloads.table import LayerTable, fingerprint

FORMAT: Final = 1
"""Version of the layout; a store of another one is refused."""


@cache
def technology_fingerprint() -> str:
    """Hash of the tables that the models read their constants from, 16 hexadecimal digits."""
    digest = sha256()
    folder = Path(str(importlib.resources.files("hwmodels"))) / "data"
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def version() -> str:
    """Version of the project, "source" where it runs without being installed."""
    try:
        return importlib.metadata.version("springboard")
    except importlib.metadata.PackageNotFoundError:
        return "source"


def manifest_of(
    network: str,
    layers: LayerTable,
    space: Space,
    mapping_objective: str,
    kept: Mapping[str, Any],
    chunk: int,
) -> dict[str, Any]:
    """Everything that a store's numbers depend on, as plain data."""
    return {
        "format": FORMAT,
        "version": version(),
        "technology": technology_fingerprint(),
        "network": {"name": network, "fingerprint": fingerprint(layers)},
        "space": space.describe(),
        "mapping_objective": mapping_objective,
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
        equal, except that `chunk` is taken from there.

    Raises
    ------
    StoreError
        If the folder was made for something else (the first field that differs is named), is in use by
        another process, or cannot be written.

    """

    def __init__(self, path: str | os.PathLike[str], manifest: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        folder = self.path / "parts"
        with self._writing("be created"):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _acquire(self.path)
        try:
            self.manifest = self._agree(dict(manifest))
            with self._writing("be cleaned"):
                for stray in folder.glob("*.tmp"):  # of a process that was killed while writing
                    stray.unlink()
        except BaseException:
            self.close()
            raise
        self.parts = Parts(
            folder, self.manifest["points"], self.manifest["chunk"], self.manifest["kept"]["rows"] == "all"
        )

    def _agree(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Write the manifest, or hold it against the one that is there."""
        file = self.path / "manifest.json"
        if not file.exists():
            if any((self.path / "parts").glob("*.parquet")):
                raise StoreError(
                    f"store {self.path}: holds parts but no manifest.json; choose another folder"
                )
            with self._writing("take manifest.json"):
                _replace(file, (json.dumps(manifest, indent=1) + "\n").encode())
            return manifest
        try:
            found = json.loads(file.read_text())
            manifest["chunk"] = int(found["chunk"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"store {self.path}: manifest.json cannot be read ({error})") from None
        there, here = dict(_leaves(found)), dict(_leaves(json.loads(json.dumps(manifest))))
        for field in {**here, **there}:
            if there.get(field) != here.get(field):
                raise StoreError(
                    f"store {self.path}: made with {field} = {there.get(field)}, this sweep has "
                    f"{here.get(field)}; choose another folder or remove this one"
                )
        return manifest

    def write(self, start: int, stop: int, part: bytes) -> None:
        """Write the part of a range; it is there in full or not at all.

        Raises
        ------
        StoreError
            If the disk is full or cannot be written.

        """
        with self._writing("take a part", "; the parts it has are whole: make room and run again to resume"):
            _replace(self.parts.file(start, stop), part)

    @contextlib.contextmanager
    def _writing(self, what: str, then: str = "") -> Iterator[None]:
        """Turn what the system refuses into an error that names the store."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(f"store {self.path}: cannot {what} ({reason}){then}") from None

    def close(self) -> None:
        """Let another process have the store."""
        if self._lock is not None:
            _let_go(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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


def _acquire(folder: Path) -> int:
    """Lock a folder for this process; the system lets go of it when the process ends, however it ends."""
    import fcntl

    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(lock, 200).decode(errors="replace").strip()
        os.close(lock)
        raise StoreError(
            f"store {folder}: in use by {holder or 'another process'}; wait for it or end it"
        ) from None
    _HELD.add(lock)
    try:
        os.ftruncate(lock, 0)
        os.write(lock, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    except BaseException:
        _let_go(lock)
        raise
    return lock


_HELD: Final[set[int]] = set()
"""Locks of this process."""


def _let_go(lock: int) -> None:
    _HELD.discard(lock)
    os.close(lock)


def _forget() -> None:
    """Close what a forked process, such as a pool's worker, was born with: it would hold it for good."""
    for lock in list(_HELD):
        _let_go(lock)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
