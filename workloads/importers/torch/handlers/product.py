"""Linear layers and matrix products."""

from workloads.importers.torch.builder import Builder, Value
from workloads.importers.torch.call import Call
from workloads.importers.torch.complex_numbers import halved, is_complex
from workloads.importers.torch.complex_numbers import matrix as complex_matrix
from workloads.importers.torch.complex_numbers import rows as complex_rows
from workloads.importers.torch.constants import Constant
from workloads.importers.torch.handlers.registry import handles
from workloads.operations import Einsum, Elementwise, GroupedProduct, Linear, MatMul, Reduce
from workloads.shapes import size


@handles("linear")
def linear(call: Call, builder: Builder) -> str:
    """Add a linear layer, or a product of two activations."""
    weight = builder.argument(call, "weight")
    if isinstance(weight, Constant) and is_complex(call):
        given = builder.argument(call, "input")
        made = _product(call, builder, given, weight.transposed(), builder.part(call, "product"))
        return _plus(
            call, builder, builder.reshaped(call, made, call.shape()), builder.argument(call, "bias")
        )
    if isinstance(weight, Constant):
        return _linear(
            call, builder, builder.tensor(call, "input").name, weight, builder.argument(call, "bias")
        )
    first = _operand(call, builder, builder.argument(call, "input"), "input")
    name = builder.part(call, "product") if call.has("bias") else call.name
    made = builder.step(MatMul(name, transpose_b=True), first, weight)
    return _plus(call, builder, made, builder.argument(call, "bias"))


@handles("addmm", "baddbmm", "addbmm", "addmv")
def product_and_sum(call: Call, builder: Builder) -> str:
    """Add a linear layer with bias where that is what it comes to, else a product and a sum."""
    first = _first_of(call, builder, "mat1", "batch1", "mat")
    second = _first_of(call, builder, "mat2", "batch2", "vec")
    added = builder.argument(call, "self")
    scales = [call.get(name, 1) for name in ("alpha", "beta")]
    if (
        isinstance(second, Constant)
        and isinstance(first, str)
        and not is_complex(call)
        and len(second.shape) == 2
        and scales == [1, 1]
    ):
        return _linear(call, builder, first, second.transposed(), added)
    if scales[1] == 0:  # what is added is left out, whatever is in it
        added, scales[1] = None, 1
    made = _product(call, builder, first, second, builder.part(call, "product"))
    if call.operator.startswith("aten.addbmm"):
        made = builder.step(Reduce(builder.part(call, "sum"), "sum", (0,), False), made)
    elif call.operator.startswith("aten.addmv"):
        made = builder.reshaped(call, made, call.shape(), "vector")
    if scales[0] != 1:
        made = builder.step(Elementwise(builder.part(call, "alpha"), "affine"), made)
    if scales[1] != 1 and isinstance(added, str):
        added = builder.step(Elementwise(builder.part(call, "beta"), "affine"), added)
    return _plus(call, builder, made, added)


def _first_of(call: Call, builder: Builder, *names: str) -> Value:
    """Return the argument that goes by one of some names."""
    return builder.argument(call, next(name for name in names if call.has(name)))


@handles("_grouped_mm", "transformers.grouped_mm_fallback")
def grouped(call: Call, builder: Builder) -> str:
    """Add a product of rows with one of several constant matrices each."""
    rows = _first_of(call, builder, "self", "input")
    matrices = _first_of(call, builder, "mat2", "weight")
    shapes = [v.shape if isinstance(v, Constant) else builder.shape(v) for v in (rows, matrices)]
    if [len(shape) for shape in shapes] != [2, 3]:
        if call.has("offs") or [len(shape) for shape in shapes] != [3, 3]:
            call.refuse(
                f"operands of shapes {shapes[0]} and {shapes[1]} are not known; rows times matrices are"
            )
        return builder.emit(call, MatMul(call.name), *(_flowing(call, builder, v) for v in (rows, matrices)))
    if not isinstance(matrices, Constant):
        call.refuse("its matrices are computed by the network; only constants are known")
    tensor = _operand(call, builder, rows, "first operand")
    ends = [builder.argument(call, "offs")] if builder.flows(call, "offs") else []
    name = builder.part(call, "product") if call.has("bias") else call.name
    operation = GroupedProduct(name, matrices.shape[0], matrices.shape[2])
    weights = {"weight": builder.weight(matrices, f"{call.name}.weight")}
    made = builder.step(operation, tensor, *ends, weights=weights)
    return _plus(call, builder, made, builder.argument(call, "bias"))


def _flowing(call: Call, builder: Builder, value: Value) -> str:
    return builder.stored(value, f"{call.name}.stored") if isinstance(value, Constant) else value


@handles("bilinear")
def bilinear(call: Call, builder: Builder) -> str:
    """Add a linear layer of the first input, and a product of each of its matrices with the second."""
    constant = builder.need_constant(call, "weight")
    outputs, first, second = constant.shape
    one, other = builder.tensor(call, "input1"), builder.tensor(call, "input2")
    matrix = Constant(
        constant.value.transpose(1, 2).reshape(outputs * second, first), constant.trained, constant.bits
    )
    weights = {"weight": builder.weight(matrix, f"{call.name}.weight")}
    made = builder.step(
        Linear(builder.part(call, "product"), outputs * second, bias=False), one.name, weights=weights
    )
    made = builder.reshaped(call, made, (*one.shape[:-1], outputs, second), "matrix")
    column = builder.reshaped(call, other.name, (*other.shape[:-1], second, 1), "column")
    made = builder.step(MatMul(builder.part(call, "second")), made, column)
    made = builder.reshaped(call, made, (*one.shape[:-1], outputs), "vector")
    return _plus(call, builder, made, builder.argument(call, "bias"))


@handles("_scaled_mm")
def scaled(call: Call, builder: Builder) -> str:
    """Add a product of numbers of eight bits, whose scales are settings, and a bias."""
    first, second = (builder.argument(call, name) for name in ("self", "mat2"))
    name = builder.part(call, "product") if call.has("bias") else call.name
    return _plus(call, builder, _product(call, builder, first, second, name), builder.argument(call, "bias"))


@handles("mm", "bmm", "matmul", "mv", "dot", "vdot", "_int_mm")
def matmul(call: Call, builder: Builder) -> str:
    """Add a linear layer (constant matrix behind) or a batched product; vectors become matrices."""
    first, second = (builder.argument(call, name) for name in _names(call))
    return builder.reshaped(call, _product(call, builder, first, second, call.name), call.shape())


@handles("einsum")
def einsum(call: Call, builder: Builder) -> str:
    """Add a product of two activations with named axes."""
    return builder.emit(call, Einsum(call.name, call.get("equation")), *builder.argument(call, "tensors"))


def _names(call: Call) -> tuple[str, str]:
    return ("self", next(name for name in ("mat2", "vec", "tensor", "other") if call.has(name)))


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
    """Add a product of two operands, one of which may be a constant; of complex ones as of real ones."""
    if not is_complex(call):
        return _real_product(call, builder, first, second, name)
    row, column = (_two_axes(call, builder, value, i) for i, value in enumerate((first, second)))
    operands = complex_rows(call, builder, row), complex_matrix(call, builder, column)
    return halved(call, builder, _real_product(call, builder, *operands, name))


def _two_axes(call: Call, builder: Builder, value: Value, place: int) -> Value:
    """A vector as a row in front of a product, as a column behind it."""
    shape = value.shape if isinstance(value, Constant) else builder.shape(value)
    if len(shape) != 1:
        return value
    wanted = (*shape, 1) if place else (1, *shape)
    return value.reshaped(wanted) if isinstance(value, Constant) else builder.reshaped(call, value, wanted)


def _real_product(call: Call, builder: Builder, first: Value, second: Value, name: str) -> str:
    """Add a product of two operands of real numbers, one of which may be a constant."""
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
