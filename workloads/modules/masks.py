"""Zeros between a network and its module: into the module's weights, and back as masks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.importers.torch.library import torch
from workloads.modules import ModuleMismatchError
from workloads.network import Network
from workloads.shapes import text


def set_zeros(module: Any, parameters: tuple[str, ...], mask: NDArray[np.bool_]) -> None:
    """Give the parameters that hold a weight zeros where `mask` is false, for good where they have a mask."""
    parts = np.split(mask, len(parameters)) if len(parameters) > 1 else [mask]
    for name, part in zip(parameters, parts, strict=True):
        owner, last = _holder(module, name)
        value = getattr(owner, last)
        ones = torch.from_numpy(np.ascontiguousarray(part.reshape(tuple(value.shape))))
        if last == "weight" and hasattr(owner, "put"):
            owner.put(ones)
            continue
        with torch.no_grad():
            value.mul_(ones.to(value.dtype))
            if hasattr(owner, f"{last}_mask"):
                getattr(owner, f"{last}_mask").copy_(ones.to(value.dtype))


def set_constant(module: Any, operation: str, values: NDArray[Any]) -> None:
    """Put values into the stored tensor of an operation that is not learnt, such as labels' meanings.

    Parameters
    ----------
    module
        Of `workloads.to_module`.
    operation
        The operation's name.
    values
        In the tensor's shape.

    Raises
    ------
    ModuleMismatchError
        If there is no such tensor, or it has another shape.

    """
    (names,) = getattr(module, "roles", {}).get(operation, {"": ()}).values()
    if len(names) != 1:
        raise ModuleMismatchError(
            f"operation {shown(operation)}: the module has no stored tensor of that name"
        )
    owner, last = _holder(module, names[0])
    held = getattr(owner, last)
    if tuple(held.shape) != values.shape or last in owner._parameters:
        what = "is learnt" if last in owner._parameters else f"is {text(tuple(held.shape))}"
        raise ModuleMismatchError(
            f"operation {shown(operation)}: its tensor {what}, got {text(values.shape)}"
        )
    with torch.no_grad():
        held.copy_(torch.from_numpy(np.asarray(values)))


def masks_of(network: Network, module: Any) -> dict[str, NDArray[np.bool_]]:
    """Return which weights of a module's convolutions and products are there, by weight's name.

    A layer with a mask says so itself: a connection that has just grown is there, with weight 0. Of others
    those that are not zero.

    Parameters
    ----------
    network
        The network that the module computes.
    module
        Made by `workloads.to_module`, or any module whose parameters are called as the network's weights.

    Raises
    ------
    ModuleMismatchError
        If a layer is missing or has another shape; the first is named.

    """
    roles = getattr(module, "roles", {})
    found: dict[str, NDArray[np.bool_]] = {}
    for node in network.graph.nodes():
        for role, name in node.weights.items():
            weight = network.graph.weights[name]
            if not weight.trained or len(weight.shape) < 2 or name in found:
                continue
            parts = roles.get(node.operation.name, {}).get(role, (name,))
            found[name] = _nonzero(module, parts, weight.shape, f"layer {node.operation.name!r}")
    return found


def _nonzero(
    module: Any, parameters: tuple[str, ...], shape: tuple[int, ...], what: str
) -> NDArray[np.bool_]:
    pieces = []
    for name in parameters:
        try:
            owner, last = _holder(module, name)
            value = getattr(owner, last)
        except AttributeError:
            raise ModuleMismatchError(f"{what}: the module has no parameter {shown(name)}") from None
        value = value.detach()
        mask = getattr(owner, "mask" if last == "weight" else f"{last}_mask", None)
        pieces.append(((value if mask is None else mask) != 0).cpu().numpy())
    whole = pieces[0] if len(pieces) == 1 else np.stack(pieces)
    if whole.size != int(np.prod(shape)) or (
        len(pieces) == 1 and whole.ndim == len(shape) != 0 and whole.shape != shape
    ):
        raise ModuleMismatchError(
            f"{what}: {' and '.join(parameters)} is {text(whole.shape)} in the module, {text(shape)} in the "
            "network"
        )
    return whole.reshape(shape)


def _holder(module: Any, name: str) -> tuple[Any, str]:
    *path, last = name.split(".")
    return module.get_submodule(".".join(path)), last
