"""Numbers rounded to integers and back, as torch.export has quantised modules (PT2E, torchao)."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.library import integer_bits
from workloads.operations import Elementwise, Reduce

_BITS = 8
_TENSOR = ("per_tensor", "per_channel", "per_token", "per_channel_group")


@handles(
    *(f"quantized_decomposed.quantize_{what}" for what in _TENSOR),
    *("fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"),
)
def quantize(call: Call, builder: Builder) -> str:
    """Add a conversion to integers."""
    tensor = builder.argument(call, "input" if call.has("input") else "self")
    dtype = call.node.meta["val"].dtype
    return builder.emit(call, Elementwise(call.name, "quantize"), tensor, bits=integer_bits(dtype) or _BITS)


@handles(*(f"quantized_decomposed.dequantize_{what}" for what in _TENSOR))
def dequantize(call: Call, builder: Builder) -> Value:
    """Let integers through as what they stand for: consumers read them as they are stored."""
    return builder.argument(call, "input")


@handles(
    *("quantized_decomposed.choose_qparams", "quantized_decomposed.choose_qparams_symmetric"),
    *("quantized_decomposed.choose_qparams_per_token",),
    *("quantized_decomposed.choose_qparams_per_token_asymmetric",),
)
def range_of(call: Call, builder: Builder) -> Value:
    """Add the largest and smallest element, of all or of each row; scale and zero point follow from them."""
    tensor = builder.tensor(call, "input")
    rank = len(tensor.shape)
    axes = (rank - 1,) if "per_token" in call.operator else tuple(range(rank))
    ends = [
        builder.step(Reduce(builder.part(call, mode), mode, axes, True), tensor.name)
        for mode in ("max", "min")
    ]
    shapes = zip(ends, call.shapes(), strict=True)
    return tuple(builder.reshaped(call, end, shape) for end, shape in shapes)
