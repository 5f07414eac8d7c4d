"""Graphs: shapes are checked as operations go in, and a failed addition changes nothing."""

import networkx as nx
import numpy as np
import pytest

from workloads import Graph, GraphError, Network, ShapeError, Weight, WorkloadError
from workloads.operations import Concat, Convolution, Elementwise, Linear, Pool, Reshape, Split, Transpose


def start():
    graph = Graph("g")
    return graph, graph.input("x", (1, 3, 8, 8))


def state(graph):
    return (
        sorted(graph.nx.nodes), sorted(graph.nx.edges), dict(graph.tensors), dict(graph.weights),
        [n.operation.name for n in graph.nodes()], {t: tuple(graph.consumers(t)) for t in graph.tensors},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "inputs", "weights", "error", "message"),
    [
        (Convolution("bad", 4, 3, groups=2), ["x"], {}, ShapeError, "do not divide into 2 groups"),
        (Convolution("x", 4, 3), ["x"], {}, GraphError, "the name 'x' is used twice"),
        (Convolution("bad", 4, 3), ["y"], {}, GraphError, "input 'y' does not exist"),
        (Convolution("bad", 4, 3), ["x", "x"], {}, ShapeError, "2 inputs, expected 1"),
        (Elementwise("bad", "add"), ["x"], {}, ShapeError, "1 operand, expected at least 2"),
        (Elementwise("bad", "relu"), ["x", "x"], {}, ShapeError, "2 inputs, expected 1"),
        (Convolution("bad", 4, 3), ["x"], {"filter": "w"}, ShapeError, "no weight 'filter', only weight"),
        (Convolution("bad", 4, 3), ["x"], {"weight": "w"}, GraphError, "weight 'w' does not exist"),
        (
            Convolution("bad", 4, 3), ["x"], {"weight": Weight("w", (4, 3, 3, 2))}, ShapeError,
            "weight: 'w' has shape 4x3x3x2, expected 4x3x3x3",
        ),
        (Pool("bad", "max", 9), ["x"], {}, ShapeError, "a window of 9 does not fit 8"),
        (Reshape("bad", (1, 100)), ["x"], {}, ShapeError, "1x3x8x8 has 192 elements, 1x100 does not fit"),
        (Transpose("bad", (0, 1, 1, 2)), ["x"], {}, ShapeError, "is no order of 4 dimensions"),
        (Split("bad", 1, (1, 1)), ["x"], {}, ShapeError, "dimension 1: 3 is not the sum of positive lengths"),
        (Linear("x:1", 4), ["nowhere"], {}, GraphError, "input 'nowhere' does not exist"),
    ],
)  # fmt: skip
def test_a_failed_addition_is_named_and_changes_nothing(operation, inputs, weights, error, message):
    graph, _ = start()
    before = state(graph)
    with pytest.raises(error, match=message):
        graph.add(operation, *inputs, weights=weights)
    assert state(graph) == before


def test_mismatch_names_dimension_and_both_values():
    graph, x = start()
    y = graph.add(Convolution("y", 3, 3), x)
    with pytest.raises(ShapeError, match=r"add 'sum': dimension 2: 6 and 8 do not broadcast"):
        graph.add(Elementwise("sum", "add"), x, y)
    with pytest.raises(ShapeError, match=r"concat 'cat': dimension 2: input 0 has 8, input 1 has 6"):
        graph.add(Concat("cat", 1), x, y)


@pytest.mark.parametrize("shape", [(1, 0, 8), (1, -3, 8), (1, 2.5, 8), (1, True, 8)])
def test_sizes_are_positive_integers(shape):
    with pytest.raises(WorkloadError, match=r"tensor 'x': dimension 1 must be a positive integer, got"):
        Graph("g").input("x", shape)


def test_edges_are_tensors_and_nodes_operations():
    graph, x = start()
    y = graph.add(Convolution("conv", 3, 3, padding=1), x, density=0.5)
    graph.add(Elementwise("sum", "add"), x, y)
    assert isinstance(graph.nx, nx.MultiDiGraph)
    assert nx.is_directed_acyclic_graph(graph.nx)
    edges = {(a, b): data["tensor"] for a, b, data in graph.nx.edges(data=True)}
    assert edges["conv", "sum"].density == 0.5
    assert edges["conv", "sum"].known == "assumed"
    assert edges["x", "sum"].shape == (1, 3, 8, 8)
    assert graph.nx.nodes["conv"]["operation"].out_channels == 3


def test_shared_weights_are_counted_once():
    graph, x = start()
    x = graph.add(Convolution("a", 3, 3, padding=1), x)
    x = graph.add(Convolution("b", 3, 3, padding=1), x, weights={"weight": "a.weight"})
    net = Network(graph)
    assert net.parameters == 81 + 3 + 3
    assert net.macs == 2 * 81 * 64
    assert len(graph.weights) == 3
    with pytest.raises(GraphError, match=r"the weight 'a\.weight' exists already"):
        graph.add(Convolution("c", 3, 3), x, weights={"weight": Weight("a.weight", (3, 3, 3, 3), nonzeros=4)})


def test_density_follows_what_only_moves():
    graph = Graph("g")
    x = graph.input("x", (1, 64, 4, 4), density=0.25)
    y = graph.add(Convolution("y", 64, 1), x)
    joined = graph.add(Concat("joined", 1), graph.add(Transpose("t", (0, 1, 3, 2)), x), y)
    assert graph.tensors["t"].density == 0.25
    assert graph.tensors[y].density == 1.0
    assert graph.tensors[joined].density == (0.25 + 1) / 2


def test_replacements_must_fit():
    graph, x = start()
    graph.add(Convolution("a", 3, 3), x)
    with pytest.raises(GraphError, match="has no weight 'b'"):
        graph.replaced(weights=[Weight("b", (3,))])
    with pytest.raises(ShapeError, match=r"weight 'a\.bias': shape 3, replacement 4"):
        graph.replaced(weights=[Weight("a.bias", (4,))])


def test_masks_are_zero_or_one_and_of_the_right_shape():
    weight = Weight("w", (2, 3))
    with pytest.raises(WorkloadError, match="weight 'w': a mask holds 0 and 1 only"):
        weight.with_mask(np.full((2, 3), 2))
    with pytest.raises(WorkloadError, match="weight 'w': shape 2x3, mask 3x2"):
        weight.with_mask(np.ones((3, 2)))
    for density in (0.0, 1.5, -1.0, float("nan")):
        with pytest.raises(WorkloadError, match=r"weight 'w': density must be in \(0, 1\], got"):
            weight.with_density(density)
