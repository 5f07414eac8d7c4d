"""Says once that kernels are being compiled: a first run is silent for a minute otherwise."""

import sys
from multiprocessing import parent_process

from numba.core import event
from tqdm import tqdm

from workloads.watched import watched

KERNELS = "hwmodels.kernels"
NOTICE = (
    "compiling kernels: up to a minute the first time that machines of a kind are costed; "
    "later runs load them from disk"
)


class Notice(event.Listener):
    """Hears the compiler begin, which it does only for a kernel that no earlier run has left on disk.

    Without the compiler (`NUMBA_DISABLE_JIT=1`) it hears nothing. Processes that a sweep starts say nothing:
    the one that started them has said it, or has its own bar.
    """

    def __init__(self) -> None:
        self._said = False

    def on_start(self, begun: event.Event) -> None:
        """Say it, where somebody looks, when the first of the project's kernels is compiled."""
        ours = begun.data["dispatcher"].py_func.__module__.startswith(KERNELS)
        if ours and not self._said:
            self._said = True
            if watched() and parent_process() is None:
                tqdm.write(NOTICE, file=sys.stderr)  # above a bar, if there is one

    def on_end(self, ended: event.Event) -> None:
        """Nothing is said then."""


def announce() -> None:
    """Have the compiler heard from now on."""
    event.register("numba:compile", Notice())
