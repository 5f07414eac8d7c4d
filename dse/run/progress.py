"""How far a sweep is: a bar with rate, time left and the front's size, and silence where nobody watches."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from workloads.watched import watched

_FORMAT = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{rate_fmt}, {remaining} left{postfix}]"


class Progress:
    """A progress bar on standard error.

    Parameters
    ----------
    total
        Configurations there are; asked only where the bar is shown, because counting may take a while.
    done
        Configurations already costed.
    wanted
        True or False to force the bar on or off; None shows it on a terminal only.
    what
        What is counted.

    """

    def __init__(
        self,
        total: Callable[[], int],
        done: int = 0,
        wanted: bool | None = None,
        what: str = "configurations",
    ) -> None:
        shown = watched(wanted)
        self._bar: Any = None
        if shown:
            self._bar = tqdm(
                total=total(),
                initial=done,
                desc=what,
                unit="",
                unit_scale=True,
                bar_format=_FORMAT,
                file=sys.stderr,
                dynamic_ncols=True,
                smoothing=0.1,
            )

    def show(self, done: int, front_size: int | None = None) -> None:
        """Say how many are done and, where one grows, how large the front is now."""
        if self._bar is not None:
            if front_size is not None:
                self._bar.set_postfix_str(f"front {front_size:,}", refresh=False)
            self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
