"""What ONNX Runtime's optimiser makes of several nodes (domain com.microsoft), taken apart again."""

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.handlers.elementwise import UNARY, biased
from workloads.importers.onnx.handlers.normalisation import normalised
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Elementwise, Embedding, Transpose


@handles("FusedConv", "FusedGemm")
def with_activation(node: NodeView, builder: Builder) -> None:
    """Add a convolution or product, a sum where there is one more input, and an activation."""
    inner = node.operator.removeprefix("Fused")
    result = f"{node.name}/product"
    HANDLERS[inner](node.rewritten(inner, node.inputs[:3], [result], f"{node.name}/{inner.lower()}"), builder)
    made = builder.tensors[result]
    if inner == "Conv" and node.input(3):
        made = builder.step(Elementwise(f"{node.name}/sum", "add"), made, builder.tensor(node, 3).name)
    function = node.text("activation", "")
    if function not in UNARY:
        node.refuse(f"activation {function!r} is not known")
    builder.emit(node, Elementwise(node.name, UNARY[function]), made)


@handles("FusedMatMul")
def matmul_and_scale(node: NodeView, builder: Builder) -> None:
    """Add a product of operands transposed first where asked for, and its scaling."""
    names = []
    for i, side in enumerate("AB"):
        name = node.input(i)
        if node.integer(f"trans{side}", 0):
            rank = len(builder.shape(node, i))
            order, name = (*range(rank - 2), rank - 1, rank - 2), f"{node.name}/{side}"
            constant = builder.constant(node, i)
            if constant is not None:
                builder.fold([constant.transposed(order)], [name])
            else:
                turned = Transpose(f"{node.name}/transpose_{side}", order)
                builder.bind(name, builder.step(turned, builder.tensor(node, i).name))
        names.append(name)
    scaled = node.attribute("alpha") not in (None, 1.0)
    result = f"{node.name}/product" if scaled else node.outputs[0]
    label = f"{node.name}/matmul" if scaled else ""
    HANDLERS["MatMul"](node.rewritten("MatMul", names, [result], label), builder)
    if scaled:
        builder.emit(node, Elementwise(node.name, "affine"), builder.tensors[result])


@handles("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_and_norm(node: NodeView, builder: Builder) -> None:
    """Add a residual sum, a bias where there is one, and a layer or RMS norm."""
    rms = "Simplified" in node.operator
    total = builder.step(
        Elementwise(f"{node.name}/skip", "add"), builder.flowing(node, 0), builder.flowing(node, 1)
    )
    total = biased(node, builder, total, 3 if rms else 4)
    if len(node.outputs) > 3 and node.outputs[3]:
        builder.bind(node.outputs[3], total)
    normalised(node, builder, total, (2, -1 if rms else 3), rms=rms)


@handles("EmbedLayerNormalization")
def embedding_and_norm(node: NodeView, builder: Builder) -> None:
    """Add words, positions and segments looked up in constant tables, their sum, and a layer norm."""
    words = builder.tensor(node, 0)
    picked = []
    for place, indices, what in (
        (2, words.name, "words"),
        (3, "", "positions"),
        (4, node.input(1), "segments"),
    ):
        table = builder.constant(node, place)
        if table is None and node.input(place):
            node.refuse(f"its table {node.input(place)!r} must be a constant")
        if table is None or (what == "segments" and not indices):
            continue
        if what == "positions":
            shape = (1, words.shape[1])
            source = builder.graph.input(f"{node.name}/places", shape, bits=32, batch_axis=None)
        else:
            source = words.name if what == "words" else builder.tensor(node, 1).name
        operation = Embedding(f"{node.name}/{what}", *table.shape)
        weights = {"weight": builder.weight(table)}
        picked.append(builder.graph.add(operation, source, weights=weights, bits=table.bits))
    total = builder.step(Elementwise(f"{node.name}/sum", "add"), *picked)
    if len(node.outputs) > 2 and node.outputs[2]:
        builder.bind(node.outputs[2], total)
    normalised(node, builder, total, (5, 6), rms=False)
