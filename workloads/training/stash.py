"""What a step keeps from its forward operations for its backward ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.training.losses import CrossEntropy

if TYPE_CHECKING:
    import pandas as pd

    from workloads.network import Network


def phases(step: Network) -> dict[str, str]:
    """Say which part of a step every operation is: "forward", "loss", "backward" or "update"."""
    found, phase = {}, "forward"
    for node in step.graph.nodes():
        operation = node.operation
        if isinstance(operation, CrossEntropy):
            phase = "backward"
            found[operation.name] = "loss"
        else:
            found[operation.name] = "update" if operation.name.endswith(".update") else phase
    return found


def stash(step: Network, datapath_bits: int = 8) -> pd.DataFrame:
    """List the tensors that forward operations make (or get) and backward operations read.

    Parameters
    ----------
    step
        A network made by `Network.training` or `Network.inversion`.
    datapath_bits
        Bits of the tensors that leave their width to the datapath.

    Returns
    -------
    pandas.DataFrame
        Indexed by tensor: made_by (an operation, or the network's input itself), elements, held_bytes (dense;
        from when it is made until the last of its readers), readers (backward operations), density and known.

    """
    import pandas as pd

    phase, graph, rows = phases(step), step.graph, []
    for name, tensor in graph.tensors.items():
        maker = graph.producer[name]
        if phase.get(maker, "forward") != "forward":
            continue
        readers = sum(phase[reader] in ("backward", "update") for reader in graph.consumers(name))
        if readers:
            held = tensor.elements * (tensor.bits or datapath_bits) / 8
            rows.append((name, maker, tensor.elements, held, readers, tensor.density, tensor.known))
    columns = ["tensor", "made_by", "elements", "held_bytes", "readers", "density", "known"]
    return pd.DataFrame(rows, columns=columns).set_index("tensor")
