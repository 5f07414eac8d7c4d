"""Dynamic rewiring: some of every layer's weights go, and as many come back where momentum is large."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from workloads.network import Network
from workloads.sparsity.allocation import proportional
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at
from workloads.sparsity.layers import to_prune


def dnr(
    network: Network,
    density: float | None = None,
    *,
    momentum: Mapping[str, float],
    prune: float = 0.5,
    dense: Collection[str] = (),
) -> Network:
    """One epoch's rewiring: prune a fraction of each layer, regrow the total in proportion to momentum.

    Parameters
    ----------
    network
        Any network; each layer starts from its non-zeros.
    density
        If given, every layer starts from this density instead, in (0, 1].
    momentum
        Mean magnitude of the momentum of each layer's weights, not negative; only their proportions count.
    prune
        Fraction of each layer's non-zeros that is pruned before regrowth, in (0, 1].
    dense
        Layers left as they are.

    Notes
    -----
    Kundu, Nazemi, Beerel, Pedram, "DNR: a tunable robust pruning framework through dynamic network
    rewiring of DNNs", ASP-DAC 2021. The non-zeros of the network are conserved exactly; where they lie is
    not known.

    Examples
    --------
    >>> import workloads
    >>> from workloads.sparsity.schemes import uniform
    >>> net = uniform(workloads.load("lenet_300_100"), 0.1)
    >>> moved = dnr(net, momentum={"fc1": 1.0, "fc2": 3.0, "fc3": 6.0})
    >>> moved.nonzero_parameters == net.nonzero_parameters
    True

    """
    check_density(prune, "dnr: prune")
    layers = to_prune(network, dense)
    missing = [name for name in layers if name not in momentum]
    if missing:
        raise SparsityError(f"dnr: momentum has nothing for layer {missing[0]!r}")
    sizes = np.array([weight.size for weight in layers.values()], dtype=np.int64)
    if density is None:
        counts = np.array([weight.nonzeros for weight in layers.values()], dtype=np.int64)
    else:
        counts = np.array([nonzeros_at(density, int(size), "dnr") for size in sizes], dtype=np.int64)
    stay = counts - np.floor(prune * counts).astype(np.int64)
    shares = [momentum[name] for name in layers]
    regrown = stay + proportional(shares, sizes - stay, int((counts - stay).sum()))
    return network.with_weights(
        *(
            replace(weight, nonzeros=int(count), packed=None, known="assumed")
            for weight, count in zip(layers.values(), regrown, strict=True)
        )
    )
