"""The command `springboard`: one file a sub-command in `dse.cli.commands`."""

import os
import sys
from collections.abc import Sequence

DEBUG = "SPRINGBOARD_TRACEBACK"
"""Environment variable: 1 shows where an error was raised."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        What follows `springboard`; by default what the process was given.

    Returns
    -------
    int
        Exit status: 0, 2 after bad input (one line on standard error says what), 130 after Ctrl-C.

    """
    from dse.cli.app import InterruptedCommandError, UsageProblem, build

    given = None if arguments is None else list(arguments)
    try:
        status = build()(args=given, prog_name="springboard", standalone_mode=False)
        sys.stdout.flush()
    except (InterruptedCommandError, KeyboardInterrupt) as stop:
        return _complain(str(stop) or "interrupted", 130)
    except BrokenPipeError:  # the reader, `head` for one, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageProblem as problem:
        return _complain(problem.format_message())
    except (ValueError, KeyError, OSError) as problem:
        if os.environ.get(DEBUG) == "1":
            raise
        return _complain(_sentence(problem))
    return int(status or 0)


def _complain(message: str, status: int = 2) -> int:
    print("springboard: " + " ".join(message.split()), file=sys.stderr)
    return status


def _sentence(problem: Exception) -> str:
    """What an exception says, without the quotes and numbers that some types add."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename}: {problem.strerror}" if problem.filename else problem.strerror
    if type(problem) is KeyError and problem.args:
        return str(problem.args[0])
    return str(problem) or type(problem).__name__
