"""One long computation: the seconds count on a terminal, and Ctrl-C stops it at once."""

import sys
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from workloads.watched import watched

Answer = TypeVar("Answer")

PATIENCE_S = 1.0
"""Nothing is said before this."""
_TICK_S = 0.2


def wait_for(
    work: Callable[[], Answer], what: str, wanted: bool | None = None, news: Callable[[], str] | None = None
) -> Answer:
    """Run a function that says nothing itself.

    It runs in a thread of its own, because a compiled kernel would keep Ctrl-C waiting until it ends.

    Parameters
    ----------
    work
        What to run; what it raises is raised here.
    what
        What it does, for the line on standard error: "searching the mapspace".
    wanted
        True or False to force that line on or off; None shows it on a terminal only.
    news
        What else to say on that line, asked each time.

    Examples
    --------
    >>> wait_for(lambda: 6 * 7, "multiplying")
    42

    """
    shown = watched(wanted)
    answers: list[Answer] = []
    problems: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as problem:
            problems.append(problem)

    begun = time.monotonic()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    said = 0
    try:
        while thread.is_alive():
            thread.join(_TICK_S)
            seconds = time.monotonic() - begun
            if shown and thread.is_alive() and seconds > max(PATIENCE_S, said):
                said = int(seconds) + 1
                more = news() if news is not None else ""
                print(
                    f"\r\033[K{what}: {seconds:.0f} s{more and '; '}{more}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
    finally:
        if said:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
    if problems:
        raise problems[0]
    return answers[0]
