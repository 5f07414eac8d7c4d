"""A network with everything linear and positive, run by PyTorch: what SynFlow differentiates.

Weights are absolute values, the input is ones, so every tensor is positive: rectifiers are the identity,
and so is every other activation function, batch norm (fresh: mean 0, variance 1, scale 1, shift 0),
normalisation of responses, softmax of the outputs, and bias (0).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workloads.graph import Node
from workloads.network import Network
from workloads.operations import (
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    Expand,
    GlobalPool,
    Linear,
    LocalResponse,
    Pad,
    Pool,
    Reduce,
    Reshape,
    Slice,
    Softmax,
    Split,
    Transpose,
)
from workloads.sparsity.checks import SparsityError
from workloads.tensors import Weight

if TYPE_CHECKING:
    import torch

    Tensors = Mapping[str, torch.Tensor]


def fresh_weights(layers: Mapping[str, Weight], seed: int) -> "dict[str, torch.Tensor]":
    """Absolute values of newly initialised weights, in double precision.

    Normal with variance 2 / fan-out (He et al., ICCV 2015) for convolutions and 0.01**2 for matrices, as the
    authors of SynFlow initialise their networks.
    """
    import torch

    source = torch.Generator().manual_seed(seed)
    fresh = {}
    for name, weight in layers.items():
        values = torch.empty(weight.shape, dtype=torch.float64)
        if len(weight.shape) > 2:
            torch.nn.init.kaiming_normal_(values, mode="fan_out", nonlinearity="relu", generator=source)
        else:
            values.normal_(0.0, 0.01, generator=source)
        fresh[name] = values.abs()
    return fresh


def linear_flow(network: Network) -> "Callable[[Tensors], torch.Tensor]":
    """Return R as a function of the weights (by layer): the sum of the outputs for one input of ones.

    Raises
    ------
    SparsityError
        If the network has an operation without a linear, positive counterpart here; names it.

    """
    graph = network.graph
    nodes = list(graph.nodes())
    for node in nodes:
        inner = isinstance(node.operation, Softmax) and graph.consumers(node.outputs[0])
        if inner or not isinstance(node.operation, tuple(_RULES)):
            raise SparsityError(
                f"synflow: {node.operation.kind} {node.operation.name!r} has no linear counterpart"
            )
    ends = graph.outputs or tuple(name for name in graph.tensors if not graph.consumers(name))

    def flow(weights: "Tensors") -> "torch.Tensor":
        import torch

        reference = next(iter(weights.values()))
        values = {
            tensor.name: torch.ones(tensor.shape, dtype=reference.dtype, device=reference.device)
            for tensor in graph.inputs()
        }
        for node in nodes:
            rule = next(rule for kind, rule in _RULES.items() if isinstance(node.operation, kind))
            made = rule(node, [values[name] for name in node.inputs], weights)
            results = made if isinstance(made, tuple) else (made,)
            values.update(zip(node.outputs, results, strict=False))
        return sum((values[name].sum() for name in ends), torch.zeros_like(reference.sum()))

    return flow


def _convolve(node: Node, inputs: "Sequence[torch.Tensor]", weights: "Tensors") -> "torch.Tensor":
    import torch.nn.functional as call

    operation: Any = node.operation
    window = operation.window
    pads = [side for pair in reversed(window.pads(inputs[0].shape[2:])) for side in pair]
    run = (call.conv1d, call.conv2d, call.conv3d)[window.rank - 1]
    result: torch.Tensor = run(
        call.pad(inputs[0], pads),
        weights[operation.name],
        stride=window.stride,
        dilation=window.dilation,
        groups=operation.groups,
    )
    return result


def _pool(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    import torch.nn.functional as call

    operation: Any = node.operation
    window = operation.window
    positions = window.positions(inputs[0].shape[2:], ceil_mode=operation.ceil_mode)
    before = window.pads(inputs[0].shape[2:])
    # Zeros around positive values lose every maximum; a mean over the whole window is what they make it.
    pads = []
    for axis in reversed(range(window.rank)):
        reach = (positions[axis] - 1) * window.stride[axis]
        span = reach + window.dilation[axis] * (window.kernel[axis] - 1) + 1
        pads += [before[axis][0], max(0, span - inputs[0].shape[2 + axis] - before[axis][0])]
    padded = call.pad(inputs[0], pads)
    if operation.mode == "max":
        run = (call.max_pool1d, call.max_pool2d, call.max_pool3d)[window.rank - 1]
        result: torch.Tensor = run(padded, window.kernel, window.stride, dilation=window.dilation)
    else:
        mean = (call.avg_pool1d, call.avg_pool2d, call.avg_pool3d)[window.rank - 1]
        result = mean(padded, window.kernel, window.stride)
    return result


def _global_pool(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    axes = tuple(range(2, inputs[0].ndim))
    return (
        inputs[0].amax(axes, keepdim=True) if operation.mode == "max" else inputs[0].mean(axes, keepdim=True)
    )


def _reduce(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    axes = operation.reduced or tuple(range(inputs[0].ndim))
    runs: dict[str, Any] = {"mean": inputs[0].mean, "sum": inputs[0].sum, "max": inputs[0].amax}
    if operation.mode not in runs:
        raise SparsityError(f"synflow: {operation.kind} {operation.name!r} has no linear counterpart")
    result: torch.Tensor = runs[operation.mode](axes, keepdim=operation.keep)
    return result


def _elementwise(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    if len(inputs) == 1:
        return inputs[0]
    if operation.function not in ("add", "mul"):
        raise SparsityError(f"synflow: {operation.kind} {operation.name!r} has no linear counterpart")
    total = inputs[0]
    for other in inputs[1:]:
        total = total + other if operation.function == "add" else total * other
    return total


def _multiply(node: Node, inputs: "Sequence[torch.Tensor]", weights: "Tensors") -> "torch.Tensor":
    return inputs[0] @ weights[node.operation.name].T


def _reshape(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    return inputs[0].reshape(operation.shape)


def _transpose(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    return inputs[0].permute(operation.order)


def _concat(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    import torch

    operation: Any = node.operation
    return torch.cat(list(inputs), operation.axis)


def _slice(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    import torch

    operation: Any = node.operation
    result = inputs[0]
    for axis, start, stop, step in operation.cuts:
        taken = torch.tensor(list(range(start, stop, step)), device=result.device)
        result = result.index_select(axis, taken)
    return result


def _split(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "tuple[torch.Tensor, ...]":
    import torch

    operation: Any = node.operation
    return tuple(torch.split(inputs[0], list(operation.lengths), operation.axis))


def _pad(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    import torch.nn.functional as call

    operation: Any = node.operation
    return call.pad(inputs[0], [side for pair in reversed(operation.pads) for side in pair])


def _expand(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    operation: Any = node.operation
    if operation.tiled:
        raise SparsityError(f"synflow: {operation.kind} {operation.name!r} has no linear counterpart")
    return inputs[0].expand(operation.shape)


def _same(node: Node, inputs: "Sequence[torch.Tensor]", _: "Tensors") -> "torch.Tensor":
    return inputs[0]


_RULES: dict[type, Any] = {
    BatchNorm: _same,
    Concat: _concat,
    Convolution: _convolve,
    Elementwise: _elementwise,
    Expand: _expand,
    GlobalPool: _global_pool,
    Linear: _multiply,
    LocalResponse: _same,
    Pad: _pad,
    Pool: _pool,
    Reduce: _reduce,
    Reshape: _reshape,
    Slice: _slice,
    Softmax: _same,
    Split: _split,
    Transpose: _transpose,
}
