"""A module held against its network, layer by layer: shapes, multiply-accumulates, parameters."""

from dataclasses import fields
from itertools import zip_longest
from typing import Any

import pandas

from workloads.errors import shown
from workloads.importers.torch.library import Array, torch
from workloads.modules import ModuleMismatchError
from workloads.modules.graph_module import GraphModule, looked_up
from workloads.network import Network
from workloads.operations import Embedding, Recurrent, Reshape
from workloads.shapes import text
from workloads.training.rebatch import rebatched


def check(network: Network, module: Any) -> "pandas.DataFrame":
    """Run a module once and compare every layer with its network.

    Parameters
    ----------
    network
        The network.
    module
        The module of `workloads.to_module(network)`, trained or not.

    Returns
    -------
    DataFrame
        One row an operation with weights: `layer`, `shape` of its first output, `macs`, `parameters`, as the
        module has them. MACs are those PyTorch counts while it runs; its fused recurrent layers are opaque to
        that counter and show the network's.

    Raises
    ------
    ModuleMismatchError
        If anything differs; the first layer that does is named with both values.

    """
    if not isinstance(module, GraphModule):
        raise ModuleMismatchError(
            f"a module made by workloads.to_module is needed, got {type(module).__name__}"
        )
    same_graph(network, module.network)
    macs = _macs(network)
    rows = []
    shapes, counts = _run(network, module)
    for node in network.graph.nodes():
        name = node.operation.name
        if not node.weights:
            continue
        made = network.graph.tensors[node.outputs[0]].shape
        _same(name, "output", text(shapes[name]), text(made))
        seen = sum(counts.get(f"GraphModule.{name}", {}).values()) // 2
        if isinstance(node.operation, Recurrent | Embedding):
            seen = macs.get(name, 0)
        _same(name, "MACs", seen, macs.get(name, 0))
        held = {parameter for parts in module.roles[name].values() for parameter in parts}
        parameters = sum(_size(module, parameter) for parameter in held)
        wanted = sum(
            network.graph.weights[weight].size
            for role, weight in node.weights.items()
            if role in module.roles[name]
        )
        _same(name, "weights", parameters, wanted)
        rows.append((name, shapes[name], seen, parameters))
    trained = sum(parameter.numel() for parameter in module.parameters())
    if trained != network.parameters:
        raise ModuleMismatchError(
            f"{network.name}: {trained:,} parameters in the module, {network.parameters:,} in the network"
        )
    return pandas.DataFrame(rows, columns=["layer", "shape", "macs", "parameters"])


def same_graph(network: Network, other: Network) -> None:
    """Compare what two networks do, operation by operation in running order; batches may differ.

    Raises
    ------
    ModuleMismatchError
        If they differ; the first layer that does is named.

    """
    if other.batch != network.batch:
        other = rebatched(other, network.batch)
    for wanted, ours in zip_longest(network.graph.nodes(), other.graph.nodes()):
        if wanted is None:
            raise ModuleMismatchError(
                f"layer {shown(ours.operation.name)}: the network has none of this name"
            )
        if ours is None or ours.operation.name != wanted.operation.name:
            raise ModuleMismatchError(
                f"layer {shown(wanted.operation.name)}: the module has none of this name at its place"
            )
        name = wanted.operation.name
        _same(name, "inputs", ", ".join(ours.inputs), ", ".join(wanted.inputs))
        _same(name, "kind", *(type(one.operation).__name__ for one in (ours, wanted)))
        for field in () if isinstance(wanted.operation, Reshape) else fields(wanted.operation):
            values = (getattr(one.operation, field.name) for one in (ours, wanted))
            _same(name, field.name, *values)
        # of a reshape these say all: its -1 is a number once it was described for another batch
        for first, second in zip(
            (*ours.inputs, *ours.outputs), (*wanted.inputs, *wanted.outputs), strict=True
        ):
            shape = text(other.graph.tensors[first].shape), text(network.graph.tensors[second].shape)
            _same(name, f"tensor {second}", *shape)


def _run(network: Network, module: GraphModule) -> tuple[dict[str, tuple[int, ...]], Any]:
    """Run a module on zeros; return the shapes that its layers made, and what PyTorch counts of each."""
    from torch.utils.flop_counter import FlopCounterMode

    names = [node.operation.name for node in network.graph.nodes() if node.weights]
    layers: dict[str, Any] = dict(module.named_modules())
    for name in names:
        if name not in layers:
            raise ModuleMismatchError(f"layer {shown(name)}: the module has none of this name")
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [layers[name].register_forward_hook(_noting(shapes, name)) for name in names]
    before = module.training
    module.eval()
    torch._C._set_mkldnn_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False, depth=64) as counter:
            module(*_example(network))
    except (RuntimeError, TypeError, AttributeError) as error:
        stuck = next((name for name in names if name not in shapes), names[-1])
        line = str(error).splitlines()[0]
        raise ModuleMismatchError(f"layer {shown(stuck)}: the module cannot run it ({line})") from error
    finally:
        torch._C._set_mkldnn_enabled(True)
        module.train(before)
        for hook in hooks:
            hook.remove()
    return shapes, counter.get_flop_counts()


def _macs(network: Network) -> dict[str, int]:
    """Multiply-accumulates by operation."""
    lowering = network.lowering()
    found: dict[str, int] = {}
    for name, row in zip(lowering.operations, lowering.rows, strict=True):
        found[name] = found.get(name, 0) + row.macs
    return found


def _example(network: Network) -> list[Array]:
    """Zeros for every input; integers where a table is looked up."""
    integers = looked_up(network)
    return [
        torch.zeros(tensor.shape, dtype=torch.long if tensor.name in integers else torch.float32)
        for tensor in network.graph.inputs()
    ]


def _noting(shapes: dict[str, tuple[int, ...]], name: str) -> Any:
    def note(module: Any, inputs: Any, made: Any) -> None:
        first = made[0] if isinstance(made, tuple) else made
        shapes[name] = tuple(int(length) for length in first.shape)

    return note


def _size(module: Any, name: str) -> int:
    *path, last = name.split(".")
    return int(getattr(module.get_submodule(".".join(path)), last).numel())


def _same(layer: str, what: str, ours: object, wanted: object) -> None:
    if ours != wanted:
        raise ModuleMismatchError(
            f"layer {shown(layer)}: {what} {ours} in the module, {wanted} in the network"
        )
