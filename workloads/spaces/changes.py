"""What a space changes of a built network: sparsity, bits and ranks, of all layers or of some by pattern.

sparsity.scheme       how zeros are placed: one of `workloads.schemes()` that takes a density, or "none"
sparsity.density      of all layers that no pattern names
sparsity.fc*          density of the layers whose names match
bits.weight           bits of an element of every weight matrix; bits.weight.fc* of some
bits.activation       bits of an element of every activation
rank.density          share of its MACs that a convolution may cost as three (Tucker-2, HALOC)
rank.stage2*          the rank of the convolutions whose names match
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

from workloads.errors import InputError, WorkloadError, shown
from workloads.grammar.arguments import NUMBER, POSITIVE, WHOLE
from workloads.network import Network
from workloads.operations import Convolution
from workloads.sparsity.layers import prunable
from workloads.sparsity.low_rank import rank_for
from workloads.sparsity.schemes import schemes
from workloads.sparsity.schemes.tucker2 import decomposable

Changes = Mapping[str, Any]

_NONE: Final = "none"
_WIDEST: Final = 64
"""Bits of the widest element that any machine here holds."""


def check_change(field: str, value: Any) -> None:
    """Refuse a value that a change cannot take, before any network is built.

    Raises
    ------
    ValueError
        If a density is not in (0, 1], a rank or a number of bits is none, or a scheme is not known.

    """
    head, _, rest = field.partition(".")
    known = (_NONE, *schemes())
    if field == "sparsity.scheme":
        fits, words = isinstance(value, str) and value in known, f"one of {', '.join(known)}"
    elif head == "bits":
        fits, words = WHOLE.fits(value) and 1 <= value <= _WIDEST, f"a whole number from 1 to {_WIDEST}"
    elif head == "rank" and rest != "density":
        fits, words = POSITIVE.fits(value), POSITIVE.words
    else:
        fits, words = NUMBER.fits(value) and 0 < value <= 1, "a number in (0, 1]"
    if not fits:
        raise InputError(f"{field} must be {words}, got {shown(value)}", path=field)


def _sparsity(network: Network, wanted: Changes) -> Network:
    scheme = str(wanted.get("scheme", "uniform"))
    if scheme == _NONE:
        return network
    if wanted.keys() <= {"scheme"}:  # as dense as the scheme makes it by itself
        return network.sparsify(scheme)
    layers = list(prunable(network))
    density = float(wanted.get("density", 1.0))
    patterns = {name: float(value) for name, value in wanted.items() if name not in ("scheme", "density")}
    named = {layer: _matching(layer, patterns) for layer in layers}
    _refuse_unmatched("sparsity", patterns, layers)
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
    _refuse_unmatched("bits.weight", patterns, prunable(network))
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
    _refuse_unmatched("rank", patterns, decomposable(network))
    for node in network.graph.nodes():
        operation = node.operation
        rank = _matching(operation.name, patterns) if isinstance(operation, Convolution) else None
        if rank is not None and operation.groups == 1 and max(operation.window.kernel) > 1:  # type: ignore[attr-defined]
            channels = network.graph.tensors[node.inputs[0]].shape[1]
            ranks[operation.name] = (min(int(rank), channels), min(int(rank), operation.out_channels))  # type: ignore[attr-defined]
    return network.sparsify("tucker2", ranks=ranks) if ranks else network


def _refuse_unmatched(change: str, patterns: Iterable[str], layers: Iterable[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(layer, pattern) for layer in layers):
            raise WorkloadError(f"{change}.{pattern}: no layer is called so; there are {', '.join(layers)}")


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
