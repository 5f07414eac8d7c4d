"""Attention as one node in its several forms, rotary embedding."""

from typing import NamedTuple

from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Constant
from workloads.importers.onnx.handlers.elementwise import biased
from workloads.importers.onnx.handlers.registry import handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import (
    Attention,
    Concat,
    Elementwise,
    Linear,
    MatMul,
    Reshape,
    Rotary,
    Slice,
    Softmax,
    Split,
    Transpose,
)


class Places(NamedTuple):
    """Which inputs of a node are what; -1 for what its operator does not have."""

    mask: int
    past_key: int
    past_value: int


@handles("Attention")
def attention(node: NodeView, builder: Builder) -> None:
    """Add fused attention; com.microsoft's has the projection inside."""
    if node.microsoft:
        projected(node, builder, Places(5, 4, -1))
        return
    query, key = builder.shape(node, 0), builder.shape(node, 1)
    apart = len(query) == 4
    heads = query[1] if apart else node.integer("q_num_heads", 0)
    kv_heads = key[1] if apart else node.integer("kv_num_heads", 0)
    operation = Attention(node.name, heads, kv_heads, causal=bool(node.integer("is_causal", 0)))
    attend(node, builder, operation, [builder.flowing(node, i) for i in range(3)], Places(3, 4, 5))


@handles("MultiHeadAttention")
def multi_head_attention(node: NodeView, builder: Builder) -> None:
    """Add fused attention after a sum with the projections' biases."""
    heads = node.integer("num_heads", 0)
    operation = Attention(node.name, heads, heads, causal=bool(node.integer("unidirectional", 0)))
    inputs, start = _apart(node, builder), 0
    bias = builder.value(node, 3)
    for i, tensor in enumerate(inputs):
        if bias is None:
            break
        width = builder.graph.tensors[tensor].shape[-1]
        part = Constant.of(f"{node.input(3)}[{start}:{start + width}]", bias[start : start + width])
        added = Elementwise(f"{node.name}/bias{i}", "add", ((width,),))
        inputs[i] = builder.step(added, tensor, weights={"constant0": builder.weight(part)})
        start += width
    attend(node, builder, operation, inputs, Places(5, 6, 7))


def _apart(node: NodeView, builder: Builder) -> list[str]:
    """Return queries, keys and values, cut out of (batch, length, heads, 3 or 2, d) where packed."""
    given = [builder.flowing(node, i) for i in range(3) if node.input(i)]
    if len(given) == 3:
        return given
    *before, packed = given
    shape = builder.graph.tensors[packed].shape
    if len(shape) != 5 or shape[3] + len(before) != 3:
        node.refuse(f"without values (input 2) the last of its inputs must be packed heads, got {shape}")
    whole = (*shape[:2], shape[2] * shape[4])
    for i in range(shape[3]):
        piece = builder.step(Slice(f"{node.name}/packed{i}", ((3, i, i + 1, 1),)), packed)
        before.append(builder.reshaped(f"{node.name}/heads{i}", piece, whole))
    return before


@handles("GroupQueryAttention")
def group_query_attention(node: NodeView, builder: Builder) -> None:
    """Add causal attention with fewer heads for keys and values, queries and keys turned where asked for."""
    heads, kv_heads = node.integer("num_heads", 0), node.integer("kv_num_heads", 0)
    inputs = [builder.tensor(node, 0).name]
    if node.input(1):
        inputs += [builder.flowing(node, i) for i in (1, 2)]
    else:
        width = builder.graph.tensors[inputs[0]].shape[-1] // (heads + 2 * kv_heads)
        cut = Split(f"{node.name}/split", 2, (heads * width, kv_heads * width, kv_heads * width))
        inputs = list(builder.graph.add_many(cut, inputs[0]))
    if node.integer("do_rotary", 0):
        inputs[:2] = [
            builder.step(Rotary(f"{node.name}/{what}_rotary"), tensor)
            for what, tensor in zip(("query", "key"), inputs, strict=False)
        ]
    operation = Attention(node.name, heads, kv_heads, causal=True)
    attend(node, builder, operation, inputs, Places(-1, 3, 4))


@handles("QAttention")
def integer_attention(node: NodeView, builder: Builder) -> None:
    """Add fused attention of integers with the projection inside."""
    projected(node, builder, Places(-1, 8, -1))


def projected(node: NodeView, builder: Builder, places: Places, *, shares: bool = False) -> None:
    """Add a projection to queries, keys and values with a bias, and attention of the three.

    `shares` says that its past is the part of a buffer that is filled.
    """
    constant = builder.constant(node, 1)
    if constant is None or len(constant.shape) != 2:
        node.refuse(f"its weight {node.input(1)!r} must be a constant matrix")
    if node.integer("past_present_share_buffer", 0) and not shares:
        node.refuse("past_present_share_buffer=1: how much of its past is filled depends on data")
    weights = {"weight": builder.weight(constant.transposed((1, 0)))}
    joint = Linear(f"{node.name}/projection", constant.shape[1], bias=False)
    made = biased(node, builder, builder.step(joint, builder.tensor(node).name, weights=weights), 2)
    lengths = node.integers("qkv_hidden_sizes") or (constant.shape[1] // 3,) * 3
    cut = builder.graph.add_many(Split(f"{node.name}/split", 2, lengths), made)
    heads = node.integer("num_heads", 0)
    operation = Attention(node.name, heads, causal=bool(node.integer("unidirectional", 0)))
    present = next((name for name in node.outputs[1:2] if name), "")
    pieces = [f"{node.name}/present{i}" if present else "" for i in range(2)]
    inputs = [*node.inputs, *past_apart(node, builder, places.past_key)]
    inner = node.rewritten(node.operator, inputs, [node.outputs[0], *pieces])
    places = places._replace(past_key=len(inputs) - 2, past_value=len(inputs) - 1)
    attend(inner, builder, operation, list(cut), places)
    if present:
        rows = [builder.tensors[piece] for piece in pieces]
        rows = [
            builder.reshaped(f"{piece}/row", row, (1, *builder.graph.tensors[row].shape))
            for piece, row in zip(pieces, rows, strict=True)
        ]
        builder.bind(present, builder.step(Concat(f"{node.name}/present", 0), *rows))


def past_apart(node: NodeView, builder: Builder, place: int) -> list[str]:
    """Return names of keys and values of a past that lie in one tensor, "" where there is none."""
    if not node.input(place):
        return ["", ""]
    past = builder.flowing(node, place)
    shape = builder.graph.tensors[past].shape
    if len(shape) != 5 or shape[0] != 2:
        node.refuse(
            f"its past (input {place}) must be keys and values, (2, batch, heads, length, d), got {shape}"
        )
    names = [f"{node.name}/past{i}" for i in range(2)]
    for i, name in enumerate(names):
        piece = builder.step(Slice(f"{name}/slice", ((0, i, i + 1, 1),)), past)
        builder.bind(name, builder.reshaped(name, piece, shape[1:]))
    return names


def attend(node: NodeView, builder: Builder, operation: Attention, inputs: list[str], places: Places) -> None:
    """Add attention, keys and values behind those of the past where they are given."""
    kept = [name for name in node.outputs[1:3] if name]
    ranks = {len(builder.graph.tensors[tensor].shape) for tensor in inputs}
    if node.input(places.past_key) or kept or len(ranks) > 1:
        inputs = _with_past(node, builder, operation, inputs, places)
    if builder.flows(node, places.mask):
        inputs.append(builder.tensor(node, places.mask).name)
    if any(node.outputs[3:]):
        _with_scores(node, builder, operation, inputs)
        return
    shape = builder.graph.tensors[inputs[0]].shape
    apart = len(builder.shape(node, 0)) == 4
    if apart or len(shape) == 3:
        builder.emit(node, operation, *inputs)
        return
    made = builder.step(operation, *inputs)
    batch, heads, length, width = builder.graph.tensors[made].shape
    order = builder.step(Transpose(f"{node.name}/order", (0, 2, 1, 3)), made)
    builder.bind(
        node.outputs[0], builder.reshaped(f"{node.name}/joined", order, (batch, length, heads * width))
    )


def _with_scores(node: NodeView, builder: Builder, operation: Attention, inputs: list[str]) -> None:
    """Add attention step by step, whose scores are given away: of the product, masked, capped or weighed."""
    query, key, value, *masks = inputs
    shapes = [builder.graph.tensors[tensor].shape for tensor in (query, key, value)]
    if {len(shape) for shape in shapes} != {4}:
        node.refuse("its scores (output 3) are known where heads have an axis of their own")
    name, (batch, heads, length, _) = node.name, shapes[0]
    groups, context, features = shapes[1][1], shapes[1][2], shapes[2][3]
    apart = (batch, groups, heads // groups * length, shapes[0][3])  # heads that share keys are rows of them
    query = builder.step(Reshape(f"{name}/rows", apart), query)
    made = builder.step(MatMul(f"{name}/scores", transpose_b=True), query, key)
    steps = [builder.step(Elementwise(f"{name}/scale", "affine"), made)]
    steps[0] = builder.step(Reshape(f"{name}/heads", (batch, heads, length, context)), steps[0])
    masked = builder.step(Elementwise(f"{name}/masked", "add"), steps[0], *masks) if masks else steps[0]
    steps += [masked, masked]
    if node.has("softcap"):
        steps[2] = builder.step(Elementwise(f"{name}/cap", "tanh"), masked)
    steps.append(builder.step(Softmax(f"{name}/softmax"), steps[2]))
    weights = builder.step(Reshape(f"{name}/weights", (*apart[:3], context)), steps[3])
    made = builder.step(MatMul(f"{name}/product"), weights, value)
    builder.bind(node.outputs[0], builder.reshaped(f"{name}/joined", made, (batch, heads, length, features)))
    builder.bind(node.outputs[3], steps[node.integer("qk_matmul_output_mode", 0)])


def _with_past(
    node: NodeView, builder: Builder, operation: Attention, inputs: list[str], places: Places
) -> list[str]:
    """Give heads an axis of their own, join keys and values to those of the past, and give both away."""
    counts = (operation.heads, operation.kv_heads or operation.heads, operation.kv_heads or operation.heads)
    apart = []
    for what, tensor, heads in zip(("query", "key", "value"), inputs, counts, strict=True):
        shape = builder.graph.tensors[tensor].shape
        if len(shape) == 3:
            split = Reshape(f"{node.name}/{what}_heads", (*shape[:2], heads, shape[2] // max(1, heads)))
            tensor = builder.step(split, tensor)
            tensor = builder.step(Transpose(f"{node.name}/{what}_order", (0, 2, 1, 3)), tensor)
        apart.append(tensor)
    for i, place in enumerate((places.past_key, places.past_value), start=1):
        if node.input(place):
            joined = Concat(f"{node.name}/{('key', 'value')[i - 1]}_present", 2)
            apart[i] = builder.step(joined, builder.tensor(node, place).name, apart[i])
        if len(node.outputs) > i and node.outputs[i]:
            builder.bind(node.outputs[i], apart[i])
    return apart


@handles("RotaryEmbedding")
def rotary(node: NodeView, builder: Builder) -> None:
    """Add pairs of channels turned by their token's angle; sines and cosines are kept."""
    builder.emit(node, Rotary(node.name), builder.tensor(node).name)
