"""Published results applied to a network: densities layer by layer, or the size of the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workloads.errors import shown
from workloads.graph import with_density
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.layers import prunable, with_counts
from workloads.sparsity.published import LayerDensity, counts, layers, tables
from workloads.tensors import Tensor, Weight

if TYPE_CHECKING:
    from workloads.network import Network


def published(
    network: Network, table: str, *, of: str | None = None, activations: bool = True, seed: int | None = None
) -> Network:
    """Give each layer the density that a publication reports for it.

    Parameters
    ----------
    network
        The network the table is about. Layers are matched by name, or in order where the names are others and
        the numbers of weights agree.
    table
        A name in `workloads.sparsity.published.tables(network)`, such as "str-90.23" or
        "deep-compression"; or a method in `counts`, such as "nest", of which only the total is known: then
        every layer has the same density (assumed).
    of
        Network the table is listed under; by default this network's name.
    activations
        Whether activations get the densities that the table has for inputs, or for outputs of the layer
        before; they count as assumed.
    seed
        None leaves the places of the zeros unknown; a number draws masks.

    """
    name = network.name if of is None else of
    if (name, table) not in tables(name):
        return _of_size(network, name, table, seed)
    rows = _matched(network, name, table)
    for layer, row in rows.items():
        if row.weight_density == 0.0:
            raise SparsityError(
                f"published: {shown(table)} leaves layer {shown(layer)} no weights; density must be in (0, 1]"
            )
    sizes = {layer: weight.size for layer, weight in prunable(network).items()}
    # The nearest whole number: printed densities are rounded already.
    kept = {layer: max(1, round(row.weight_density * sizes[layer])) for layer, row in rows.items()}
    pruned = with_counts(network, kept, seed)
    stored = [
        replace(weight, bits=row.weight_bits)
        for layer, row in rows.items()
        if row.weight_bits is not None and (weight := prunable(pruned)[layer])
    ]
    pruned = pruned.with_weights(*stored)
    return pruned.with_tensors(*_inputs(pruned, rows)) if activations else pruned


def _matched(network: Network, name: str, table: str) -> dict[str, LayerDensity]:
    weights, rows = prunable(network), layers(name, table)
    if all(row.layer in weights for row in rows):
        return {row.layer: row for row in rows}
    if len(rows) == len(weights) and all(
        row.elements in (None, weight.size) for row, weight in zip(rows, weights.values(), strict=True)
    ):
        return dict(zip(weights, rows, strict=True))
    stranger = next(row.layer for row in rows if row.layer not in weights)
    raise SparsityError(
        f"published: {shown(table)} of {shown(name)} has a layer {shown(stranger)} that "
        f"{shown(network.name)} has not"
    )


def _inputs(network: Network, rows: dict[str, LayerDensity]) -> list[Tensor]:
    """Inputs of the layers with the density of the table, or with that of the output before."""
    found: dict[str, Tensor] = {}
    before: float | None = None
    for layer, row in rows.items():
        density = row.input_density if row.input_density is not None else before
        if density is not None:
            tensor = network.graph.tensors[network.graph.node(layer).inputs[0]]
            found[tensor.name] = with_density(tensor, density)
        before = row.output_density
    return list(found.values())


def _of_size(network: Network, name: str, method: str, seed: int | None) -> Network:
    known = counts(name)
    if method not in known:
        there = ", ".join([table for _, table in tables(name)] + list(known)) or "none"
        raise SparsityError(
            f"published: nothing called {shown(method)} for {shown(name)}; there are: {there}"
        )
    weights: dict[str, Weight] = prunable(network)
    total = sum(weight.size for weight in weights.values())
    kept = known[method].parameters - (network.parameters - total)  # biases and the like are not pruned
    if not 0 < kept <= total:
        raise SparsityError(
            f"published: {known[method].parameters} parameters of {shown(method)} do not fit "
            f"{shown(network.name)}, "
            f"which has {network.parameters}, {total} of them to prune"
        )
    even = {name: max(1, round(weight.size * kept / total)) for name, weight in weights.items()}
    return with_counts(network, even, seed)
