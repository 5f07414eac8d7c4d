"""Densities of activations measured through ONNX Runtime: against NumPy on the same graph."""

import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor
from workloads.errors import NetworkImportError

pytest.importorskip("onnxruntime")


def same(tensor, value, axis):
    """Compare a tensor's measured density, spread and profile with a value's non-zeros."""
    live = (value != 0).reshape(value.shape)
    samples = live.reshape(len(live), -1).mean(1)
    assert tensor.known == "measured"
    assert tensor.density == pytest.approx(samples.mean() or 1 / tensor.elements, rel=1e-12)
    assert tensor.spread == pytest.approx(samples.std(), rel=1e-9, abs=1e-12)
    others = tuple(a for a in range(value.ndim) if a != axis)
    assert tensor.profile_axis == axis
    np.testing.assert_allclose(tensor.profile, live.mean(others), rtol=1e-12, atol=0)


FUNCTIONS = {
    "Relu": lambda x: np.maximum(x, 0),
    "Neg": np.negative,
    "Floor": np.floor,
    "Identity": lambda x: x,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


@st.composite
def graphs(draw):
    """Draw element-wise functions, matrices and transpositions one after the other, and inputs."""
    lengths, width = [draw(st.integers(1, 4)), draw(st.integers(2, 5))], draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes, held, values, last = [], [], {}, "x"
    x = value = np.round(2 * rng.standard_normal((draw(st.integers(1, 7)), lengths[1], width))).astype("f4")
    for i in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([*FUNCTIONS, "MatMul", "Transpose", "Reshape"]))
        name = f"t{i}"
        if kind == "MatMul":
            matrix = np.round(rng.standard_normal((value.shape[-1], draw(st.integers(2, 5))))).astype("f4")
            held.append(stored(f"w{i}", matrix))
            nodes.append(node("MatMul", [last, f"w{i}"], [name], f"n{i}"))
            value = value @ matrix
        elif kind == "Transpose":
            nodes.append(node("Transpose", [last], [name], f"n{i}", perm=[0, 2, 1]))
            value = value.transpose(0, 2, 1)
        elif kind == "Reshape":
            wanted = (-1, value.shape[2], value.shape[1])
            held.append(stored(f"s{i}", np.array(wanted)))
            nodes.append(node("Reshape", [last, f"s{i}"], [name], f"n{i}"))
            value = value.reshape(wanted)
        else:
            nodes.append(node(kind, [last], [name], f"n{i}"))
            value = FUNCTIONS[kind](value)
        values[f"n{i}"], last = value, name
    nodes.append(node("Floor", [last], ["y"], "end"))
    built = model(nodes, [tensor("x", ["batch", *x.shape[1:]])], [tensor("y", None)], held)
    return built, x, values, lengths[0]


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_densities_are_those_numpy_counts(tmp_path_factory, drawn):
    built, x, values, batch = drawn
    path = save(tmp_path_factory.mktemp("densities") / "m.onnx", built)
    network = workloads.from_onnx(path, batch=batch, calibration=x)
    readers = network.graph.consumers
    for name, value in {"x": x, **values}.items():
        if name in network.graph.tensors:  # an Identity is nothing
            linear = any(network.graph.node(r).operation.kind == "linear" for r in readers(name))
            same(network.graph.tensors[name], value, 2 if linear else 1)
    assert network.effectual_macs <= network.macs
    plain = workloads.from_onnx(path, batch=batch)
    assert {t.known for t in plain.graph.tensors.values()} == {"dense"}
    assert (plain.macs, plain.parameters) == (network.macs, network.parameters)


def quantised(path, *, decoded):
    """A convolution of 8-bit integers after a ReLU, written as QDQ or as QLinearConv."""
    weight = np.random.default_rng(0).integers(-3, 4, (4, 2, 3, 3)).astype(np.int8)
    held = [
        stored("sx", np.float32(0.1)),
        stored("zx", np.uint8(7)),
        stored("sw", np.float32(0.05)),
        stored("zw", np.int8(0)),
        stored("w", weight),
        stored("sy", np.float32(0.2)),
        stored("zy", np.uint8(100)),
    ]
    nodes = [
        node("Relu", ["x"], ["r"], "relu"),
        node("QuantizeLinear", ["r", "sx", "zx"], ["q"], "quantize"),
    ]
    if decoded:
        nodes += [
            node("DequantizeLinear", ["q", "sx", "zx"], ["d"], "decode"),
            node("DequantizeLinear", ["w", "sw", "zw"], ["v"], "decode_w"),
            node("Conv", ["d", "v"], ["c"], "conv"),
            node("QuantizeLinear", ["c", "sy", "zy"], ["p"], "requantize"),
            node("MaxPool", ["p"], ["m"], "pool", kernel_shape=[2, 2]),
            node("DequantizeLinear", ["m", "sy", "zy"], ["y"], "end"),
        ]
    else:
        nodes += [
            node("QLinearConv", ["q", "sx", "zx", "w", "sw", "zw", "sy", "zy"], ["p"], "conv"),
            node("MaxPool", ["p"], ["m"], "pool", kernel_shape=[2, 2]),
            node("DequantizeLinear", ["m", "sy", "zy"], ["y"], "end"),
        ]
    return save(path, model(nodes, [tensor("x", ["n", 2, 6, 6])], [tensor("y", None)], held)), weight


@pytest.mark.parametrize("decoded", [True, False])
def test_zero_is_the_zero_point(tmp_path, decoded):
    path, weight = quantised(tmp_path / "q.onnx", decoded=decoded)
    x = np.random.default_rng(1).standard_normal((5, 2, 6, 6)).astype(np.float32)
    network = workloads.from_onnx(path, batch=2, calibration=x)
    integers = np.round(np.maximum(x, 0) / np.float32(0.1)).astype(int)  # less the zero point
    same(network.graph.tensors["quantize"], integers, 1)
    windows = np.lib.stride_tricks.sliding_window_view(integers, (3, 3), axis=(2, 3))
    result = np.einsum("nchwrs,kcrs->nkhw", windows, weight) * (0.1 * 0.05)
    rounded = np.clip(np.round(result / 0.2), -100, 155)
    made = network.graph.tensors["requantize" if decoded else "conv"]
    assert made.known == "measured"
    assert made.density == pytest.approx((rounded != 0).mean(), abs=3 / rounded.size)  # ties of rounding
    best = rounded.reshape(5, 4, 2, 2, 2, 2).max((3, 5))
    assert network.graph.tensors["pool"].density == pytest.approx((best != 0).mean(), abs=3 / best.size)
    row = network.summary().loc["pool"]
    assert row.known == "measured"


def two_inputs(path, **more):
    """Two inputs, of which one has its batch second, one output, and an input nobody reads."""
    nodes = [
        node("Relu", ["x"], ["r"], "relu"),
        node("Transpose", ["z"], ["t"], "order", perm=[1, 0]),
        node("Add", ["r", "t"], ["s"], "add"),
        node("Relu", ["s"], ["y"], "act"),
    ]
    inputs = [tensor("x", ["batch", 3]), tensor("z", [3, "batch"]), tensor("unread", ["batch", 9])]
    return save(path, model(nodes, inputs, [tensor("y", None)], **more))


def test_ways_to_give_inputs(tmp_path):
    path, rng = two_inputs(tmp_path / "two.onnx"), np.random.default_rng(2)
    x, z = (np.round(rng.standard_normal(s)).astype(np.float32) for s in ((7, 3), (3, 7)))
    whole = workloads.from_onnx(path, batch=1, calibration=(x, z))
    live = np.maximum(x, 0) != 0
    assert whole.graph.tensors["relu"].density == pytest.approx(live.mean())
    summed = np.maximum(np.maximum(x, 0) + z.T, 0) != 0
    assert whole.graph.tensors["act"].density == pytest.approx(summed.mean())
    named = workloads.from_onnx(path, batch=1, calibration={"z": z, "x": x.astype(np.float64)})
    pieces = [(x[i : i + 3], z[:, i : i + 3], "label") for i in (0, 3, 6)]
    assert whole == named == workloads.from_onnx(path, batch=1, calibration=iter(pieces))


def test_samples_that_fill_a_run_up_are_not_counted_where_steps_come_first(tmp_path):
    """Seven samples in runs of two, brought into the order an LSTM wants: steps, samples, features."""
    nodes = [
        node("Relu", ["x"], ["r"], "relu"),
        node("Transpose", ["r"], ["t"], "order", perm=[1, 0, 2]),
        node("LSTM", ["t", "w", "u"], ["y"], "lstm", hidden_size=3),
    ]
    held = [random("w", 1, 12, 4), random("u", 1, 12, 3)]
    path = save(tmp_path / "m.onnx", model(nodes, [tensor("x", ["n", 5, 4])], [tensor("y", None)], held))
    x = np.random.default_rng(5).standard_normal((7, 5, 4)).astype(np.float32)
    x[0] = -1
    network = workloads.from_onnx(path, batch=2, calibration=x)
    row, want = network.summary().loc["lstm"], np.maximum(x, 0) != 0
    assert row.input_density == pytest.approx(want.mean(), rel=1e-12)
    assert row.input_spread == pytest.approx(want.mean((1, 2)).std(), rel=1e-9)


def test_functions_and_external_data_are_run_too(tmp_path):
    body = [node("MatMul", ["a", "m"], ["b"], "inner"), node("Relu", ["b"], ["c"], "act")]
    opsets = [helper.make_opsetid("", 17)]
    layer = helper.make_function("mine", "Layer", ["a", "m"], ["c"], body, opsets)
    weight = random("w", 4, 6)
    built = model(
        [helper.make_node("Layer", ["x", "w"], ["y"], name="one", domain="mine")],
        [tensor("x", [2, 4])],
        [tensor("y", None)],
        [weight],
    )
    built.opset_import.append(helper.make_opsetid("mine", 1))
    built.functions.append(layer)
    path = tmp_path / "outside.onnx"
    onnx.save(built, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    x = np.random.default_rng(3).standard_normal((4, 4)).astype(np.float32)
    network = workloads.from_onnx(path, calibration=[x])
    want = np.maximum(x @ onnx.numpy_helper.to_array(weight), 0) != 0
    assert network.graph.tensors[network.graph.outputs[0]].density == pytest.approx(want.mean())


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (np.zeros((2, 3), "f4"), r"calibration: no values for input 'z'"),
        ({"x": np.zeros((2, 3), "f4")}, r"calibration: no values for input 'z'"),
        ((np.zeros((2, 4), "f4"), np.zeros((3, 2), "f4")), r"'x' must have shape \(batch, 3\), got \(2, 4\)"),
        ((np.zeros((2, 3), "f4"), np.zeros((3, 4), "f4")), r"inputs differ in samples: 'x' 2, 'z' 4"),
        ((np.zeros((2, 3), int), np.zeros((3, 2), int)), r"input 'x' must be float32, got int64"),
        ([], "calibration holds no sample"),
        (7, "calibration must be inputs or an iterable of them, got int"),
        ("images", "calibration must be inputs or an iterable of them, got str"),
    ],
)
def test_bad_calibration(tmp_path, calibration, words):
    with pytest.raises(NetworkImportError, match=words):
        workloads.from_onnx(two_inputs(tmp_path / "two.onnx"), batch=1, calibration=calibration)


def test_what_the_runtime_refuses_is_one_line(tmp_path):
    nodes = [node("Relu", ["x"], ["r"]), node("Conv", ["r", "w"], ["y"])]
    path = save(
        tmp_path / "m.onnx",
        model(nodes, [tensor("x", [1, 2, 4, 4], TensorProto.BFLOAT16)], [tensor("y", None)], [
            helper.make_tensor("w", TensorProto.BFLOAT16, [2, 2, 1, 1], [1.0] * 4)
        ]),
    )  # fmt: skip
    assert workloads.from_onnx(path).macs == 64
    with pytest.raises(NetworkImportError, match="calibration") as caught:
        workloads.from_onnx(path, calibration=np.zeros((1, 2, 4, 4), dtype="f4"))
    assert "\n" not in str(caught.value)


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(NetworkImportError, match=r"pip install 'springboard\[onnxruntime\]'"):
        workloads.from_onnx(
            two_inputs(tmp_path / "two.onnx"), batch=1, calibration=(np.zeros((1, 3)), np.zeros((3, 1)))
        )
