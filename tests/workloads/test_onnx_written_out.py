"""Operators that are written out: sequences, functions of other operators, noise, spectra."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, onnx, random, save, stored, tensor

INT = TensorProto.INT64


@pytest.fixture
def read(tmp_path):
    def read(nodes, inputs, held=(), opset=18, outputs=("y",), **more):
        built = model(nodes, inputs, [tensor(name, None) for name in outputs], held, opset, **more)
        return workloads.from_onnx(save(tmp_path / "model.onnx", built))

    return read


def shapes(net):
    return [net.graph.tensors[name].shape for name in net.graph.outputs]


@pytest.mark.parametrize(("axis", "new", "result"), [(1, 0, (4, 12)), (0, 1, (3, 4, 4)), (-1, 1, (4, 4, 3))])
def test_a_sequence_costs_nothing_but_its_join(read, axis, new, result):
    nodes = [
        node("MatMul", ["x", "w"], ["a"], "first"),
        node("Relu", ["a"], ["b"], "relu"),
        node("SequenceConstruct", ["a", "b"], ["s"], "make"),
        node("SequenceInsert", ["s", "x", "zero"], ["t"], "insert"),
        node("SequenceAt", ["t", "zero"], ["c"], "at"),
        node("SequenceErase", ["t", "zero"], ["u"], "erase"),
        node("SequenceInsert", ["u", "c"], ["v"], "again"),
        node("ConcatFromSequence", ["v"], ["y"], "join", axis=axis, new_axis=new),
    ]
    net = read(nodes, [tensor("x", (4, 4))], [random("w", 4, 4), stored("zero", np.int64(0))])
    assert (net.macs, net.parameters, shapes(net)) == (64, 16, [result])


@pytest.mark.parametrize("keep", [0, 1])
def test_a_split_into_a_sequence_read_by_a_loop(read, keep):
    """What PyTorch's exporter writes for a loop over `unbind`: a Loop over SequenceAt, gathered anew."""
    body = helper.make_graph(
        [
            node("SequenceAt", ["s", "i"], ["slice"], "at"),
            node("MatMul", ["slice", "w"], ["p"], "product"),
            node("SequenceInsert", ["kept", "p"], ["more"], "insert"),
            node("Identity", ["c"], ["d"], "go"),
        ],
        "body",
        [tensor("i", (), INT), tensor("c", (), TensorProto.BOOL), tensor("kept", None)],
        [tensor("d", (), TensorProto.BOOL), tensor("more", None)],
    )
    nodes = [
        node("SplitToSequence", ["x"], ["s"], "split", axis=0, keepdims=keep),
        node("SequenceLength", ["s"], ["n"], "count"),
        node("SequenceEmpty", [], ["none"], "empty"),
        node("Loop", ["n", "", "none"], ["all"], "loop", body=body),
        node("ConcatFromSequence", ["all"], ["y"], "join", axis=0, new_axis=1),
    ]
    net = read(nodes, [tensor("x", (5, 3, 4))], [random("w", 4, 6)])
    assert net.macs == 5 * 3 * 4 * 6
    assert shapes(net) == [(5, 1, 3, 6) if keep else (5, 3, 6)]


def test_places_that_data_choose_name_the_way_out(read):
    nodes = [
        node("SequenceConstruct", ["x", "x"], ["s"], "make"),
        node("SequenceAt", ["s", "i"], ["y"], "at"),
    ]
    with pytest.raises(workloads.NetworkImportError, match=r"inputs=\{'i': VALUE\}"):
        read(nodes, [tensor("x", (2, 2)), tensor("i", (), INT)])


def test_optional_values(read):
    nodes = [
        node("Optional", ["x"], ["o"], "wrap"),
        node("OptionalHasElement", ["o"], ["h"], "has"),
        node("OptionalGetElement", ["o"], ["g"], "get"),
        node("Cast", ["h"], ["f"], "cast", to=1),
        node("MatMul", ["g", "w"], ["p"], "fc"),
        node("Mul", ["p", "f"], ["y"], "times"),
    ]
    assert read(nodes, [tensor("x", (4, 4))], [random("w", 4, 4)]).macs == 64


@pytest.mark.parametrize("window", ["HannWindow", "HammingWindow", "BlackmanWindow"])
def test_a_mel_spectrogram(read, window):
    """As Whisper's preprocessing is exported: a window, an STFT, magnitudes, a product with known filters."""
    nodes = [
        node(window, ["points"], ["w"], "window"),
        node("STFT", ["x", "step", "w"], ["f"], "stft"),
        node("ReduceSumSquare", ["f", "last"], ["p"], "power", keepdims=0),
        node("MelWeightMatrix", ["mels", "points", "rate", "low", "high"], ["m"], "mel"),
        node("MatMul", ["p", "m"], ["y"], "fc"),
    ]
    held = [stored("points", np.int64(16)), stored("step", np.int64(8)), stored("last", np.array([3]))]
    held += [stored("mels", np.int64(4)), stored("rate", np.int64(8000))]
    held += [stored("low", np.float32(100)), stored("high", np.float32(3000))]
    net = read(nodes, [tensor("x", (2, 64, 1))], held, opset=20)
    assert net.macs == 2 * 7 * 9 * 4
    assert shapes(net) == [(2, 7, 4)]
    butterflies = 2 * 7 * 16 / 2 * 4
    assert net.table().vector_ops[0] == 10 * butterflies / 2 + 2 * 7 * 16


@pytest.mark.parametrize(
    ("operator", "fields", "result"),
    [
        ("RandomNormalLike", {}, (3, 4)),
        ("RandomUniformLike", {}, (3, 4)),
        ("Bernoulli", {}, (3, 4)),
        ("Multinomial", {"sample_size": 5, "dtype": 7}, (3, 5)),
    ],
)
def test_noise_of_a_tensor(read, operator, fields, result):
    net = read([node(operator, ["x"], ["y"], "noise", **fields)], [tensor("x", (3, 4))])
    assert (net.macs, net.parameters, shapes(net)) == (0, 0, [result])
    assert net.table().vector_ops.sum() > 0


def test_noise_of_a_shape_is_given(read):
    nodes = [node("RandomNormal", [], ["n"], "noise", shape=[3, 4]), node("Add", ["x", "n"], ["y"], "add")]
    net = read(nodes, [tensor("x", (3, 4))])
    assert (net.macs, net.parameters, net.table().vector_ops.sum()) == (0, 0, 12)


@pytest.mark.parametrize(("axes", "result"), [(None, (3, 6)), ([1], (4, 6))])
def test_a_crop_and_a_pad_to_a_shape(read, axes, result):
    fields = {} if axes is None else {"axes": axes}
    wanted = stored("s", np.array(result if axes is None else result[1:], dtype=np.int64))
    net = read([node("CenterCropPad", ["x", "s"], ["y"], "crop", **fields)], [tensor("x", (4, 4))], [wanted])
    assert shapes(net) == [result]


def test_a_loss_is_written_out(read):
    nodes = [
        node("MatMul", ["x", "w"], ["s"], "fc"),
        node("SoftmaxCrossEntropyLoss", ["s", "labels"], ["y"], "loss"),
    ]
    net = read(nodes, [tensor("x", (8, 4)), tensor("labels", (8,), INT)], [random("w", 4, 5)])
    assert (net.macs, net.parameters) == (160, 20)


def test_a_grid_of_an_affine_map(read):
    nodes = [
        node("AffineGrid", ["t", "s"], ["g"], "grid"),
        node("GridSample", ["x", "g"], ["y"], "sample"),
    ]
    sizes = stored("s", np.array([1, 3, 5, 7]))
    net = read(nodes, [tensor("x", (1, 3, 6, 6)), tensor("t", (1, 2, 3))], [sizes], opset=20)
    assert shapes(net) == [(1, 3, 5, 7)]
    assert net.macs == 5 * 7 * 3 * 2  # the map of each position, as the function's product has it


def test_a_body_for_every_tensor_of_a_sequence(read):
    body = helper.make_graph(
        [node("MatMul", ["a", "w"], ["b"], "product")], "body", [tensor("a", (3, 4))], [tensor("b", (3, 6))]
    )
    nodes = [
        node("SequenceConstruct", ["x", "x"], ["s"], "make"),
        node("SequenceMap", ["s"], ["t"], "map", body=body),
        node("ConcatFromSequence", ["t"], ["y"], "join", axis=0),
    ]
    net = read(nodes, [tensor("x", (3, 4))], [random("w", 4, 6)])
    assert (net.macs, net.parameters, shapes(net)) == (2 * 72, 24, [(6, 6)])


@pytest.mark.parametrize(
    ("rule", "more", "products"), [("linear", 0, 2), ("gated", 1, 2), ("gated_delta", 2, 3)]
)
@pytest.mark.parametrize("past", [False, True])
def test_linear_attention_token_by_token(read, rule, more, products, past):
    """Each token adds an outer product to its heads' state, and four query heads read two states."""
    if onnx.defs.onnx_opset_version() < 27:
        pytest.skip("this ONNX has no LinearAttention")
    names = ["q", "k", "v", "p" if past else "", "g", "b"][: 4 + more]
    given = {
        "q": (2, 5, 32),
        "k": (2, 5, 16),
        "v": (2, 5, 16),
        "p": (2, 2, 8, 8),
        "g": (2, 5, 2),
        "b": (2, 5, 2),
    }
    fields = {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": rule}
    layer = node("LinearAttention", names, ["y", "state"], "la", **fields)
    net = read([layer], [tensor(name, given[name]) for name in names if name], opset=27)
    assert net.macs == 2 * 5 * 64 * (4 + 2 * (products - 1))
    assert (net.parameters, shapes(net)) == (0, [(2, 5, 32)])


@pytest.mark.parametrize("past", [False, True])
def test_a_causal_convolution_with_its_state(read, past):
    if onnx.defs.onnx_opset_version() < 27:
        pytest.skip("this ONNX has no CausalConvWithState")
    names = ["x", "w", "b", *(["p"] if past else [])]
    layer = node("CausalConvWithState", names, ["y", "s"], "conv", activation="silu")
    inputs = [tensor("x", (2, 8, 5)), *([tensor("p", (2, 8, 3))] if past else [])]
    net = read([layer], inputs, [random("w", 8, 1, 4), random("b", 8)], 27, ("y", "s"))
    assert (net.macs, net.parameters) == (2 * 8 * 5 * 4, 40)
    assert shapes(net) == [(2, 8, 5), (2, 8, 3)]


def test_what_is_written_out_has_what_onnx_computes(read, tmp_path):
    """SwiGLU of opset 28 where ONNX has it: a sigmoid and two products an element."""
    if onnx.defs.onnx_opset_version() < 28:
        pytest.skip("this ONNX has no SwiGLU")
    net = read(
        [node("SwiGLU", ["a", "b"], ["y"], "gate")], [tensor("a", (4, 8)), tensor("b", (4, 8))], opset=28
    )
    assert (net.macs, shapes(net)) == (0, [(4, 8)])
