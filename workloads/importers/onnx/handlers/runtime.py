"""ONNX Runtime's own forms of plain operators (com.microsoft): other layouts, sums and gates joined on."""

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.handlers.elementwise import UNARY, biased
from workloads.importers.onnx.handlers.normalisation import normalised
from workloads.importers.onnx.handlers.quantised import requantised
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise, Normalisation, Reshape, Softmax, Split, Transpose


def _channels_first(node: NodeView, builder: Builder, position: int) -> str:
    """Return the name of an input whose last axis is seen as its second."""
    tensor = builder.tensor(node, position)
    rank, name = len(tensor.shape), f"{node.name}/first{position}"
    builder.bind(name, builder.step(Transpose(name, (0, rank - 1, *range(1, rank - 1))), tensor.name))
    return name


def _channels_last(node: NodeView, builder: Builder, tensor: str) -> None:
    rank = len(builder.graph.tensors[tensor].shape)
    builder.emit(node, Transpose(f"{node.name}/last", (0, *range(2, rank), 1)), tensor)


@handles("NhwcConv", "NhwcFusedConv", "NhwcMaxPool")
def channels_last(node: NodeView, builder: Builder) -> None:
    """Add a convolution or a pool of a tensor whose channels are its last axis."""
    result, inner = f"{node.name}/result", node.operator.removeprefix("Nhwc")
    if inner == "FusedConv" and not node.text("activation", ""):
        inner = "Conv"
    inputs = [_channels_first(node, builder, 0), *node.inputs[1:3]]
    added = _channels_first(node, builder, 3) if node.input(3) else ""
    label = f"{node.name}/{inner.lower()}"
    if inner == "FusedConv" and added:
        inputs += [""] * (3 - len(inputs)) + [added]
    HANDLERS[inner](node.rewritten(inner, inputs, [result], label), builder)
    made = builder.tensors[result]
    if added and inner == "Conv":
        made = builder.step(Elementwise(f"{node.name}/sum", "add"), made, builder.tensors[added])
    _channels_last(node, builder, made)


@handles("TransposeMatMul", "FusedMatMulActivation")
def product_and_function(node: NodeView, builder: Builder) -> None:
    """Add a product of operands transposed first where asked for, and a function of it where one is named."""
    function = node.text("activation", "") if node.operator == "FusedMatMulActivation" else ""
    if function not in ("", *UNARY):
        node.refuse(f"activation {function!r} is not known")
    result = f"{node.name}/product" if function else node.outputs[0]
    label = f"{node.name}/matmul" if function else ""
    HANDLERS["FusedMatMul"](node.rewritten("FusedMatMul", node.inputs, [result], label), builder)
    if function:
        builder.emit(node, Elementwise(node.name, UNARY[function]), builder.tensors[result])


@handles("GemmFastGelu")
def product_and_gelu(node: NodeView, builder: Builder) -> None:
    """Add a product, its bias, and a GELU by tanh."""
    result = f"{node.name}/product"
    HANDLERS["MatMul"](node.rewritten("MatMul", node.inputs[:2], [result], f"{node.name}/matmul"), builder)
    made = biased(node, builder, builder.tensors[result], 2)
    builder.emit(node, Elementwise(node.name, "gelu_tanh"), made)


@handles("BiasAdd", "BiasDropout", "BitmaskBiasDropout")
def bias_and_residual(node: NodeView, builder: Builder) -> None:
    """Add a bias, and a residual where there is one; a dropout is nothing at inference."""
    made = biased(node, builder, builder.tensor(node).name, 1)
    if node.input(2):
        made = builder.step(Elementwise(f"{node.name}/residual", "add"), made, builder.flowing(node, 2))
    builder.bind(node.outputs[0], made)


@handles("BiasSplitGelu")
def bias_and_gate(node: NodeView, builder: Builder) -> None:
    """Add a bias, and one half of the features times a GELU of the other."""
    made = biased(node, builder, builder.tensor(node).name, 1)
    shape = builder.graph.tensors[made].shape
    half = shape[-1] // 2
    kept, gate = builder.graph.add_many(Split(f"{node.name}/halves", len(shape) - 1, (half, half)), made)
    gate = builder.step(Elementwise(f"{node.name}/gelu", "gelu"), gate)
    builder.emit(node, Elementwise(node.name, "mul"), kept, gate)


@handles("BiasSoftmax")
def bias_and_softmax(node: NodeView, builder: Builder) -> None:
    """Add a sum with a mask, and a softmax over the axes from `axis` on."""
    tensor = builder.tensor(node)
    total = builder.step(Elementwise(f"{node.name}/sum", "add"), tensor.name, builder.flowing(node, 1))
    rank = len(tensor.shape)
    over = tuple(range(node.integer("axis", 1) % rank, rank))
    builder.emit(node, Softmax(node.name, over), total)


@handles("GroupNorm", "SkipGroupNorm")
def group_norm(node: NodeView, builder: Builder) -> None:
    """Add a residual sum and a bias where they are given, a norm over groups of channels, and a SiLU."""
    last = bool(node.integer("channels_last", 1))
    made, skip = builder.tensor(node).name, node.operator == "SkipGroupNorm"
    if skip:
        added = builder.tensor(node, 3)
        rank = len(builder.graph.tensors[made].shape)
        places = (added.shape[0], *(1,) * (rank - 2), added.shape[-1])
        other = added.name
        if len(added.shape) == 2:
            other = builder.step(Reshape(f"{node.name}/everywhere", places), other)
        made = builder.step(Elementwise(f"{node.name}/skip", "add"), made, other)
        made = biased(node, builder, made, 4)
        if len(node.outputs) > 1 and node.outputs[1]:
            builder.bind(node.outputs[1], made)
    rank = len(builder.graph.tensors[made].shape)
    if last:
        made = builder.step(Transpose(f"{node.name}/first", (0, rank - 1, *range(1, rank - 1))), made)
    scale, shift = builder.constant(node, 1), builder.constant(node, 2)
    if scale is None or shift is None:
        node.refuse("its scale and shift (inputs 1 and 2) must be constants")
    operation = Normalisation(
        f"{node.name}/norm",
        over=tuple(range(1, rank)),
        affine=scale.shape,
        groups=node.integer("groups", 1),
        label="groupnorm",
    )
    weights = {"scale": builder.weight(scale), "shift": builder.weight(shift)}
    made = builder.step(operation, made, weights=weights)
    if node.integer("activation", 0):
        made = builder.step(Elementwise(f"{node.name}/silu", "silu"), made)
    if last:
        _channels_last(node, builder, made)
    else:
        builder.bind(node.outputs[0], made)


@handles("GatedRMSNorm")
def gated_norm(node: NodeView, builder: Builder) -> None:
    """Add an RMS norm of each run of as many elements as it has scales, times a SiLU of a gate."""
    tensor, scale = builder.tensor(node), builder.constant(node, 1)
    if scale is None or tensor.shape[-1] % max(1, scale.elements):
        node.refuse(f"its scale {node.input(1)!r} must be a constant of a length that divides {tensor.shape}")
    runs = (*tensor.shape[:-1], tensor.shape[-1] // scale.elements, scale.elements)
    made = builder.reshaped(f"{node.name}/runs", tensor.name, runs)
    inner = node.rewritten("SimplifiedLayerNormalization", node.inputs[:2], [f"{node.name}/made"], "")
    inner.name = f"{node.name}/norm"
    normalised(inner, builder, made, (1, -1), rms=True)
    made = builder.reshaped(f"{node.name}/whole", builder.tensors[f"{node.name}/made"], tensor.shape)
    gate = builder.step(Elementwise(f"{node.name}/silu", "silu"), builder.flowing(node, 2))
    builder.emit(node, Elementwise(node.name, "mul"), made, gate)


@handles("ComplexMul", "ComplexMulConj")
def complex_product(node: NodeView, builder: Builder) -> None:
    """Add products of complex numbers, pairs along the last axis: four products and two sums each."""
    first, second = builder.flowing(node, 0), builder.flowing(node, 1)
    made = builder.step(Elementwise(f"{node.name}/real", "mul"), first, second)
    cross = builder.step(Elementwise(f"{node.name}/imaginary", "mul"), first, second)
    builder.emit(node, Elementwise(node.name, "add"), made, cross)


@handles("QLinearWhere")
def integer_choice(node: NodeView, builder: Builder) -> None:
    """Add a choice between integers, converted to the result's scale."""
    inputs = [builder.flowing(node, i) for i in (0, 1, 4)]
    made = builder.step(Elementwise(f"{node.name}/where", "where"), *inputs)
    requantised(node, builder, made, builder.constant(node, 8))


@handles("QLinearReduceMean", "ReduceSumInteger")
def integer_reduction(node: NodeView, builder: Builder) -> None:
    """Add a mean or sum of integers, and the conversion of a mean."""
    mean = node.operator == "QLinearReduceMean"
    inner, result = "ReduceMean" if mean else "ReduceSum", f"{node.name}/result"
    view = node.rewritten(inner, [node.input(0)], [result], f"{node.name}/reduce")
    view.opset = min(node.opset, 11)  # axes are an attribute there
    HANDLERS[inner](view, builder)
    if mean:
        requantised(node, builder, builder.tensors[result], builder.constant(node, 4))
    else:
        builder.bind(node.outputs[0], builder.tensors[result])


@handles("MatMulInteger16", "MulInteger")
def integers(node: NodeView, builder: Builder) -> None:
    """Add a product of integers, of matrices or element by element."""
    plain = node.operator == "MatMulInteger16"
    places = (0, 1) if plain else (0, 2)
    inner = "MatMul" if plain else "Mul"
    HANDLERS[inner](node.rewritten(inner, [node.input(i) for i in places], node.outputs[:1]), builder)


@handles("ExpandDims")
def one_axis_more(node: NodeView, builder: Builder) -> None:
    """Add a free change of shape."""
    tensor, rank = builder.tensor(node), len(builder.shape(node)) + 1
    axis = small(builder.value(node, 1))[0] % rank
    builder.emit(node, Reshape(node.name, (*tensor.shape[:axis], 1, *tensor.shape[axis:])), tensor.name)


@handles("DynamicQuantizeLSTM")
def integer_lstm(node: NodeView, builder: Builder) -> None:
    """Add an LSTM whose matrices are integers, stored (directions, features, 4 * hidden)."""
    inputs = list(node.inputs[:8])
    for place, point in ((1, 9), (2, 11)):
        held, zero = builder.constant(node, place), builder.constant(node, point)
        if held is None or len(held.shape) != 3:
            node.refuse(f"its weight {node.input(place)!r} must be a constant of three axes")
        plain = Constant(held.source, held.shape, held.load, held.bits, held.layout, valueless=held.valueless)
        if zero is not None:
            plain = _pointed(plain, zero)
        inputs[place] = f"{node.name}/weight{place}"
        builder.fold([plain.transposed((0, 2, 1))], [inputs[place]])
    HANDLERS["LSTM"](node.rewritten("LSTM", inputs, node.outputs, node.name), builder)


def _pointed(constant: Constant, point: Constant) -> Constant:
    """Return integers of (directions, features, columns) with a zero point a direction, or a column."""

    def spread() -> Array:
        values = point.load()
        return values.reshape(()) if values.size == 1 else values.reshape(constant.shape[0], 1, -1)

    return Constant(
        constant.source, constant.shape, constant.load, constant.bits, constant.layout, zero=spread,
        valueless=constant.valueless,
    )  # fmt: skip
