"""Schemes of minutes: a bar that shows how far they are."""

import sys
from collections.abc import Iterable

from tqdm import tqdm

from workloads.watched import watched

_PATIENCE_S = 1.0
"""Seconds before a bar appears."""


def steps(number: int, scheme: str) -> Iterable[int]:
    """Count from 1 to a number of steps, with a bar on a terminal or in a notebook where it takes long."""
    shown = watched() or "ipykernel" in sys.modules
    return tqdm(range(1, number + 1), scheme, leave=False, delay=_PATIENCE_S, disable=not shown)
