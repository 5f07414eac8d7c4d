"""ONNX models with recurrent layers, attention, integers and sparse initialisers."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, onnx, random, save, stored, tensor


@pytest.fixture
def read(tmp_path):
    def read(nodes, inputs, outputs, initializers=(), opset=17, **more):
        built = model(nodes, inputs, outputs, initializers, opset, **more)
        return workloads.from_onnx(save(tmp_path / "model.onnx", built)), built

    return read


def declared(built):
    inferred = onnx.shape_inference.infer_shapes(built, data_prop=True)
    return [tuple(d.dim_value for d in o.type.tensor_type.shape.dim) for o in inferred.graph.output]


@pytest.mark.parametrize(("operator", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layout", [0, 1])
def test_recurrent_layers(read, operator, gates, directions, layout):
    steps, batch, features, hidden = 5, 2, 3, 4
    held = [
        random("w", directions, gates * hidden, features, density=0.5),
        random("r", directions, gates * hidden, hidden),
        random("b", directions, 2 * gates * hidden),
    ]
    net, built = read(
        [
            node(operator, ["x", "w", "r", "b"], ["y", "h"], hidden_size=hidden, layout=layout,
                 direction="bidirectional" if directions == 2 else "forward")
        ],
        [tensor("x", (batch, steps, features) if layout else (steps, batch, features))],
        [tensor("y", None), tensor("h", None)],
        held,
    )  # fmt: skip
    assert net.parameters == directions * gates * hidden * (features + hidden + 2)
    assert net.macs == steps * batch * directions * gates * hidden * (features + hidden)
    assert [net.graph.tensors[t].shape for t in net.graph.outputs] == declared(built)
    zeros = directions * gates * hidden * features - net.weight(f"{operator.lower()}_0", "input").nonzeros
    assert zeros > 0
    assert net.effectual_macs == net.macs - steps * batch * zeros


def test_peepholes_are_three_weights_a_unit(read):
    held = [random("w", 1, 16, 3), random("r", 1, 16, 4), random("b", 1, 32), random("p", 1, 12)]
    nets = [
        read(
            [node("LSTM", ["x", "w", "r", "b", "", "", "", *more], ["y"], hidden_size=4)],
            [tensor("x", (5, 2, 3))],
            [tensor("y", None)],
            held,
        )[0]
        for more in ([], ["p"])
    ]
    plain, peeping = nets
    assert (peeping.macs, peeping.parameters - plain.parameters) == (plain.macs, 12)
    assert peeping.table().vector_ops.sum() - plain.table().vector_ops.sum() == 6 * 5 * 2 * 4


@pytest.mark.parametrize("apart", [False, True])
def test_attention_with_grouped_queries(read, apart):
    query, key = ((2, 8, 5, 16), (2, 2, 7, 16)) if apart else ((2, 5, 128), (2, 7, 32))
    heads = {} if apart else {"q_num_heads": 8, "kv_num_heads": 2}
    net, built = read(
        [node("Attention", ["q", "k", "v"], ["y"], is_causal=1, **heads)],
        [tensor("q", query), tensor("k", key), tensor("v", key)],
        [tensor("y", query)],
        opset=23,
    )
    assert net.macs == 2 * 2 * 8 * 5 * 7 * 16
    assert net.effectual_macs == 2 * 2 * 8 * 16 * (3 + 4 + 5 + 6 + 7)
    assert [net.graph.tensors[t].shape for t in net.graph.outputs] == declared(built) == [query]


@pytest.mark.parametrize(
    ("equation", "a", "b", "macs"),
    [
        ("bhid,bhjd->bhij", (2, 3, 4, 5), (2, 3, 6, 5), 2 * 3 * 4 * 6 * 5),
        ("bij,bjk->bik", (2, 3, 4), (2, 4, 5), 2 * 3 * 4 * 5),
        ("bnd,mde->bnme", (2, 3, 4), (5, 4, 6), 2 * 3 * 5 * 6 * 4),
    ],
)
def test_einsum(read, equation, a, b, macs):
    net, _ = read(
        [node("Einsum", ["a", "b"], ["y"], equation=equation)],
        [tensor("a", a), tensor("b", b)],
        [tensor("y", None)],
    )
    assert net.macs == macs
    assert net.graph.tensors["einsum_0"].shape == np.einsum(equation, np.zeros(a), np.zeros(b)).shape
    (row,) = net.lowering().rows
    assert (row.g * row.n * row.c, row.g * row.k * row.c) == (np.prod(a), np.prod(b))


def test_einsum_of_anything_else_is_refused(read):
    for equation, message in (
        ("bij->bji", "has 1 operands, the node 2"),
        ("bij,bj->bk", "'bj' does not name the 3 axes of an operand"),
        ("bii,bjk->bjk", "an axis is named twice"),
    ):
        with pytest.raises(workloads.NetworkImportError, match=message):
            read(
                [node("Einsum", ["a", "b"], ["y"], equation=equation)],
                [tensor("a", (2, 3, 3)), tensor("b", (2, 3, 3))],
                [tensor("y", None)],
            )


def test_top_k_and_running_sums(read):
    net, _ = read(
        [node("CumSum", ["x", "axis"], ["s"], "sum"), node("TopK", ["s", "k"], ["v", "i"], "top")],
        [tensor("x", (2, 9))],
        [tensor("v", None), tensor("i", None, TensorProto.INT64)],
        [stored("axis", np.int64(1)), stored("k", np.array([3]))],
    )
    assert [net.graph.tensors[t].shape for t in net.graph.outputs] == [(2, 3), (2, 3)]
    assert net.table().vector_ops.tolist() == [18, 36]


def integers(operator):
    weight = np.array([[[[3]], [[0]]], [[[1]], [[1]]], [[[2]], [[7]]]], np.int8)  # 3 filters, 2 channels
    inputs = {
        "QLinearConv": ["x", "s", "z", "w", "s", "wz", "s", "z"],
        "ConvInteger": ["x", "w", "z", "wz"],
    }
    return weight, inputs[operator]


@pytest.mark.parametrize("operator", ["QLinearConv", "ConvInteger"])
def test_integer_convolutions_know_their_zero_points(read, operator):
    weight, inputs = integers(operator)
    kind = TensorProto.INT32 if operator == "ConvInteger" else TensorProto.INT8
    net, _ = read(
        [node(operator, inputs, ["y"], "conv")],
        [tensor("x", (1, 2, 4, 4), TensorProto.INT8)],
        [tensor("y", None, kind)],
        [
            stored("w", weight), stored("s", np.float32(0.1)), stored("z", np.int8(0)),
            stored("wz", np.array([3, 1, 0], np.int8) if operator == "QLinearConv" else np.int8(1)),
        ],
    )  # fmt: skip
    nest = net.lowering().rows[0]
    kept = 3 if operator == "QLinearConv" else 4  # (., 0), (., .), (2, 7) against (3, 0), (., .), (2, 7)
    assert (nest.macs, nest.effectual_macs) == (96, 16 * kept)
    assert (nest.weight_bits, nest.input_bits) == (8, 8)
    kinds = [operation.kind for operation in net.operations]
    assert kinds == (["convolution", "quantize"] if operator == "QLinearConv" else ["convolution"])


@pytest.mark.parametrize("operator", ["QLinearMatMul", "MatMulInteger"])
def test_integer_products(read, operator):
    weight = np.array([[5, 0], [5, 5], [1, 0]], np.uint8)
    inputs = (
        ["x", "s", "z", "w", "s", "wz", "s", "z"] if operator == "QLinearMatMul" else ["x", "w", "z", "wz"]
    )
    net, _ = read(
        [node(operator, inputs, ["y"], "fc")],
        [tensor("x", (4, 3), TensorProto.UINT8)],
        [tensor("y", None, TensorProto.INT32 if operator == "MatMulInteger" else TensorProto.UINT8)],
        [
            stored("w", weight), stored("s", np.float32(0.1)), stored("z", np.uint8(0)),
            stored("wz", np.array([5, 0], np.uint8)),
        ],
    )  # fmt: skip
    assert (net.macs, net.effectual_macs) == (24, 4 * 2)


@pytest.mark.parametrize("linear", [True, False])
def test_sparse_initialisers(read, linear):
    dense = np.zeros((4, 6), np.float32)
    dense[1, 2], dense[3, 0], dense[3, 5] = 1, 2, 3
    places = np.flatnonzero(dense) if linear else np.argwhere(dense)
    sparse = helper.make_sparse_tensor(
        stored("w", dense[dense != 0]), stored("places", places.astype(np.int64)), list(dense.shape)
    )
    net, _ = read(
        [node("MatMul", ["x", "w"], ["y"], "fc")],
        [tensor("x", (1, 4))],
        [tensor("y", None)],
        sparse_initializer=[sparse],
    )
    assert np.array_equal(net.mask("fc"), dense.T != 0)
    assert (net.macs, net.effectual_macs, net.nonzero_parameters) == (24, 3, 3)


@pytest.mark.parametrize(
    ("places", "shape", "message"),
    [
        ([3, 3, 5], (4, 6), "must ascend, each once"),
        ([5, 3, 1], (4, 6), "must ascend, each once"),
        ([-1, 3, 5], (4, 6), "lies outside its shape"),
        ([1, 3, 24], (4, 6), "lies outside its shape"),
        ([[0, 1], [1, 6], [2, 2]], (4, 6), "lies outside its shape"),
        ([[0], [1], [2]], (4, 6), "rows of 2 whole numbers"),
        ([1, 3], (4, 6), "3 values, and indices of 2"),
        ([1, 3, 5], (4, 1 << 50), r"needs 1.8e\+07 GB of memory"),
    ],
)
def test_sparse_initialisers_that_cannot_be(read, places, shape, message):
    values = stored("w", np.ones(3, np.float32))
    sparse = helper.make_sparse_tensor(values, stored("places", np.array(places, np.int64)), list(shape))
    with pytest.raises(workloads.WorkloadError, match=message):
        read(
            [node("MatMul", ["x", "w"], ["y"], "fc")],
            [tensor("x", (1, 4))],
            [tensor("y", None)],
            sparse_initializer=[sparse],
        )[0].table()


def given(tmp_path, kind, nodes, held=(), **options):
    """Read a model whose one input is no tensor."""
    weight = random("w", 4, 5)
    built = model(nodes, [helper.make_value_info("s", kind)], [tensor("y", None)], [weight, *held])
    return workloads.from_onnx(save(tmp_path / "m.onnx", built), **options)


def test_a_sequence_as_an_input_has_the_length_that_is_given(tmp_path):
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 4]))
    nodes = [node("ConcatFromSequence", ["s"], ["c"], axis=0), node("MatMul", ["c", "w"], ["y"])]
    net = given(tmp_path, kind, nodes, dims={"s": 3, "n": 2})
    assert (net.macs, [one.name for one in net.graph.inputs()]) == (3 * 2 * 20, ["s/0", "s/1", "s/2"])
    nodes = [node("SequenceAt", ["s", "last"], ["c"]), node("MatMul", ["c", "w"], ["y"])]
    last = [stored("last", np.array(-1))]
    assert given(tmp_path, kind, nodes, last, dims={"s": 3, "n": 2}).macs == 2 * 20
    for dims, message in (({}, "its length is open"), ({"s": 0}, "must be 1 to 4096, got 0")):
        with pytest.raises(
            workloads.NetworkImportError, match=rf"'s' is a sequence.*{message}.*--dim s=VALUE"
        ):
            given(tmp_path, kind, nodes, last, dims={"n": 2, **dims})


def test_an_optional_input_is_given(tmp_path):
    kind = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2, 4]))
    nodes = [node("OptionalGetElement", ["s"], ["c"]), node("MatMul", ["c", "w"], ["y"])]
    assert given(tmp_path, kind, nodes).macs == 2 * 20
