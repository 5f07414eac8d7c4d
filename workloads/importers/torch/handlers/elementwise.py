"""Functions applied element by element, and calls that do nothing at inference."""

from typing import Any

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.complex_numbers import is_complex, of_complex_alone
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.importers.torch.library import integer_bits
from workloads.importers.torch.turned import pairs_in
from workloads.operations import Elementwise, Rearrange, Split
from workloads.tensors import Weight

_PLACE_BITS = 64
"""Bits of a place that PyTorch finds."""

_QUANTISED_BITS = 8
"""Bits of an element that PyTorch quantises."""

_UNARY = {
    **{
        name: name
        for name in (
            *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_not", "ceil", "celu", "cos"),
            *("cosh", "elu", "erf", "exp", "floor", "isinf", "isnan", "leaky_relu", "log", "mish", "neg"),
            *(
                "reciprocal",
                "relu",
                "relu6",
                "round",
                "rsqrt",
                "selu",
                "sigmoid",
                "sign",
                "silu",
                "sin",
                "sinh",
            ),
            *("softplus", "softsign", "sqrt", "square", "tan", "tanh"),
        )
    },
    "clamp": "clip",
    "clip": "clip",
    "erfc": "erf",
    "exp2": "exp",
    "expm1": "exp",
    "hardshrink": "shrink",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "hardtanh": "clip",
    "lgamma": "log",
    "log1p": "log",
    "log2": "log",
    "log10": "log",
    "log_sigmoid": "softplus",
    "logical_not": "not",
    "negative": "neg",
    "rrelu": "leaky_relu",
    "angle": "atan",
    "conj_physical": "neg",
    "sgn": "sign",
    "softshrink": "shrink",
    "special_erf": "erf",
    "special_expit": "sigmoid",
    "threshold": "thresholded_relu",
    "trunc": "floor",
}
_BINARY = {
    "add": "add",
    "bitwise_and": "bitwise",
    "bitwise_or": "bitwise",
    "bitwise_xor": "bitwise",
    "bitwise_left_shift": "shift",
    "bitwise_right_shift": "shift",
    "div": "div",
    "divide": "div",
    "eq": "equal",
    "floor_divide": "div",
    "fmod": "mod",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "lt": "less",
    "maximum": "max",
    "minimum": "min",
    "mul": "mul",
    "multiply": "mul",
    "ne": "not_equal",
    "pow": "pow",
    "prelu": "prelu",
    "remainder": "mod",
    "rsub": "sub",
    "sub": "sub",
    "subtract": "sub",
    "true_divide": "div",
}


@handles(*_UNARY)
def unary(call: Call, builder: Builder) -> str:
    """Add a function of one tensor; numbers beside it (bounds, slopes) are settings."""
    function = _UNARY[call.operator.removeprefix("aten.").removesuffix("_")]
    return builder.emit(call, Elementwise(call.name, function), builder.tensor(call).name)


@handles("quantize_per_tensor", "quantize_per_channel", "dequantize")
def quantised(call: Call, builder: Builder) -> str:
    """Add a change to integers, or back."""
    back = "dequantize" in call.operator
    operation = Elementwise(call.name, "dequantize" if back else "quantize")
    return builder.emit(call, operation, builder.tensor(call).name, bits=0 if back else _QUANTISED_BITS)


@handles("nan_to_num")
def mended(call: Call, builder: Builder) -> str:
    """Add a choice of three numbers for what is none."""
    return builder.emit(call, Elementwise(call.name, "nan_to_num"), builder.tensor(call).name)


@handles("gelu")
def gelu(call: Call, builder: Builder) -> str:
    """Add a GELU in the form the call asks for."""
    function = "gelu_tanh" if call.get("approximate", "none") == "tanh" else "gelu"
    return builder.emit(call, Elementwise(call.name, function), builder.tensor(call).name)


@handles("glu")
def gated(call: Call, builder: Builder) -> str:
    """Add a cut in halves, and one half times the sigmoid of the other."""
    tensor, axis = builder.tensor(call), call.integer("dim", -1)
    half = tensor.shape[axis] // 2
    cut = Split(builder.part(call, "split"), axis % len(tensor.shape), (half, half))
    value, gate = builder.graph.add_many(cut, tensor.name)
    opened = builder.step(Elementwise(builder.part(call, "sigmoid"), "sigmoid"), gate)
    return builder.emit(call, Elementwise(call.name, "mul"), value, opened)


@handles(*_BINARY)
def binary(call: Call, builder: Builder) -> str:
    """Add a function of two tensors or of a tensor and constants."""
    function = _BINARY[call.operator.removeprefix("aten.").removesuffix("_")]
    pairs = pairs_in(call.node)
    if pairs is not None:  # as complex numbers: they are turned where they are seen as pairs again
        return str(builder.value(pairs))
    first = builder.argument(call, "self")
    second = builder.argument(call, "exponent" if "pow" in call.operator else "other")
    if "prelu" in call.operator:
        second = _by_channel(builder.argument(call, "weight"), len(call.shape()))
    scale = call.get("alpha", 1)
    if scale != 1 and isinstance(second, str):
        second = builder.step(Elementwise(builder.part(call, "alpha"), "affine"), second)
    if function in ("div", "pow"):
        function = _with_number(function, second)
    if is_complex(call) and function in ("add", "sub", "mul"):
        scaled = function == "mul" and not of_complex_alone(call)
        function = "complex_scale" if scaled else f"complex_{function}"
    return elementwise(call, builder, function, [first, second])


def _by_channel(slope: Value, rank: int) -> Value:
    """Let one number a channel broadcast along the second axis."""
    if isinstance(slope, Constant) and slope.elements > 1 and rank > 2:
        return slope.reshaped((slope.elements, *((1,) * (rank - 2))))
    return slope


def _with_number(function: str, second: Value) -> str:
    """Return a cheaper function for one number: division is multiplication, a square a product."""
    if isinstance(second, Constant):
        if second.elements != 1 or second.value.is_meta:
            return function
        second = second.value.item()
    if isinstance(second, str):
        return function
    return "mul" if function == "div" or second == 2 else function


@handles("clamp_min", "clamp_max")
def bounded(call: Call, builder: Builder) -> str:
    """Add a comparison with one bound."""
    minimum = "clamp_min" in call.operator
    bound = builder.argument(call, "min" if minimum else "max")
    return elementwise(call, builder, "max" if minimum else "min", [builder.argument(call, "self"), bound])


@handles("where")
def where(call: Call, builder: Builder) -> Value:
    """Add a choice between two by a condition, or the places where it holds."""
    if not call.has("self"):
        return places(call, builder)
    values = [builder.argument(call, name) for name in ("condition", "self", "other")]
    return elementwise(call, builder, "where", values, trained=False)


@handles("nonzero", "nonzero_numpy")
def places(call: Call, builder: Builder) -> Value:
    """Add a pass over a mask that writes where it holds: as many places as are known to be there."""
    mask = builder.tensor(call, "condition" if call.has("condition") else "self").name
    shapes = call.shapes()
    names = [call.name if i == 0 else builder.part(call, f"axis{i}") for i in range(len(shapes))]
    made = [
        builder.graph.add(Rearrange(name, "nonzero", shape, picks=True), mask, bits=_PLACE_BITS)
        for name, shape in zip(names, shapes, strict=True)
    ]
    return made[0] if call.operator == "aten.nonzero" else tuple(made)


@handles("masked_fill", "tril", "triu")
def masked(call: Call, builder: Builder) -> str:
    """Add a choice between an element and a number."""
    values = [builder.argument(call, "mask")] if call.has("mask") else []
    values += [builder.argument(call, "self"), builder.argument(call, "value") if call.has("value") else 0.0]
    return elementwise(call, builder, "where", values, trained=False)


@handles("addcmul", "addcdiv", "lerp")
def product_and_sum(call: Call, builder: Builder) -> str:
    """Add a product (or quotient) of two, and its sum with a third."""
    start = builder.argument(call, "self")
    if "lerp" in call.operator:
        end, weight = builder.argument(call, "end"), builder.argument(call, "weight")
        step = _inner(call, builder, "sub", [end, start], "difference")
        scaled = _inner(call, builder, "mul", [step, weight], "product")
    else:
        pair = [builder.argument(call, "tensor1"), builder.argument(call, "tensor2")]
        function = "div" if "div" in call.operator else "mul"
        scaled = _inner(call, builder, function, pair, "product")
        if call.get("value", 1) != 1:
            scaled = _inner(call, builder, "mul", [scaled, call.get("value")], "scale")
    return elementwise(call, builder, "add", [start, scaled])


@handles("frac")
def fraction(call: Call, builder: Builder) -> str:
    """Add the whole part, and a difference."""
    value = builder.argument(call, "self")
    return elementwise(call, builder, "sub", [value, _inner(call, builder, "floor", [value], "whole")])


@handles("atan2", "arctan2")
def angle(call: Call, builder: Builder) -> str:
    """Add a quotient and its arc tangent; which quadrant it is in costs nothing."""
    values = [builder.argument(call, "self"), builder.argument(call, "other")]
    return elementwise(call, builder, "atan", [_inner(call, builder, "div", values, "quotient")])


@handles("hypot")
def hypotenuse(call: Call, builder: Builder) -> str:
    """Add two squares, their sum and its root."""
    values = [builder.argument(call, "self"), builder.argument(call, "other")]
    squares = [_inner(call, builder, "square", [value], "square") for value in values]
    return elementwise(call, builder, "sqrt", [_inner(call, builder, "add", squares, "sum")])


def _inner(call: Call, builder: Builder, function: str, values: list[Value], suffix: str) -> str:
    name = builder.part(call, suffix)
    flowing, weights = _operands(call, name, builder, values, None)
    return builder.step(_operation(name, function, weights), *flowing, weights=weights)


def elementwise(
    call: Call, builder: Builder, function: str, values: list[Value], *, trained: bool | None = None
) -> str:
    """Add a function of several operands; those of one element are settings, bigger constants weights."""
    flowing, weights = _operands(call, call.name, builder, values, trained)
    if not flowing:
        call.refuse("all its operands are constants, which should have been computed")
    return builder.emit(call, _operation(call.name, function, weights), *flowing, weights=weights)


def _operation(name: str, function: str, weights: dict[str, Weight]) -> Elementwise:
    shapes = tuple(weight.shape for weight in weights.values())
    return Elementwise(name, function, shapes, trained=any(weight.trained for weight in weights.values()))


def _operands(
    call: Call, name: str, builder: Builder, values: list[Value], trained: bool | None
) -> tuple[list[str], dict[str, Weight]]:
    """Part operands into those that flow, and the weights that constants become."""
    flowing: list[str] = []
    weights: dict[str, Weight] = {}
    for given in values:
        value = builder.operand(call, given, broadcasts=True)
        if isinstance(value, str):
            flowing.append(value)
            continue
        label = f"{name}.constant{len(weights)}"
        if isinstance(value, Constant):
            weight = builder.weight(value, label, trained=trained)
        else:
            weight = Weight(label, (), trained=False, known="measured")
        weights[f"constant{len(weights)}"] = weight
    return flowing, weights


@handles(
    *("alias", "clone", "contiguous", "detach", "lift_fresh", "lift_fresh_copy", "positive", "real", "data"),
    *("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout"),
    *("resolve_conj", "resolve_neg", "requires_grad", "view_as_real_copy", "alias_copy", "identity"),
    *("imag", "_conj", "_conj_physical", "_neg_view"),
)
def nothing(call: Call, builder: Builder) -> Value:
    """Let the tensor through: at inference these do nothing."""
    value = builder.argument(call, "self" if call.has("self") else "input")
    return (value, value) if "native" in call.operator else value


@handles("copy", "copy_to")
def copied(call: Call, builder: Builder) -> Value:
    """Take the source in the destination's place."""
    source = builder.argument(call, "src")
    if isinstance(source, str) and builder.shape(source) == call.shape():
        return source
    call.refuse("copies a tensor of another shape")


@handles("to", "_to_copy", "type_as", "float", "half", "bfloat16", "double", "int", "long", "bool")
def cast(call: Call, builder: Builder) -> str:
    """Add a conversion; between floating-point types it is none, the datapath has one."""
    tensor = builder.tensor(call)
    result: Any = call.node.meta["val"]
    bits = integer_bits(result.dtype)
    if bits == tensor.bits:
        return tensor.name
    return builder.emit(call, Elementwise(call.name, "cast"), tensor.name, bits=bits)
