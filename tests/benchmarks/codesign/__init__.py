"""What co-design is to reach, measured: `python -m tests.benchmarks codesign` prints all tables.

`python -m tests.benchmarks.codesign connections joint` prints some of them. Every result is kept under
runs/codesign by content: a command that was killed goes on where it was, and code that changed is run anew.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch

from tests.benchmarks.codesign import tables

PARTS: Final[dict[str, Callable[[], None]]] = {
    "connections": tables.connections,
    "small": tables.small,
    "synthesis": tables.synthesis,
    "incremental": tables.incremental,
    "predictor": tables.predictor,
    "joint": tables.joint,
    "precision": tables.precision,
    "data_free": tables.data_free,
}
"""Parts by name."""


def main(parts: Sequence[str] = ()) -> None:
    """Print the tables of some parts, or all."""
    torch.set_num_threads(1)
    for part in parts or PARTS:
        PARTS[part]()
        print(flush=True)
