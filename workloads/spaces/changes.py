"""What a space changes of a built network: sparsity, bits and ranks, of all layers or of some by pattern.

sparsity.scheme       how zeros are placed: one of `workloads.schemes()` that takes a density, or "none"
sparsity.density      of all layers that no pattern names
sparsity.fc*          density of the layers whose names match
bits.weight           bits of an element of every weight matrix; bits.weight.fc* of some
bits.activation       bits of an element of every activation
rank.density          share of its MACs that a convolution may cost as three (Tucker-2, HALOC)
rank.stage2*          the rank of the convolutions whose names match
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

from workloads.errors import WorkloadError
from workloads.network import Network
from workloads.operations import Convolution
from workloads.sparsity.layers import prunable
from workloads.sparsity.low_rank import rank_for
from workloads.sparsity.schemes.tucker2 import decomposable

Changes = Mapping[str, Any]


def _sparsity(network: Network, wanted: Changes) -> Network:
    scheme = str(wanted.get("scheme", "uniform"))
    if scheme == "none":
        return network
    layers = list(prunable(network))
    density = float(wanted.get("density", 1.0))
    patterns = {name: float(value) for name, value in wanted.items() if name not in ("scheme", "density")}
    named = {layer: _matching(layer, patterns) for layer in layers}
    for pattern in patterns:
        if not any(fnmatchcase(layer, pattern) for layer in layers):
            raise WorkloadError(f"sparsity.{pattern}: no layer is called so; there are {', '.join(layers)}")
    for value in {density, *(value for value in named.values() if value is not None)}:
        chosen = [one for one in layers if (density if named[one] is None else named[one]) == value]
        if value < 1.0 and chosen:
            network = network.sparsify(scheme, density=value, dense=[x for x in layers if x not in chosen])
    return network


def _bits(network: Network, wanted: Changes) -> Network:
    patterns: dict[str, int] = {}
    for name, value in wanted.items():
        kind, _, pattern = name.partition(".")
        if kind not in ("weight", "activation") or (kind == "activation" and pattern):
            raise WorkloadError(f"bits.{name}: there are bits.weight, bits.weight.* and bits.activation")
        if kind == "weight":
            patterns[pattern or "*"] = int(value)
    weights = []
    for layer, weight in prunable(network).items():
        bits = _matching(layer, patterns)
        if bits is not None:
            weights.append(replace(weight, bits=int(bits)))
    tensors = []
    if "activation" in wanted:
        bits = int(wanted["activation"])
        tensors = [replace(tensor, bits=bits) for tensor in network.graph.tensors.values()]
    return network.with_weights(*weights).with_tensors(*tensors)


def _rank(network: Network, wanted: Changes) -> Network:
    density = float(wanted.get("density", 1.0))
    if density < 1.0:  # layers that would not gain stay as they are
        stay = [name for name, conv in decomposable(network).items() if rank_for(conv, density) is None]
        network = network.sparsify("tucker2", density=density, dense=stay)
    ranks = {}
    patterns = {name: int(value) for name, value in wanted.items() if name != "density"}
    for node in network.graph.nodes():
        operation = node.operation
        rank = _matching(operation.name, patterns) if isinstance(operation, Convolution) else None
        if rank is not None and operation.groups == 1 and max(operation.window.kernel) > 1:  # type: ignore[attr-defined]
            channels = network.graph.tensors[node.inputs[0]].shape[1]
            ranks[operation.name] = (min(int(rank), channels), min(int(rank), operation.out_channels))  # type: ignore[attr-defined]
    return network.sparsify("tucker2", ranks=ranks) if ranks else network


def _matching(layer: str, patterns: Mapping[str, float]) -> float | None:
    """Return the value of the matching pattern with the most letters of its own."""
    found = [pattern for pattern in patterns if fnmatchcase(layer, pattern)]
    return patterns[max(found, key=lambda pattern: len(pattern) - pattern.count("*"))] if found else None


CHANGES: Final[dict[str, Callable[[Network, Changes], Network]]] = {
    "rank": _rank,
    "sparsity": _sparsity,
    "bits": _bits,
}
"""First part of a field -> what makes the change, in this order: ranks make the layers that zeros go into."""
