"""The command `springboard`: one file a sub-command in `dse.cli.commands`."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from dse.cli import ending
from dse.cli.app import InterruptedCommandError, ReaderGoneError, UsageProblem, build

TRACEBACK = "--traceback"
"""Option of every command, wherever it stands: show where an error was raised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        What follows `springboard`; by default what the process was given.

    Returns
    -------
    int
        Exit status: 0; 2 after bad input, or where the system refuses something (one line on standard error
        says what); 70 after a fault of ours (one line says where to report it); 130 after Ctrl-C.

    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not ending.open_standard_files():
        return ending.complain("standard output is closed: there is nowhere to answer")
    known = given[: given.index("--")] if "--" in given else given
    shown = TRACEBACK in known
    given = [word for word in known if word != TRACEBACK] + given[len(known) :]
    with warnings.catch_warnings():
        warnings.showwarning = ending.warn
        try:
            return _run(given)
        except BaseException as problem:
            if shown and not isinstance(problem, KeyboardInterrupt):
                raise
            return ending.end(problem)


def _run(arguments: Sequence[str]) -> int:
    try:
        status = build()(args=list(arguments), prog_name="springboard", standalone_mode=False)
        sys.stdout.flush()
    except InterruptedCommandError as stop:
        raise KeyboardInterrupt(str(stop)) from None
    except ReaderGoneError:
        raise BrokenPipeError from None
    except UsageProblem as problem:
        if type(problem).__name__ == "NoArgsIsHelpError":  # "springboard" alone: the help is what was asked
            print(problem.format_message())
            return 0
        return ending.complain(_usage(problem))
    return int(status or 0)


def _usage(problem: Any) -> str:
    """What is wrong with a command's words; of one that is missing, what it is."""
    option: Any = getattr(problem, "param", None)
    if type(problem).__name__ != "MissingParameter" or not getattr(option, "help", ""):
        return str(problem.format_message())
    return f"{problem.format_message().rstrip('.')}: {option.help}"
