"""How a command ends that cannot do what was asked: one line, and a status that says whose fault it is."""

import contextlib
import os
import sys
from typing import Any, Final, TextIO

from dse.errors import SpringboardError
from workloads import errors

REFUSED: Final = 2
OURS: Final = 70
"""As `EX_SOFTWARE` of sysexits: a fault of the program."""
INTERRUPTED: Final = 130


def end(problem: BaseException) -> int:
    """Say in one line why a command ended, and return its status."""
    if isinstance(problem, KeyboardInterrupt):
        return complain(str(problem) or "interrupted", INTERRUPTED)
    if isinstance(problem, SystemExit):
        return problem.code if isinstance(problem.code, int) else int(problem.code is not None)
    if isinstance(problem, BrokenPipeError):  # the reader, `head` for one, has had enough
        _drop_output()
        return 0
    if isinstance(problem, MemoryError):
        return complain("there is not enough memory for this; ask for fewer points or workers")
    if isinstance(problem, SpringboardError | ValueError | OSError):
        return complain(sentence(problem))
    what = f"{type(problem).__name__}: {' '.join(str(problem).split())[:120]}"
    return complain(
        f"a fault of springboard, not of what was asked ({what}); please report the command, and what it "
        "prints with --traceback, to the authors",
        OURS,
    )


def sentence(problem: BaseException) -> str:
    """What an exception says, without the quotes and numbers that some types add."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    return str(problem) or type(problem).__name__


def one_line(message: str) -> str:
    """A line that says who speaks, of at most 300 characters.

    Examples
    --------
    >>> one_line("two\\nlines"), len(one_line("x" * 1000))
    ('springboard: two lines', 300)

    """
    return errors.one_line(f"springboard: {message}")


def complain(message: str, status: int = REFUSED) -> int:
    """Write a line to standard error, if anybody reads it, and return the status."""
    with contextlib.suppress(OSError, ValueError):
        print(one_line(message), file=sys.stderr, flush=True)
    _drop_output()
    return status


def warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Write a warning as a line; takes the place of `warnings.showwarning`."""
    with contextlib.suppress(OSError, ValueError):
        print(one_line(str(message)), file=sys.stderr, flush=True)


def open_standard_files() -> bool:
    """Say whether there is a standard output, and see to it that there is a standard error.

    Where a shell closes one of them (`2>&-`), the next file that is opened would take its number, and what is
    written to it would end in that file.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # as long as the process
    return sys.stdout is not None


def _drop_output() -> None:
    """Have what cannot be written, to a closed pipe or a full disk, not said a second time at the exit."""
    stream: Any = sys.stdout
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
