"""The edge table: hand-made graphs edge by edge, and the laws that tie it to the layer table."""

from itertools import pairwise

import numpy as np
import pytest

import workloads
from workloads import Graph, Network
from workloads.edges import OUTSIDE, Operand, Passage
from workloads.operations import (
    Attention,
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    Expand,
    Linear,
    MatMul,
    Normalisation,
    Pool,
    Recurrent,
    Reshape,
    Split,
)
from workloads.operations.cache import Append


def listed(net, **options):
    """Edges as (producer, consumer, tensor, operand, passage) by name."""
    frame = net.edge_summary(**options)
    return list(
        frame[["producer", "consumer", "tensor", "operand", "passage"]].itertuples(index=False, name=None)
    )


def residual():
    graph = Graph("residual")
    x = graph.input("x", (2, 4, 8, 8))
    y = graph.add(Convolution("conv", 4, 3, padding=1), x)
    y = graph.add(Elementwise("add", "add"), graph.add(BatchNorm("norm"), y), x)
    graph.output(graph.add(Elementwise("relu", "relu"), y))
    return Network(graph)


def test_a_skip_connection_flows_past_all_but_the_other_addend():
    assert listed(residual()) == [
        ("", "conv", "x", "input", "stored"),
        ("conv", "norm", "conv", "input", "stream"),
        ("norm", "add", "norm", "input", "stream"),
        ("", "add", "x", "input", "stored"),
        ("add", "relu", "add", "input", "stream"),
        ("relu", "", "relu", "output", "stored"),
    ]
    edges = residual().edges()
    assert edges.producer_row.tolist() == [OUTSIDE, 0, 0, OUTSIDE, 0, 0]  # the nest writes what leaves
    assert edges.consumer_row.tolist() == [0, 1, 2, 2, 3, OUTSIDE]
    assert edges.elements.tolist() == [512] * 6
    assert residual().edges(6).elements.tolist() == [1536] * 6
    assert {passage for *_, passage in listed(residual(), fuse=False)} == {"stored"}
    apart = residual().edges(fuse=False)
    assert apart.producer_row.tolist() == [OUTSIDE, 0, 1, OUTSIDE, 2, 3]


def test_a_free_join_is_a_view_and_its_parts_share_a_place():
    graph = Graph("join")
    x = graph.input("x", (1, 4, 16, 16))
    parts = [graph.add(Convolution(f"conv{i}", 8, 1), x) for i in range(2)]
    joined = graph.add(Concat("join", 1), *parts)
    first, second = graph.add_many(Split("split", 1, (6, 10)), joined)
    graph.output(graph.add(Pool("pool", "max", 2), first), second)
    net = Network(graph)
    assert listed(net) == [
        ("", "conv0", "x", "input", "stored"),
        ("", "conv1", "x", "input", "stored"),
        ("conv0", "join", "conv0", "input", "view"),
        ("conv1", "join", "conv1", "input", "view"),
        ("join", "split", "join", "input", "view"),
        ("split", "pool", "split", "input", "stored"),
        ("pool", "", "pool", "output", "stored"),
        ("split", "", "split:1", "output", "stored"),
    ]
    frame = net.edge_summary().set_index("tensor")
    assert frame.place[["conv1", "join", "split", "split:1"]].tolist() == ["conv0"] * 4
    assert frame.place["pool"] == "pool"
    assert "stored" in net.edge_summary(fuse=False).set_index("tensor").passage["conv0"]  # a join that copies


def test_operands_of_products_of_activations():
    graph = Graph("products")
    q = graph.input("q", (2, 3, 8), bits=4)
    k = graph.input("k", (2, 5, 8), density=0.5)
    graph.add(Attention("attend", 2), q, k, k)
    graph.add(MatMul("scores", transpose_b=True), q, k)
    graph.add(MatMul("square", transpose_b=True), q, q)
    h = graph.input("h", (1, 2, 6))
    graph.add_many(Recurrent("gru", 6, cell="gru", batch_first=True), q, h)
    net = Network(graph)
    rows = [
        (e["consumer_row"], e["tensor"], e["operand"], e["bits"], e["density"])
        for e in net.edge_summary().to_dict("records")
    ]
    assert rows[:9] == [
        ("attend[scores]", "q", "input", 4, 1.0),
        ("attend[scores]", "k", "weight", 0, 0.5),
        ("attend[values]", "k", "weight", 0, 0.5),
        ("scores", "q", "input", 4, 1.0),
        ("scores", "k", "weight", 0, 0.5),
        ("square", "q", "input", 4, 1.0),
        ("square", "q", "weight", 4, 1.0),
        ("gru[input]", "q", "input", 4, 1.0),
        ("gru[gates]", "h", "input", 0, 1.0),
    ]
    leaving = net.edge_summary().query("operand == 'output'")  # none is declared: all that nobody reads
    assert leaving.producer.tolist() == ["attend", "scores", "square", "gru", "gru"]


def test_read_twice_as_one_operand_is_one_edge_and_inputs_may_leave_untouched():
    graph = Graph("twice")
    x = graph.input("x", (1, 6))
    graph.output(graph.add(Elementwise("double", "add"), x, x), x)
    net = Network(graph)
    assert listed(net) == [
        ("", "double", "x", "input", "stored"),
        ("double", "", "double", "output", "stored"),
        ("", "", "x", "output", "stored"),
    ]


def test_reshapes_are_one_place_with_what_they_reshape():
    graph = Graph("reshapes")
    x = graph.add(Linear("fc", 12), graph.input("x", (1, 6)))
    y = graph.add(Reshape("b", (1, 3, 4)), graph.add(Reshape("a", (3, 4)), x))
    graph.output(graph.add(Elementwise("exp", "exp"), y))
    edges = Network(graph).edges()
    assert [edges.place[edges.tensor == i][0] for i in (1, 2, 3)] == [1, 1, 1]
    assert edges.passage.tolist() == [
        Passage.STORED,
        Passage.VIEW,
        Passage.VIEW,
        Passage.STORED,
        Passage.STORED,
    ]


WHOLE = (Attention, BatchNorm, Convolution, Elementwise, Linear, MatMul, Normalisation, Pool)
"""Operations that read every element of what they are given, once."""


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize(
    "name",
    ["resnet18", "googlenet", "gpt2_prefill", "llama_1b_decode", "shufflenet_v2", "secret", "deepspeech2"],
)
def test_edges_sum_to_the_elements_of_the_layer_table(name, fuse):
    net = workloads.load(name)
    edges, table = net.edges(fuse=fuse), net.table(fuse=fuse)
    kinds = {op.name: op for op in net.operations}
    owners = net.lowering(fuse=fuse).operations
    moved = edges.passage == Passage.STORED
    for row, owner in enumerate(owners):
        here = moved & (edges.consumer_row == row)
        if isinstance(kinds[owner], WHOLE):
            read = edges.elements[here & (edges.operand == Operand.INPUT)].sum()
            values = owner + "[values]" == net.lowering(fuse=fuse).names[row]
            assert read == (0 if values else table.read_elements[row]), owner
        if isinstance(kinds[owner], Attention | MatMul) and (edges.operand[here] == Operand.WEIGHT).any():
            weight = edges.elements[here & (edges.operand == Operand.WEIGHT)].sum()
            assert weight == table.weight_elements[row], owner
    # whoever writes what is stored has written it: one tensor a row, or the several of one operation
    for row in range(table.rows):
        tensors = np.unique(edges.tensor[moved & (edges.producer_row == row)])
        if isinstance(kinds[owners[row]], WHOLE):
            assert tensors.size <= 1
            sizes = [edges.elements[edges.tensor == tensor][0] for tensor in tensors]
            assert sum(sizes) in (0, table.write_elements[row])


def test_rows_are_in_the_order_of_consumers_and_every_input_has_its_edges():
    for name in ("resnet18", "nasnet_mobile", "faster_rcnn_resnet50"):
        net = workloads.load(name)
        edges = net.edges()
        inside = edges.consumer[edges.consumer != OUTSIDE].tolist()
        assert all(a <= b for a, b in pairwise(inside))
        pairs = {(p, c, t) for p, c, t, *_ in zip(edges.producer, edges.consumer, edges.tensor, strict=True)}
        names, place = net.tensor_names, {op.name: i for i, op in enumerate(net.operations)}
        for node in net.graph.nodes():
            for tensor in node.inputs:
                maker = place.get(net.graph.producer[tensor], OUTSIDE)
                assert (maker, place[node.operation.name], names.index(tensor)) in pairs
        assert (edges.producer < edges.consumer)[edges.consumer != OUTSIDE].all()


def test_bad_batches_are_refused():
    with pytest.raises(ValueError, match="batch must be a positive integer, got 0"):
        residual().edges(0)


@pytest.mark.parametrize("name", ["lenet5", "bert_base", "ptb_lstm_medium"])
def test_a_training_step_reads_each_operand_where_its_products_do(name):
    net = workloads.load(name).training(2)
    edges, table = net.edges(), net.table()
    kinds = {op.name: type(op).__name__ for op in net.operations}
    checked = set()
    for row, owner in enumerate(net.lowering().operations):
        here = (edges.passage == Passage.STORED) & (edges.consumer_row == row)
        for operand, column in ((Operand.INPUT, "read_elements"), (Operand.WEIGHT, "weight_elements")):
            together = edges.elements[here & (edges.operand == operand)].sum()
            if kinds[owner] == "AttentionGradient" or (operand == Operand.WEIGHT and together):
                checked.add(kinds[owner])
                assert together == getattr(table, column)[row], (net.row_names[row], operand)
    assert "ProductWeightGradient" in checked


def test_caches_appended_in_place_are_one_place_and_computed_weights_are_weights():
    graph = Graph("cache")
    cache, new = graph.input("cache", (1, 9, 8)), graph.input("new", (1, 1, 8))
    whole = graph.add(Append("append", 1), cache, new)
    query = graph.input("query", (1, 1, 8))
    graph.add(Attention("attend", 2), query, whole, whole)
    filters, x = graph.input("filters", (4, 3, 3, 3), batch_axis=None), graph.input("x", (1, 3, 8, 8))
    graph.add(Convolution("conv", 4, 3, bias=False, computed=True), x, filters)
    net = Network(graph)
    frame = net.edge_summary().set_index("tensor")
    assert set(frame.passage[["cache", "new"]]) == {"view"}
    assert frame.place[["cache", "new"]].tolist() == ["cache", "cache"]
    assert set(frame.loc["append"].place) == {"cache"}
    assert frame.operand[["x", "filters"]].tolist() == ["input", "weight"]
    assert frame.elements["filters"] == net.table().weight_elements[list(net.row_names).index("conv")]


def test_what_repeats_elements_counts_them_once():
    graph = Graph("repeated")
    x = graph.add(Linear("fc", 64), graph.input("x", (1, 1, 64)))
    y = graph.add(Expand("all", (1, 50, 64)), x)
    graph.output(graph.add(Elementwise("sum", "add"), y, graph.input("z", (1, 50, 64))))
    net = Network(graph)
    edges, table = net.edges(), net.table()
    row = list(net.row_names).index("sum")
    assert edges.elements[edges.consumer_row == row].sum() == table.read_elements[row] == 64 + 50 * 64
    assert edges.elements[edges.tensor == net.tensor_names.index("all")].tolist() == [64]
