"""Attention as one node, Einsum, TopK and CumSum."""

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Attention, CumulativeSum, Einsum, TopK

_INDEX_BITS = 64


@handles("Attention", "MultiHeadAttention")
def attention(node: NodeView, builder: Builder) -> None:
    """Add fused attention; past keys and values must have been joined before it."""
    if node.operator == "MultiHeadAttention":
        mask, past = 5, range(6, 8)
        heads = kv_heads = node.integer("num_heads", 0)
        causal = bool(node.integer("unidirectional", 0))
        if node.input(3):
            node.refuse("a bias (input 3) is not known")
    else:
        mask, past = 3, range(4, 6)
        query, key = builder.shape(node, 0), builder.shape(node, 1)
        apart = len(query) == 4
        heads = query[1] if apart else node.integer("q_num_heads", 0)
        kv_heads = key[1] if apart else node.integer("kv_num_heads", 0)
        causal = bool(node.integer("is_causal", 0))
    if any(node.input(i) for i in past):
        node.refuse(
            "past keys and values as inputs are not known; join them to the keys and values before it"
        )
    if any(node.outputs[1:]):
        node.refuse("only its first output is known")
    inputs = [builder.tensor(node, i).name for i in range(3)]
    if builder.flows(node, mask):
        inputs.append(builder.tensor(node, mask).name)
    builder.emit(node, Attention(node.name, heads, kv_heads, causal=causal), *inputs)


@handles("Einsum")
def einsum(node: NodeView, builder: Builder) -> None:
    """Add a product of two activations with named axes."""
    equation = node.text("equation", "")
    builder.emit(
        node, Einsum(node.name, equation), *(builder.tensor(node, i).name for i in range(len(node.inputs)))
    )


@handles("TopK")
def top_k(node: NodeView, builder: Builder) -> None:
    """Add a choice of the largest elements (the smallest cost the same)."""
    count = builder.value(node, 1) if len(node.inputs) > 1 else None
    k = node.integer("k", 0) if count is None else small(count)[0]
    made = builder.graph.add_many(TopK(node.name, k, node.integer("axis", -1)), builder.tensor(node).name)
    for name, tensor in zip(node.outputs, made, strict=False):
        if name:
            builder.bind(name, tensor)


@handles("CumSum", "CumProd")
def cumulative_sum(node: NodeView, builder: Builder) -> None:
    """Add running sums, or products, which cost the same."""
    axis = small(builder.value(node, 1))[0]
    builder.emit(node, CumulativeSum(node.name, axis), builder.tensor(node).name)
