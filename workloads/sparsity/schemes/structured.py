"""Schemes whose zeros lie in a pattern that hardware can use: N:M, blocks, periodic kernels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from workloads.errors import shown
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at
from workloads.sparsity.layers import keeps_values, prunable, reduction_axis, scores_of, to_prune, with_masks
from workloads.sparsity.pre_defined import Variant, applies
from workloads.sparsity.selection import top_blocks, top_n_m

if TYPE_CHECKING:
    from workloads.network import Network


def n_m(
    network: Network,
    n: int = 2,
    m: int = 4,
    *,
    weights: Mapping[str, Any] | None = None,
    dense: Collection[str] = (),
    seed: int = 0,
) -> Network:
    """Keep n weights in every m along the input channels.

    Parameters
    ----------
    network
        Any network.
    n, m
        Non-zeros in each group, and elements of a group. Layers whose input channels m does not divide
        stay as they are (a first convolution of three channels).
    weights
        Values by layer or weight name; the largest magnitudes stay. Without them those that the network
        keeps, else random ones.
    dense
        Layers left as they are.
    seed
        Of the random choice.

    Notes
    -----
    Mishra et al., "Accelerating sparse deep neural networks", arXiv 2104.08378.

    Examples
    --------
    >>> import workloads
    >>> net = n_m(workloads.load("lenet_300_100"), 2, 4)
    >>> net.weight("fc1").density
    0.5

    """
    if not 1 <= n <= m:
        raise SparsityError(f"n_m: n must be between 1 and m = {m}, got {n}")
    axes = {name: reduction_axis(network, name, one) for name, one in to_prune(network, dense).items()}
    layers = {name: one for name, one in to_prune(network, dense).items() if not one.shape[axes[name]] % m}
    if axes and not layers:
        raise SparsityError(f"n_m: {m} divides the input channels of no layer of {shown(network.name)}")
    masks = {name: top_n_m(scores, n, m, axes[name]) for name, scores in scores_of(layers, weights, seed)}
    return with_masks(network, masks, measured=weights is not None or keeps_values(layers))


def block(
    network: Network,
    density: float,
    *,
    block: tuple[int, ...] = (4, 4),
    weights: Mapping[str, Any] | None = None,
    dense: Collection[str] = (),
    seed: int = 0,
) -> Network:
    """Keep whole blocks of weights, the heaviest of each layer.

    Parameters
    ----------
    network
        Any network.
    density
        Fraction of each layer's blocks that stays, in (0, 1].
    block
        Extents along filters, input channels, kernel rows and columns; axes left out have extent 1. Layers
        that it does not divide stay as they are.
    weights, dense, seed
        As for `n_m`.

    Notes
    -----
    Narang, Undersander, Diamos, "Block-sparse recurrent neural networks", arXiv 1711.02782.

    """
    check_density(density, "block")
    sides = {
        name: (*block, *[1] * (len(weight.shape) - len(block)))
        for name, weight in to_prune(network, dense).items()
        if len(block) <= len(weight.shape)
    }
    layers = {
        name: weight
        for name, weight in to_prune(network, dense).items()
        if name in sides and not any(np.mod(weight.shape, sides[name]))
    }
    if not layers and prunable(network):
        raise SparsityError(f"block: {'x'.join(map(str, block))} divides no layer of {shown(network.name)}")
    masks = {
        name: top_blocks(scores, sides[name], nonzeros_at(density, scores.size // prod(sides[name]), name))
        for name, scores in scores_of(layers, weights, seed)
    }
    return with_masks(network, masks, measured=weights is not None or keeps_values(layers))


def psconv(
    network: Network, variant: str = "PSD4_P8", *, dense: Collection[str] | None = None, seed: int = 0
) -> Network:
    """Fix the zeros of 3x3 kernels before training, in a short cycle of patterns (pSConv).

    Parameters
    ----------
    network
        Any network.
    variant
        pSC<k>, PS<k>_P<p> or PSD<k>_P<p>, see `workloads.sparsity.pre_defined`.
    dense
        Layers left as they are; None leaves the first convolution, as the authors do. Other kernels than 3x3
        stay dense in any case.
    seed
        Of the random variants pSC<k>.

    Notes
    -----
    Kundu, Nazemi, Pedram, Chugg, Beerel, IEEE Trans. Computers 69(7), 2020.

    """
    kind = Variant.parse(variant)
    rng = np.random.default_rng(seed)
    if dense is None:
        dense = [name for name, weight in prunable(network).items() if len(weight.shape) > 2][:1]
    masks = {
        name: kind.draw(weight.shape, rng)
        for name, weight in to_prune(network, dense).items()
        if applies(weight.shape)
    }
    return with_masks(network, masks)
