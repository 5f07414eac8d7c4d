"""Linear layers and matrix products."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Einsum, Elementwise, Linear, MatMul
from workloads.shapes import size


@handles("linear")
def linear(call: Call, builder: Builder) -> str:
    """Add a linear layer, or a product of two activations."""
    weight = builder.argument(call, "weight")
    if isinstance(weight, Constant):
        return _linear(
            call, builder, builder.tensor(call, "input").name, weight, builder.argument(call, "bias")
        )
    first = _operand(call, builder, builder.argument(call, "input"), "input")
    name = builder.part(call, "product") if call.has("bias") else call.name
    made = builder.step(MatMul(name, transpose_b=True), first, weight)
    return _plus(call, builder, made, builder.argument(call, "bias"))


@handles("addmm", "baddbmm")
def product_and_sum(call: Call, builder: Builder) -> str:
    """Add a linear layer with bias where that is what it comes to, else a product and a sum."""
    first = builder.argument(call, "mat1" if call.has("mat1") else "batch1")
    second = builder.argument(call, "mat2" if call.has("mat2") else "batch2")
    added = builder.argument(call, "self")
    scaled = call.get("beta", 1) != 1 or call.get("alpha", 1) != 1
    if isinstance(second, Constant) and isinstance(first, str) and len(second.shape) == 2 and not scaled:
        return _linear(call, builder, first, second.transposed(), added)
    return _plus(call, builder, _product(call, builder, first, second, builder.part(call, "product")), added)


@handles("mm", "bmm", "matmul")
def matmul(call: Call, builder: Builder) -> str:
    """Add a linear layer (constant matrix behind) or a batched product; vectors become matrices."""
    first, second = (builder.argument(call, name) for name in _names(call))
    return builder.reshaped(call, _product(call, builder, first, second, call.name), call.shape())


@handles("einsum")
def einsum(call: Call, builder: Builder) -> str:
    """Add a product of two activations with named axes."""
    return builder.emit(call, Einsum(call.name, call.get("equation")), *builder.argument(call, "tensors"))


def _names(call: Call) -> tuple[str, str]:
    return ("self", "mat2" if call.has("mat2") else "other")


def _linear(call: Call, builder: Builder, tensor: str, out_in: Constant, added: Value) -> str:
    """Add a linear layer; what is added is its bias where it is one constant number a column."""
    outputs = out_in.shape[0]
    weights = {"weight": builder.weight(out_in, f"{call.name}.weight")}
    bias = isinstance(added, Constant) and added.shape in ((outputs,), (1, outputs))
    if bias:
        weights["bias"] = builder.weight(added.reshaped((outputs,)), f"{call.name}.bias")
        added = None
    name = call.name if added is None else builder.part(call, "product")
    made = builder.step(Linear(name, outputs, bias=bias), tensor, weights=weights)
    return _plus(call, builder, made, added)


def _plus(call: Call, builder: Builder, made: str, added: Value) -> str:
    if added is None:
        return made
    if isinstance(added, Constant):
        held = {"constant0": builder.weight(added, f"{call.name}.constant0")}
        operation = Elementwise(call.name, "add", (added.shape,), trained=added.trained)
        return builder.emit(call, operation, made, weights=held)
    return builder.emit(call, Elementwise(call.name, "add"), made, added)


def _operand(call: Call, builder: Builder, value: Value, what: str) -> str:
    if not isinstance(value, str):
        call.refuse(f"{what} is a constant, the network must compute it")
    return value


def _product(call: Call, builder: Builder, first: Value, second: Value, name: str) -> str:
    """Add a product of two operands, one of which may be a constant."""
    if isinstance(second, Constant) and size(second.shape[:-2]) == 1 and isinstance(first, str):
        matrix = second.reshaped((second.shape[0], 1) if len(second.shape) == 1 else second.shape[-2:])
        weights = {"weight": builder.weight(matrix.transposed(), f"{call.name}.weight")}
        return builder.step(Linear(name, matrix.shape[1], bias=False), first, weights=weights)
    if isinstance(first, Constant):
        rows = first.reshaped((1, *first.shape)) if len(first.shape) == 1 else first
        operand = _operand(call, builder, second, "second operand")
        shape = builder.shape(operand)
        column = builder.reshaped(call, operand, (*shape, 1) if len(shape) == 1 else shape, "column")
        weights = {"weight": builder.weight(rows, f"{call.name}.weight")}
        return builder.step(MatMul(name, constant="a", constant_shape=rows.shape), column, weights=weights)
    operand = _operand(call, builder, first, "first operand")
    shape = builder.shape(operand)
    row = builder.reshaped(call, operand, (1, *shape) if len(shape) == 1 else shape, "row")
    if isinstance(second, Constant):
        weights = {"weight": builder.weight(second, f"{call.name}.weight")}
        return builder.step(MatMul(name, constant="b", constant_shape=second.shape), row, weights=weights)
    shape = builder.shape(second)
    column = builder.reshaped(call, second, (*shape, 1) if len(shape) == 1 else shape, "column")
    return builder.step(MatMul(name), row, column)
