"""Gradients of convolutions and products: their nests against products enumerated one by one."""

from math import prod
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import gradients as oracle
from tests.training.networks import plain
from workloads import Graph, Network
from workloads.operations import Convolution, Linear, MatMul, TransposedConvolution
from workloads.table import Kind
from workloads.training import training_step, weight_gradients


def rows_of(network, operation):
    """The rows an operation lowers to."""
    lowering = network.lowering()
    return [row for name, row in zip(lowering.operations, lowering.rows, strict=True) if name == operation]


def macs_of(network, *operations):
    return sum(row.macs for name in operations for row in rows_of(network, name))


@st.composite
def windows(draw):
    """A convolution that fits its input, one field at a time."""
    groups = draw(st.sampled_from([1, 2]))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(2))
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    rows, cols = (draw(st.integers(low, low + 3)) for low in least)
    return {
        "rows": rows,
        "cols": cols,
        "channels": groups * draw(st.integers(1, 2)),
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel": kernel,
        "stride": stride,
        "dilation": dilation,
        "padding": padding,
        "groups": groups,
        "batch": draw(st.integers(1, 2)),
    }


def starts_of(positions, block):
    """First positions of blocks, by size: one block, equal blocks, or larger ones first."""
    if positions <= block:
        return {positions: [0]}
    for size in range(block, block // 2 - 1, -1):
        if positions % size == 0:
            return {size: list(range(0, positions, size))}
    count = -(-positions // block)
    large = -(-positions // count)
    many = positions - count * (large - 1)
    return {
        large: [i * large for i in range(many)],
        large - 1: list(range(many * large, positions, large - 1)),
    }


@settings(max_examples=100, deadline=None)
@given(window=windows(), seed=st.integers(0, 2**32 - 1), block=st.sampled_from([2, 4, 16]))
def test_running_the_weight_gradient_nests_gives_the_weight_gradient(window, seed, block):
    with mock.patch.object(weight_gradients, "BLOCK", block):
        step = training_step(plain(**window))
        *nests, bias = rows_of(step, "conv.weight_gradient")
    shape, made = step.graph.tensors["stem"].shape, step.graph.tensors["conv"].shape
    random = np.random.default_rng(seed)
    x, g = random.integers(-9, 9, shape), random.integers(-9, 9, made)
    groups, got = window["groups"], 0
    blocks = [starts_of(positions, block) for positions in made[2:]]
    parts = [(h, w) for h in blocks[0].items() for w in blocks[1].items()]
    for nest, ((rows, tops), (cols, lefts)) in zip(nests, parts, strict=True):
        pads = (window["padding"][0][0], window["padding"][1][0])
        from_h = [0] if rows == made[2] else [top * window["stride"][0] - pads[0] for top in tops]
        from_w = [0] if cols == made[3] else [left * window["stride"][1] - pads[1] for left in lefts]
        # (blocks along w, blocks along h, n, channels, rows, cols) -> (c, groups, n and blocks, rows, cols)
        inputs = oracle.cut(oracle.cut(x, 2, from_h, nest.in_rows), 4, from_w, nest.in_cols)
        inputs = inputs.reshape(*inputs.shape[:3], groups, -1, *inputs.shape[4:]).transpose(
            4, 3, 0, 1, 2, 5, 6
        )
        filters = oracle.cut(oracle.cut(g, 2, tops, rows), 4, lefts, cols)
        filters = filters.reshape(*filters.shape[:3], groups, -1, rows, cols).transpose(3, 4, 0, 1, 2, 5, 6)
        inputs = inputs.reshape(*inputs.shape[:2], -1, *inputs.shape[5:])
        filters = filters.reshape(*filters.shape[:2], -1, rows, cols)
        got = got + oracle.run_nest(nest, inputs, filters)  # (c, groups, k, r, s)
        assert max(rows, cols) <= block
    before = [pair[0] for pair in window["padding"]]
    want = oracle.weight_gradient(
        x, g, groups, window["kernel"], window["stride"], window["dilation"], before
    )
    np.testing.assert_array_equal(got.transpose(1, 2, 0, 3, 4).reshape(want.shape), want)
    assert sum(nest.macs for nest in nests) == macs_of(step, "conv")
    assert sum(nest.weight_elements for nest in nests) == g.size
    assert sum(nest.read_elements for nest in nests) == x.size
    assert {nest.write_elements for nest in nests} == {want.size}
    assert (bias.vector_ops, bias.write_elements) == (g.size, made[1])


@settings(max_examples=60, deadline=None)
@given(window=windows())
def test_the_input_gradient_has_the_products_of_the_transposed_nest(window):
    step = training_step(plain(**window))
    batch, channels, *lengths = step.graph.tensors["stem"].shape
    names = ("kernel", "stride", "dilation", "padding")
    axes = zip(lengths, *(window[name] for name in names), step.graph.tensors["conv"].shape[2:], strict=True)
    along = [
        oracle.input_gradient_macs(length, taps, stride, dilation, pad[0], positions)
        for length, taps, stride, dilation, pad, positions in axes
    ]
    filters = window["out_channels"] // window["groups"]
    assert macs_of(step, "conv.input_gradient") == batch * channels * filters * prod(along)
    rows = rows_of(step, "conv.input_gradient")
    gradient = step.graph.tensors["conv"].elements if prod(along) else 0
    assert sum(row.repeats * row.read_elements for row in rows) == gradient
    assert sum(row.repeats * row.write_elements for row in rows) == step.graph.tensors["stem"].elements


@settings(max_examples=40, deadline=None)
@given(length=st.integers(3, 9), taps=st.integers(1, 3), dilation=st.integers(1, 2))
def test_stride_1_with_same_padding_costs_the_forward_nest_again(length, taps, dilation):
    window = {"rows": length, "cols": length, "kernel": 2 * taps - 1, "dilation": dilation}
    step = training_step(plain(**window, padding=dilation * (taps - 1)))
    assert (
        macs_of(step, "conv.input_gradient") == macs_of(step, "conv") == macs_of(step, "conv.weight_gradient")
    )


@settings(max_examples=60, deadline=None)
@given(window=windows())
def test_forward_and_input_gradient_share_the_products_that_do_not_touch_padding(window):
    """Of one axis: pairs (output, tap) of the forward nest are pairs (input, tap) of the transposed one."""
    for axis in range(2):
        length, taps = (window["rows"], window["cols"])[axis], window["kernel"][axis]
        stride, dilation, pad = window["stride"][axis], window["dilation"][axis], window["padding"][axis]
        out = (length + sum(pad) - dilation * (taps - 1) - 1) // stride + 1
        row = {
            "out": out,
            "taps": taps,
            "stride": stride,
            "dilation": dilation,
            "pad": pad[0],
            "length": length,
        }
        forward = set(oracle.triples(row))
        back = {
            ((h + pad[0] - t * dilation) // stride, h, t)
            for h in range(length)
            for t in range(taps)
            if (h + pad[0] - t * dilation) % stride == 0
        }
        assert forward == {(p, h, t) for p, h, t in back if 0 <= p < out}


def single(operation, shape):
    """A stem so that a gradient is wanted, the operation, and scores."""
    graph = Graph("single")
    x = graph.add(Linear("stem", shape[-1]), graph.input("x", shape))
    graph.add(operation, x)
    return Network(graph)


def test_a_transposed_convolution_changes_places_with_a_convolution():
    graph = Graph("up")
    x = graph.add(Convolution("stem", 4, 1), graph.input("image", (2, 3, 5, 5)))
    graph.add(TransposedConvolution("up", 6, 3, 2, 1, output_padding=1, groups=2), x)
    step = training_step(Network(graph))
    (back,) = rows_of(step, "up.input_gradient")
    assert (back.n, back.g, back.k, back.c, back.p, back.r, back.stride_p) == (2, 2, 2, 3, 5, 3, 2)
    nest, bias = rows_of(step, "up.weight_gradient")
    # dW[c, k, t] sums over images and *input* positions, so it is 2 x 5 x 5 deep
    assert nest.c * nest.r * nest.s == 2 * 5 * 5
    assert nest.write_elements == step.graph.weights["up.weight"].size == 4 * 3 * 9
    assert bias.vector_ops == step.graph.tensors["up"].elements
    assert back.macs == nest.macs == 2 * 25 * 4 * 3 * 9


def test_three_dimensions_keep_their_products():
    graph = Graph("video")
    x = graph.add(Convolution("stem", 4, (1, 1, 1)), graph.input("clip", (2, 3, 4, 6, 6)))
    graph.add(Convolution("conv", 8, (3, 3, 3), padding=1), x)
    step = training_step(Network(graph))
    forward = macs_of(step, "conv")
    assert forward == 2 * 8 * 4 * 27 * 4 * 6 * 6
    assert macs_of(step, "conv.input_gradient") == macs_of(step, "conv.weight_gradient") == forward


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 4), width=st.integers(1, 4), out=st.integers(1, 4), lead=st.integers(1, 3))
def test_a_linear_layer_costs_three_products(rows, width, out, lead):
    step = training_step(single(Linear("fc", out), (lead, rows, width)))
    nest, bias = rows_of(step, "fc.weight_gradient")
    (back,) = rows_of(step, "fc.input_gradient")
    assert nest.macs == back.macs == macs_of(step, "fc") == lead * rows * width * out
    assert (nest.n, nest.k, nest.c) == (width, out, lead * rows)
    assert (back.n, back.k, back.c, back.weight_elements) == (lead * rows, width, out, width * out)
    assert bias.vector_ops == lead * rows * out


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    m=st.integers(1, 3),
    k=st.integers(2, 4),
    n=st.integers(1, 3),
    ta=st.booleans(),
    tb=st.booleans(),
    which=st.sampled_from(["a", "b", "both"]),
)
def test_products_of_activations_have_two_gradients_of_the_operands_shapes(batch, m, k, n, ta, tb, which):
    """Shapes are checked as gradients flow; here their products are counted."""
    graph = Graph("product")
    first = (batch, k, m) if ta else (batch, m, k)
    second = (batch, n, k) if tb else (batch, k, n)
    one = graph.input("one", first)
    two = graph.input("two", second)
    if which != "b":
        one = graph.add(Linear("left", first[-1], bias=False), one)
    if which != "a":
        two = graph.add(Linear("right", second[-1], bias=False), two)
    graph.add(MatMul("product", ta, tb), one, two)
    step = training_step(Network(graph))
    grads = [name for name in ("product.input_gradient", "product.second_gradient") if rows_of(step, name)]
    assert len(grads) == (2 if which == "both" else 1)
    for name in grads:
        assert macs_of(step, name) == batch * m * k * n


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 3),
    k=st.integers(1, 4),
    n=st.integers(1, 3),
    ta=st.booleans(),
    tb=st.booleans(),
    constant=st.sampled_from(["a", "b"]),
)
def test_products_with_a_constant_learn_it(m, k, n, ta, tb, constant):
    graph = Graph("constant")
    first = (k, m) if ta else (m, k)
    second = (n, k) if tb else (k, n)
    given_shape, held = (second, first) if constant == "a" else (first, second)
    x = graph.add(Linear("stem", given_shape[1], bias=False), graph.input("x", (2, *given_shape)))
    graph.add(MatMul("product", ta, tb, constant, held), x)
    step = training_step(Network(graph))
    assert macs_of(step, "product.input_gradient") == 2 * m * k * n
    (nest,) = rows_of(step, "product.weight_gradient")
    assert nest.macs == 2 * m * k * n
    assert nest.c == 2 * (n if constant == "a" else m)
    assert step.graph.tensors["product.weight_gradient"].shape == held


def test_a_network_costs_three_forward_passes_less_the_first_input_gradient():
    network = plain(rows=7, cols=5, padding=1)
    step = training_step(network)
    conv, fc, stem = (macs_of(step, name) for name in ("conv", "fc", "stem"))
    assert step.macs == 3 * (conv + fc) + 2 * stem == 3 * network.macs - stem
    table = step.table()
    assert (table.macs * table.repeats)[table.kind == Kind.NEST].sum() == step.macs
