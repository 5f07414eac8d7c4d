"""Linear layers and batched products: against NumPy's own broadcasting, one product at a time."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network, ShapeError, Weight
from workloads.operations import Linear, MatMul
from workloads.rows import Batch

lead = st.lists(st.sampled_from([1, 2, 3]), max_size=3)


def product_of(operation, *shapes, batch_axes=(0, 0)):
    graph = Graph("one")
    inputs = [graph.input(f"x{i}", shape, batch_axis=batch_axes[i]) for i, shape in enumerate(shapes)]
    graph.output(graph.add(operation, *inputs))
    net = Network(graph)
    (row,) = net.lowering().rows
    return net, row


def compatible(a, b):
    try:
        np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        return False
    return True


@given(lead, lead, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_batched_product_is_numpys(a_lead, b_lead, m, c, n, flip_a, flip_b):
    if not compatible(a_lead, b_lead):
        a_lead = b_lead
    a, b = (*a_lead, m, c), (*b_lead, c, n)
    stored_a = (*a[:-2], c, m) if flip_a else a
    stored_b = (*b[:-2], n, c) if flip_b else b
    net, row = product_of(MatMul("p", transpose_a=flip_a, transpose_b=flip_b), stored_a, stored_b)
    expected = np.matmul(np.zeros(a), np.zeros(b))
    assert net.graph.tensors["p"].shape == expected.shape
    assert net.macs == expected.size * c
    assert (row.read_elements, row.weight_elements, row.write_elements) == (prod(a), prod(b), expected.size)
    # each operand is counted once: what the nest's loops span is exactly what is stored
    assert (row.g * row.n * row.c, row.g * row.k * row.c) == (prod(a), prod(b))
    assert row.batch is Batch.GROUPS


@given(lead, lead, st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.sampled_from("ab"))
@settings(max_examples=100, deadline=None)
def test_constants_are_the_weight_operand(x_lead, w_lead, m, c, n, side):
    if not compatible(x_lead, w_lead):
        x_lead = w_lead
    stored, flowing = (
        ((*w_lead, m, c), (*x_lead, c, n)) if side == "a" else ((*w_lead, c, n), (*x_lead, m, c))
    )
    if len(flowing) == 0:
        return
    net, row = product_of(MatMul("p", constant=side, constant_shape=stored), flowing)
    operands = (stored, flowing) if side == "a" else (flowing, stored)
    expected = np.matmul(*map(np.zeros, operands))
    assert net.graph.tensors["p"].shape == expected.shape
    assert net.macs == expected.size * c
    assert (row.g * row.n * row.c, row.g * row.k * row.c) == (prod(flowing), prod(stored))
    assert net.parameters == row.weight_elements == prod(stored)


def test_linear_takes_every_row():
    net, row = product_of(Linear("fc", 7), (2, 5, 3))
    assert (row.n, row.c, row.k, row.g) == (10, 3, 7, 1)
    assert (net.macs, net.parameters) == (10 * 3 * 7, 3 * 7 + 7)


def test_linear_uses_the_profile_of_its_last_axis():
    net, _ = product_of(Linear("fc", 2, bias=False), (3, 4))
    mask = np.array([[1, 0, 1, 1], [1, 0, 0, 0]])
    tensor = net.graph.tensors["x0"]
    profiled = type(tensor)(
        "x0", (3, 4), density=0.5, profile=(1.0, 1.0, 0.0, 0.0), profile_axis=1, batch_axis=0
    )
    pruned = net.with_weights(Weight("fc.weight", (2, 4)).with_mask(mask)).with_tensors(profiled)
    assert pruned.effectual_macs == 3 * 2  # only column 0 meets live inputs: two weights, three rows
    assert net.with_weights(Weight("fc.weight", (2, 4)).with_mask(mask)).effectual_macs == 3 * 4


@pytest.mark.parametrize(
    ("axes", "batch", "loop"),
    [((0, 0), Batch.GROUPS, "g"), ((0, None), Batch.INPUTS, "n"), ((None, 0), Batch.WEIGHTS, "k"),
     ((None, None), Batch.FIXED, "")],
)  # fmt: skip
def test_which_loop_the_batch_is(axes, batch, loop):
    net, row = product_of(MatMul("p"), (1, 4, 3, 5), (1, 4, 5, 7), batch_axes=axes)
    assert row.batch is batch
    table = net.table(batch=6)
    for name, one in (("n", 3), ("g", 4), ("k", 7)):
        assert getattr(table, name)[0] == one * (6 if name == loop else 1)
    assert table.macs[0] == net.macs * (6 if loop else 1)
    scale = {"": (1, 1, 1), "g": (6, 6, 6), "n": (6, 1, 6), "k": (1, 6, 6)}[loop]
    counts = (table.read_elements[0], table.weight_elements[0], table.write_elements[0])
    assert counts == (60 * scale[0], 140 * scale[1], 84 * scale[2])


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((1, 3, 5), (1, 4, 7), "matmul 'p': inner dimension: first operand has 5, second has 4"),
        ((2, 3, 5), (3, 5, 7), "matmul 'p': batch dimension 0: 2 and 3 do not broadcast"),
        ((5,), (5, 7), "matmul 'p': first operand has 1 dimensions"),
    ],
)
def test_misfits_are_named(a, b, message):
    with pytest.raises(ShapeError, match=message):
        product_of(MatMul("p"), a, b)
