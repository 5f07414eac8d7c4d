"""SynFlow on a network description: pruning at initialisation, without data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from workloads.extras import library
from workloads.limits import need_memory
from workloads.sparsity.authors import SYNFLOW_ITERATIONS
from workloads.sparsity.layers import keeps_values, prunable, to_prune, values_of, with_masks

if TYPE_CHECKING:
    from workloads.network import Network


def synflow(
    network: Network,
    density: float,
    *,
    iterations: int = SYNFLOW_ITERATIONS,
    schedule: str = "exponential",
    weights: Mapping[str, Any] | None = None,
    dense: Collection[str] = (),
    seed: int = 0,
) -> Network:
    """Keep the weights through which most synaptic flow passes.

    Parameters
    ----------
    network
        A network of convolutions, linear layers, batch norms, sums, joins, pools and activations.
    density
        Fraction that stays of all pruned layers together, in (0, 1].
    iterations, schedule
        Steps of pruning and how the density falls along them.
    weights
        Values by layer or weight name. Without them those that the network keeps, else newly initialised
        ones: the scores of a fresh network depend on its shape far more than on the draw.
    dense
        Layers left as they are.
    seed
        Of the initialisation.

    Notes
    -----
    Tanaka, Kunin, Yamins, Ganguli, NeurIPS 2020. Needs PyTorch. Each step runs the network forward and
    backward once in double precision, for the batch it is described for.

    """
    torch, linear = (library(one, "torch", "synflow") for one in ("torch", "workloads.sparsity.linear_flow"))
    find_masks = library("workloads.sparsity.synflow", "torch", "synflow").synflow
    layers = prunable(network)
    # values, their copies, slopes and masks, and as much again for the flow of the largest layers
    need_memory(f"synflow on {network.name!r}", 40 * sum(weight.size for weight in layers.values()))
    real = weights is not None or keeps_values(layers)
    if not real:
        values = linear.fresh_weights(layers, seed)
    else:
        given = values_of(layers, weights)
        values = {name: torch.tensor(one, dtype=torch.float64).abs() for name, one in given.items()}
    pruned = to_prune(network, dense)
    whole = {name: value for name, value in values.items() if name not in pruned}
    flow = linear.linear_flow(network)
    masks = find_masks(
        lambda live: flow({**whole, **live}),
        {name: values[name] for name in pruned},
        density,
        iterations,
        schedule,
    )
    return with_masks(network, masks, measured=real)
