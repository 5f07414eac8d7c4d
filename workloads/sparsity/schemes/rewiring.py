"""Dynamic rewiring: some of every layer's weights go, and as many come back where momentum is large."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.sparsity.allocation import proportional
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at
from workloads.sparsity.layers import keeps_values, to_prune, values_of, with_masks
from workloads.sparsity.selection import top
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network


def dnr(
    network: Network,
    density: float | None = None,
    *,
    momentum: Mapping[str, Any],
    prune: float = 0.5,
    weights: Mapping[str, Any] | None = None,
    dense: Collection[str] = (),
    seed: int = 0,
) -> Network:
    """One epoch's rewiring: prune a fraction of each layer, regrow the total in proportion to momentum.

    Parameters
    ----------
    network
        Any network; each layer starts from its non-zeros, where they are if that is known.
    density
        If given, every layer starts from this density instead, in (0, 1].
    momentum
        Mean magnitude of the momentum of each layer's weights, not negative; only their proportions count.
        Or the momentum of every weight, in the weight's shape: then weights come back where it is largest.
    prune
        Fraction of each layer's non-zeros that is pruned before regrowth, in (0, 1].
    weights
        Values by layer or weight name: the smallest magnitudes go. Without them those that the network
        keeps, else random ones go.
    dense
        Layers left as they are.
    seed
        Of what is drawn: where non-zeros are that nobody knows, which go and come where no values tell.

    Notes
    -----
    Kundu, Nazemi, Beerel, Pedram, "DNR: a tunable robust pruning framework through dynamic network
    rewiring of DNNs", ASP-DAC 2021. The non-zeros of the network are conserved exactly. What is pruned may
    come back at once.

    Examples
    --------
    >>> import workloads
    >>> from workloads.sparsity.schemes import uniform
    >>> net = uniform(workloads.load("lenet_300_100"), 0.1)
    >>> moved = dnr(net, momentum={"fc1": 1.0, "fc2": 3.0, "fc3": 6.0})
    >>> moved.nonzero_parameters == net.nonzero_parameters, int(moved.mask("fc3").sum())
    (True, 1000)

    """
    check_density(prune, "dnr: prune")
    layers = to_prune(network, dense)
    growth = {name: _momentum(momentum, name, weight) for name, weight in layers.items()}
    real = weights is not None or keeps_values(layers)
    values = values_of(layers, weights) if real else {}
    rng = np.random.default_rng(seed)
    masks: dict[str, NDArray[np.bool_]] = {}
    total = 0
    for name, weight in layers.items():
        scores = np.abs(values[name]) if real else rng.random(weight.shape, dtype=np.float32)
        count = weight.nonzeros if density is None else nonzeros_at(density, weight.size, "dnr")
        total += count
        placed = weight.mask if density is None and weight.located else None
        # Scores below 0 are out of the running: what is zero already is pruned first.
        masks[name] = placed if placed is not None else top(scores, count)
        masks[name] = top(np.where(masks[name], scores, -1.0), count - int(prune * count))
    stay = np.array([int(mask.sum()) for mask in masks.values()], dtype=np.int64)
    sizes = np.array([weight.size for weight in layers.values()], dtype=np.int64)
    shares = [float(np.mean(growth[name])) for name in layers]
    back = proportional(shares, sizes - stay, int(total - stay.sum()))
    for name, number in zip(layers, back, strict=True):
        wish = growth[name] if growth[name].ndim else rng.random(layers[name].shape, dtype=np.float32)
        masks[name] |= top(np.where(masks[name], -1.0, wish), int(number))
    changed = with_masks(network, masks, measured=real)
    return changed.with_weights(
        *(replace(weight, values=None) for name, weight in to_prune(changed, dense).items())
    )


def _momentum(momentum: Mapping[str, Any], layer: str, weight: Weight) -> NDArray[np.floating]:
    """Return the magnitude of a layer's momentum: one number, or one a weight."""
    if layer not in momentum:
        raise SparsityError(f"dnr: momentum has nothing for layer {shown(layer)}")
    given = momentum[layer]
    if hasattr(given, "detach"):
        given = given.detach().cpu().numpy()
    found: NDArray[np.floating] = np.asarray(given, dtype=np.float64)
    if found.ndim and found.shape != weight.shape:
        raise SparsityError(
            f"dnr: momentum of {shown(layer)} has shape {found.shape}, its weight {weight.shape}"
        )
    if not np.isfinite(found).all() or (not found.ndim and found < 0):
        raise SparsityError(
            f"dnr: momentum of {shown(layer)} must be finite, and not negative where it is a mean"
        )
    magnitudes: NDArray[np.floating] = np.abs(found)
    return magnitudes
