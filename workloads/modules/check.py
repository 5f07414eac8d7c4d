"""A module held against its network, layer by layer: shapes, multiply-accumulates, parameters."""

from typing import TYPE_CHECKING, Any

from workloads.errors import shown
from workloads.importers.torch.library import Array, torch
from workloads.modules import ModuleMismatchError
from workloads.modules.graph_module import GraphModule
from workloads.network import Network
from workloads.operations import Embedding, Recurrent
from workloads.shapes import text

if TYPE_CHECKING:
    import pandas


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
    import pandas
    from torch.utils.flop_counter import FlopCounterMode

    if not isinstance(module, GraphModule):
        raise ModuleMismatchError(
            f"a module made by workloads.to_module is needed, got {type(module).__name__}"
        )
    macs = _macs(network)
    rows = []
    layers: dict[str, Any] = dict(module.named_modules())
    names = [node.operation.name for node in network.graph.nodes() if node.weights]
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [layers[name].register_forward_hook(_noting(shapes, name)) for name in names if name in layers]
    before = module.training
    module.eval()
    torch._C._set_mkldnn_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False, depth=64) as counter:
            module(*_example(network))
    finally:
        torch._C._set_mkldnn_enabled(True)
        module.train(before)
        for hook in hooks:
            hook.remove()
    counts = counter.get_flop_counts()
    for node in network.graph.nodes():
        name = node.operation.name
        if not node.weights:
            continue
        if name not in layers:
            raise ModuleMismatchError(f"layer {shown(name)}: the module has none of this name")
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


def _macs(network: Network) -> dict[str, int]:
    """Multiply-accumulates by operation."""
    lowering = network.lowering()
    found: dict[str, int] = {}
    for name, row in zip(lowering.operations, lowering.rows, strict=True):
        found[name] = found.get(name, 0) + row.macs
    return found


def _example(network: Network) -> list[Array]:
    """Zeros for every input; integers where a table is looked up."""
    graph = network.graph
    looked_up = {node.inputs[0] for node in graph.nodes() if isinstance(node.operation, Embedding)}
    return [
        torch.zeros(tensor.shape, dtype=torch.long if tensor.name in looked_up else torch.float32)
        for tensor in graph.inputs()
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
