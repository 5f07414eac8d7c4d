"""Filter and channel pruning: the network becomes narrower, and stays dense."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from workloads.sparsity.channels import keep, resize
from workloads.sparsity.checks import SparsityError

if TYPE_CHECKING:
    from workloads.network import Network


def channel(
    network: Network,
    density: float | None = None,
    *,
    quantum: int = 1,
    widths: Mapping[str, int] | None = None,
    dense: Collection[str] = (),
) -> Network:
    """Remove filters of convolutions and neurons of linear layers, and with them what only they feed.

    Parameters
    ----------
    network
        Any network.
    density
        Fraction of every layer's filters that stays, in (0, 1]; weights and MACs fall by about its square.
    quantum
        Widths are rounded to the nearest multiple of it: the lanes that a width should fill.
    widths
        Instead of `density`: widths by layer, also wider than now (growth). Layers whose results are added
        keep equal widths.
    dense
        Layers left as they are, with all that is tied to them. Outputs of the network always are.

    Notes
    -----
    The state of a network during continuous growth and pruning (CGaP: Du, Li, Cao, "Efficient network
    construction through structural plasticity", IEEE JETCAS 2019) is one call with `widths`.

    Examples
    --------
    >>> import workloads
    >>> net = workloads.load("resnet18")
    >>> half = channel(net, 0.5)
    >>> round(half.macs / net.macs, 2)
    0.27

    """
    if (density is None) == (widths is None):
        raise SparsityError("channel: give either density or widths")
    if widths is None:
        assert density is not None
        widths = keep(network, density, quantum, dense)
    return resize(network, widths)
