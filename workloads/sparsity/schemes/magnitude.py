"""Magnitude pruning: the smallest weights go, in all layers together or layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at
from workloads.sparsity.layers import to_prune, values_of, with_masks
from workloads.sparsity.selection import top, top_of_all

if TYPE_CHECKING:
    from workloads.network import Network

SCOPES = ("global", "layer")


def magnitude(
    network: Network,
    density: float,
    *,
    weights: Mapping[str, Any] | None = None,
    scope: str = "global",
    dense: Collection[str] = (),
) -> Network:
    """Keep the weights of largest magnitude.

    Parameters
    ----------
    network
        Any network.
    density
        Fraction that stays, in (0, 1]: of all pruned layers together, or of each.
    weights
        Values by layer or by weight name: arrays, or a PyTorch state_dict of the same names. None takes
        those that the network keeps: imported ones have theirs, and what is zero stays zero.
    scope
        "global" ranks all layers together, "layer" each for itself.
    dense
        Layers left as they are.

    Notes
    -----
    Han, Pool, Tran, Dally, "Learning both weights and connections for efficient neural networks", NeurIPS
    2015. A global threshold can leave a layer without any weight (layer collapse, see SynFlow).

    """
    check_density(density, "magnitude")
    if scope not in SCOPES:
        raise SparsityError(f"magnitude: scope must be one of {', '.join(SCOPES)}, got {shown(scope)}")
    layers = to_prune(network, dense)
    scores = {name: np.abs(values) for name, values in values_of(layers, weights).items()}
    if scope == "global":
        masks = top_of_all(scores, density)
    else:
        masks = {name: top(one, nonzeros_at(density, one.size, name)) for name, one in scores.items()}
    return with_masks(network, masks, measured=True)
