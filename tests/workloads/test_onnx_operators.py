"""Operators beyond the common ones: shapes, MACs, parameters and zeros counted by hand."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.workloads.models import helper, model, node, random, save, stored, tensor
from workloads.errors import NetworkImportError

MICROSOFT = {"domain": "com.microsoft"}


def read(path, nodes, inputs, held=(), **options):
    """Read a model with one output called y."""
    built = model(nodes, inputs, [tensor("y", None)], held, **options)
    built.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return workloads.from_onnx(save(path / "m.onnx", built))


def result(network):
    return network.graph.tensors[network.graph.outputs[0]].shape


@st.composite
def equations(draw):
    """Draw an equation of one to three operands without repeated axes, lengths, and which are constants."""
    lengths = {axis: draw(st.integers(1, 4)) for axis in "abcdef"}
    operands = [
        draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
        for _ in range(draw(st.integers(1, 3)))
    ]
    present = sorted(set().union(*operands))
    result = draw(st.permutations(draw(st.lists(st.sampled_from(present), unique=True))))
    constants = [draw(st.booleans()) for _ in operands]
    constants[draw(st.integers(0, len(operands) - 1))] = False
    return lengths, ["".join(labels) for labels in operands], "".join(result), constants


@settings(max_examples=150, deadline=None)
@given(equations())
def test_any_einsum_makes_numpys_shape_or_is_refused_by_name(tmp_path_factory, drawn):
    lengths, operands, result_labels, constants = drawn
    shapes = [tuple(lengths[c] for c in labels) for labels in operands]
    equation = ",".join(operands) + "->" + result_labels
    names = [f"x{i}" for i in range(len(operands))]
    held = [random(n, *s) for n, s, c in zip(names, shapes, constants, strict=True) if c]
    inputs = [tensor(n, s) for n, s, c in zip(names, shapes, constants, strict=True) if not c]
    folder = tmp_path_factory.mktemp("einsum")
    try:
        network = read(folder, [node("Einsum", names, ["y"], equation=equation)], inputs, held)
    except NetworkImportError as error:
        network, refusal = None, str(error)
    if network is None:
        assert any(constants)
        assert "(Einsum): " in refusal
        assert "constant" in refusal
        return
    want = np.einsum(equation, *(np.ones(s) for s in shapes)).shape
    assert result(network) == want
    if len(operands) == 2 and network.macs:
        used = set(operands[0]) | set(operands[1])
        alone = (set(operands[0]) ^ set(operands[1])) - set(result_labels)  # summed before the product
        assert (used & set(operands[0]) & set(operands[1])) - set(result_labels)  # else of elements
        assert network.macs == np.prod([lengths[c] for c in used - alone])


@pytest.mark.parametrize("equation", ["bsd,dhk->bshk", "...d,dhk->...hk", "bpd,dqr"])
def test_an_einsum_with_a_weight_is_a_linear_layer(tmp_path, equation):
    network = read(
        tmp_path,
        [node("Einsum", ["x", "w"], ["y"], equation=equation)],
        [tensor("x", [2, 5, 8])],
        [random("w", 8, 3, 4, density=0.5)],
    )
    assert (network.macs, network.parameters) == (2 * 5 * 8 * 12, 96)
    assert network.effectual_macs == 10 * network.nonzero_parameters
    assert {o.kind for o in network.operations} <= {"linear", "reshape"}


@pytest.mark.parametrize("equation", ["bi,bj->bij", "bi,bj->ijb", "ab,cd->acdb", "bi,bi->ib"])
@pytest.mark.parametrize("held", [False, True])
def test_an_einsum_that_sums_nothing_is_a_product_of_elements(tmp_path, equation, held):
    made = np.einsum(equation, np.ones((4, 4)), np.ones((4, 4))).shape
    given = [tensor("x", [4, 4]), *([] if held else [tensor("w", [4, 4])])]
    network = read(
        tmp_path,
        [node("Einsum", ["x", "w"], ["y"], equation=equation)],
        given,
        [random("w", 4, 4)] if held else [],
    )
    assert (network.macs, result(network)) == (0, made)
    assert network.parameters == 16 * held
    assert network.table().vector_ops.sum() == np.prod(made)


def test_a_condition_that_is_known_keeps_so_many(tmp_path):
    nodes = [node("Compress", ["x", "c"], ["y"], axis=0)]
    path = save(
        tmp_path / "m.onnx",
        model(nodes, [tensor("x", [4, 3]), tensor("c", [4], onnx.TensorProto.BOOL)], [tensor("y", None)]),
    )
    network = workloads.from_onnx(path, inputs={"c": np.array([True, False, True, True])})
    assert (result(network), network.table().read_elements.sum()) == ((3, 3), 9)
    with pytest.raises(
        NetworkImportError, match=r"depends on data.*inputs=\{'c': VALUE\} \(--input c=VALUE\)"
    ):
        workloads.from_onnx(path)


def test_a_triangle_is_a_choice(tmp_path):
    network = read(tmp_path, [node("Trilu", ["x"], ["y"], upper=0)], [tensor("x", [2, 4, 4])])
    assert result(network) == (2, 4, 4)
    assert network.table().vector_ops.sum() == 32


@pytest.mark.parametrize(
    ("policy", "want"),
    [("stretch", (1, 1, 7, 8)), ("not_larger", (1, 1, 7, 7)), ("not_smaller", (1, 1, 8, 8))],
)
def test_a_resize_keeps_its_aspect_ratio(tmp_path, policy, want):
    network = read(
        tmp_path,
        [node("Resize", ["x", "", "", "sizes"], ["y"], keep_aspect_ratio_policy=policy, axes=[2, 3])],
        [tensor("x", [1, 1, 2, 2])],
        [stored("sizes", np.array([7, 8]))],
        opset=18,
    )
    assert result(network) == want


def test_parameters_that_are_computed_with_are_computed(tmp_path):
    """A normalised weight: ONNX has the norm and the quotient as nodes of constants."""
    weight = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    weight[2] = 0
    nodes = [
        node("ReduceL2", ["v"], ["n"], "norm", axes=[1], keepdims=1),
        node("Max", ["n", "tiny"], ["m"], "floor"),
        node("Div", ["v", "m"], ["w"], "quotient"),
        node("Transpose", ["w"], ["t"], "order", perm=[1, 0]),
        node("MatMul", ["x", "t"], ["y"], "fc"),
    ]
    held = [stored("v", weight), stored("tiny", np.float32(1e-6))]
    network = read(tmp_path, nodes, [tensor("x", [3, 4])], held)
    assert [o.kind for o in network.operations] == ["linear"]
    assert (network.macs, network.nonzero_parameters) == (72, 20)
    np.testing.assert_array_equal(network.mask("fc"), weight != 0)


def test_a_dynamically_quantised_product_counts_its_zero_point(tmp_path):
    """As ONNX Runtime's dynamic quantisation writes it."""
    weight = np.random.default_rng(1).integers(120, 136, (4, 6)).astype(np.uint8)
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], "quantise"),
        node("MatMulInteger", ["q", "w", "z", "wz"], ["i"], "product"),
        node("Cast", ["i"], ["f"], "cast", to=1),
        node("Mul", ["s", "ws"], ["scale"], "scales"),
        node("Mul", ["f", "scale"], ["y"], "scaled"),
    ]
    held = [stored("w", weight), stored("wz", np.uint8(128)), stored("ws", np.float32(0.1))]
    network = read(tmp_path, nodes, [tensor("x", [3, 4])], held)
    assert (network.macs, network.weight("product").nonzeros) == (72, (weight != 128).sum())
    assert network.weight("product").bits == 8
    fused = node("DynamicQuantizeMatMul", ["x", "w", "ws", "wz"], ["y"], "product", **MICROSOFT)
    short = read(tmp_path, [fused], [tensor("x", [3, 4])], held)
    assert (short.macs, short.nonzero_parameters) == (72, network.nonzero_parameters)


def test_weights_packed_four_bits_each(tmp_path):
    values = np.random.default_rng(2).integers(0, 16, (6, 32)).astype(np.uint8)
    packed = (values[:, ::2] | values[:, 1::2] << 4).reshape(6, 2, 8)
    fields = {"K": 32, "N": 6, "bits": 4, "block_size": 16}
    layer = node("MatMulNBits", ["x", "w", "s"], ["y"], "fc", **fields, **MICROSOFT)
    held = [stored("w", packed), stored("s", np.ones(12, np.float32))]
    network = read(tmp_path, [layer], [tensor("x", [3, 32])], held)
    assert (network.macs, network.parameters, network.weight("fc").bits) == (3 * 6 * 32, 192, 4)
    np.testing.assert_array_equal(network.mask("fc"), values != 8)  # without zero points 8 is zero
    points = np.array([[3, 5]] * 6, np.uint8)
    held.append(stored("z", (points[:, 0] | points[:, 1] << 4)[:, None]))
    layer.input.append("z")
    network = read(tmp_path, [layer], [tensor("x", [3, 32])], held)
    np.testing.assert_array_equal(network.mask("fc"), values != points.repeat(16, axis=1))


def test_integer_functions_of_onnx_runtime(tmp_path):
    held = [stored("s", np.float32(0.1)), stored("z", np.uint8(3)), random("w", 5, 4)]
    held[-1] = stored("w", np.arange(20, dtype=np.int8).reshape(5, 4))
    pair = ["s", "z"]
    nodes = [
        node("QuantizeLinear", ["x", *pair], ["q"], "quantise"),
        node("QLinearAdd", ["q", *pair, "q", *pair, *pair], ["a"], "add", **MICROSOFT),
        node("QLinearSigmoid", ["a", *pair, *pair], ["b"], "sigmoid", **MICROSOFT),
        node("QLinearConcat", [*pair, "a", *pair, "b", *pair], ["c"], "join", axis=1, **MICROSOFT),
        node("QLinearGlobalAveragePool", ["c", *pair, *pair], ["p"], "pool", channels_last=0, **MICROSOFT),
        node("Flatten", ["p"], ["f"], "flat"),
        node("QGemm", ["f", *pair, "w", *pair, "", *pair], ["g"], "fc", transB=1, **MICROSOFT),
        node("DequantizeLinear", ["g", *pair], ["y"], "end"),
    ]
    network = read(tmp_path, nodes, [tensor("x", [1, 2, 3, 3])], held)
    assert (result(network), network.macs, network.nonzero_parameters) == ((1, 5), 20, 19)
    assert {t.bits for t in network.graph.tensors.values()} == {0, 8}


def attending(tmp_path, operator, shapes, held=(), outputs=("y",), **attributes):
    inputs = [tensor(f"x{i}", s) for i, s in enumerate(shapes) if s]
    names = [f"x{i}" if s else "" for i, s in enumerate(shapes)] + [t.name for t in held]
    domain = MICROSOFT if operator != "Attention" else {}
    built = model(
        [node(operator, names, list(outputs), "attention", **attributes, **domain)],
        inputs,
        [tensor(name, None) for name in outputs],
        held,
        opset=23,
    )
    built.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return workloads.from_onnx(save(tmp_path / "m.onnx", built))


def test_attention_with_keys_and_values_of_the_past(tmp_path):
    """One new token, nine before it; two key heads shared by four query heads of eight features."""
    past = (2, 2, 9, 8)
    apart = [(2, 4, 1, 8), (2, 2, 1, 8), (2, 2, 1, 8)]
    joined = [(2, 1, 32), (2, 1, 16), (2, 1, 16)]
    macs = 2 * (2 * 4 * 1 * 10 * 8)
    outputs = ("y", "key", "value")
    for shapes, options in ((apart, {}), (joined, {"q_num_heads": 4, "kv_num_heads": 2})):
        network = attending(tmp_path, "Attention", [*shapes, None, past, past], outputs=outputs, **options)
        shapes_out = [network.graph.tensors[t].shape for t in network.graph.outputs]
        assert shapes_out == [shapes[0], (2, 2, 10, 8), (2, 2, 10, 8)]
        assert network.macs == macs
    grouped = attending(
        tmp_path,
        "GroupQueryAttention",
        [*joined, past, past],
        outputs=outputs,
        num_heads=4,
        kv_num_heads=2,
        do_rotary=1,
    )
    assert grouped.macs == macs
    assert [o.kind for o in grouped.operations].count("rotary") == 2
    assert result(grouped) == (2, 1, 32)


def test_attention_with_its_projection_inside(tmp_path):
    held = [random("w", 16, 48, density=0.5), random("b", 48)]
    network = attending(tmp_path, "Attention", [(2, 5, 16)], held, num_heads=4, domain="com.microsoft")
    assert network.macs == 10 * 16 * 48 + 2 * (2 * 4 * 5 * 5 * 4)
    assert network.parameters == 16 * 48 + 48
    assert result(network) == (2, 5, 16)


def test_several_heads_with_a_bias_each(tmp_path):
    network = attending(
        tmp_path, "MultiHeadAttention", [(2, 5, 16), (2, 7, 16), (2, 7, 16)], [random("b", 48)], num_heads=4
    )
    assert (network.macs, network.parameters) == (2 * 2 * 5 * 7 * 16, 48)
    assert [o.kind for o in network.operations].count("add") == 3


def test_what_an_optimiser_fused_is_taken_apart(tmp_path):
    held = [
        *(random(n, 8) for n in ("gamma", "beta", "bias")),
        random("w", 8, 8),
        random("words", 30, 8),
        random("places", 12, 8),
        random("kinds", 2, 8),
    ]
    nodes = [
        node(
            "EmbedLayerNormalization",
            ["ids", "segments", "words", "places", "kinds", "gamma", "beta"],
            ["e", "mask"],
            "embed",
            **MICROSOFT,
        ),
        node("FusedMatMul", ["e", "w"], ["m"], "fc", transB=1, alpha=0.5, **MICROSOFT),
        node(
            "SkipLayerNormalization",
            ["m", "e", "gamma", "beta", "bias"],
            ["n", "", "", "sum"],
            "s",
            **MICROSOFT,
        ),
        node("BiasGelu", ["n", "bias"], ["g"], "gelu", **MICROSOFT),
        node("Add", ["g", "sum"], ["y"], "add"),
    ]
    ids = [tensor(name, [2, 12], onnx.TensorProto.INT64) for name in ("ids", "segments")]
    network = read(tmp_path, nodes, ids, held)
    assert (result(network), network.macs) == ((2, 12, 8), 24 * 64)
    assert network.parameters == 3 * 8 + 64 + (30 + 12 + 2) * 8
    layer = node("FusedConv", ["x", "k"], ["y"], "conv", activation="Relu", **MICROSOFT)
    network = read(tmp_path, [layer], [tensor("x", [1, 3, 6, 6])], [random("k", 4, 3, 3, 3)])
    assert [o.kind for o in network.operations] == ["convolution", "relu"]


def test_boxes_and_points(tmp_path):
    held = [random("boxes", 7, 4), stored("images", np.zeros(7, np.int64))]
    align = node("RoiAlign", ["x", "boxes", "images"], ["y"], "align", output_height=2, output_width=3)
    network = read(tmp_path, [align], [tensor("x", [2, 5, 8, 8])], held)
    assert result(network) == (7, 5, 2, 3)
    inputs = [tensor("x", [2, 5, 8, 8]), tensor("g", [2, 4, 3, 2])]
    network = read(tmp_path, [node("GridSample", ["x", "g"], ["y"], "sample")], inputs)
    assert result(network) == (2, 5, 4, 3)
    inputs = [tensor("b", [1, 50, 4]), tensor("s", [1, 3, 50])]
    most = [stored("most", np.array([20]))]
    network = read(tmp_path, [node("NonMaxSuppression", ["b", "s", "most"], ["y"], "nms")], inputs, most)
    assert result(network) == (60, 3)
    with pytest.raises(NetworkImportError, match=r"'nms' \(NonMaxSuppression\): picks no boxes"):
        read(tmp_path, [node("NonMaxSuppression", ["b", "s"], ["y"], "nms")], inputs)


def test_pools_that_say_where(tmp_path):
    nodes = [
        node("MaxPool", ["x"], ["m", "i"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("MaxUnpool", ["m", "i"], ["y"], "unpool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    network = read(tmp_path, nodes, [tensor("x", [1, 3, 8, 8])])
    assert result(network) == (1, 3, 8, 8)
    assert network.graph.tensors["pool/positions"].bits == 64


@pytest.mark.parametrize("rank", [2, 3])
def test_an_if_that_shapes_decide_is_the_branch_taken(tmp_path, rank):
    """As exporters write a squeeze of an axis that may be 1; branches see what is outside."""
    then = helper.make_graph(
        [node("MatMul", ["x", "w"], ["m"], "fc"), node("Mul", ["m", "half"], ["t"], "scale")],
        "then",
        [],
        [tensor("t", None)],
        [stored("half", np.float32(0.5))],
    )
    other = helper.make_graph([node("Relu", ["x"], ["e"], "act")], "else", [], [tensor("e", None)])
    nodes = [
        node("Shape", ["x"], ["s"], "shape"),
        node("Size", ["s"], ["r"], "rank"),
        node("Equal", ["r", "two"], ["c"], "matrix"),
        node("If", ["c"], ["i"], "maybe", then_branch=then, else_branch=other),
        node("Neg", ["i"], ["y"], "minus"),
    ]
    held = [random("w", 4, 6), stored("two", np.int64(2))]
    network = read(tmp_path, nodes, [tensor("x", (3, 4) if rank == 2 else (1, 3, 4))], held)
    kinds = ["linear", "mul", "neg"] if rank == 2 else ["relu", "neg"]
    assert [o.kind for o in network.operations] == kinds
    assert (network.macs, network.parameters) == ((72, 24) if rank == 2 else (0, 0))
    assert network.operations[0].name == ("maybe/fc" if rank == 2 else "maybe/act")
