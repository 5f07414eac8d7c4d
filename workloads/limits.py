"""What would not fit is refused by name before it is begun."""

import os

from workloads.errors import WorkloadError

MOST_OPERATIONS = 1_000_000
"""Operations of a built-in network: about 4 GB of graph."""


def need_operations(what: str, number: int) -> None:
    """Refuse a network of more operations than a graph should have.

    Examples
    --------
    >>> need_operations("resnet18: blocks", 10**9)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    workloads.errors.WorkloadError: resnet18: blocks make 1,000,000,000 operations; at most 1,000,000 are ...

    """
    if number > MOST_OPERATIONS:
        raise WorkloadError(f"{what} make {number:,} operations; at most {MOST_OPERATIONS:,} are built")


def need_memory(what: str, needed_bytes: int) -> None:
    """Refuse work on arrays that together are larger than the memory that is free."""
    free = free_memory_bytes()
    if free is not None and needed_bytes > free:
        raise WorkloadError(
            f"{what} needs {needed_bytes / 1e9:,.3g} GB of memory, {free / 1e9:,.3g} GB are free"
        )


def free_memory_bytes() -> int | None:
    """Return the memory that is free or only caches files; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
