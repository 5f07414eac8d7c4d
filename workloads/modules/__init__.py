"""Trainable PyTorch modules of exactly a network's graph; torch is loaded when one is asked for.

`GraphModule` runs the graph's operations in their order. Operations with weights are layers (`layers`,
`recurrent`, `mixture`), the others are functions (`functions`). Weights with zeros are masked layers, whose
zeros stay zero while the rest is trained.
"""

from typing import TYPE_CHECKING, Any

from workloads.errors import NetworkImportError, WorkloadError
from workloads.grammar.arguments import SEED, TRUTH, having, takes

if TYPE_CHECKING:
    from workloads.network import Network


class ModuleMismatchError(NetworkImportError):
    """A module is not that of a network; the first layer that differs is named."""


@takes(network=having("a network", "graph", "table"), seed=SEED, masked=TRUTH)
def to_module(network: "Network", *, seed: int = 0, masked: bool = False) -> Any:
    """Make a trainable torch.nn.Module of exactly a network's graph.

    Parameters
    ----------
    network
        The network. Weights whose zeros are known by place keep them; of those that have only a density, as
        many weights as it says are drawn evenly over the tensor.
    seed
        Equal seeds give equal weights; the global random state stays as it was.
    masked
        Whether layers that have no zeros yet are masked too, so that they can be pruned and grown.

    Returns
    -------
    torch.nn.Module
        Takes the network's inputs in their order, of any batch, and returns its outputs. Parameters lie under
        the operations' names. `network.with_masks(module)` brings its zeros back.

    Raises
    ------
    NetworkImportError
        If PyTorch is not installed, or the network holds an operation that has no trainable counterpart.

    """
    from workloads.modules.graph_module import GraphModule

    return GraphModule(network, seed=seed, masked=masked)


def with_masks(network: "Network", module: Any) -> "Network":
    """Return a network with the zeros of a module's weights; see `masks.masks_of`."""
    from workloads.modules import check, masks

    kept = masks.masks_of(network, module)
    trained = getattr(module, "network", network)
    if isinstance(trained, type(network)) and trained.graph is not network.graph:
        check.same_graph(network, trained)
    return network.with_weights(*(network.graph.weights[name].with_mask(mask) for name, mask in kept.items()))


@takes(network=having("a network", "graph", "table"))
def check_module(network: "Network", module: Any) -> Any:
    """Hold a module against its network, layer by layer; see `check.check`."""
    from workloads.modules.check import check

    return check(network, module)


__all__ = ["ModuleMismatchError", "WorkloadError", "check_module", "to_module", "with_masks"]
