"""Lowering: columns, batches, limits, speed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.workloads.deep import thousand_nodes
from workloads import Graph, Network, WorkloadError
from workloads.operations import Convolution, Elementwise, Embedding, GlobalPool, Linear, MatMul, Softmax
from workloads.rows import Row
from workloads.table import LayerTable


def test_rows_have_the_tables_columns_in_its_order():
    assert Row._fields[: len(LayerTable._fields)] == LayerTable._fields


def test_columns_have_the_tables_types():
    table = workloads.load("lenet5").table()
    for name, annotation in LayerTable.__annotations__.items():
        column = getattr(table, name)
        wanted = np.int64 if "int64" in str(annotation) else np.float64
        assert column.dtype == (object if "object" in str(annotation) else wanted), name
        assert column.shape == (8,)


def small(batch):
    graph = Graph("small")
    x = graph.input("x", (batch, 3, 8, 8))
    y = graph.add(Convolution("conv", 4, 3, 2, 1), x)
    y = graph.add(Elementwise("act", "relu"), y)
    y = graph.add(GlobalPool("pool"), y)
    ids = graph.input("ids", (batch, 5))
    z = graph.add(Embedding("embed", 10, 4), ids)
    z = graph.add(Softmax("soft"), graph.add(MatMul("scores", transpose_b=True), z, z))
    graph.output(graph.add(Linear("fc", 2), z), y)
    return Network(graph)


@given(st.integers(1, 5), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_another_batch_is_the_network_described_for_it(of, batch):
    expected, got = small(batch).table(), small(of).table(batch)
    for name in LayerTable._fields:
        assert getattr(got, name).tolist() == getattr(expected, name).tolist(), name


def test_batches_are_positive_and_divide():
    for batch in (0, -1, 2.5, True, "4"):
        with pytest.raises(WorkloadError, match="batch must be a positive integer, got"):
            small(1).table(batch)
    graph = Graph("g")
    graph.add(Linear("fc", 2), graph.input("x", (5, 3)))
    shared = graph.input("y", (3, 3), batch_axis=None)
    graph.add(Linear("other", 2), shared)
    table = Network(graph).table(10)
    assert table.n.tolist() == [10, 3]


def test_what_does_not_fit_64_bits_is_refused():
    net = workloads.load("vgg19")
    with pytest.raises(WorkloadError, match=r"^conv1_1: \d+ at batch 10{15} does not fit 64-bit integers"):
        net.table(10**15)


def test_tables_are_fresh():
    net = workloads.load("lenet5")
    net.table().n[:] = 99
    assert net.table().n.tolist() == [1] * 8


def test_a_thousand_nodes_lower_to_as_many_rows():
    graph = thousand_nodes()
    assert len(graph) == 1002
    assert len(Network(graph).table().n) == 1002


def test_vector_work_by_hand():
    graph = Graph("g")
    x = graph.input("x", (2, 5))
    graph.add(Softmax("softmax"), x)
    graph.add(Elementwise("gelu", "gelu"), x)
    a, b = graph.add(Elementwise("a", "relu"), x), graph.add(Elementwise("b", "neg"), x)
    graph.add(Elementwise("three", "add"), x, a, b)
    rows = dict(zip(*Network(graph).lowering()[::-1], strict=True))
    # softmax, 10 elements, 2 sums: compare, subtract, look-up (3), add, multiply; one look-up (3) a sum
    assert rows["softmax"].vector_ops == 10 * 7 + 2 * 3
    assert rows["gelu"].vector_ops == 10 * 7  # scale, look-up (3), add, multiply, halve
    assert rows["three"].vector_ops == 10 * 2
    assert rows["three"].read_elements == 20  # the third flows out of "b", which is its last producer
    assert rows["b"].write_elements == 10
