"""A module that runs a network's graph, operation by operation."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from workloads.errors import InputError, NetworkImportError, shown
from workloads.grammar.arguments import SEED, takes
from workloads.importers.torch.library import Array, torch
from workloads.modules.functions import FUNCTIONS, check_known, refuse
from workloads.modules.layers import LAYERS, MASKABLE, Masked, Module, Roles
from workloads.modules.masks import set_zeros
from workloads.modules.mixture import mixture_norm
from workloads.modules.recurrent import h_lstm, recurrent
from workloads.network import Network
from workloads.operations import HLSTM, Embedding, MixtureNorm, Recurrent
from workloads.operations.base import Operation
from workloads.shapes import text
from workloads.tensors import Tensor, Weight
from workloads.training.rebatch import rebatched

_MAKERS: Final[dict[type[Operation], Callable[..., tuple[Any, Roles]]]] = {
    **LAYERS,
    Recurrent: recurrent,
    HLSTM: h_lstm,
    MixtureNorm: mixture_norm,
}


class GraphModule(Module):  # type: ignore[misc]
    """The trainable module of a network; made by `workloads.to_module`.

    Attributes
    ----------
    network
        What it computes.
    roles
        Operation -> role of a weight -> names of the parameters that hold it, seen from the module.

    """

    @takes(seed=SEED)
    def __init__(self, network: Network, *, seed: int = 0, masked: bool = False) -> None:
        super().__init__()
        self.network = network
        self.roles: dict[str, Roles] = {}
        self._at_batch: dict[int, Network] = {network.batch: network}
        self._inputs = [tensor.name for tensor in network.graph.inputs()]
        self._looked_up = looked_up(network)
        holders: dict[str, tuple[str, str]] = {}  # weight -> layer and parameter that hold it
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for node in network.graph.nodes():
                if not node.weights:
                    check_known(node.operation)
                    continue
                self._add(node, masked, holders)
        draw = np.random.default_rng(seed)
        for node in network.graph.nodes():
            for role, name in node.weights.items():
                weight = network.graph.weights[name]
                if _has_zeros(weight) and role in self.roles[node.operation.name]:
                    set_zeros(self, self.roles[node.operation.name][role], _mask_of(weight, draw))

    def _add(self, node: Any, masked: bool, holders: dict[str, tuple[str, str]]) -> None:
        """Make the layer of an operation and hang it up under the operation's name."""
        graph, operation = self.network.graph, node.operation
        if type(operation) not in _MAKERS:
            refuse(operation)
        weights = {role: graph.weights[name] for role, name in node.weights.items()}
        zeros = any(_has_zeros(weight) for weight in weights.values()) and not isinstance(operation, HLSTM)
        shapes = [graph.tensors[name].shape for name in node.inputs]
        wanted = masked and isinstance(operation, MASKABLE)
        layer, roles = _MAKERS[type(operation)](operation, shapes, zeros or wanted)
        _hang(self, operation.name, layer)
        self.roles[operation.name] = {
            role: tuple(f"{operation.name}.{part}" for part in parts) for role, parts in roles.items()
        }
        for role, parts in roles.items():
            name = weights[role].name
            if name not in holders:
                holders[name] = (operation.name, parts[0])
                if not weights[role].trained:
                    _store(layer, parts[0])
            elif len(parts) == 1:  # shared: one parameter under both names
                owner, part = holders[name]
                setattr(layer, parts[0], getattr(self.get_submodule(owner), part))
            else:
                raise NetworkImportError(
                    f"{operation.kind} {shown(operation.name)}: a shared weight in several parts"
                )

    def forward(self, *inputs: Array) -> Any:
        """Return the network's outputs: one tensor, or a tuple in their order."""
        if len(inputs) != len(self._inputs):
            raise InputError(f"{self.network.name}: {len(inputs)} inputs, expected {len(self._inputs)}")
        for name, value in zip(self._inputs, inputs, strict=True):
            self._check(self.network.graph.tensors[name], value)
        graph = self._described(inputs).graph
        values: dict[str, Array] = dict(zip(self._inputs, inputs, strict=True))
        for node in graph.nodes():
            given = [values[name] for name in node.inputs]
            if node.weights:
                made = self.get_submodule(node.operation.name)(*given)
            else:
                made = FUNCTIONS[type(node.operation)](node.operation, *given)
            values.update(zip(node.outputs, made if isinstance(made, tuple) else (made,), strict=True))
        ends = graph.outputs or tuple(name for name in graph.tensors if not graph.consumers(name))
        return values[ends[0]] if len(ends) == 1 else tuple(values[name] for name in ends)

    def _check(self, tensor: Tensor, value: Array) -> None:
        """Refuse what is not an input of the network's shape, of any batch."""
        wanted = tensor.shape
        if isinstance(value, torch.Tensor) and value.dim() == len(wanted):
            axis = tensor.batch_axis
            if all(place == axis or value.shape[place] == n for place, n in enumerate(wanted)):
                self._check_elements(tensor, value)
                return
        size = "x".join("batch" if place == tensor.batch_axis else str(n) for place, n in enumerate(wanted))
        got = text(tuple(value.shape)) if hasattr(value, "shape") else shown(value)
        raise InputError(
            f"{self.network.name}: input {tensor.name} must be a tensor of {size}, got a "
            f"{type(value).__name__} {got}"
        )

    def _check_elements(self, tensor: Tensor, value: Array) -> None:
        """Refuse numbers where a table is looked up, and integers where there are weights to multiply."""
        integers = tensor.name in self._looked_up
        if value.dtype in (torch.int32, torch.int64) if integers else value.is_floating_point():
            return
        wanted, got = "int64 or int32" if integers else "floats", str(value.dtype).removeprefix("torch.")
        raise InputError(f"{self.network.name}: input {tensor.name} must be of {wanted}, got {got}")

    def _described(self, inputs: tuple[Array, ...]) -> Network:
        """Return the network as it is described for the inputs' batch."""
        for tensor, value in zip(self.network.graph.inputs(), inputs, strict=True):
            if tensor.batch_axis is not None:
                batch = int(value.shape[tensor.batch_axis])
                break
        else:
            return self.network
        if batch not in self._at_batch:
            self._at_batch[batch] = rebatched(self.network, batch)
        return self._at_batch[batch]

    def masked_layers(self) -> dict[str, Masked]:
        """Return the layers that have a mask, by operation, in running order."""
        found = {}
        for name in self.roles:
            layer = self.get_submodule(name)
            layer = getattr(layer, "inner", layer)
            if isinstance(layer, Masked):
                found[name] = layer
        return found


def looked_up(network: Network) -> set[str]:
    """Return the tensors by whose elements a table is looked up, and what these are moved from: integers."""
    found: set[str] = set()
    for node in reversed(list(network.graph.nodes())):
        if isinstance(node.operation, Embedding) or (not node.weights and found.intersection(node.outputs)):
            found.add(node.inputs[0])
    return found


def _hang(root: Any, name: str, layer: Any) -> None:
    """Put a layer at a dotted place, making what is missing on the way and keeping what lies below it."""
    *path, last = name.split(".")
    try:
        for part in path:
            if part not in root._modules:
                root.add_module(part, Module())
            root = root._modules[part]
        for part, below in getattr(root._modules.get(last), "_modules", {}).items():
            layer.add_module(part, below)
        root.add_module(last, layer)
    except KeyError:
        raise NetworkImportError(
            f"operation {shown(name)}: PyTorch modules use the name themselves"
        ) from None


def _store(layer: Any, name: str) -> None:
    """Make a parameter a stored constant, for weights that are not learnt."""
    if name in layer._parameters:
        value = layer._parameters.pop(name).detach()
        layer.register_buffer(name, value)


def _has_zeros(weight: Weight) -> bool:
    return weight.nonzeros < weight.size


def _mask_of(weight: Weight, draw: np.random.Generator) -> Any:
    """Return where a weight is not zero; drawn evenly where only its density is known."""
    if weight.mask is not None:
        return weight.mask
    flat = np.zeros(weight.size, dtype=np.bool_)
    flat[draw.choice(weight.size, weight.nonzeros, replace=False)] = True
    return flat.reshape(weight.shape)
