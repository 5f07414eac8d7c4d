"""A network with everything linear and positive, run by PyTorch: what SynFlow differentiates.

Weights are absolute values, the input is ones, so every tensor is positive: rectifiers are the identity,
and so is every other activation function, batch norm (fresh: mean 0, variance 1, scale 1, shift 0),
normalisation of responses, softmax of the outputs, and bias (0). Images are kept as runs of equal positions
(see `runs`), and convolutions are products of matrices laid out as they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as call

from workloads.errors import shown
from workloads.graph import Node
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
from workloads.shapes import Shape, window_extent
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.runs import Image, Runs, cut, together
from workloads.tensors import Weight

if TYPE_CHECKING:
    from workloads.network import Network

Tensors = Mapping[str, torch.Tensor]


def fresh_weights(layers: Mapping[str, Weight], seed: int) -> dict[str, torch.Tensor]:
    """Absolute values of newly initialised weights, in double precision.

    Normal with variance 2 / fan-out (He et al., ICCV 2015) for convolutions and 0.01**2 for matrices, as the
    authors of SynFlow initialise their networks.
    """
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


def linear_flow(network: Network) -> Callable[[Tensors], torch.Tensor]:
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
                f"synflow: {node.operation.kind} {shown(node.operation.name)} has no linear counterpart"
            )
    ends = graph.outputs or tuple(name for name in graph.tensors if not graph.consumers(name))

    def flow(weights: Tensors) -> torch.Tensor:
        reference = next(iter(weights.values()))
        values = {tensor.name: _ones(tensor.shape, reference) for tensor in graph.inputs()}
        for node in nodes:
            rule = next(rule for kind, rule in _RULES.items() if isinstance(node.operation, kind))
            given = [values[name] for name in node.inputs]
            if rule in _ON_RUNS:
                made = rule(node, given, weights)
            else:
                whole = rule(node, [image.whole() for image in given], weights)
                made = tuple(map(Image.of, whole)) if isinstance(whole, tuple) else Image.of(whole)
            results = (made,) if isinstance(made, Image) else made
            values.update(zip(node.outputs, results, strict=False))
        return sum((values[name].whole().sum() for name in ends), torch.zeros_like(reference.sum()))

    return flow


def _ones(shape: Shape, reference: torch.Tensor) -> Image:
    """Return an input of ones: one position an axis stands for all."""
    kept = (*shape[:2], *(1,) * len(shape[2:]))
    data = torch.ones(kept, dtype=reference.dtype, device=reference.device)
    return Image(data, tuple((length,) for length in shape[2:]))


def _cut(image: Image, operation: Any, *, ceil_mode: bool = False) -> tuple[torch.Tensor, tuple[Runs, ...]]:
    """Return the positions that a window needs to see, and the runs of its results."""
    window, lengths = operation.window, image.lengths
    places = window.positions(lengths, ceil_mode=ceil_mode)
    pads = window.pads(lengths)
    cuts = [
        cut(
            runs, places[i], window.stride[i], window_extent(window.kernel[i], window.dilation[i]), pads[i][0]
        )
        for i, runs in enumerate(image.runs)
    ]
    return image.repeated([one.kept for one in cuts]), tuple(one.results for one in cuts)


def _convolve(node: Node, inputs: Sequence[Image], weights: Tensors) -> Image:
    operation: Any = node.operation
    window = operation.window
    pads = [side for pair in reversed(window.pads(inputs[0].lengths)) for side in pair]
    data, runs = _cut(inputs[0], operation)
    data, weight = call.pad(data, pads), weights[operation.name]
    if window.rank == 2 and operation.groups == 1 and data.shape[0] == 1:
        return Image(_product(data, weight, window), runs)
    run = (call.conv1d, call.conv2d, call.conv3d)[window.rank - 1]
    result: torch.Tensor = run(
        data, weight, stride=window.stride, dilation=window.dilation, groups=operation.groups
    )
    return Image(result, runs)


def _product(data: torch.Tensor, weight: torch.Tensor, window: Any) -> torch.Tensor:
    """Convolve one padded image: every window a row, times the weights as they lie in memory.

    A third of the time that PyTorch's own convolutions take in double precision on few positions.
    """
    rows, cols = (
        (length - window_extent(kernel, spacing)) // step + 1
        for length, kernel, spacing, step in zip(
            data.shape[2:], window.kernel, window.dilation, window.stride, strict=True
        )
    )
    windows = call.unfold(data, window.kernel, window.dilation, 0, window.stride)[0]
    result: torch.Tensor = call.linear(windows.T.contiguous(), weight.flatten(1))
    return result.T.reshape(1, weight.shape[0], rows, cols)


def _pool(node: Node, inputs: Sequence[Image], _: Tensors) -> Image:
    operation: Any = node.operation
    window = operation.window
    before = window.pads(inputs[0].lengths)
    data, runs = _cut(inputs[0], operation, ceil_mode=operation.ceil_mode)
    # Zeros around positive values lose every maximum; a mean over the whole window is what they make it.
    pads = []
    for axis in reversed(range(window.rank)):
        reach = (len(runs[axis]) - 1) * window.stride[axis]
        span = reach + window_extent(window.kernel[axis], window.dilation[axis])
        pads += [before[axis][0], max(0, span - data.shape[2 + axis] - before[axis][0])]
    padded = call.pad(data, pads)
    if operation.mode == "max":
        run = (
            call.max_pool1d,
            call.max_pool2d,
            call.max_pool3d,
        )[window.rank - 1]
        result: torch.Tensor = run(padded, window.kernel, window.stride, dilation=window.dilation)
    else:
        mean = (
            call.avg_pool1d,
            call.avg_pool2d,
            call.avg_pool3d,
        )[window.rank - 1]
        result = mean(padded, window.kernel, window.stride)
    return Image(result, runs)


def _global_pool(node: Node, inputs: Sequence[Image], _: Tensors) -> Image:
    operation: Any = node.operation
    data, runs = inputs[0]
    axes = tuple(range(2, data.ndim))
    if operation.mode == "max":
        return Image.of(data.amax(axes, keepdim=True))
    for axis, counts in zip(axes, runs, strict=True):
        share = torch.tensor(counts, dtype=data.dtype, device=data.device) / sum(counts)
        data = data * share.reshape(-1, *[1] * (data.ndim - 1 - axis))
    return Image.of(data.sum(axes, keepdim=True))


def _elementwise(node: Node, inputs: Sequence[Image], _: Tensors) -> Image:
    operation: Any = node.operation
    if len(inputs) == 1:
        return inputs[0]
    if operation.function not in ("add", "mul"):
        raise SparsityError(f"synflow: {operation.kind} {shown(operation.name)} has no linear counterpart")
    common = together(inputs)
    data, runs = common if common is not None else ([image.whole() for image in inputs], None)
    total = data[0]
    for other in data[1:]:
        total = total + other if operation.function == "add" else total * other
    return Image.of(total) if runs is None else Image(total, runs)


def _concat(node: Node, inputs: Sequence[Image], _: Tensors) -> Image:
    operation: Any = node.operation
    common = together(inputs) if operation.axis < 2 else None
    if common is None:
        return Image.of(torch.cat([image.whole() for image in inputs], operation.axis))
    return Image(torch.cat(common[0], operation.axis), common[1])


def _same(node: Node, inputs: Sequence[Image], _: Tensors) -> Image:
    return inputs[0]


def _reduce(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    axes = operation.reduced or tuple(range(inputs[0].ndim))
    runs: dict[str, Any] = {"mean": inputs[0].mean, "sum": inputs[0].sum, "max": inputs[0].amax}
    if operation.mode not in runs:
        raise SparsityError(f"synflow: {operation.kind} {shown(operation.name)} has no linear counterpart")
    result: torch.Tensor = runs[operation.mode](axes, keepdim=operation.keep)
    return result


def _multiply(node: Node, inputs: Sequence[torch.Tensor], weights: Tensors) -> torch.Tensor:
    return inputs[0] @ weights[node.operation.name].T


def _reshape(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    return inputs[0].reshape(operation.shape)


def _transpose(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    return inputs[0].permute(operation.order)


def _slice(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    result = inputs[0]
    for axis, start, stop, step in operation.cuts:
        taken = torch.tensor(list(range(start, stop, step)), device=result.device)
        result = result.index_select(axis, taken)
    return result


def _split(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> tuple[torch.Tensor, ...]:
    operation: Any = node.operation
    return tuple(torch.split(inputs[0], list(operation.lengths), operation.axis))


def _pad(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    return call.pad(inputs[0], [side for pair in reversed(operation.pads) for side in pair])


def _expand(node: Node, inputs: Sequence[torch.Tensor], _: Tensors) -> torch.Tensor:
    operation: Any = node.operation
    return inputs[0].expand(operation.shape)


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

_ON_RUNS = (_concat, _convolve, _elementwise, _global_pool, _pool, _same)
"""Rules that work on runs; others get whole tensors."""
