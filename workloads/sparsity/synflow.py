"""SynFlow: scores that need no data, taken again after every small step of pruning.

Source: Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively conserving
synaptic flow", NeurIPS 2020, and the authors' code (ganguli-lab/Synaptic-Flow). Needs PyTorch.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.importers.torch.library import one_thread
from workloads.sparsity.authors import SYNFLOW_ITERATIONS
from workloads.sparsity.checks import SparsityError, check_density
from workloads.sparsity.selection import kth
from workloads.sparsity.waiting import steps

Tensors = Mapping[str, torch.Tensor]

SCHEDULES = ("exponential", "linear")
_PART = 1 << 16
"""Scores worked on at a time."""


def synflow(
    flow: "Callable[[Tensors], torch.Tensor]",
    weights: "Tensors",
    density: float,
    iterations: int = SYNFLOW_ITERATIONS,
    schedule: str = "exponential",
) -> dict[str, NDArray[np.bool_]]:
    """Find the masks that SynFlow leaves.

    Parameters
    ----------
    flow
        The network, linearised: given weights by name it returns R, the sum of the outputs for an input of
        ones, with every weight, scale and shift replaced by its absolute value.
    weights
        Absolute values of the weights to prune, by name. Double precision: R is a product over all layers.
    density
        Weights that stay, all layers together, in (0, 1].
    iterations
        Steps; after step k of n, density**(k/n) of the weights stay (1 - (1 - density) k/n if "linear").
    schedule
        "exponential" or "linear"; one linear step is single-shot pruning.

    Returns
    -------
    dict of str to bool array
        Masks in the shapes of the weights.

    Notes
    -----
    Score of a weight: |dR/dw * w|. At each step the int((1 - kept) * number) lowest of all layers together
    are masked, ties with the last of them too, as in the authors' code; so up to ties the density is exact.

    """
    check_density(density, "synflow")
    if iterations < 1:
        raise SparsityError(f"synflow: iterations must be at least 1, got {iterations}")
    if schedule not in SCHEDULES:
        raise SparsityError(f"synflow: schedule must be one of {', '.join(SCHEDULES)}, got {shown(schedule)}")
    live = {
        name: weight.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        for name, weight in weights.items()
    }
    held = [weight.detach() for weight in live.values()]  # the same numbers, out of reach of gradients
    total = sum(weight.numel() for weight in held)
    masks = [torch.ones_like(weight, dtype=torch.bool) for weight in held]
    with one_thread():
        for step in steps(iterations, "synflow"):
            share = step / iterations
            kept = density**share if schedule == "exponential" else 1.0 - (1.0 - density) * share
            slopes = torch.autograd.grad(flow(live), list(live.values()))
            scores = [slope.contiguous().view(-1) for slope in slopes]
            if not math.isfinite(sum(map(_weigh, scores, held))):
                raise SparsityError("synflow: the flow overflows, too many activations are multiplied")
            lowest = int((1.0 - kept) * total)
            if lowest >= 1:
                threshold = kth([score.cpu().numpy() for score in scores], lowest)
                masks = [_prune(score, weight, threshold) for score, weight in zip(scores, held, strict=True)]
    return {name: mask.cpu().numpy() for name, mask in zip(live, masks, strict=True)}


def _weigh(slopes: "torch.Tensor", weights: "torch.Tensor") -> float:
    """Turn flat slopes into scores |slope * weight| in place, part by part in cache; return their sum."""
    total, flat = 0.0, weights.reshape(-1)
    for start in range(0, slopes.numel(), _PART):
        part = slopes[start : start + _PART]
        total += float(part.mul_(flat[start : start + _PART]).abs_().sum())
    return total


def _prune(scores: "torch.Tensor", weights: "torch.Tensor", threshold: float) -> "torch.Tensor":
    """Zero in place the weights whose scores do not pass the threshold, part by part; return the mask."""
    mask, flat = scores > threshold, weights.view(-1)
    for start in range(0, scores.numel(), _PART):
        flat[start : start + _PART].mul_(mask[start : start + _PART].to(flat.dtype))
    return mask.view(weights.shape)


def synflow_of_module(
    module: "torch.nn.Module",
    input_shape: Sequence[int],
    density: float,
    iterations: int = SYNFLOW_ITERATIONS,
    schedule: str = "exponential",
) -> dict[str, NDArray[np.bool_]]:
    """Find SynFlow's masks for the convolutions and linear layers of a PyTorch module, which stays as it is.

    Parameters
    ----------
    module
        Any module with one input; it is evaluated in inference mode.
    input_shape
        Shape of one input without the batch.
    density, iterations, schedule
        As for `synflow`.

    Returns
    -------
    dict of str to bool array
        Masks by parameter name, such as "features.0.weight".

    """
    twin = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        for value in twin.state_dict().values():
            if value.is_floating_point():
                value.abs_()
    layers = (torch.nn.modules.conv._ConvNd, torch.nn.Linear)
    weights = {
        f"{path}.weight".lstrip("."): child.weight.detach()
        for path, child in twin.named_modules()
        if isinstance(child, layers)
    }
    if not weights:
        raise SparsityError("synflow: the module has no convolution or linear layer")
    device = next(iter(weights.values())).device
    ones = torch.ones(1, *input_shape, dtype=torch.float64, device=device)

    def flow(live: "Tensors") -> "torch.Tensor":
        result: Any = torch.func.functional_call(twin, dict(live), (ones,))
        total: torch.Tensor = result.sum()
        return total

    return synflow(flow, weights, density, iterations, schedule)
