"""Files that people own: old ones, ones without weights, first steps of decoders, conditions on inputs."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor
from workloads import NetworkImportError, WorkloadError

INT64 = TensorProto.INT64


def read(tmp_path, built, **options):
    return workloads.from_onnx(save(tmp_path / "m.onnx", built), **options)


def weightless(external=False):
    weight = random("w", 16, 8, 3, 3)
    weight.ClearField("raw_data")
    if external:
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="gone.bin")
    layer = node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    return model([layer], [tensor("x", (1, 8, 32, 32))], [tensor("y", None)], [weight])


def test_a_file_without_weights_is_dense(tmp_path):
    network = read(tmp_path, weightless())
    assert (network.macs, network.parameters) == (1_179_648, 16 * 8 * 9)
    assert network.source.endswith("1 of its weights have no values there and are taken as dense")
    assert network.effectual_macs == network.macs
    made_up = read(tmp_path, weightless(), weights="random")
    assert made_up.weight("conv_0").known == "measured"


def test_a_lost_file_of_weights_is_refused_unless_they_are_not_wanted(tmp_path):
    with pytest.raises(NetworkImportError, match=r"'gone.bin' is missing; weights='dense' reads the model"):
        read(tmp_path, weightless(external=True))
    for weights in ("dense", "random"):
        assert read(tmp_path, weightless(external=True), weights=weights).macs == 1_179_648
    with pytest.raises(WorkloadError, match="weights must be 'dense' or 'random', got 'sparse'"):
        read(tmp_path, weightless(), weights="sparse")


def test_values_that_are_computed_with_must_be_there(tmp_path):
    shape = stored("s", np.array([1, -1]))
    shape.ClearField("raw_data")
    built = model([node("Reshape", ["x", "s"], ["y"])], [tensor("x", (2, 3))], [tensor("y", None)], [shape])
    with pytest.raises(NetworkImportError, match=r"tensor 's': its values are needed and not in the file$"):
        read(tmp_path, built, weights="random")


def test_weights_may_be_inputs(tmp_path):
    layer = node("Conv", ["x", "w", "b"], ["y"])
    given = [tensor("x", (1, 3, 8, 8)), tensor("w", (4, 3, 3, 3)), tensor("b", (4,))]
    network = read(tmp_path, model([layer], given, [tensor("y", None)]))
    assert (network.macs, network.parameters) == (3_888, 0)
    assert [o.kind for o in network.operations] == ["convolution", "reshape", "add"]
    back = node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    given = [tensor("x", (1, 3, 4, 4)), tensor("w", (3, 5, 2, 2))]
    assert read(tmp_path, model([back], given, [tensor("y", None)])).macs == 16 * 3 * 5 * 4


def test_the_first_step_of_a_decoder_has_nothing_in_its_cache(tmp_path):
    nodes = [node("Concat", ["p", "x"], ["h"], axis=1), node("MatMul", ["h", "w"], ["y"])]
    built = model(
        nodes, [tensor("p", (1, "past", 8)), tensor("x", (1, 4, 8))], [tensor("y", None)], [random("w", 8, 8)]
    )
    assert read(tmp_path, built, dims={"past": 0}).macs == 256
    assert read(tmp_path, built, dims={"past": 2}).macs == 384
    with pytest.raises(NetworkImportError, match="dimension 'past' must be a positive integer, got -1"):
        read(tmp_path, built, dims={"past": -1})


def conditional():
    branches = [
        helper.make_graph([node("MatMul", ["x", w], [f"{w}_out"], w)], w, [], [tensor(f"{w}_out", None)])
        for w in ("a", "b")
    ]
    nodes = [
        node("Equal", ["sr", "k"], ["c"]),
        node("If", ["c"], ["y"], "choice", then_branch=branches[0], else_branch=branches[1]),
    ]
    weights = [random("a", 8, 8), random("b", 8, 4), stored("k", np.array(16000))]
    return model(nodes, [tensor("x", (1, 8)), tensor("sr", (), INT64)], [tensor("y", None)], weights)


@pytest.mark.parametrize(("rate", "macs"), [(16000, 64), (np.int64(8000), 32)])
def test_an_input_that_is_known_decides_a_branch(tmp_path, rate, macs):
    network = read(tmp_path, conditional(), inputs={"sr": rate})
    assert network.macs == macs
    assert [t.name for t in network.graph.inputs()] == ["x"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (None, r"inputs=\{'sr': VALUE\}.*unsupported operators: If \(choice\)$"),
        ({"rate": 1}, "inputs: the model has no input 'rate'; it has 'x', 'sr'"),
        ({"sr": "16k"}, r"inputs: 'sr' must be numbers of type int64 and shape \(\)"),
        ({"sr": [1, 2]}, r"inputs: 'sr' must be numbers of type int64 and shape \(\)"),
        ({"sr": 1.5}, r"inputs: 'sr' must be numbers of type int64"),
    ],
)
def test_what_is_given_for_an_input_is_checked(tmp_path, inputs, words):
    with pytest.raises(NetworkImportError, match=words):
        read(tmp_path, conditional(), inputs=inputs)


@pytest.mark.parametrize("opset", [1, 5, 6])
def test_old_operator_sets_are_converted(tmp_path, opset):
    weight = tensor("w", (4, 3, 3, 3))
    layers = [node("Conv", ["x", "w"], ["h"], "conv"), node("Relu", ["h"], ["y"], "act")]
    built = model(
        layers,
        [tensor("x", (1, 3, 5, 5)), weight],
        [tensor("y", (1, 4, 3, 3))],
        [random("w", 4, 3, 3, 3)],
        opset,
    )
    assert read(tmp_path, built).macs == 9 * 4 * 27


IMAGE, ROWS = tensor("x", (1, 8, 4, 4)), tensor("x", (2, 16))
FLAT = [
    node("Reshape", ["x"], ["r"], shape=[1, -1]),
    node("Gemm", ["r", "w", "b"], ["y"], broadcast=1, transB=1),
]
PADDED = [node("Pad", ["x"], ["p"], paddings=[0, 0, 1, 1, 0, 0, 1, 1]), node("Conv", ["p", "k"], ["y"])]
CAST = [node("Cast", ["x"], ["f"], to="FLOAT"), node("Add", ["f", "c"], ["y"], broadcast=1, axis=1)]
LAYER = [node("LSTM", ["x", "i", "h"], ["y"], hidden_size=16, output_sequence=1)]


@pytest.mark.parametrize(
    ("nodes", "given", "held", "macs", "parameters"),
    [
        (FLAT, IMAGE, [random("w", 10, 128), random("b", 10)], 1_280, 1_290),
        (PADDED, IMAGE, [random("k", 4, 8, 3, 3)], 16 * 4 * 72, 288),
        (CAST, IMAGE, [random("c", 8)], 0, 8),
        (
            LAYER,
            tensor("x", (5, 2, 8)),
            [random("i", 1, 64, 8), random("h", 1, 64, 16)],
            5 * 2 * 64 * 24,
            1_536,
        ),
    ],
)
def test_what_onnx_does_not_convert_is_rewritten(tmp_path, nodes, given, held, macs, parameters):
    network = read(tmp_path, model(nodes, [given], [tensor("y", None)], held, opset=1))
    assert (network.macs, network.parameters) == (macs, parameters)


def test_a_deformable_convolution_samples_columns_and_multiplies(tmp_path):
    given = [tensor("x", (1, 8, 12, 12)), tensor("o", (1, 18, 12, 12)), tensor("m", (1, 9, 12, 12))]
    layer = node("DeformConv", ["x", "w", "o", "b", "m"], ["y"], pads=[1] * 4)
    held = [random("w", 4, 8, 3, 3, density=0.5), random("b", 4)]
    network = read(tmp_path, model([layer], given, [tensor("y", None)], held, opset=19))
    assert (network.macs, network.parameters) == (4 * 8 * 9 * 144, 4 * 72 + 4)
    assert network.effectual_macs == 144 * network.weight("deformconv_0").nonzeros
    sampled = network.table()
    assert sampled.vector_ops[0] == 8 * 8 * 9 * 144  # four neighbours, and a weight a point
    assert sampled.read_elements[0] == (8 + 18 + 9) * 144
    bad = model(
        [layer], [given[0], tensor("o", (1, 17, 12, 12)), given[2]], [tensor("y", None)], held, opset=19
    )
    with pytest.raises(NetworkImportError, match="its offsets have shape"):
        read(tmp_path, bad)


@pytest.mark.parametrize("mode", [0, 1, 3])
def test_scores_may_be_given_away(tmp_path, mode):
    given = [tensor("q", (2, 4, 6, 8)), tensor("k", (2, 2, 10, 8)), tensor("v", (2, 2, 10, 8))]
    layer = node("Attention", ["q", "k", "v"], ["y", "", "", "s"], qk_matmul_output_mode=mode)
    network = read(tmp_path, model([layer], given, [tensor("y", None), tensor("s", None)], opset=23))
    assert network.macs == 2 * 2 * 4 * 6 * 10 * 8
    assert [network.graph.tensors[name].shape for name in network.graph.outputs] == [
        (2, 4, 6, 8),
        (2, 4, 6, 10),
    ]


def test_a_fourier_transform_is_vector_work(tmp_path):
    layer = node("DFT", ["x"], ["y"], axis=1)
    network = read(tmp_path, model([layer], [tensor("x", (1, 16, 1))], [tensor("y", None)]))
    assert network.table().vector_ops.tolist() == [10 * 8 * 4 / 2]
    assert network.graph.tensors[network.graph.outputs[0]].shape == (1, 16, 2)


@pytest.mark.parametrize(
    ("axis", "table", "shape"),
    [
        (0, (5, 3), (1, 2, 3)),
        (1, (5, 3), (5, 1, 2)),
        (0, (5, 2, 3), (1, 2, 2, 3)),
        (-1, (5, 2, 3), (5, 2, 1, 2)),
    ],
)
def test_constants_are_picked_from_along_any_axis(tmp_path, axis, table, shape):
    picked = node("Gather", ["t", "i"], ["h"], axis=axis)
    built = model(
        [picked, node("Relu", ["h"], ["y"])],
        [tensor("i", (1, 2), INT64)],
        [tensor("y", None)],
        [random("t", *table)],
    )
    network = read(tmp_path, built)
    assert network.graph.tensors["relu_0"].shape == shape
    assert network.parameters == np.prod(table)


def test_elements_are_picked_of_constants(tmp_path):
    picked = node("GatherElements", ["t", "i"], ["h"], axis=1)
    built = model(
        [picked, node("Relu", ["h"], ["y"])],
        [tensor("i", (5, 2), INT64)],
        [tensor("y", None)],
        [random("t", 5, 3)],
    )
    assert read(tmp_path, built).graph.tensors["relu_0"].shape == (5, 2)


W = random("w", 4, 3, 3, 3)


@pytest.mark.parametrize(
    ("made", "weights", "words"),
    [
        (
            node("Conv", ["x", "w"], ["y"], stride=[2, 2]),
            [W],
            "has no attribute 'stride' .*did you mean 'strides'",
        ),
        (node("Conv", ["x", "w"], ["y"], wobble=1), [W], "has no attribute 'wobble' .*it has "),
        (node("Conv", ["x", "w"], ["y"], strides=2), [W], "attribute strides must be a list of integers"),
        (node("Conv", ["x"], ["y"]), [], "1 inputs, expected 2 to 3"),
        (node("Conv", ["x", ""], ["y"]), [], r"input 1 \(W\) must be given"),
        (node("Add", ["x"], ["y"]), [], "1 inputs, expected 2"),
        (node("Concat", ["x", "x"], ["y"]), [], "attribute axis must be given"),
        (node("Cast", ["x"], ["y"]), [], "attribute to must be given"),
        (node("DepthToSpace", ["x"], ["y"]), [], "attribute blocksize must be given"),
        (
            node("GatherElements", ["x", "i"], ["y"], axis=9),
            [stored("i", np.zeros((1, 3, 8, 8), np.int64))],
            "axis 9 is outside a tensor of 4 dimensions",
        ),
    ],
)
def test_nodes_are_what_their_operators_allow(tmp_path, made, weights, words):
    with pytest.raises(NetworkImportError, match=rf"node '.*' \({made.op_type}\): {words}"):
        read(tmp_path, model([made], [tensor("x", (1, 3, 8, 8))], [tensor("y", None)], weights))
