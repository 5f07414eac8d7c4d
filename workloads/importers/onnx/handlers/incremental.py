"""Attention of ONNX Runtime for one token after another: pasts in buffers, of pages, with blocks left out."""

import numpy as np

from workloads.importers.onnx.builder import Builder, small
from workloads.importers.onnx.constants import Array
from workloads.importers.onnx.handlers.attention import Places, attend, projected
from workloads.importers.onnx.handlers.registry import HANDLERS, handles
from workloads.importers.onnx.node import NodeView
from workloads.operations import Attention, Concat, Reshape, Rotary, Slice, Split
from workloads.operations.cache import Update


def known(node: NodeView, builder: Builder, position: int, what: str) -> list[int]:
    """Return the numbers of an input that must be known: how much of a buffer is filled."""
    value = builder.value(node, position)
    if value is None:
        node.refuse(f"needs its {what} (input {position})")
    return small(value)


def filled(node: NodeView, builder: Builder, position: int, axis: int, length: int) -> str:
    """Return the name of the part of a buffer that is filled along an axis, "" if none is."""
    tensor = builder.tensor(node, position)
    if not 0 <= length <= tensor.shape[axis]:
        node.refuse(f"a past of {length} does not fit its buffer (input {position}) of {tensor.shape}")
    name = f"{node.name}/filled{position}"
    if length:
        builder.bind(name, builder.step(Slice(name, ((axis, 0, length, 1),)), tensor.name))
    return name if length else ""


def cut_packed(node: NodeView, builder: Builder, heads: int, kv_heads: int) -> list[str]:
    """Return names of queries, keys and values that lie beside each other along the last axis."""
    tensor = builder.tensor(node)
    if tensor.shape[-1] % (heads + 2 * kv_heads):
        node.refuse(f"{tensor.shape[-1]} features are no {heads} heads and two times {kv_heads}")
    width = tensor.shape[-1] // (heads + 2 * kv_heads)
    lengths = (heads * width, kv_heads * width, kv_heads * width)
    names = [f"{node.name}/{what}" for what in ("query", "key", "value")]
    cut = Split(f"{node.name}/split", len(tensor.shape) - 1, lengths)
    for name, made in zip(names, builder.graph.add_many(cut, tensor.name), strict=True):
        builder.bind(name, made)
    return names


@handles("DecoderMaskedSelfAttention")
def one_token(node: NodeView, builder: Builder) -> None:
    """Add a projection of one token, and its attention to what is filled of a buffer."""
    inputs = list(node.inputs)
    inputs[4:5] = [filled(node, builder, 4, 3, known(node, builder, 6, "past_sequence_length")[0])]
    view = node.rewritten(node.operator, inputs, node.outputs)
    projected(view, builder, Places(5, 4, -1), shares=True)


@handles("DecoderMaskedMultiHeadAttention")
def one_token_apart(node: NodeView, builder: Builder) -> None:
    """Add attention of one token to what is filled of its past, or to keys and values of an encoder."""
    heads = node.integer("num_heads", 0)
    rows = node.inputs[:3] if node.input(1) else cut_packed(node, builder, heads, heads)
    past = [node.input(5), node.input(6)]
    if node.input(5) and node.input(7):
        length = known(node, builder, 7, "past_sequence_length")[0]
        past = [filled(node, builder, place, 2, length) for place in (5, 6)]
    inputs = [*rows, node.input(10), "", node.input(4), *past]
    if not node.input(5) and len(builder.shape(node, 1)) == 4:  # an encoder's: nothing is given away
        view = node.rewritten("MultiHeadAttention", inputs, node.outputs[:1])
    else:
        view = node.rewritten("MultiHeadAttention", inputs, node.outputs[:3])
    HANDLERS["MultiHeadAttention"](view, builder)


@handles("SparseAttention")
def blocks(node: NodeView, builder: Builder) -> None:
    """Add causal attention in which each query sees those blocks of keys that a layout names."""
    heads, kv_heads = node.integer("num_heads", 0), node.integer("kv_num_heads", 0)
    rows = node.inputs[:3] if node.input(1) else cut_packed(node, builder, heads, kv_heads)
    tensors = [builder.tensors[name] for name in rows]
    if node.integer("do_rotary", 0):
        tensors[:2] = [
            builder.step(Rotary(f"{node.name}/{what}_rotary"), tensor)
            for what, tensor in zip(("query", "key"), tensors, strict=False)
        ]
    length, total = (
        builder.graph.tensors[tensors[0]].shape[1],
        known(node, builder, 7, "total_sequence_length")[0],
    )
    past = [filled(node, builder, place, 2, total - length) for place in (3, 4)]
    starts, columns = builder.value(node, 5), builder.value(node, 6)
    if starts is None or columns is None:
        node.refuse("needs the layout of its blocks (inputs 5 and 6)")
    seen = _seen(starts, columns, node.integer("sparse_block_size", 64), length, total)
    operation = Attention(node.name, heads, kv_heads, causal=True, seen=seen)
    view = node.rewritten(node.operator, [*rows, *past], node.outputs)
    attend(view, builder, operation, tensors, Places(-1, 3, 4))


def _seen(starts: Array, columns: Array, block: int, length: int, total: int) -> float:
    """Return the share of a score matrix that layouts name and that lies before its query."""
    kept, layouts = 0, np.atleast_2d(starts)
    for begin, places in zip(layouts, np.atleast_2d(columns), strict=True):
        for place in range(total - length, total):
            row = place // block
            named = places[int(begin[row]) : int(begin[row + 1])]
            kept += sum(max(0, min(block, place + 1 - int(one) * block)) for one in named)
    return kept / (len(layouts) * length * total)


@handles("PagedAttention")
def pages(node: NodeView, builder: Builder) -> None:
    """Add causal attention of sequences of several lengths, each to its own pages of a cache."""
    heads, kv_heads = node.integer("num_heads", 0), node.integer("kv_num_heads", 0)
    rows = node.inputs[:3] if node.input(1) else cut_packed(node, builder, heads, kv_heads)
    query, *new = (builder.tensors[name] for name in rows)
    ends = known(node, builder, 5, "cumulative_sequence_length")
    pasts = known(node, builder, 6, "past_seqlens")
    rising = ends[:1] == [0] and ends == sorted(ends) and ends[-1] == builder.graph.tensors[query].shape[0]
    if not rising or len(ends) != len(pasts) + 1 or min(pasts) < 0:
        node.refuse(f"its sequences end at {ends}, beside pasts of {pasts}")
    if node.integer("do_rotary", 0):
        query = builder.step(Rotary(f"{node.name}/query_rotary"), query)
        new[0] = builder.step(Rotary(f"{node.name}/key_rotary"), new[0])
    caches = []
    for place, tensor in zip((3, 4), new, strict=True):
        old = builder.tensor(node, place)
        caches.append(builder.step(Update(f"{node.name}/written{place}", old.shape), old.name, tensor))
    for name, written in zip(node.outputs[1:3], caches, strict=False):
        if name:
            builder.bind(name, written)
    made, first = [], 0
    for i, past in enumerate(pasts):
        begin, end = ends[i], ends[i + 1]
        if end == begin:
            continue
        part = builder.step(Slice(f"{node.name}/rows{i}", ((0, begin, end, 1),)), query)
        inputs = [builder.reshaped(f"{node.name}/query{i}", part, (1, *builder.graph.tensors[part].shape))]
        for what, cache in zip(("keys", "values"), caches, strict=True):
            inputs.append(_page(node, builder, cache, f"{node.name}/{what}{i}", (first, past + end - begin)))
        label = f"{node.name}/attention{i}"
        made.append(builder.step(Attention(label, heads, kv_heads, causal=True), *inputs))
        made[-1] = builder.reshaped(
            f"{node.name}/result{i}", made[-1], builder.graph.tensors[made[-1]].shape[1:]
        )
        first += past + end - begin
    if len(made) == 1:
        builder.bind(node.outputs[0], made[0])
    else:
        builder.emit(node, Concat(node.name, 0), *made)


def _page(node: NodeView, builder: Builder, cache: str, name: str, rows: tuple[int, int]) -> str:
    """Return a sequence's rows of a cache of (pages, page, heads, d), wherever its pages lie."""
    count, page, heads, width = builder.graph.tensors[cache].shape
    first, length = rows
    if first + length > count * page:
        node.refuse(f"its sequences need {first + length} rows of a cache of {count * page}")
    flat = builder.step(Reshape(f"{name}/rows", (count * page, heads * width)), cache)
    part = builder.step(Slice(f"{name}/own", ((0, first, first + length, 1),)), flat)
    return builder.step(Reshape(name, (1, length, heads * width)), part)
