"""Trained convolutions in low rank: what every rank would lose, and a network that begins with what stays.

W = U_0 x_0 U_1 x_1 G for a weight W of shape (filters, channels, *kernel), U_0 and U_1 the left singular
vectors of W unfolded along filters and along channels (HOSVD: De Lathauwer et al., SIAM J. Matrix Anal. Appl.
2000). The leading block of G, with as many columns of either U, is a Tucker-2 form that begins near where
training ended.
"""

from typing import Any

from workloads.errors import InputError, shown
from workloads.grammar.arguments import takes
from workloads.importers.torch.library import Array, torch
from workloads.learning.arguments import MODULE, NETWORK
from workloads.modules.graph_module import GraphModule
from workloads.network import Network


def hosvd(weight: Array) -> tuple[Array, Array, Array]:
    """Return U_0 and U_1, both square, and the core G of a weight, of its shape; in float64."""
    whole = weight.detach().double()
    filters, channels = _directions(whole), _directions(whole.transpose(0, 1))
    return filters, channels, torch.einsum("oi...,of,ic->fc...", whole, filters, channels)


def _directions(whole: Array) -> Array:
    """Return the left singular vectors of a tensor unfolded along its first axis, the strongest first."""
    unfolded = whole.flatten(1)
    return torch.linalg.eigh(unfolded @ unfolded.T).eigenvectors.flip(1)


def truncated(weight: Array, rank_in: int, rank_out: int) -> tuple[Array, Array, Array]:
    """Return the weights of the three convolutions that stand for one: 1x1, core, 1x1."""
    filters, channels, core = hosvd(weight)
    ones = (1,) * (weight.dim() - 2)
    first = channels[:, :rank_in].T.reshape(rank_in, -1, *ones)
    last = filters[:, :rank_out].reshape(-1, rank_out, *ones)
    return first.to(weight.dtype), core[:rank_out, :rank_in].to(weight.dtype), last.to(weight.dtype)


@takes(network=NETWORK, module=MODULE)
def in_low_rank(network: Network, module: Any) -> GraphModule:
    """Make the module of a network in low rank from a trained module of the network before.

    Parameters
    ----------
    network
        `before.sparsify("tucker2", ...)`.
    module
        The trained module of `before`.

    Returns
    -------
    GraphModule
        Of full ranks it computes what `module` does; of less, what is left of each weight without training.

    Raises
    ------
    ValueError
        If a layer of `network` is neither the module's nor made of one by Tucker-2; it is named.

    Examples
    --------
    >>> import workloads
    >>> before = workloads.load("lenet5")
    >>> module = workloads.to_module(before, seed=1)
    >>> same = in_low_rank(before.sparsify("tucker2", ranks={"conv2": (20, 50)}), module)
    >>> image = torch.rand(2, 1, 28, 28)
    >>> torch.allclose(same(image), module(image), atol=1e-4)
    True

    """
    made = GraphModule(network)
    with torch.no_grad():
        for name, roles in made.roles.items():
            if name not in module.roles:
                if name.rpartition(".")[0] not in module.roles:
                    raise InputError(
                        f"{network.name}: layer {shown(name)} is none of the module's", path="network"
                    )
                continue  # a part of a layer, filled with it
            trained = module.get_submodule(name).state_dict()
            if f"{name}.core" in made.roles:
                paths = [made.roles[part]["weight"][0] for part in (f"{name}.in", f"{name}.core", name)]
                (whole,) = module.roles[name]["weight"]
                parts = [made.get_parameter(path) for path in paths]
                for part, value in zip(
                    parts, truncated(module.get_parameter(whole), len(parts[0]), len(parts[1])), strict=True
                ):
                    part.copy_(value)
                if "bias" in roles:
                    made.get_parameter(roles["bias"][0]).copy_(
                        module.get_parameter(module.roles[name]["bias"][0])
                    )
            else:
                try:
                    made.get_submodule(name).load_state_dict(trained)
                except RuntimeError:
                    raise InputError(
                        f"{network.name}: layer {shown(name)} is not the module's", path="network"
                    ) from None
    return made
