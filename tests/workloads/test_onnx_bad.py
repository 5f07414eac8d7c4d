"""Files that are no networks: one line that names what is wrong, whatever is wrong."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workloads
from tests.workloads.models import FLOAT, TensorProto, helper, model, node, onnx, random, save, stored, tensor
from workloads import NetworkImportError


def simple(**more):
    return model(
        [node("Conv", ["x", "w"], ["h"], "conv"), node("Relu", ["h"], ["y"], "act")],
        [tensor("x", (1, 3, 5, 5))],
        [tensor("y", None)],
        [random("w", 4, 3, 3, 3)],
        **more,
    )


def refused(path, message, **options):
    with pytest.raises(NetworkImportError, match=message) as caught:
        workloads.from_onnx(path, **options)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, ValueError)


def test_files(tmp_path):
    refused(tmp_path / "none.onnx", "there is no file .*none.onnx")
    refused(tmp_path, "is a folder, not an ONNX file")
    text = tmp_path / "text.onnx"
    text.write_text("this is not a model")
    refused(text, r"text.onnx is not an ONNX model")
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    refused(empty, r"empty.onnx is not an ONNX model: it has no graph")
    whole = simple().SerializeToString()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: len(whole) // 2])
    refused(cut, r"cut.onnx is not an ONNX model, or is truncated")


@pytest.mark.parametrize("opset", [0, 999])
def test_operator_sets(tmp_path, opset):
    refused(save(tmp_path / "m.onnx", simple(opset=opset)), rf"uses operator set {opset}, known are 7 to \d+")


def test_dynamic_dimensions(tmp_path):
    built = model([node("Relu", ["x"], ["y"])], [tensor("x", ("batch", 3, None))], [tensor("y", None)])
    path = save(tmp_path / "m.onnx", built)
    every = (
        r"m.onnx: input 'x': dimensions 0 \('batch'\) and 2 \('x\.2'\) are dynamic; give each a value with "
    )
    refused(path, every + r"dims=\{'batch': VALUE, 'x\.2': VALUE\} \(--dim batch=VALUE --dim x\.2=VALUE\)")
    refused(
        path, r"'x': dimension 2 \('x\.2'\) is dynamic; give it a value with .*\(--dim x\.2=VALUE\)", batch=1
    )
    refused(path, r"dimension 2 \('x\.2'\) is dynamic", dims={"batch": 1})
    refused(path, "dimension 'batch' must be a positive integer, got 0", dims={"batch": 0})
    refused(path, "dimension 'batch' must be a positive integer, got 2.5", dims={"batch": 2.5})
    refused(path, "no dynamic dimension 'bacth'; it has batch, x.2", dims={"batch": 1, "x.2": 4, "bacth": 1})
    fixed = save(tmp_path / "f.onnx", simple())
    refused(fixed, "input 'x': its batch is fixed at 1, not 4", batch=4)


@pytest.mark.parametrize("length", [0, -5])
def test_sizes(tmp_path, length):
    built = model([node("Relu", ["x"], ["y"])], [tensor("x", (1, 3))], [tensor("y", None)])
    built.graph.input[0].type.tensor_type.shape.dim[1].dim_value = length
    refused(save(tmp_path / "m.onnx", built), f"input 'x': dimension 1 must be positive, got {length}")


def test_unsupported_operators_are_all_named(tmp_path):
    built = model(
        [
            helper.make_node("Binarizer", ["x"], ["a"], name="one", domain="ai.onnx.ml"),
            helper.make_node("Binarizer", ["x"], ["b"], name="two", domain="ai.onnx.ml"),
            helper.make_node("Wobble", ["a"], ["c"], name="three", domain="my.own"),
            node("Add", ["b", "c"], ["y"], "sum"),
        ],
        [tensor("x", (3, 3))],
        [tensor("y", None)],
    )
    built.opset_import.extend([helper.make_opsetid("my.own", 1), helper.make_opsetid("ai.onnx.ml", 3)])
    path = save(tmp_path / "m.onnx", built)
    named = r"unsupported operators: ai.onnx.ml.Binarizer \(one, two\); my.own.Wobble \(three\); "
    refused(path, named + ".*--unknown movement")
    nameless = r"node 'three' \(Wobble\): is unknown, and so is the shape of its output 'c'"
    refused(path, nameless, unknown="movement")
    with pytest.raises(ValueError, match="unknown must be 'refuse' or 'movement', got 'ignore'"):
        workloads.from_onnx(path, unknown="ignore")


@pytest.mark.parametrize("unknown", ["refuse", "movement"])
def test_control_flow_is_refused_by_name(tmp_path, unknown):
    branch = helper.make_graph([], "branch", [], [tensor("x", (1,))])
    built = model(
        [node("If", ["c"], ["y"], "maybe", then_branch=branch, else_branch=branch)],
        [tensor("c", (), TensorProto.BOOL)],
        [tensor("y", None)],
    )
    path = save(tmp_path / "m.onnx", built)
    refused(path, r"unsupported operators: If \(maybe\)$", unknown=unknown)


def external(tmp_path, location, offset=0, length=432):
    built = simple()
    weight = built.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        weight.external_data.add(key=key, value=value)
    (tmp_path / "folder").mkdir(exist_ok=True)
    return save(tmp_path / "folder" / "m.onnx", built)


def test_external_data(tmp_path):
    refused(external(tmp_path, "gone.bin"), r"tensor 'w': external file 'gone.bin' is missing")
    (tmp_path / "secret.bin").write_bytes(bytes(432))
    (tmp_path / "folder").mkdir(exist_ok=True)
    (tmp_path / "folder/link.bin").symlink_to(tmp_path / "secret.bin")
    for location in ("../secret.bin", str(tmp_path / "secret.bin"), "link.bin", "", "."):
        refused(external(tmp_path, location), "tensor 'w': external file .* is outside the model's folder")
    (tmp_path / "folder/short.bin").write_bytes(bytes(100))
    refused(external(tmp_path, "short.bin"), "has 100 bytes after 0, the tensor needs 432")
    refused(external(tmp_path, "short.bin", length=100), r"tensor 'w': 100 bytes, its shape .* takes 432")
    refused(external(tmp_path, "short.bin", offset=-8), "has 108 bytes after -8")


def broken(tmp_path, nodes, initializers=(), shape=(1, 3, 5, 5)):
    return save(tmp_path / "m.onnx", model(nodes, [tensor("x", shape)], [tensor("y", None)], initializers))


def test_nodes_that_do_not_fit(tmp_path):
    w = random("w", 4, 2, 3, 3)
    refused(
        broken(tmp_path, [node("Conv", ["x", "w"], ["y"], "c")], [w]),
        r"node 'c' \(Conv\): input channels: 3 in the input, 1 groups of 2 in the weight",
    )
    refused(
        broken(tmp_path, [node("Conv", ["x", "gone"], ["y"], "c")]),
        r"node 'c' \(Conv\): input 1 \('gone'\) is made by no node before it",
    )
    gone = [node("Relu", ["gone"], ["y"], "a")]
    refused(broken(tmp_path, gone), r"input 0 \('gone'\) is made by no node before it")
    cycle = [
        node("Add", ["x", "b"], ["a"], "one"),
        node("Relu", ["a"], ["b"], "two"),
        node("Relu", ["b"], ["y"], "out"),
    ]
    refused(broken(tmp_path, cycle), r"node 'one' \(Add\): input 'b' is made by no node before it")
    refused(
        broken(tmp_path, [node("MatMul", ["x", "w"], ["y"], "m")], [random("w", 4, 7)]),
        r"node 'm' \(MatMul\): inner dimension: first operand has 5, second has 4",
    )
    refused(
        broken(tmp_path, [node("Reshape", ["x", "s"], ["y"], "r")], [stored("s", np.array([7, -1]))]),
        r"node 'r' \(Reshape\): shape \(1, 3, 5, 5\) does not reshape to \(7, -1\)",
    )
    refused(
        broken(tmp_path, [node("NonZero", ["x"], ["n"], "n"), node("Relu", ["n"], ["y"], "a")]),
        r"node 'n' \(NonZero\): depends on data; inputs=\{'x': VALUE\} \(--input x=VALUE\) makes it known",
    )
    twice = [node("Relu", ["x"], ["y"], "a"), node("Neg", ["x"], ["y"], "b")]
    refused(broken(tmp_path, twice), "two nodes make 'y'")


def test_values_that_are_no_numbers(tmp_path):
    values = np.ones((4, 3, 3, 3), np.float32)
    values[1, 2, 0, 0] = np.nan
    path = broken(tmp_path, [node("Conv", ["x", "w"], ["y"], "c")], [stored("w", values)])
    refused(path, r"m.onnx: weight 'w' holds NaN")


def test_constants_too_big_to_compute(tmp_path):
    nodes = [
        node("ConstantOfShape", ["s"], ["a"], "fill", value=helper.make_tensor("v", FLOAT, [1], [1.0])),
        node("Exp", ["a"], ["b"], "exp"),
        node("Add", ["x", "b"], ["y"], "sum"),
    ]
    path = broken(tmp_path, nodes, [stored("s", np.array([10**6, 10**6]))])
    refused(path, r"node 'exp' \(Exp\): constant 'a' of 1000000000000 elements is too big to compute with")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A model with most of what files hold: weights, shape arithmetic, attributes, an embedding."""
    built = model(
        [
            node("Conv", ["x", "w"], ["h"], "conv", pads=[1, 1, 1, 1], strides=[2, 2]),
            node("BatchNormalization", ["h", "s", "s", "s", "s"], ["n"], "norm"),
            node("Relu", ["n"], ["r"], "act"),
            node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
            node("Shape", ["p"], ["d"], "shape"),
            node("Slice", ["d", "zero", "one"], ["b"], "cut"),
            node("Concat", ["b", "minus"], ["t"], "cat", axis=0),
            node("Reshape", ["p", "t"], ["f"], "flat"),
            node("Gemm", ["f", "g", "c"], ["y"], "fc", transB=1),
        ],
        [tensor("x", (1, 3, 8, 8))],
        [tensor("y", (1, 5))],
        [
            random("w", 4, 3, 3, 3), stored("s", np.ones(4, np.float32)), stored("zero", np.array([0])),
            stored("one", np.array([1])), stored("minus", np.array([-1])), random("g", 5, 16), random("c", 5),
        ],
    )  # fmt: skip
    content = built.SerializeToString()
    path = tmp_path_factory.mktemp("fuzz") / "m.onnx"
    path.write_bytes(content)
    assert workloads.from_onnx(path).macs > 0
    return content, path


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    st.sampled_from(["set", "cut", "drop", "repeat"]),
)
@settings(max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_give_a_network_or_an_import_error(whole, damage, kind):
    content, path = whole
    data = bytearray(content)
    for place, value in damage:
        place %= len(data)
        if kind == "set":
            data[place] = value
        elif kind == "cut":
            del data[place:]
        elif kind == "drop":
            del data[place : place + value % 16]
        else:
            data[place:place] = data[place : place + value % 16]
        data = data or bytearray(b"\0")
    path.write_bytes(bytes(data))
    outcome = read_or_refuse(path)
    assert "\n" not in outcome


def read_or_refuse(path):
    try:
        return workloads.from_onnx(path).table().macs.dtype.name
    except NetworkImportError as error:
        return str(error)


def test_models_of_the_onnx_package_cut_short(tmp_path):
    from tests.workloads.test_onnx_light import LIGHT

    content = (LIGHT / "light_resnet50.onnx").read_bytes()
    for length in (1, 100, 5_000, len(content) - 1):
        path = tmp_path / "cut.onnx"
        path.write_bytes(content[:length])
        refused(path, "cut.onnx")
    assert onnx.__version__


def test_an_empty_input_with_dimensions_beyond_any_tensor(tmp_path):
    """Numpy refuses 2^64 places even where there is nothing in them."""
    built = model([node("Relu", ["x"], ["y"])], [tensor("x", (1 << 33, 3, 0, 1 << 31))], [tensor("y", None)])
    message = (
        r"input 'x': is empty, but its other dimensions are longer than any tensor's, got \[8589934592, 3"
    )
    refused(save(tmp_path / "m.onnx", built), message)
