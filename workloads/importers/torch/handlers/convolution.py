"""Convolutions and transposed convolutions."""

from workloads.importers.torch.builder import Builder
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Convolution, TransposedConvolution
from workloads.operations.window import Pads
from workloads.tensors import Weight


@handles("conv1d", "conv2d", "conv3d", "convolution", "_convolution")
def convolution(call: Call, builder: Builder) -> str:
    """Add a convolution; an input without a batch gets one for the while."""
    if call.get("transposed", False):
        return _transposed(call, builder)
    constant = builder.need_constant(call, "weight")
    rank = len(constant.shape) - 2
    weights = _weights(call, builder, constant)
    operation = Convolution(
        call.name,
        out_channels=constant.shape[0],
        kernel=constant.shape[2:],
        stride=call.integers("stride", rank),
        padding=_padding(call, constant),
        dilation=call.integers("dilation", rank),
        groups=call.integer("groups", 1),
        bias="bias" in weights,
    )
    return _add(call, builder, operation, weights, rank)


@handles("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(call: Call, builder: Builder) -> str:
    """Add a transposed convolution."""
    return _transposed(call, builder)


def _transposed(call: Call, builder: Builder) -> str:
    constant = builder.need_constant(call, "weight")
    rank, groups = len(constant.shape) - 2, call.integer("groups", 1)
    weights = _weights(call, builder, constant)
    operation = TransposedConvolution(
        call.name,
        out_channels=constant.shape[1] * groups,
        kernel=constant.shape[2:],
        stride=call.integers("stride", rank),
        padding=call.integers("padding", rank),
        output_padding=call.integers("output_padding", rank),
        dilation=call.integers("dilation", rank),
        groups=groups,
        bias="bias" in weights,
    )
    return _add(call, builder, operation, weights, rank)


def _add(
    call: Call,
    builder: Builder,
    operation: Convolution | TransposedConvolution,
    weights: dict[str, Weight],
    rank: int,
) -> str:
    tensor = builder.tensor(call, "input")
    if len(tensor.shape) == rank + 2:
        return builder.emit(call, operation, tensor.name, weights=weights)
    one = builder.reshaped(call, tensor.name, (1, *tensor.shape), "batch")
    return builder.reshaped(call, builder.step(operation, one, weights=weights), call.shape())


def _padding(call: Call, constant: Constant) -> tuple[int, ...] | Pads | str:
    """Return padding in numbers; "same" puts the odd element after."""
    padding, rank = call.get("padding", 0), len(constant.shape) - 2
    if padding == "valid":
        return (0,) * rank
    if padding == "same":
        dilation = call.integers("dilation", rank)
        totals = [d * (k - 1) for d, k in zip(dilation, constant.shape[2:], strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return call.integers("padding", rank)


def _weights(call: Call, builder: Builder, constant: Constant) -> dict[str, Weight]:
    weights = {"weight": builder.weight(constant, f"{call.name}.weight")}
    if call.has("bias"):
        weights["bias"] = builder.weight(builder.need_constant(call, "bias"), f"{call.name}.bias")
    return weights
