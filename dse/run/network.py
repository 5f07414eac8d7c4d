"""Networks as `dse` sees them: anything with a name that lowers to a layer table."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dse.run.schedule import schedule_of
from hwmodels.residency.tensors import Schedule
from workloads.errors import InputError, shown
from workloads.table import LayerTable, deduplicate

if TYPE_CHECKING:
    import workloads


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
    layers = deduplicate(table)[0] if asked is None else table
    return Lowered(name, layers, asked, str(getattr(network, "source", "")))


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


def load_network(name: str, batch: int | None = None, **said: Any) -> "workloads.Network":
    """Find a network by built-in name or by the path of a file.

    Parameters
    ----------
    name
        A built-in network, or a path that `workloads.from_file` reads: it ends in ".onnx", contains a
        separator or is a file.
    batch
        Value of a file's dynamic batch dimension.
    **said
        What else `workloads.from_file` is told of a file: `dims`, `unknown`, `inputs`, `weights`, `caches`,
        `batch_axis`. `workloads.load` refuses it of a built-in network.

    Raises
    ------
    ValueError, KeyError
        As `workloads.load` and `workloads.from_file`.

    """
    import workloads

    if _is_file(f"{name}/manifest.json"):
        raise InputError(
            f"{shown(name)} is a sweep's store, no network: say --store, or dse.open", path="network"
        )
    if name.endswith(".onnx") or "/" in name or _is_file(name):
        return workloads.from_file(name, batch=batch, **said)
    return workloads.load(name, **said)


def _is_file(name: str) -> bool:
    """Whether there is a file of that name; a name too long for one is none."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False
