"""Writing several files so that a reader never meets half of one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


def write_files(folder: str | os.PathLike[str], writers: Mapping[str, Callable[[Path], object]]) -> list[str]:
    """Write files into a folder.

    Parameters
    ----------
    folder
        Where to; made if it does not exist. Files of the same names are replaced, others stay.
    writers
        File name -> function that writes the file at a path.

    Returns
    -------
    list of str
        The files' paths, in the order given.

    Raises
    ------
    OSError
        If the folder cannot be written; nothing is left half-written.

    Notes
    -----
    All files are written to a folder beside, which is then renamed; where `folder` exists already, its files
    are replaced one by one, each whole.

    """
    target = Path(folder)
    check_writable(target)
    blocked = next((target / name for name in writers if (target / name).is_dir()), None)
    if blocked is not None:
        raise IsADirectoryError(f"{blocked} is a folder, not a file")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:  # the folder that was asked for, not the one beside it
        raise type(error)(error.errno, error.strerror, str(target)) from None
    try:
        for name, write in writers.items():
            _write(write, beside / name, target)
        beside.chmod(0o755)
        if not target.exists():
            beside.rename(target)
        else:
            for name in writers:
                (beside / name).replace(target / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return [str(target / name) for name in writers]


def write_page(page: str, path: str | os.PathLike[str] | None) -> str:
    """Write one page of text to a path, and return the path; the page itself where there is none."""
    if path is None:
        return page
    target = Path(path)
    write_files(target.parent, {target.name: lambda file: file.write_text(page, encoding="utf-8")})
    return str(target)


def _write(write: Callable[[Path], object], file: Path, target: Path) -> None:
    """Write one file; where the system refuses, say so of the folder that was asked for.

    A library that fails to tidy up after a full disk raises something of its own, with the reason behind it.
    """
    try:
        write(file)
    except Exception as error:
        reason: BaseException | None = error
        while reason is not None and not isinstance(reason, OSError):
            reason = reason.__cause__ or reason.__context__
        if reason is None:
            raise
        raise OSError(reason.errno, reason.strerror or str(reason), str(target)) from None


def check_writable(folder: str | os.PathLike[str]) -> None:
    """Raise OSError now if files could not be written to a folder later."""
    target = Path(folder)
    existing = next(place for place in (target, *target.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is a file, not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(f"{existing} cannot be written")
