"""SNIP and GraSP: weights scored once, before training, by one batch of data. Need PyTorch.

Sources: Lee, Ajanthan, Torr, "SNIP: single-shot network pruning based on connection sensitivity", ICLR 2019;
Wang, Zhang, Grosse, "Picking winning tickets before training by preserving gradient flow" (GraSP), ICLR 2020,
and the authors' code (alecwangcq/GraSP).
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.sparsity.authors import GRASP_TEMPERATURE
from workloads.sparsity.checks import SparsityError

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def snip_scores(
    module: "torch.nn.Module", inputs: Any, targets: "torch.Tensor", loss: "Loss | None" = None
) -> dict[str, NDArray[np.floating]]:
    """Score weights by how much the loss feels their removal: |dL/dw * w|; the highest stay.

    Parameters
    ----------
    module
        Any module; a copy is run in training mode, so that it stays as it is.
    inputs
        A batch: a tensor, a tuple of arguments, or a mapping of arguments by name.
    targets
        What the loss compares with: class indices by default.
    loss
        A function of outputs and targets that gives a number; by default cross entropy.

    Returns
    -------
    dict of str to array
        Scores of the weights of convolutions and linear layers, by parameter name.

    """
    twin, weights = _twin(module)
    total = _loss(twin, inputs, targets, loss, 1.0)
    slopes = torch.autograd.grad(total, list(weights.values()))
    return {
        name: _array((slope * weight).abs(), "snip")
        for (name, weight), slope in zip(weights.items(), slopes, strict=True)
    }


def grasp_scores(
    module: "torch.nn.Module",
    inputs: Any,
    targets: "torch.Tensor",
    loss: "Loss | None" = None,
    temperature: float = GRASP_TEMPERATURE,
) -> dict[str, NDArray[np.floating]]:
    """Score weights by the gradient flow they keep: w * (H g), with H the loss's Hessian, g its gradient.

    Parameters
    ----------
    module, inputs, targets, loss
        As for `snip_scores`.
    temperature
        Outputs are divided by it.

    Returns
    -------
    dict of str to array
        Scores by parameter name; the highest stay. (The paper's score has the other sign, and its highest
        go.)

    Notes
    -----
    H g is the gradient of g . stop(g). Weights whose removal raises the norm of the gradient go first.

    """
    if not temperature > 0:
        raise SparsityError(f"grasp: temperature must be positive, got {shown(temperature)}")
    twin, weights = _twin(module)
    total = _loss(twin, inputs, targets, loss, temperature)
    slopes = torch.autograd.grad(total, list(weights.values()), create_graph=True)
    flow = torch.stack([(slope * slope.detach()).sum() for slope in slopes]).sum()
    products = torch.autograd.grad(flow, list(weights.values()), allow_unused=True)
    return {
        name: _array(torch.zeros_like(weight) if product is None else weight * product, "grasp")
        for (name, weight), product in zip(weights.items(), products, strict=True)
    }


def _twin(module: "torch.nn.Module") -> "tuple[torch.nn.Module, dict[str, torch.Tensor]]":
    """Return a copy in training mode and the weights of its convolutions and linear layers."""
    if not isinstance(module, torch.nn.Module):
        raise SparsityError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    twin = copy.deepcopy(module).train()
    layers = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
    weights = {
        f"{path}.weight".lstrip("."): child.weight.requires_grad_()
        for path, child in twin.named_modules()
        if isinstance(child, layers)
    }
    if not weights:
        raise SparsityError("the module has no convolution or linear layer")
    return twin, weights


def _loss(
    twin: "torch.nn.Module", inputs: Any, targets: "torch.Tensor", loss: "Loss | None", temperature: float
) -> "torch.Tensor":
    if isinstance(inputs, dict):
        outputs = twin(**inputs)
    else:
        outputs = twin(*inputs) if isinstance(inputs, tuple | list) else twin(inputs)
    measure = torch.nn.functional.cross_entropy if loss is None else loss
    total: torch.Tensor = measure(outputs / temperature, targets)
    if not isinstance(total, torch.Tensor) or total.numel() != 1:
        raise SparsityError(f"loss must give one number, got {type(total).__name__}")
    return total


def _array(scores: "torch.Tensor", scheme: str) -> NDArray[np.floating]:
    if not bool(torch.isfinite(scores).all()):
        raise SparsityError(f"{scheme}: the loss or its gradients are no finite numbers")
    array: NDArray[np.floating] = scores.detach().cpu().numpy()
    return array
