"""SNIP and GraSP on a network and the PyTorch module it describes: pruning at initialisation, by a batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.extras import library
from workloads.sparsity.authors import GRASP_TEMPERATURE
from workloads.sparsity.checks import SparsityError, check_density
from workloads.sparsity.layers import to_prune, with_masks
from workloads.sparsity.selection import top_of_all

if TYPE_CHECKING:
    from workloads.network import Network


_SCORES = "workloads.sparsity.saliency"


def snip(
    network: Network,
    density: float,
    *,
    module: Any,
    inputs: Any,
    targets: Any,
    loss: Callable[..., Any] | None = None,
    dense: Collection[str] = (),
) -> Network:
    """Keep the weights that the loss on one batch feels most: |dL/dw * w| (connection sensitivity).

    Parameters
    ----------
    network
        The network, its weights called as in the module's state_dict: what `from_torch` returns, or a
        built-in network of the same layers in the same order.
    density
        Fraction that stays of all pruned layers together, in (0, 1].
    module
        The PyTorch module; it stays as it is.
    inputs, targets
        A batch and what the loss compares with, class indices by default.
    loss
        A function of outputs and targets; by default cross entropy.
    dense
        Layers left as they are.

    Notes
    -----
    Lee, Ajanthan, Torr, ICLR 2019. Needs PyTorch.

    """
    check_density(density, "snip")
    scores = library(_SCORES, "torch", "snip").snip_scores(module, inputs, targets, loss)
    return _kept(network, scores, density, dense, "snip")


def grasp(
    network: Network,
    density: float,
    *,
    module: Any,
    inputs: Any,
    targets: Any,
    loss: Callable[..., Any] | None = None,
    temperature: float = GRASP_TEMPERATURE,
    dense: Collection[str] = (),
) -> Network:
    """Keep the weights without which the gradient would flow least: w * (Hessian times gradient).

    Parameters
    ----------
    network, density, module, inputs, targets, loss, dense
        As for `snip`.
    temperature
        Outputs are divided by it before the loss, by 200 in the authors' code.

    Notes
    -----
    Wang, Zhang, Grosse, ICLR 2020. Needs PyTorch.

    """
    check_density(density, "grasp")
    scores = library(_SCORES, "torch", "grasp").grasp_scores(module, inputs, targets, loss, temperature)
    return _kept(network, scores, density, dense, "grasp")


def _kept(
    network: Network,
    scores: Mapping[str, NDArray[np.floating]],
    density: float,
    dense: Collection[str],
    scheme: str,
) -> Network:
    """Keep the highest scores of the layers, which are found by name or, where all shapes agree, in order."""
    everything, layers = to_prune(network, ()), to_prune(network, dense)
    if all(weight.name in scores for weight in everything.values()):
        found = {name: scores[weight.name] for name, weight in layers.items()}
    elif [one.shape for one in everything.values()] == [one.shape for one in scores.values()]:
        found = {name: one for name, one in zip(everything, scores.values(), strict=True) if name in layers}
    else:
        stranger = next(name for name, weight in everything.items() if weight.name not in scores)
        raise SparsityError(
            f"{scheme}: the module has no weight for layer {shown(stranger)} of {shown(network.name)}"
        )
    for name, one in found.items():
        if one.shape != layers[name].shape:
            raise SparsityError(
                f"{scheme}: layer {shown(name)} has shape {layers[name].shape}, the module's "
                f"weight {one.shape}"
            )
    return with_masks(network, top_of_all(found, density), measured=True)
