"""Schemes that share a budget of non-zeros by shape alone: uniform and ERK."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from workloads.sparsity.allocation import erdos_renyi_kernel
from workloads.sparsity.allocation import uniform as equal
from workloads.sparsity.layers import to_prune, with_densities

if TYPE_CHECKING:
    from workloads.network import Network


def uniform(
    network: Network, density: float, *, dense: Collection[str] = (), seed: int | None = None
) -> Network:
    """Keep the same fraction of every layer's weights.

    Parameters
    ----------
    network
        Any network.
    density
        Fraction that stays, in (0, 1].
    dense
        Layers left as they are; the literature often names the first convolution here.
    seed
        None says how many zeros there are but not where; a number draws masks.

    Examples
    --------
    >>> import workloads
    >>> net = uniform(workloads.load("lenet5"), 0.1, dense=["conv1"])
    >>> round(net.weight("fc1").density, 3), net.weight("conv1").density
    (0.1, 1.0)

    """
    shapes = {name: weight.shape for name, weight in to_prune(network, dense).items()}
    return with_densities(network, equal(shapes, density), seed)


def erk(network: Network, density: float, *, dense: Collection[str] = (), seed: int | None = None) -> Network:
    """Keep more of small layers: density in proportion to sum(shape) / prod(shape) (Erdős–Rényi-Kernel).

    Parameters
    ----------
    network, dense, seed
        As for `uniform`; layers in `dense` are outside the budget.
    density
        Fraction that stays of all pruned layers together, in (0, 1].

    Notes
    -----
    Evci, Gale, Menick, Castro, Elsen, "Rigging the lottery" (RigL), ICML 2020.

    """
    shapes = {name: weight.shape for name, weight in to_prune(network, dense).items()}
    return with_densities(network, erdos_renyi_kernel(shapes, density, ()), seed)
