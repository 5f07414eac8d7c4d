"""Attention, norms and other operations of transformers, counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network, ShapeError
from workloads.operations import (
    Attention,
    CumulativeSum,
    Elementwise,
    Embedding,
    MatMul,
    MixtureNorm,
    Normalisation,
    Reduce,
    Resize,
    Softmax,
    TopK,
)
from workloads.table import Kind

small = st.integers(1, 4)


def attention(operation, query, key, value, *more):
    graph = Graph("one")
    shapes = [query, key, value, *more]
    inputs = [graph.input(f"x{i}", shape) for i, shape in enumerate(shapes)]
    graph.output(graph.add(operation, *inputs))
    net = Network(graph)
    return net, {row.part: row for row in net.lowering().rows}


@given(small, small, small, small, small, small, small, st.booleans())
@settings(max_examples=100, deadline=None)
def test_products_are_those_of_every_head(batch, kv_heads, share, head, value, length, more, fused):
    context, heads = length + more - 1, kv_heads * share
    net, rows = attention(
        Attention("a", heads, kv_heads, fused=fused),
        (batch, length, heads * head), (batch, context, kv_heads * head), (batch, context, kv_heads * value),
    )  # fmt: skip
    scores = batch * heads * length * context
    assert net.macs == net.effectual_macs == scores * (head + value)
    assert net.graph.tensors["a"].shape == (batch, length, heads * value)
    # keys and values are counted once, however many query heads share them
    for part, features in (("scores", head), ("values", value)):
        row = rows[part]
        assert row.g * row.k * row.c == row.weight_elements == batch * context * kv_heads * features
    assert rows["scores"].read_elements == batch * length * heads * head
    assert rows["values"].write_elements == batch * length * heads * value
    # scale, compare, subtract, exp (3), add, multiply; a reciprocal (3) a row
    assert rows["softmax"].vector_ops == 8 * scores + 3 * batch * heads * length
    moved = 0 if fused else scores
    softmax = rows["softmax"]
    assert (rows["scores"].write_elements, softmax.read_elements) == (moved, moved)
    assert (softmax.write_elements, rows["values"].read_elements) == (moved, moved)
    assert softmax.fused == fused
    assert net.table(batch=2 * batch).macs.sum() == 2 * net.macs


def test_separate_attention_costs_what_its_parts_do():
    """Heads as an axis of their own: the same nests from two batched products and a softmax."""
    net, rows = attention(Attention("a", 2, fused=False, scaled=False), *[(3, 5, 8)] * 3)
    graph = Graph("parts")
    q, k, v = (graph.input(name, (3, 2, 5, 4)) for name in "qkv")
    s = graph.add(Softmax("softmax"), graph.add(MatMul("scores", transpose_b=True), q, k))
    graph.add(MatMul("values"), s, v)
    for name, row in zip(("scores", "softmax", "values"), Network(graph).lowering().rows, strict=True):
        for field in (
            "kind",
            "n",
            "g",
            "k",
            "c",
            "read_elements",
            "weight_elements",
            "write_elements",
            "vector_ops",
        ):
            assert getattr(rows[name], field) == getattr(row, field), (name, field)
    assert net.macs == Network(graph).macs


@given(st.integers(1, 8), st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_causal_attention_keeps_what_is_before(length, earlier):
    context = length + earlier
    kept = np.tril(np.ones((length, context)), k=earlier).sum()
    net, _ = attention(Attention("a", 2, causal=True), (1, length, 6), (1, context, 6), (1, context, 6))
    assert net.macs == 2 * length * context * 6
    assert net.effectual_macs == 2 * 6 * kept


def test_a_mask_is_added_and_read():
    _, bare = attention(Attention("a", 2), *[(1, 3, 4)] * 3)
    _, masked = attention(Attention("a", 2), *[(1, 3, 4)] * 3, (1, 1, 3, 3))
    assert masked["softmax"].vector_ops - bare["softmax"].vector_ops == 2 * 9
    assert masked["softmax"].read_elements - bare["softmax"].read_elements == 9


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((1, 3, 7), (1, 3, 8), (1, 3, 8)), r"query: 7 features \(dimension 2\) do not divide into 2 heads"),
        (((1, 3, 8), (1, 3, 6), (1, 3, 8)), "head size: queries have 4, keys have 3"),
        (((1, 3, 8), (1, 3, 8), (1, 4, 8)), "length: keys have 3, values have 4"),
        (((2, 3, 8), (1, 3, 8), (1, 3, 8)), "batch: queries have 2, keys or values have 1"),
        (((3, 8), (1, 3, 8), (1, 3, 8)), "query has 2 dimensions, expected 3 to 4"),
    ],
)
def test_misfits_are_named(shapes, message):
    with pytest.raises(ShapeError, match=f"attention 'a': {message}"):
        attention(Attention("a", 2), *shapes)
    with pytest.raises(ShapeError, match="4 query heads do not share 3 key heads evenly"):
        Attention("a", 4, 3)


RMS_NORM = Normalisation("n", (-1,), centred=False, affine=(4,), shift=False, label="rmsnorm")


def only_row(operation, shape, **options):
    graph = Graph("one")
    graph.output(graph.add_many(operation, graph.input("x", shape, **options))[0])
    net = Network(graph)
    (row,) = net.lowering().rows
    return net, row


# Elements 2 x 3 x 4 = 24. Each line is the sum its operation's docstring gives.
@pytest.mark.parametrize(
    ("operation", "ops", "parameters"),
    [
        (Normalisation("n", (-1,), affine=(4,)), 24 * 7 + 6 * 6, 8),
        (RMS_NORM, 24 * 4 + 6 * 5, 4),
        (Normalisation("n", (2,), affine=(3,), label="instancenorm"), 24 * 7 + 6 * 6, 6),
        (Normalisation("n", (1, 2), affine=(3,), groups=3, label="groupnorm"), 24 * 7 + 6 * 6, 6),
        (Normalisation("n", (-1,)), 24 * 5 + 6 * 6, 0),
        (Softmax("s"), 24 * 7 + 6 * 3, 0),
        (Softmax("s", (1, 2)), 24 * 7 + 2 * 3, 0),
        (MixtureNorm("m", 1), 24 * 2, 6),
        (MixtureNorm("m", 3), 24 * 19 + 8 * (18 + 2 + 3), 6),
        (Elementwise("e", "gelu"), 24 * 7, 0),
        (Elementwise("e", "silu"), 24 * 4, 0),
        (Elementwise("e", "add", ((3, 1),)), 24, 3),
        (Reduce("r", "mean", (1,)), 24 - 8 + 8, 0),
        (Reduce("r", "max", (-1,), keep=False), 24 - 6, 0),
        (Reduce("r", "sum"), 23, 0),
        (Reduce("r", "l2", (0,)), 2 * 12 + 3 * 12, 0),
        (CumulativeSum("c", 1), 24, 0),
        (TopK("t", 3), 24 * 2, 0),
        (TopK("t", 2, axis=1), 24 * 2, 0),
        (TopK("t", 1), 24, 0),
        (Resize("z", (2, 6, 8), "linear"), 7 * 96, 0),
    ],
)  # fmt: skip
def test_vector_work_by_hand(operation, ops, parameters):
    net, row = only_row(operation, (2, 3, 4))
    assert (row.kind, row.vector_ops, net.parameters, net.macs) == (Kind.VECTOR, ops, parameters, 0)
    assert row.read_elements == 24
    assert row.write_elements == sum(t.elements for n, t in net.graph.tensors.items() if n != "x")


def test_embedding_reads_one_row_a_word():
    net, row = only_row(Embedding("e", 100, 8), (2, 5), bits=16)
    assert (row.kind, row.weight_elements, row.read_elements, row.write_elements) == (
        Kind.MOVEMENT,
        80,
        10,
        80,
    )
    assert (row.input_bits, net.parameters) == (16, 800)
    assert net.table(batch=6).weight_elements.tolist() == [240]


def test_top_k_of_too_few_is_named():
    with pytest.raises(ShapeError, match="topk 't': dimension 2: the largest 5 of 4 elements"):
        only_row(TopK("t", 5), (2, 3, 4))
