"""A folder for one process at a time; the system lets go of it when the process ends, however it ends."""

import os
import socket
from pathlib import Path
from typing import Final

from dse.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    _BYTE: Final = 1 << 30
    """What is locked there: a byte behind all that is written, since others cannot read one that is."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD: Final[set[int]] = set()
"""Locks of this process."""


def acquire(folder: Path) -> int:
    """Lock a folder for this process.

    Raises
    ------
    StoreError
        If another process has it; the message says which.
    OSError
        If the lock cannot be written.

    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(lock)
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
        let_go(lock)
        raise
    return lock


def let_go(lock: int) -> None:
    """Let another process have a folder that this one locked."""
    _HELD.discard(lock)
    os.close(lock)


def _forget() -> None:
    """Close what a forked process, such as a pool's worker, was born with: it would hold it for good."""
    for lock in list(_HELD):
        let_go(lock)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
