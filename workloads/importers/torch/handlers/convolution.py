"""Convolutions and transposed convolutions."""

from math import prod

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.complex_numbers import is_complex
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Convolution, Elementwise, TransposedConvolution
from workloads.operations.sampling import deformed_ops
from workloads.operations.window import Pads
from workloads.operations.work import Work
from workloads.shapes import Shape, size
from workloads.tensors import Weight


@handles("conv1d", "conv2d", "conv3d", "convolution", "_convolution")
def convolution(call: Call, builder: Builder) -> str:
    """Add a convolution; an input without a batch gets one for the while."""
    if is_complex(call):
        call.refuse("is of complex numbers; write it as four real convolutions of their parts")
    if call.get("transposed", False):
        return _transposed(call, builder)
    shape = _filters(call, builder)
    rank = len(shape) - 2
    weights = _weights(call, builder)
    operation = Convolution(
        _name(call, builder),
        out_channels=shape[0],
        kernel=shape[2:],
        stride=call.integers("stride", rank),
        padding=_padding(call, shape),
        dilation=call.integers("dilation", rank),
        groups=call.integer("groups", 1),
        bias="bias" in weights,
        computed="weight" not in weights,
    )
    return _add(call, builder, operation, weights)


@handles("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(call: Call, builder: Builder) -> str:
    """Add a transposed convolution."""
    return _transposed(call, builder)


@handles("torchvision.deform_conv2d")
def deformable(call: Call, builder: Builder) -> str:
    """Add columns sampled at places of their own, and a convolution of size 1 over them."""
    tensor, constant = builder.tensor(call, "input"), builder.need_constant(call, "weight")
    outputs, channels, *kernel = constant.shape
    rows, cols = call.shape()[2:]
    columns = (tensor.shape[0], tensor.shape[1] * prod(kernel), rows, cols)
    places = [builder.tensor(call, "offset").name]
    if call.get("use_mask", False):
        places.append(builder.tensor(call, "mask").name)
    sampling = Work(
        builder.part(call, "columns"),
        "deformed",
        columns,
        deformed_ops(size(columns), weighed=len(places) > 1),
    )
    sampled = builder.step(sampling, tensor.name, *places)
    flat = constant.reshaped((outputs, channels * prod(kernel), 1, 1))
    weights = {"weight": builder.weight(flat, f"{call.name}.weight")}
    bias = builder.constant(call, "bias")
    if bias is not None and bias.elements == outputs:
        weights["bias"] = builder.weight(bias, f"{call.name}.bias")
    groups = tensor.shape[1] // channels
    product = Convolution(call.name, outputs, (1, 1), groups=groups, bias="bias" in weights)
    return builder.emit(call, product, sampled, weights=weights)


def _transposed(call: Call, builder: Builder) -> str:
    shape = _filters(call, builder)
    rank, groups = len(shape) - 2, call.integer("groups", 1)
    weights = _weights(call, builder)
    operation = TransposedConvolution(
        _name(call, builder),
        out_channels=shape[1] * groups,
        kernel=shape[2:],
        stride=call.integers("stride", rank),
        padding=call.integers("padding", rank),
        output_padding=call.integers("output_padding", rank),
        dilation=call.integers("dilation", rank),
        groups=groups,
        bias="bias" in weights,
        computed="weight" not in weights,
    )
    return _add(call, builder, operation, weights)


def _add(
    call: Call,
    builder: Builder,
    operation: Convolution | TransposedConvolution,
    weights: dict[str, Weight],
) -> str:
    """Add a convolution: computed filters are its second input, a computed bias is a sum behind it."""
    tensor, rank = builder.tensor(call, "input"), operation.window.rank
    inputs = [builder.tensor(call, "weight").name] if operation.computed else []
    shape = tensor.shape if len(tensor.shape) == rank + 2 else (1, *tensor.shape)
    one = builder.reshaped(call, tensor.name, shape, "batch")
    made = builder.step(operation, one, *inputs, weights=weights)
    if builder.flows(call, "bias"):
        bias = builder.tensor(call, "bias")
        column = builder.reshaped(call, bias.name, (bias.elements, *(1,) * rank), "bias")
        made = builder.step(Elementwise(call.name, "add"), made, column)
    return builder.reshaped(call, made, call.shape())


def _name(call: Call, builder: Builder) -> str:
    return builder.part(call, "product") if builder.flows(call, "bias") else call.name


def _filters(call: Call, builder: Builder) -> Shape:
    value = builder.argument(call, "weight")
    return value.shape if isinstance(value, Constant) else builder.shape(value)


def _padding(call: Call, shape: Shape) -> tuple[int, ...] | Pads | str:
    """Return padding in numbers; "same" puts the odd element after."""
    padding, rank = call.get("padding", 0), len(shape) - 2
    if padding == "valid":
        return (0,) * rank
    if padding == "same":
        dilation = call.integers("dilation", rank)
        totals = [d * (k - 1) for d, k in zip(dilation, shape[2:], strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return call.integers("padding", rank)


def _weights(call: Call, builder: Builder) -> dict[str, Weight]:
    """Return the weight and the bias, where they are not computed by the network."""
    held = {role: builder.constant(call, role) for role in ("weight", "bias")}
    return {role: builder.weight(c, f"{call.name}.{role}") for role, c in held.items() if c is not None}
