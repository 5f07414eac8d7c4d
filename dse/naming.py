"""Networks, machines and spaces go by names; what to say where a name is of another sort than was wanted."""

from collections.abc import Callable
from shlex import quote
from typing import Final, NamedTuple

import hwmodels
import workloads
from dse.errors import UnknownNameError
from workloads.errors import UnknownNetworkError, shown

SPACES: Final = ("systolic", "edge", "datacentre", "sparse", "spring", "software_defined")
"""Names of the spaces that `dse.space.named` makes."""

_FIRST: Final = "a network comes first, its machine or space after it"


class _Sort(NamedTuple):
    """A sort of name: those that there are, what is raised, and what is said of a name of another sort."""

    listed: str
    names: Callable[[], tuple[str, ...]]
    error: type[UnknownNameError]
    said: dict[str, str]


_SORTS: Final = {
    "network": _Sort(
        "networks",
        lambda: tuple(workloads.names()),
        UnknownNetworkError,
        {
            "machine": f"is a machine, not a network; {_FIRST}",
            "space": f"is a space of machines, not a network; {_FIRST}",
        },
    ),
    "machine": _Sort(
        "accelerators",
        lambda: tuple(hwmodels.names()),
        hwmodels.UnknownAcceleratorError,
        {
            "network": "is a network; it comes first, and its machine after it",
            "space": "is a space of machines, not one: dse.sweep(network, {name}) costs all of them, "
            "dse.named_space({name}).base is one",
        },
    ),
    "space": _Sort(
        "spaces",
        lambda: SPACES,
        UnknownNameError,
        {
            "network": "is a network, not a space; it comes first, and its space after it",
            "machine": "is one machine, not a space: "
            'dse.Space({name}, {{"array.rows": [8, 16]}}) is a space of its kind',
        },
    ),
}


def sort_of(name: str) -> str:
    """Say whether a name is a "network", a "machine" or a "space"; "" where it is none.

    Examples
    --------
    >>> sort_of("resnet18"), sort_of("edge_16x16"), sort_of("edge"), sort_of("zebra")
    ('network', 'machine', 'space', '')

    """
    return next((sort for sort, one in _SORTS.items() if _plain(name) in one.names()), "")


def refuse_another(name: str, wanted: str) -> None:
    """Raise an error that says what `name` is, where it is of another sort than `wanted`."""
    sort, found = _SORTS[wanted], sort_of(name)
    if found and _plain(name) not in sort.names():
        raise sort.error(f"{shown(name)} {sort.said[found].format(name=shown(name))}")


def refuse_elsewhere(name: str, wanted: str) -> None:
    """Raise an error with the command that shows `name`, where it is of another sort than `wanted`."""
    sort, found = _SORTS[wanted], sort_of(name)
    if found and _plain(name) not in sort.names():
        raise sort.error(
            f"{shown(name)} is a {found}; springboard {_SORTS[found].listed} {quote(name)} shows it"
        )


def _plain(name: str) -> str:
    """Return a name without its sizes: those of resnet18(width=0.5)."""
    return name.partition("(")[0]
