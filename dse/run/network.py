"""Networks as `dse` sees them: anything with a name that lowers to a layer table."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from dse.run.named import load_network
from dse.run.schedule import schedule_of
from hwmodels.residency.tensors import Schedule
from workloads.errors import InputError
from workloads.table import IntColumn, LayerTable, deduplicate


class Network(Protocol):
    """What `workloads.load` and `workloads.from_onnx` return."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def table(self, batch: int | None = None) -> LayerTable:
        """Lower it, for `batch` inputs at once."""


class Lowered(NamedTuple):
    """A network as machines are asked to run it."""

    name: str
    layers: LayerTable  # identical rows merged, unless the schedule's edges name them
    schedule: Schedule | None
    source: str  # what the network says of where it is from; "" where it says nothing
    rows: tuple[str, ...]  # names of the operations behind each row of `layers`; none of a bare table


def work_table(network: Network | str | LayerTable, batch: int | None, schedule: str) -> Lowered:
    """Lower a network: identical rows merged, unless its edges name them.

    Raises
    ------
    ValueError, KeyError
        As `network_table`; if there is no such schedule, or nothing says who reads what.

    """
    if isinstance(network, str):
        network = load_network(network, batch=batch)
    name, table = network_table(network, batch)
    asked = schedule_of(schedule, network, batch)
    layers, index = deduplicate(table) if asked is None else (table, np.arange(table.rows))
    rows = _named_rows(getattr(network, "row_names", ()), index)
    return Lowered(name, layers, asked, str(getattr(network, "source", "")), rows)


def _named_rows(names: Sequence[str], index: IntColumn) -> tuple[str, ...]:
    """Name each row by the first operation that it stands for, and say how many others are alike."""
    if len(names) != len(index):
        return ()
    alike = np.bincount(index)
    firsts = (str(names[row]) for row in np.unique(index, return_index=True)[1])
    return tuple(
        name if number == 1 else f"{name} and {number - 1} alike"
        for name, number in zip(firsts, alike, strict=True)
    )


def network_table(network: Network | str | LayerTable, batch: int | None = None) -> tuple[str, LayerTable]:
    """Name and layer table of a network, a built-in network's name, an ONNX file's path, or a bare table.

    Raises
    ------
    ValueError
        If the batch is not positive, or is given for a bare table, whose batch is in its rows.
    KeyError
        If there is no built-in network of that name; the nearest are named.

    """
    if batch is not None and batch < 1:
        raise InputError(f"batch must be at least 1, got {batch}", path="batch")
    if isinstance(network, LayerTable):
        if batch is not None:
            raise InputError(
                "batch: a layer table carries its own; lower the network with another batch instead",
                path="batch",
            )
        return "table", network
    if isinstance(network, str):
        network = load_network(network, batch=batch)
    return network.name, network.table(batch)
