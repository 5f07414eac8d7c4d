"""Small ONNX models, one rule each, against counts by hand."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import FLOAT, TensorProto, helper, model, node, onnx, random, save, stored, tensor


@pytest.fixture
def read(tmp_path):
    def read(nodes, inputs, outputs, initializers=(), opset=17, **options):
        built = model(nodes, inputs, outputs, initializers, opset)
        return workloads.from_onnx(save(tmp_path / "model.onnx", built), **options)

    return read


def convolution(read, shape, weight, out, **attributes):
    net = read(
        [node("Conv", ["x", "w"], ["y"], **attributes)],
        [tensor("x", shape)],
        [tensor("y", None)],
        [random("w", *weight)],
    )
    assert net.graph.tensors["conv_0"].shape == out
    (row,) = net.lowering().rows
    return row


def test_grouped(read):
    row = convolution(read, (1, 6, 8, 8), (4, 3, 3, 3), (1, 4, 6, 6), group=2)
    assert (row.g, row.k, row.c, row.macs) == (2, 2, 3, 36 * 4 * 3 * 9)


def test_dilated(read):
    row = convolution(read, (1, 3, 9, 9), (4, 3, 3, 3), (1, 4, 5, 5), dilations=[2, 2])
    assert (row.dilation_r, row.dilation_s, row.macs) == (2, 2, 25 * 4 * 27)


@pytest.mark.parametrize(("auto_pad", "before"), [("SAME_UPPER", 2), ("SAME_LOWER", 3)])
def test_auto_padding(read, auto_pad, before):
    row = convolution(
        read, (1, 3, 224, 224), (8, 3, 7, 7), (1, 8, 112, 112), auto_pad=auto_pad, strides=[2, 2]
    )
    assert (row.pad_top, row.pad_left, row.stride_p) == (before, before, 2)


def test_asymmetric_padding(read):
    row = convolution(read, (1, 3, 8, 10), (4, 3, 3, 3), (1, 4, 9, 9), pads=[1, 0, 2, 1])
    assert (row.pad_top, row.pad_left, row.p, row.q) == (1, 0, 9, 9)


def test_one_dimension(read):
    row = convolution(read, (2, 3, 16), (4, 3, 5), (2, 4, 6), strides=[2])
    assert (row.n, row.p, row.q, row.r, row.s) == (2, 1, 6, 1, 5)


@pytest.mark.parametrize(
    ("attributes", "out"),
    [
        ({"strides": [2, 2]}, (1, 6, 11, 11)),
        ({"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}, (1, 6, 10, 10)),
        ({"strides": [2, 2], "output_shape": [10, 10]}, (1, 6, 10, 10)),
        ({"strides": [2, 2], "output_shape": [12, 12]}, (1, 6, 12, 12)),
        ({"strides": [2, 2], "auto_pad": "SAME_UPPER"}, (1, 6, 10, 10)),
        ({"strides": [3, 3], "group": 2}, (1, 12, 15, 15)),
    ],
)
def test_transposed_shapes_are_onnx_shape_inferences(tmp_path, attributes, out):
    built = model(
        [node("ConvTranspose", ["x", "w"], ["y"], **attributes)],
        [tensor("x", (1, 4, 5, 5))],
        [tensor("y", [None] * 4)],
        [random("w", 4, 6, 3, 3)],
    )
    net = workloads.from_onnx(save(tmp_path / "m.onnx", built))
    assert net.graph.tensors["convtranspose_0"].shape == out
    inferred = onnx.shape_inference.infer_shapes(built, strict_mode=True)
    if "output_shape" not in attributes or attributes["output_shape"] == [10, 10]:
        assert tuple(d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim) == out


@pytest.mark.parametrize("flip", [0, 1])
def test_gemm_reads_both_orders_of_the_weight(read, flip):
    values = np.zeros((5, 3), np.float32)
    values[0], values[1, 0] = 1, 1  # out by in: the first output sees all inputs, the second one
    net = read(
        [node("Gemm", ["x", "w", "b"], ["y"], transB=flip)],
        [tensor("x", (2, 3))],
        [tensor("y", (2, 5))],
        [stored("w", values if flip else values.T), stored("b", np.ones(5, np.float32))],
    )
    assert (net.macs, net.parameters, net.nonzero_parameters) == (2 * 15, 20, 9)
    assert np.array_equal(net.mask("gemm_0"), values != 0)
    assert net.effectual_macs == 2 * 4


def test_gemm_of_two_activations_with_a_sum(read):
    net = read(
        [node("Gemm", ["x", "w", "c"], ["y"], transA=1, transB=1)],
        [tensor("x", (3, 2)), tensor("w", (5, 3)), tensor("c", (2, 5))],
        [tensor("y", (2, 5))],
    )
    assert net.macs == 2 * 3 * 5
    assert [operation.kind for operation in net.operations] == ["transpose", "matmul", "add"]


@pytest.mark.parametrize(
    ("a", "b", "out", "macs"),
    [
        ((2, 4, 3, 5), (2, 4, 5, 7), (2, 4, 3, 7), 8 * 3 * 5 * 7),
        ((2, 4, 3, 5), (5, 7), (2, 4, 3, 7), 8 * 3 * 5 * 7),
        ((2, 1, 3, 5), (1, 4, 5, 7), (2, 4, 3, 7), 8 * 3 * 5 * 7),
        ((5,), (4, 5, 7), (4, 7), 4 * 5 * 7),
        ((4, 3, 5), (5,), (4, 3), 4 * 3 * 5),
        ((5,), (5,), (), 5),
    ],
)
@pytest.mark.parametrize("constant", ["", "a", "b"])
def test_matmul(read, a, b, out, macs, constant):
    inputs = [tensor("extra", (1,))]
    inputs += [] if constant == "a" else [tensor("a", a)]
    inputs += [] if constant == "b" else [tensor("b", b)]
    held = [random("a", *a)] if constant == "a" else [random("b", *b)] if constant == "b" else []
    net = read([node("MatMul", ["a", "b"], ["y"])], inputs, [tensor("y", out)], held)
    assert net.macs == macs
    assert net.graph.tensors[net.graph.outputs[0]].shape == out
    assert net.parameters == (int(np.prod({"a": a, "b": b}[constant])) if constant else 0)


def test_zeros_become_density_and_mask(read):
    weight = random("w", 16, 8, 3, 3, density=0.3, seed=3)
    mask = onnx.numpy_helper.to_array(weight) != 0
    net = read([node("Conv", ["x", "w"], ["y"])], [tensor("x", (1, 8, 6, 6))], [tensor("y", None)], [weight])
    assert net.nonzero_parameters == mask.sum()
    assert np.array_equal(net.mask("conv_0"), mask)
    assert net.effectual_macs == 16 * mask.sum()
    assert net.table().weight_density[0] == mask.mean()
    assert net.weight("conv_0").known == "measured"


def test_shared_initialisers_are_counted_once(read):
    net = read(
        [
            node("Conv", ["x", "w"], ["h"], "one", pads=[1] * 4),
            node("Conv", ["h", "w"], ["y"], "two", pads=[1] * 4),
        ],
        [tensor("x", (1, 4, 6, 6))],
        [tensor("y", None)],
        [random("w", 4, 4, 3, 3)],
    )
    assert net.parameters == 144
    assert net.macs == 2 * 36 * 144
    assert net.weight("one") is net.weight("two")


def test_tied_embeddings_are_counted_once(read):
    table = random("table", 50, 8, density=0.5)
    net = read(
        [
            node("Gather", ["table", "ids"], ["x"], "embed"),
            node("Transpose", ["table"], ["turned"], "turn", perm=[1, 0]),
            node("MatMul", ["x", "turned"], ["logits"], "head"),
        ],
        [tensor("ids", (1, 6), TensorProto.INT64)],
        [tensor("logits", (1, 6, 50))],
        [table],
    )
    assert net.parameters == 400
    assert net.macs == 6 * 8 * 50
    assert net.weight("head") is net.weight("embed")
    row = net.lowering().rows[0]
    assert (row.weight_elements, row.read_elements, row.write_elements, row.input_bits) == (48, 6, 48, 64)


def test_one_square_weight_in_two_orders_is_two_masks_but_one_parameter_count(read):
    values = np.triu(np.ones((4, 4), np.float32))
    net = read(
        [
            node("MatMul", ["x", "w"], ["h"], "one"),
            node("Transpose", ["w"], ["t"], "turn"),
            node("MatMul", ["h", "t"], ["y"], "two"),
        ],
        [tensor("x", (1, 4))],
        [tensor("y", (1, 4))],
        [stored("w", values)],
    )
    assert net.parameters == 16
    assert np.array_equal(net.mask("one"), values.T != 0)
    assert np.array_equal(net.mask("two"), values != 0)


def test_external_data(tmp_path):
    weight = random("w", 8, 3, 3, 3, density=0.4)
    built = model(
        [node("Conv", ["x", "w"], ["y"])], [tensor("x", (1, 3, 5, 5))], [tensor("y", None)], [weight]
    )
    inside = workloads.from_onnx(save(tmp_path / "inside.onnx", built))
    path = tmp_path / "outside.onnx"
    onnx.save_model(built, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").stat().st_size >= 8 * 27 * 4
    outside = workloads.from_onnx(path)
    assert outside.nonzero_parameters == inside.nonzero_parameters
    assert np.array_equal(outside.mask("conv_0"), inside.mask("conv_0"))


def dynamic(tmp_path, shape=("batch", 3, "side", "side")):
    built = model(
        [node("Conv", ["x", "w"], ["y"])],
        [tensor("x", shape)],
        [tensor("y", None)],
        [random("w", 4, 3, 3, 3)],
    )
    return save(tmp_path / "dynamic.onnx", built)


def test_dynamic_dimensions_are_bound(tmp_path):
    net = workloads.from_onnx(dynamic(tmp_path), dims={"batch": 2, "side": 6})
    assert net.graph.tensors["x"].shape == (2, 3, 6, 6)
    assert net.batch == 2
    assert net.table(5).n[0] == 5
    assert workloads.load(dynamic(tmp_path), batch=3, dims={"side": 6}).batch == 3
    unnamed = dynamic(tmp_path, (None, 3, 6, 6))
    assert workloads.from_onnx(unnamed, batch=2) == workloads.from_onnx(unnamed, dims={"x.0": 2})


def test_the_batch_is_the_dimension_called_so(tmp_path):
    built = model(
        [node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4)],
        [tensor("x", (5, "batch_size", 3))],
        [tensor("y", None)],
        [random("w", 1, 16, 3), random("r", 1, 16, 4)],
    )
    net = workloads.from_onnx(save(tmp_path / "m.onnx", built), batch=2)
    assert net.graph.tensors["x"].shape == (5, 2, 3)
    assert net.batch == 2
    assert net.table(6).n.tolist() == [30, 6, 6]


def test_shape_arithmetic_of_exported_models_folds(read):
    """The nodes torch writes for x.view(x.size(0), -1) and for a reshape to heads."""
    net = read(
        [
            node("Shape", ["x"], ["s"], "shape"),
            node("Constant", [], ["zero"], "zero", value=helper.make_tensor("z", TensorProto.INT64, [], [0])),
            node("Gather", ["s", "zero"], ["n"], "gather", axis=0),
            node("Unsqueeze", ["n", "axis0"], ["n1"], "unsqueeze"),
            node("Concat", ["n1", "minus"], ["target"], "concat", axis=0),
            node("Reshape", ["x", "target"], ["flat"], "flat"),
            node("MatMul", ["flat", "w"], ["y"], "fc"),
        ],
        [tensor("x", (2, 3, 4, 4))],
        [tensor("y", (2, 10))],
        [random("w", 48, 10), stored("axis0", np.array([0])), stored("minus", np.array([-1]))],
    )
    assert [operation.name for operation in net.operations] == ["flat", "fc"]
    assert net.macs == 2 * 480


def test_uniform_weights_take_no_memory(read):
    net = read(
        [
            node(
                "ConstantOfShape", ["shape"], ["w"], "fill", value=helper.make_tensor("v", FLOAT, [1], [0.02])
            ),
            node("MatMul", ["x", "w"], ["y"]),
        ],
        [tensor("x", (1, 10**6))],
        [tensor("y", (1, 10**6))],
        [stored("shape", np.array([10**6, 10**6]))],
    )
    assert net.parameters == net.nonzero_parameters == net.macs == 10**12


def test_zero_points_are_zeros(read):
    values = np.array([[7, 7, 3], [7, 200, 9]], np.uint8)
    net = read(
        [
            node("QuantizeLinear", ["x", "s", "z"], ["q"], "quantize"),
            node("DequantizeLinear", ["q", "s", "z"], ["d"], "dequantize"),
            node("DequantizeLinear", ["wq", "s", "wz"], ["w"], "weights"),
            node("MatMul", ["d", "w"], ["y"], "fc"),
        ],
        [tensor("x", (4, 2))],
        [tensor("y", (4, 3))],
        [
            stored("s", np.float32(0.1)), stored("z", np.uint8(3)), stored("wq", values), stored("wz",
            np.uint8(7)),
        ],
    )  # fmt: skip
    assert np.array_equal(net.mask("fc"), (values != 7).T)
    row = dict(zip(net.lowering().operations, net.lowering().rows, strict=True))["fc"]
    assert (row.weight_bits, row.input_bits) == (8, 8)
    assert row.effectual_macs == 4 * 3


def test_zero_points_of_each_channel(read):
    values = np.array([[0, 1, 2], [0, 1, 2]], np.int8)
    net = read(
        [
            node("DequantizeLinear", ["wq", "s", "z"], ["w"], "weights", axis=1),
            node("MatMul", ["x", "w"], ["y"], "fc"),
        ],
        [tensor("x", (4, 2))],
        [tensor("y", (4, 3))],
        [
            stored("s", np.ones(3, np.float32)),
            stored("z", np.array([0, 1, 0], np.int8)),
            stored("wq", values),
        ],
    )
    assert np.array_equal(net.mask("fc"), np.array([[0, 0], [0, 0], [1, 1]], bool))


def test_unknown_operators_as_movement(tmp_path):
    built = model(
        [
            node("Conv", ["x", "w"], ["h"], "conv"),
            helper.make_node("Wobble", ["h"], ["g"], name="wobble", domain="my.own"),
            node("Relu", ["g"], ["y"], "act"),
        ],
        [tensor("x", (1, 3, 5, 5))],
        [tensor("y", (1, 4, 3, 3))],
        [random("w", 4, 3, 3, 3)],
        value_info=[tensor("g", (1, 4, 3, 3))],
    )
    built.opset_import.append(helper.make_opsetid("my.own", 1))
    net = workloads.from_onnx(save(tmp_path / "m.onnx", built), unknown="movement")
    frame = net.summary()
    assert frame.loc["wobble", "kind"] == "Wobble?"
    assert frame.loc["wobble", "note"] == "unknown operator Wobble: costed as movement"
    assert frame.loc["wobble", ["read_bytes", "write_bytes"]].tolist() == [36, 36]


def test_unknown_standard_operators_get_their_shapes_from_onnx(tmp_path):
    built = model(
        [node("Conv", ["x", "w"], ["h"], "conv"), node("Det", ["h"], ["y"], "det")],
        [tensor("x", (1, 3, 5, 5))],
        [tensor("y", None)],
        [random("w", 4, 3, 3, 3)],
    )
    net = workloads.from_onnx(save(tmp_path / "m.onnx", built), unknown="movement")
    assert net.graph.tensors["det"].shape == (1, 4)


def test_what_outputs_do_not_need_is_left_out(read):
    net = read(
        [
            node("Relu", ["x"], ["y"], "act"),
            node("Neg", ["x"], ["unused"], "neg"),
            node("Loop", ["a", "b"], ["c"], "l"),
        ],
        [tensor("x", (1, 4)), tensor("label", ("N",))],
        [tensor("y", (1, 4))],
    )
    assert [operation.name for operation in net.operations] == ["act"]


@pytest.mark.parametrize(
    ("operator", "attributes", "extra", "shape", "kind"),
    [
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, [], (1, 4, 4, 4), "maxpool"),
        ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}, [], (1, 4, 4, 4), "averagepool"),
        ("GlobalAveragePool", {}, [], (1, 4, 1, 1), "global_averagepool"),
        ("ReduceMean", {"axes": [2, 3], "keepdims": 0}, [], (1, 4), "reduce_mean"),
        ("ReduceMax", {"axes": [-1]}, [], (1, 4, 8, 1), "reduce_max"),
        ("Softmax", {"axis": 1}, [], (1, 4, 8, 8), "softmax"),
        ("LRN", {"size": 5}, [], (1, 4, 8, 8), "localresponse"),
        ("InstanceNormalization", {}, [random("s", 4), random("b", 4)], (1, 4, 8, 8), "instancenorm"),
        ("LayerNormalization", {}, [random("s", 8), random("b", 8)], (1, 4, 8, 8), "layernorm"),
        ("PRelu", {}, [random("s", 4, 1, 1)], (1, 4, 8, 8), "prelu"),
        ("Clip", {}, [stored("lo", np.float32(0)), stored("hi", np.float32(6))], (1, 4, 8, 8), "clip"),
        ("Div", {}, [stored("two", np.float32(2))], (1, 4, 8, 8), "mul"),
        ("Pow", {}, [stored("two", np.float32(2))], (1, 4, 8, 8), "mul"),
        ("Pow", {}, [stored("three", np.float32(3))], (1, 4, 8, 8), "pow"),
        ("Pad", {}, [stored("p", np.array([0, 0, 1, 1, 0, 0, 2, 2]))], (1, 4, 11, 11), "pad"),
        ("Tile", {}, [stored("r", np.array([1, 2, 1, 3]))], (1, 8, 8, 24), "reshape expand reshape"),
        ("Expand", {}, [stored("r", np.array([3, 1, 1, 8]))], (3, 4, 8, 8), "expand"),
        ("DepthToSpace", {"blocksize": 2}, [], (1, 1, 16, 16), "depthtospace"),
        ("SpaceToDepth", {"blocksize": 2}, [], (1, 16, 4, 4), "spacetodepth"),
        ("Transpose", {"perm": [0, 2, 3, 1]}, [], (1, 8, 8, 4), "transpose"),
        ("Flatten", {"axis": 2}, [], (4, 64), "reshape"),
        ("ArgMax", {"axis": 1, "keepdims": 0}, [], (1, 8, 8), "reduce_argmax"),
        ("Slice", {}, [stored("a", np.array([1])), stored("b", np.array([99])), stored("c", np.array([2]))],
         (1, 4, 7, 8), "slice"),
    ],
)  # fmt: skip
def test_operators(tmp_path, operator, attributes, extra, shape, kind):
    built = model(
        [node(operator, ["x", *[t.name for t in extra]], ["y"], **attributes)],
        [tensor("x", (1, 4, 8, 8))],
        [tensor("y", None, TensorProto.INT64 if operator.startswith("Arg") else FLOAT)],
        extra,
    )
    net = workloads.from_onnx(save(tmp_path / "m.onnx", built))
    assert " ".join(operation.kind for operation in net.operations) == kind
    assert net.graph.tensors[net.graph.outputs[0]].shape == shape
    inferred = onnx.shape_inference.infer_shapes(built, data_prop=True).graph.output[0].type.tensor_type.shape
    assert tuple(d.dim_value for d in inferred.dim) == shape


@pytest.mark.parametrize(
    ("mode", "work"), [("nearest", 0), ("linear", 7 * 4 * 256), ("cubic", 31 * 4 * 256)]
)  # fmt: skip
@pytest.mark.parametrize("by", ["scales", "sizes"])
def test_resize(read, mode, work, by):
    given = {"scales": np.array([1, 1, 2, 2], np.float32), "sizes": np.array([1, 4, 16, 16])}[by]
    inputs = ["x", "", "given"] if by == "scales" else ["x", "", "", "given"]
    net = read([node("Resize", inputs, ["y"], mode=mode)], [tensor("x", (1, 4, 8, 8))], [tensor("y", None)],
               [stored("given", given)])  # fmt: skip
    assert net.graph.tensors["resize_0"].shape == (1, 4, 16, 16)
    assert net.table().vector_ops[0] == work
    assert net.table().write_elements[0] == 4 * 256


def test_old_operator_sets(read):
    """Opset 7: axes, pads and splits are attributes, dropout has a mask."""
    net = read(
        [
            node("Pad", ["x"], ["a"], "pad", pads=[0, 0, 1, 1, 0, 0, 1, 1]),
            node("Dropout", ["a"], ["b", "mask"], "drop", ratio=0.5),
            node("Split", ["b"], ["c", "d"], "split", axis=1, split=[1, 3]),
            node("Slice", ["c"], ["e"], "slice", axes=[2], starts=[0], ends=[5]),
            node("Squeeze", ["e"], ["f"], "squeeze", axes=[1]),
        ],
        [tensor("x", (1, 4, 8, 8))],
        [tensor("f", None), tensor("d", None)],
        opset=7,
    )
    assert [net.graph.tensors[t].shape for t in net.graph.outputs] == [(1, 5, 10), (1, 3, 10, 10)]
