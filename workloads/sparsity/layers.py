"""The layers of a network that can be pruned, by name: what schemes read and write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.limits import need_memory
from workloads.operations import Embedding, Experts, Gather, MatMul, TransposedConvolution
from workloads.sparsity.checks import SparsityError, check_density, nonzeros_at
from workloads.table import Kind
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network

Masks = Mapping[str, NDArray[np.bool_]]


def prunable(network: Network) -> dict[str, Weight]:
    """Return the weights of convolutions and products by layer, in running order.

    A layer is called as its operation is; where an operation has several weights, "operation.role". Biases,
    normalisation and embeddings are not pruned. A weight that operations share is listed once.

    Examples
    --------
    >>> import workloads
    >>> list(prunable(workloads.load("lenet5")))
    ['conv1', 'conv2', 'fc1', 'fc2']

    """
    lowering = network.lowering()
    nests = {
        name for name, row in zip(lowering.operations, lowering.rows, strict=True) if row.kind == Kind.NEST
    }
    found: dict[str, Weight] = {}
    seen: set[str] = set()
    for node in network.graph.nodes():
        if node.operation.name not in nests:
            continue
        weights = {role: network.graph.weights[name] for role, name in node.weights.items()}
        matrices = {role: one for role, one in weights.items() if one.trained and len(one.shape) > 1}
        for role, weight in matrices.items():
            if weight.name not in seen:
                seen.add(weight.name)
                found[node.operation.name if len(matrices) == 1 else f"{node.operation.name}.{role}"] = weight
    return found


def to_prune(network: Network, dense: Collection[str]) -> dict[str, Weight]:
    """Return the prunable layers but for those named in `dense`; a name that is none of them is refused."""
    layers = prunable(network)
    for name in dense:
        if name not in layers:
            raise SparsityError(
                f"dense: network {shown(network.name)} has no layer {shown(name)} with weights to prune"
            )
    return {name: weight for name, weight in layers.items() if name not in dense}


def reduction_axis(network: Network, layer: str, weight: Weight) -> int:
    """Axis of a layer's weight that its products are summed over: input channels, or features."""
    if layer not in network.graph.nx:  # one of several matrices of an operation, features last
        return len(weight.shape) - 1
    operation = network.graph.node(layer).operation
    if isinstance(operation, TransposedConvolution):
        return 0
    if isinstance(operation, Experts):
        return 2
    if isinstance(operation, MatMul):
        last = operation.transpose_b if operation.constant == "b" else not operation.transpose_a
        return len(weight.shape) - 1 if last else len(weight.shape) - 2
    return 1


def with_densities(network: Network, densities: Mapping[str, float], seed: int | None = None) -> Network:
    """Return the network with layers of these densities, in (0, 1]; see `with_counts` and `nonzeros_at`."""
    layers = prunable(network)
    counts = {name: nonzeros_at(density, layers[name].size, name) for name, density in densities.items()}
    return with_counts(network, counts, seed)


def assumed(network: Network, weights: float | None, activations: float | None) -> Network:
    """Return the network with one density of all weights, one of all activations; see `Network.assume`."""
    if weights is not None:
        density = check_density(weights, "weights")
        made = [with_density_of(weight, density) for weight in prunable(network).values()]
        network = network.with_weights(*made)
    if activations is not None:
        places = _places(network)
        density, known = check_density(activations, "activations"), "assumed" if activations < 1 else "dense"
        network = network.with_tensors(
            *(
                replace(tensor, density=density, profile=None, spread=0.0, known=known)
                for name, tensor in network.graph.tensors.items()
                if name not in places
            )
        )
    return network


def _places(network: Network) -> set[str]:
    """Return the tensors whose numbers are places in others: words and positions, not activations."""
    slots = {Embedding: 0, Gather: 1}
    return {
        node.inputs[slots[kind]]
        for node in network.graph.nodes()
        if (kind := type(node.operation)) in slots and len(node.inputs) > slots[kind]
    }


def with_density_of(weight: Weight, density: float) -> Weight:
    """Return a weight of this density, nothing known of where its zeros are."""
    if density == 1.0:
        return replace(weight, nonzeros=weight.size, packed=None, known="dense")
    return weight.with_density(density)


def with_counts(network: Network, counts: Mapping[str, int], seed: int | None = None) -> Network:
    """Return the network with layers of so many non-zeros, nowhere in particular.

    Parameters
    ----------
    network
        Any network; the layers named lose the zeros they had.
    counts
        Non-zeros by layer, at least 1.
    seed
        None leaves the places of the zeros unknown; a number draws masks, the same for the same seed.

    """
    layers = prunable(network)
    rng = None if seed is None else np.random.default_rng(seed)
    changed: list[Weight] = []
    for name, kept in counts.items():
        weight = layers[name]
        if rng is None or kept == weight.size:
            known = "dense" if kept == weight.size else "assumed"
            changed.append(replace(weight, nonzeros=kept, packed=None, known=known))
        else:
            mask = np.zeros(weight.size, dtype=np.bool_)
            mask[rng.choice(weight.size, kept, replace=False, shuffle=False)] = True
            changed.append(replace(weight.with_mask(mask.reshape(weight.shape)), known="assumed"))
    return network.with_weights(*changed)


def with_masks(network: Network, masks: Masks, *, measured: bool = False) -> Network:
    """Return the network with these masks; `measured` says that they come from real weights."""
    layers = prunable(network)
    known = "measured" if measured else "assumed"
    return network.with_weights(
        *(replace(layers[name].with_mask(mask), known=known) for name, mask in masks.items())
    )


def values_of(
    layers: Mapping[str, Weight], weights: Mapping[str, Any] | None
) -> dict[str, NDArray[np.floating]]:
    """Return the values of each layer's weight out of a mapping by layer or by weight name.

    A PyTorch state_dict is such a mapping: tensors are taken off the graph and to the host, and names that no
    layer has are left alone. None takes the values that the network keeps, as imported ones do.

    Raises
    ------
    SparsityError
        If a layer's weight is not there, has another shape, or holds what is no number.

    """
    found = {}
    for name, weight in layers.items():
        if weights is None:
            value = weight.array
            if value is None:
                raise SparsityError(f"weights: the network keeps no values of {shown(name)}; give weights=")
        else:
            value = next((weights[key] for key in (name, weight.name) if key in weights), None)
        if value is None:
            raise SparsityError(f"weights: nothing for layer {shown(name)}; needs {shown(weight.name)}")
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        array: NDArray[np.floating] = np.asarray(value)
        if array.shape != weight.shape:
            raise SparsityError(f"weights: layer {shown(name)} has shape {weight.shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise SparsityError(f"weights: layer {shown(name)} holds values that are no finite numbers")
        found[name] = array
    return found


def keeps_values(layers: Mapping[str, Weight]) -> bool:
    """Whether the values of all these weights are kept."""
    return bool(layers) and all(weight.values is not None for weight in layers.values())


def scores_of(
    layers: Mapping[str, Weight], weights: Mapping[str, Any] | None, seed: int
) -> Iterable[tuple[str, NDArray[np.floating]]]:
    """Yield the magnitudes of each layer's weights, given or kept; random numbers where there are neither."""
    sizes = [weight.size for weight in layers.values()]
    need_memory("ranking weights", sum(sizes) + 16 * max(sizes, default=0))  # masks, and one layer's scores
    if weights is not None or keeps_values(layers):
        yield from ((name, np.abs(values)) for name, values in values_of(layers, weights).items())
    else:
        rng = np.random.default_rng(seed)
        yield from ((name, rng.random(weight.shape, dtype=np.float32)) for name, weight in layers.items())
