"""Ranks of a trained network's convolutions by what they lose and how long they take: HALOC's trade, costed.

HALOC (Xiao et al., AAAI 2023) learns ranks by gradient under a latency. Here the loss that each rank of each
layer costs is measured, the others as they were trained, and the least sum within the latency is chosen.
"""

from collections.abc import Collection
from typing import Any

from dse.results.evaluation import evaluate
from dse.results.knapsack import knapsack
from dse.results.machine_fit import Fitting, fitting_of, latencies_of
from workloads.errors import InputError, shown
from workloads.grammar.arguments import NUMBER, POSITIVE, takes
from workloads.importers.torch.library import one_thread
from workloads.learning.arguments import DATA, MODULE
from workloads.learning.data import Data
from workloads.learning.fitting import Samples
from workloads.learning.low_rank import in_low_rank
from workloads.sparsity.schemes.tucker2 import decomposable

_SEEN = 1024
"""Training samples that losses are measured on."""
_STEPS = 10_000
"""Parts of the latency that layers share."""


@takes(module=MODULE, data=DATA, latency_s=NUMBER, quantum=POSITIVE)
def ranks_within_latency(
    module: Any,
    data: Data,
    machine: Any,
    latency_s: float,
    *,
    quantum: int = 4,
    dense: Collection[str] = (),
    mapping_objective: str = "latency",
) -> Fitting:
    """Choose the ranks of a trained network's convolutions that lose least within a latency.

    min sum_l loss_l(r_l)  so that  sum_l latency_l(r_l) <= latency_s - latency of the other operations

    Parameters
    ----------
    module
        A trained module of `workloads.to_module(network)`.
    data
        Losses are mean log losses of its training samples, 1,024 at most.
    machine
        A machine, or its name.
    latency_s
        Of the whole network, at most.
    quantum
        Ranks looked at are multiples of it, up to a layer's channels; equal on both sides.
    dense
        Layers left as they are.
    mapping_objective
        What each operation's mapping minimises.

    Returns
    -------
    Fitting
        `workloads.learning.low_rank.in_low_rank(found.network, module)` is its module, to be trained on.

    Notes
    -----
    loss_l(r) is of the network with layer l alone in rank r, truncated by HOSVD and not trained. That losses
    add up is an approximation; that latencies do is the model. Leaving a layer as it is is a choice. The sum
    is least among those whose latencies, rounded up to ten thousandths of the budget, fit.

    Raises
    ------
    ValueError
        If nothing can be decomposed, or no choice is as fast.

    """
    network = module.network
    layers = {name: conv for name, conv in decomposable(network).items() if name not in dense}
    if not layers:
        raise InputError(f"network {network.name}: no convolution can be decomposed", path="module")
    samples, seen = Samples(data, network), data.train[:_SEEN]
    most = {name: min(conv.channels, conv.filters) for name, conv in layers.items()}
    seconds = latencies_of(network, layers, machine, mapping_objective)
    whole = float(evaluate(network, machine, mapping_objective=mapping_objective).totals["latency_s"])
    budget = latency_s - (whole - sum(seconds.values()))
    slow = InputError(
        f"network {network.name}: no ranks take {shown(latency_s)} s on the machine or less", path="latency_s"
    )
    if not budget > 0:
        raise slow
    with one_thread():
        trained = samples.score(module, seen).log_loss
        # rank (0: as it is), latency, loss
        choices = {name: [(0, seconds[name], trained)] for name in layers}
        for rank in range(quantum, max(quantum, *most.values()) + 1, quantum):
            ranks = {name: min(rank, most[name]) for name in layers if rank < most[name] + quantum}
            changed = network.sparsify("tucker2", ranks={name: (r, r) for name, r in ranks.items()})
            taken = latencies_of(changed, ranks, machine, mapping_objective)
            for name, own in ranks.items():
                alone = in_low_rank(network.sparsify("tucker2", ranks={name: (own, own)}), module)
                choices[name].append((own, taken[name], samples.score(alone, seen).log_loss))
    options = [[(time, loss) for _, time, loss in own] for own in choices.values()]
    picked = knapsack(options, budget, _STEPS)
    if picked is None:
        raise slow
    found = {name: own[at][0] for (name, own), at in zip(choices.items(), picked, strict=True)}
    chosen = {name: rank for name, rank in found.items() if rank}
    changed = (
        network.sparsify("tucker2", ranks={name: (r, r) for name, r in chosen.items()}) if chosen else network
    )
    return fitting_of(network, changed, machine, mapping_objective, dict(chosen))
