"""Loops and scans whose trip counts are known are written out; others are refused by name."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor
from workloads import NetworkImportError

BOOL, INT64 = TensorProto.BOOL, TensorProto.INT64


def body(*nodes, scans=(), carried=("s_out",), initializers=()):
    inputs = [tensor("i", (), INT64), tensor("c", (), BOOL), tensor("s", (1, 16))]
    outputs = [tensor("c_out", (), BOOL), *(tensor(name, None) for name in (*carried, *scans))]
    going = node("Identity", ["c"], ["c_out"], "going")
    return helper.make_graph([going, *nodes], "body", inputs, outputs, initializer=list(initializers))


STEP = (node("MatMul", ["s", "w"], ["h"], "product"), node("Tanh", ["h"], ["s_out"], "act"))


def looped(graph, outputs=("y",), trips=None):
    loop = node("Loop", ["n", "go", "x"], list(outputs), "loop", body=graph)
    held = [random("w", 16, 16), stored("go", np.array(True))]
    given = [tensor("x", (1, 16))]
    if trips is None:
        given.append(tensor("n", (), INT64))
    else:
        held.append(stored("n", np.array(trips)))
    return model([loop], given, [tensor(name, None) for name in outputs], held)


def read(tmp_path, built, **options):
    return workloads.from_onnx(save(tmp_path / "m.onnx", built), **options)


def test_a_loop_of_known_trips_is_written_out(tmp_path):
    network = read(tmp_path, looped(body(*STEP), trips=10))
    assert (network.macs, network.parameters) == (2_560, 256)
    assert [o.kind for o in network.operations] == ["linear", "tanh"] * 10
    assert network.operations[-1].name == "loop/9/act"


def test_weights_inside_are_one_and_results_are_stacked(tmp_path):
    nodes = (*STEP, node("Add", ["s_out", "k"], ["row"], "sum"))
    graph = body(*nodes, scans=("row",), initializers=[random("k", 16)])
    network = read(tmp_path, looped(graph, ("y", "rows"), trips=4))
    assert network.parameters == 256 + 16
    assert {network.graph.tensors[name].shape for name in network.graph.outputs} == {(1, 16), (4, 1, 16)}


def test_what_depends_on_the_iteration_is_computed(tmp_path):
    """A body that stops itself after three: its condition is arithmetic on the iteration."""
    graph = body(*STEP, initializers=[stored("two", np.array(2))])
    graph.node[0].CopyFrom(node("Less", ["i", "two"], ["c_out"], "going"))
    assert read(tmp_path, looped(graph, trips=10)).macs == 3 * 256


def test_a_trip_count_may_be_given(tmp_path):
    built = looped(body(*STEP))
    assert read(tmp_path, built, inputs={"n": 5}).macs == 5 * 256
    words = r"the trip count depends on data; inputs=.*unsupported operators: Loop \(loop\)$"
    with pytest.raises(NetworkImportError, match=words):
        read(tmp_path, built)
    with pytest.raises(NetworkImportError, match="100000000 times 3 nodes are more than 100000"):
        read(tmp_path, built, inputs={"n": 10**8})


def test_a_loop_inside_a_loop(tmp_path):
    inner = helper.make_graph(
        [node("Identity", ["c2"], ["c2_out"], "on"), node("MatMul", ["t", "w"], ["t_out"], "product")],
        "inner",
        [tensor("i2", (), INT64), tensor("c2", (), BOOL), tensor("t", (1, 16))],
        [tensor("c2_out", (), BOOL), tensor("t_out", None)],
    )
    nested = node("Loop", ["three", "", "s"], ["s_out"], "inner", body=inner)
    graph = body(nested, initializers=[stored("three", np.array(3))])
    assert read(tmp_path, looped(graph, trips=4)).macs == 12 * 256


def test_a_scan_takes_slices_and_stacks_results(tmp_path):
    inner = helper.make_graph(
        [
            node("Add", ["state", "piece"], ["both"], "sum"),
            node("MatMul", ["both", "w"], ["next"], "product"),
            node("Relu", ["next"], ["seen"], "act"),
        ],
        "body",
        [tensor("state", (2, 8)), tensor("piece", (2, 8))],
        [tensor("next", None), tensor("seen", None)],
    )
    scan = node("Scan", ["x", "xs"], ["last", "all"], "scan", body=inner, num_scan_inputs=1)
    built = model(
        [scan],
        [tensor("x", (2, 8)), tensor("xs", (5, 2, 8))],
        [tensor("last", None), tensor("all", None)],
        [random("w", 8, 8)],
    )
    network = read(tmp_path, built)
    assert network.macs == 5 * 2 * 64
    assert network.parameters == 64
    assert {network.graph.tensors[name].shape for name in network.graph.outputs} == {(2, 8), (5, 2, 8)}


@pytest.mark.parametrize(("axis", "back", "out"), [(0, 1, 0), (1, 0, 0), (2, 1, 1)])
def test_a_scan_along_any_axis_from_either_end(tmp_path, axis, back, out):
    shape = [2, 8]
    shape.insert(axis, 5)
    inner = [node("MatMul", ["xi", "w"], ["yi"])]
    graph = helper.make_graph(inner, "body", [tensor("xi", (2, 8))], [tensor("yi", (2, 4))])
    options = {"scan_input_axes": [axis], "scan_input_directions": [back], "scan_output_axes": [out]}
    scan = node("Scan", ["x"], ["y"], "scan", num_scan_inputs=1, body=graph, **options)
    built = model([scan], [tensor("x", tuple(shape))], [tensor("y", None)], [random("w", 8, 4)])
    network = read(tmp_path, built)
    assert (network.macs, network.parameters) == (5 * 2 * 32, 32)
    want = [2, 4]
    want.insert(out, 5)
    assert network.graph.tensors[network.graph.outputs[0]].shape == tuple(want)
