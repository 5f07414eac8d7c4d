"""Views with strides: what only addresses memory moves nothing; the slow twin is NumPy's own strides."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network
from workloads.addresses import reshaped, run
from workloads.operations import (
    Attention,
    Concat,
    Convolution,
    Elementwise,
    Expand,
    Linear,
    Reshape,
    Slice,
    Transpose,
)


def moved(graph):
    """Elements read and written by operations that compute nothing."""
    lowering = Network(graph).lowering()
    pairs = zip(lowering.operations, lowering.rows, strict=True)
    return {name: (row.read_elements, row.write_elements) for name, row in pairs if row.kind == 2}


@st.composite
def reordered(draw):
    """An array of distinct numbers behind some transpositions and cuts, and another shape for it."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    array = np.arange(int(np.prod(shape))).reshape(shape)
    if draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    if draw(st.booleans()):
        array = array[..., : draw(st.integers(1, array.shape[-1]))]
    rest, new = array.size, []
    while rest > 1 and draw(st.booleans()):
        factor = draw(st.sampled_from([f for f in range(1, rest + 1) if rest % f == 0]))
        new.append(factor)
        rest //= factor
    return array, (*new, rest)


def axes_of(array):
    return tuple(((n, s // array.itemsize),) for n, s in zip(array.shape, array.strides, strict=True))


def walked(axes):
    """The places that axes lead to, in their order."""
    places = np.zeros(1, int)
    for axis in axes:
        for length, stride in axis:
            places = (places[:, None] + stride * np.arange(length)).reshape(-1)
    return places


@given(reordered())
@settings(deadline=None)
def test_a_reshape_leads_to_the_same_elements_and_is_found_where_numpy_finds_one(drawn):
    array, shape = drawn
    base = array.min()
    found = reshaped(axes_of(array), shape)
    made = array.reshape(shape)
    if found is None:
        assert not np.shares_memory(made, array)
        return
    assert tuple(int(np.prod([n for n, _ in axis])) for axis in found) == shape
    assert walked(found).tolist() == (made.reshape(-1) - base).tolist()
    plain = all(len(axis) == 1 for axis in found)
    assert plain == np.shares_memory(made, array)


@given(reordered())
@settings(deadline=None)
def test_a_run_is_a_block_of_neighbours_that_all_of_it_is_made_of(drawn):
    array, _ = drawn
    places = np.sort(array.reshape(-1))
    blocks = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
    assert all(len(block) % run(axes_of(array)) == 0 for block in blocks)


def heads(graph, x, name, count):
    """Cut heads out of the last axis: (batch, length, features) to (batch, heads, length, features)."""
    batch, length, width = graph.tensors[x].shape
    x = graph.add(Reshape(f"{name}.heads", (batch, length, count, width // count)), x)
    return graph.add(Transpose(f"{name}.order", (0, 2, 1, 3)), x)


def test_transposes_around_attention_move_nothing():
    graph = Graph("net")
    x = graph.input("x", (2, 10, 24))
    parts = [heads(graph, graph.add(Linear(n, 24), x), n, 4) for n in "qkv"]
    x = graph.add(Attention("attention", 4), *parts)
    x = graph.add(Transpose("back", (0, 2, 1, 3)), x)
    graph.add(Linear("out", 24), graph.add(Reshape("join", (2, 10, 24)), x))
    assert set(moved(graph).values()) == {(0, 0)}


def test_a_tensor_can_lie_in_one_order_only():
    graph = Graph("net")
    x = graph.add(Elementwise("act", "relu"), graph.input("x", (2, 6, 5)))
    graph.output(*(graph.add(Transpose(n, o), x) for n, o in (("a", (0, 2, 1)), ("b", (1, 2, 0)))))
    assert sorted(moved(graph).values()) == [(0, 0), (60, 60)]


def test_axes_that_are_joined_and_cut_elsewhere_are_copied():
    graph = Graph("net")
    x = graph.add(Transpose("turn", (1, 0)), graph.input("x", (6, 4)))
    graph.add(Elementwise("act", "relu"), graph.add(Reshape("cut", (3, 8)), x))
    assert moved(graph) == {"turn": (24, 24), "cut": (0, 0)}
    graph = Graph("net")
    x = graph.add(Transpose("turn", (1, 0)), graph.input("x", (6, 4)))
    graph.add(Elementwise("act", "relu"), graph.add(Reshape("cut", (12, 2)), x))
    assert moved(graph) == {"turn": (0, 0), "cut": (0, 0)}


def test_an_input_lies_in_its_order_and_an_output_too():
    graph = Graph("net")
    graph.add(Transpose("turn", (0, 2, 1)), graph.input("x", (2, 6, 5)))
    assert moved(graph)["turn"] == (60, 60)
    graph = Graph("net")
    x = graph.add(Transpose("turn", (0, 2, 1)), graph.input("x", (2, 6, 5)))
    graph.add(Linear("after", 4), x)
    assert moved(graph)["turn"] == (0, 0)
    graph = Graph("net")
    x = graph.add(Elementwise("act", "relu"), graph.input("x", (2, 6, 5)))
    graph.output(x, graph.add(Transpose("turn", (0, 2, 1)), x))
    assert moved(graph)["turn"] == (60, 60)


def test_what_is_repeated_is_read_once_and_written_never():
    graph = Graph("net")
    x, y = graph.input("x", (1, 64)), graph.input("y", (8, 64))
    x = graph.add(Expand("rows", (8, 64)), x)
    graph.add(Elementwise("sum", "add"), x, y)
    rows = dict(zip(Network(graph).lowering().operations, Network(graph).lowering().rows, strict=True))
    assert (rows["rows"].read_elements, rows["rows"].write_elements) == (0, 0)
    assert (rows["sum"].read_elements, rows["sum"].write_elements) == (9 * 64, 8 * 64)


@pytest.mark.parametrize(("side", "free"), [(8, True), (4, False)])
def test_a_cut_is_free_by_the_runs_it_leaves_in_memory_not_in_its_shape(side, free):
    graph = Graph("net")
    x = graph.add(Elementwise("act", "relu"), graph.input("x", (8, 3, 8, side)))
    x = graph.add(Transpose("turn", (1, 0, 2, 3)), x)
    x = graph.add(Slice("first", ((0, 0, 1, 1),)), x)
    graph.add(Elementwise("after", "relu"), x)
    cut = 8 * 8 * side
    assert moved(graph) == {"turn": (0, 0), "first": (0, 0) if free else (cut, cut)}


def test_the_same_product_costs_the_same_as_a_convolution_and_as_a_linear_layer():
    graph = Graph("convolution")
    graph.add(Convolution("layer", 64, 1), graph.input("x", (1, 64, 16, 16)))
    other = Graph("linear")
    x = other.add(Transpose("last", (0, 2, 3, 1)), other.input("x", (1, 64, 16, 16)))
    other.add(Transpose("first", (0, 3, 1, 2)), other.add(Linear("layer", 64), x))
    columns = ("macs", "read_elements", "write_elements", "weight_elements")
    one, two = Network(graph).table(), Network(other).table()
    assert [getattr(one, c).sum() for c in columns] == [getattr(two, c).sum() for c in columns]


def test_pieces_of_a_join_are_written_in_the_order_it_wants():
    """As detection heads are: channels last, flattened, and all levels joined."""
    graph = Graph("net")
    x, pieces = graph.input("x", (1, 4, 8, 8)), []
    for name in "ab":
        y = graph.add(Convolution(name, 32, 1), x)
        y = graph.add(Transpose(f"{name}.last", (0, 2, 3, 1)), y)
        pieces.append(graph.add(Reshape(f"{name}.flat", (1, 8 * 8 * 4, 8)), y))
    graph.add(Concat("join", 1), *pieces)
    assert set(moved(graph).values()) == {(0, 0)}


def test_what_is_repeated_into_a_join_is_copied_there():
    graph = Graph("net")
    x = graph.input("x", (1, 4, 8, 8))
    pooled = graph.add(Convolution("pooled", 4, 8), x)
    spread = graph.add(Expand("spread", (1, 4, 8, 8)), pooled)
    graph.add(Concat("join", 1), graph.add(Convolution("conv", 8, 1), x), spread)
    assert moved(graph) == {"spread": (4, 256), "join": (0, 0)}


@pytest.mark.parametrize("operations", [20_000])
def test_a_long_chain_takes_time_in_proportion(operations):
    graph = Graph("chain")
    x = graph.input("x", (1, 4))
    for i in range(operations):
        x = graph.add(Elementwise(f"act{i}", "relu"), x)
    started = time.process_time()
    Network(graph).table()
    assert time.process_time() - started < 2.0  # 0.3 s; in proportion to the square, 1.6 s at half of it
