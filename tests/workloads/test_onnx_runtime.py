"""ONNX Runtime's own forms of plain operators: each is what it is made of."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor


def read(tmp_path, nodes, inputs, held=(), outputs=("y",), opset=17):
    for one in nodes:
        one.domain = one.domain or "com.microsoft"
    built = model(nodes, inputs, [tensor(name, None) for name in outputs], held, opset)
    built.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return workloads.from_onnx(save(tmp_path / "model.onnx", built))


def shapes(net):
    return [net.graph.tensors[name].shape for name in net.graph.outputs]


FLAT = tensor("x", (2, 5, 8))
IMAGE = tensor("x", (1, 6, 6, 3))
BYTES = tensor("x", (2, 5), TensorProto.UINT8)
SCALES = [stored("s", np.float32(0.5)), stored("z", np.uint8(3))]
CASES = {
    "NhwcConv": (["x", "w", "b"], {"pads": [1] * 4}, [IMAGE], [random("w", 4, 3, 3, 3), random("b", 4)],
                 36 * 4 * 27, 112, (1, 6, 6, 4)),
    "NhwcFusedConv": (["x", "w", "", "z"], {"pads": [1] * 4, "activation": "Relu"},
                      [IMAGE, tensor("z", (1, 6, 6, 4))], [random("w", 4, 3, 3, 3)],
                      36 * 108, 108, (1, 6, 6, 4)),
    "NhwcMaxPool": (["x"], {"kernel_shape": [2, 2], "strides": [2, 2]}, [IMAGE], [], 0, 0, (1, 3, 3, 3)),
    "TransposeMatMul": (["x", "x"], {"transB": 1, "alpha": 0.5}, [FLAT], [], 2 * 25 * 8, 0, (2, 5, 5)),
    "FusedMatMulActivation": (["x", "w"], {"activation": "Relu"}, [FLAT], [random("w", 8, 4)],
                              320, 32, (2, 5, 4)),
    "GemmFastGelu": (["x", "w", "b"], {}, [FLAT], [random("w", 8, 4), random("b", 4)], 320, 36, (2, 5, 4)),
    "BiasAdd": (["x", "b", "x"], {}, [FLAT], [random("b", 8)], 0, 8, (2, 5, 8)),
    "BiasSplitGelu": (["x", "b"], {}, [FLAT], [random("b", 8)], 0, 8, (2, 5, 4)),
    "BiasSoftmax": (["x", "x"], {"axis": 2, "is_inner_broadcast": 0}, [FLAT], [], 0, 0, (2, 5, 8)),
    "GroupNorm": (["x", "g", "g2"], {"groups": 3, "activation": 1}, [IMAGE],
                  [random("g", 3), random("g2", 3)],
                  0, 6, (1, 6, 6, 3)),
    "SkipGroupNorm": (["x", "g", "g2", "k", "b"], {"groups": 1}, [IMAGE, tensor("k", (1, 3))],
                      [random("g", 3), random("g2", 3), random("b", 3)], 0, 9, (1, 6, 6, 3)),
    "GatedRMSNorm": (["x", "g", "x"], {}, [FLAT], [random("g", 4)], 0, 4, (2, 5, 8)),
    "ComplexMul": (["x", "x"], {}, [FLAT], [], 0, 0, (2, 5, 8)),
    "Rfft": (["x"], {"signal_ndim": 1, "onesided": 1, "normalized": 0}, [FLAT], [], 0, 0, (2, 5, 5, 2)),
    "Irfft": (["x"], {"signal_ndim": 1}, [tensor("x", (2, 5, 2))], [], 0, 0, (2, 8)),
    "Inverse": (["x"], {}, [tensor("x", (2, 5, 5))], [], 0, 0, (2, 5, 5)),
    "ExpandDims": (["x", "a"], {}, [FLAT], [stored("a", np.int32(-1))], 0, 0, (2, 5, 8, 1)),
    "ReduceSumInteger": (["x"], {"axes": [1], "keepdims": 0}, [tensor("x", (2, 5), TensorProto.UINT8)], [],
                         0, 0, (2,)),
    "MatMulInteger16": (["x", "w"], {}, [tensor("x", (2, 5), TensorProto.INT16)],
                        [stored("w", np.ones((5, 3), np.int16))], 30, 15, (2, 3)),
    "MulInteger": (["x", "", "x", ""], {}, [tensor("x", (2, 5), TensorProto.UINT8)], [], 0, 0, (2, 5)),
    "ComplexMulConj": (["x", "x"], {}, [FLAT], [], 0, 0, (2, 5, 8)),
    "BiasDropout": (["x", "b", "x"], {}, [FLAT], [random("b", 8)], 0, 8, (2, 5, 8)),
    "QLinearWhere": (["c", "x", "s", "z", "x", "s", "z", "s", "z"], {},
                     [tensor("c", (2, 1), TensorProto.BOOL), BYTES], SCALES, 0, 0, (2, 5)),
    "QLinearReduceMean": (["x", "s", "z", "s", "z"], {"axes": [1], "keepdims": 0}, [BYTES], SCALES,
                          0, 0, (2,)),
    "CropAndResize": (["x", "boxes", "which", "side"], {},
                      [tensor("x", (2, 3, 9, 9)), tensor("boxes", (5, 4)), tensor("which", (5,))],
                      [stored("side", np.array([4, 6], np.int32))],
                      0, 0, (5, 3, 4, 6)),
    "QuantizeWithOrder": (["x", "s"], {}, [FLAT], SCALES[:1], 0, 0, (2, 5, 8)),
    "QOrderedGelu": (["x", "s", "s"], {}, [FLAT], SCALES[:1], 0, 0, (2, 5, 8)),
    "QOrderedMatMul": (["x", "s", "w", "s", "s", "b", "r", "s"], {"order_B": 0},
                       [FLAT, tensor("r", (2, 5, 4))], [*SCALES[:1], random("w", 4, 8), random("b", 4)],
                       10 * 32, 36, (2, 5, 4)),
    "QOrderedLayerNormalization": (["x", "s", "g", "b", "s"], {}, [FLAT],
                                   [*SCALES[:1], random("g", 8), random("b", 8)], 0, 16, (2, 5, 8)),
    "QOrderedAttention": (["x", *"ssss", *"qkv", *"sss", *"abc", *"sss"], {"num_heads": 2}, [FLAT],
                          [*SCALES[:1], *(random(name, 8, 8) for name in "qkv"),
                           *(random(name, 8) for name in "abc")],
                          3 * 10 * 64 + 2 * 2 * 25 * 8, 3 * 72, (2, 5, 8)),
}  # fmt: skip


@pytest.mark.parametrize("operator", list(CASES))
def test_is_what_it_is_made_of(tmp_path, operator):
    names, fields, inputs, held, macs, parameters, shape = CASES[operator]
    net = read(tmp_path, [node(operator, names, ["y"], "it", **fields)], inputs, held)
    assert (net.macs, net.parameters, shapes(net)) == (macs, parameters, [shape])


def test_an_lstm_of_integers(tmp_path):
    features, hidden = 6, 4
    rng = np.random.default_rng(0)
    first = rng.integers(126, 131, (1, features, 4 * hidden)).astype(np.uint8)
    again = rng.integers(-2, 3, (1, hidden, 4 * hidden)).astype(np.int8)
    held = [stored("w", first), stored("r", again), random("b", 1, 8 * hidden)]
    held += [stored("s", np.ones(1, np.float32)), stored("z", np.array([128], np.uint8))]
    held += [stored("n", np.array([0], np.int8))]
    names = ["x", "w", "r", "b", "", "", "", "", "s", "z", "s", "n"]
    layer = node("DynamicQuantizeLSTM", names, ["y"], "lstm", hidden_size=hidden)
    net = read(tmp_path, [layer], [tensor("x", (3, 2, features))], held)
    assert net.macs == 3 * 2 * 4 * hidden * (features + hidden)
    assert net.parameters == 4 * hidden * (features + hidden + 2)
    weight = net.weight("lstm", "input")
    assert (weight.bits, weight.nonzeros) == (8, (first != 128).sum())


@pytest.mark.parametrize("packed", [3, 2])
def test_attention_of_packed_heads(tmp_path, packed):
    """Queries, keys and values in one tensor (batch, length, heads, 3, d), or keys and values in one."""
    one = tensor("p", (2, 5, 4, packed, 8))
    names = ["p"] if packed == 3 else ["q", "p"]
    inputs = [one] if packed == 3 else [tensor("q", (2, 5, 32)), one]
    net = read(tmp_path, [node("MultiHeadAttention", names, ["y"], "mha", num_heads=4)], inputs)
    assert (net.macs, shapes(net)) == (2 * 2 * 4 * 5 * 5 * 8, [(2, 5, 32)])


def test_attention_behind_a_past_in_one_tensor(tmp_path):
    """GPT-2 as ONNX Runtime optimises it: keys and values of the past, and of the present, in one tensor."""
    layer = node(
        "Attention", ["x", "w", "b", "", "past"], ["y", "present"], "at", num_heads=4, unidirectional=1
    )
    net = read(
        tmp_path,
        [layer],
        [tensor("x", (1, 1, 32)), tensor("past", (2, 1, 4, 9, 8))],
        [random("w", 32, 96), random("b", 96)],
        ("y", "present"),
    )
    assert net.macs == 32 * 96 + 2 * 4 * 10 * 8
    assert (net.parameters, shapes(net)) == (32 * 96 + 96, [(1, 1, 32), (2, 1, 4, 10, 8)])


def test_largest_of_boxes(tmp_path):
    layer = helper.make_node("MaxRoiPool", ["x", "boxes"], ["y"], pooled_shape=[2, 3])
    built = model([layer], [tensor("x", (1, 4, 8, 8)), tensor("boxes", (5, 5))], [tensor("y", None)])
    net = workloads.from_onnx(save(tmp_path / "model.onnx", built))
    assert shapes(net) == [(5, 4, 2, 3)]
    assert net.table().vector_ops.sum() == 5 * 4 * 64  # each box as large as the map


def test_one_token_behind_what_is_filled_of_a_buffer(tmp_path):
    """Nine of sixteen places are filled; nine and the new one are seen."""
    count = stored("n", np.array([9], np.int32))
    layer = node(
        "DecoderMaskedSelfAttention", ["x", "w", "b", "", "past", "", "n"], ["y", "present"], "at",
        num_heads=4, past_present_share_buffer=1,
    )  # fmt: skip
    whole = [tensor("x", (1, 1, 32)), tensor("past", (2, 1, 4, 16, 8))]
    net = read(tmp_path, [layer], whole, [random("w", 32, 96), random("b", 96), count], ("y", "present"))
    assert (net.macs, net.parameters) == (32 * 96 + 2 * 4 * 10 * 8, 32 * 96 + 96)
    names = ["q", "k", "v", "", "", "p", "o", "n"]
    layer = node(
        "DecoderMaskedMultiHeadAttention", names, ["y", "pk", "pv"], "at", num_heads=4,
        past_present_share_buffer=1,
    )  # fmt: skip
    apart = [tensor(name, (2, 1, 32)) for name in "qkv"] + [tensor(name, (2, 4, 16, 8)) for name in "po"]
    net = read(tmp_path, [layer], apart, [count], ("y", "pk", "pv"))
    assert (net.macs, shapes(net)[0]) == (2 * 2 * 4 * 10 * 8, (2, 1, 32))
    open_ended = [*apart, tensor("n", (1,), TensorProto.INT32)]
    with pytest.raises(workloads.NetworkImportError, match=r"--input n=VALUE\) makes it known"):
        read(tmp_path, [layer], open_ended, [], ("y", "pk", "pv"))


def test_one_token_and_an_encoder(tmp_path):
    layer = node("DecoderMaskedMultiHeadAttention", ["q", "k", "v"], ["y"], "at", num_heads=4)
    inputs = [tensor("q", (2, 1, 32)), tensor("k", (2, 4, 7, 8)), tensor("v", (2, 4, 7, 8))]
    net = read(tmp_path, [layer], inputs)
    assert (net.macs, shapes(net)) == (2 * 2 * 4 * 7 * 8, [(2, 1, 32)])


def test_sequences_on_pages(tmp_path):
    """Three new tokens behind five, one behind nine: each query sees its own sequence."""
    layer = node(
        "PagedAttention", ["q", "k", "v", "kc", "vc", "ends", "pasts", "table"], ["y", "ko", "vo"], "at",
        num_heads=4, kv_num_heads=2,
    )  # fmt: skip
    inputs = [tensor("q", (4, 64)), tensor("k", (4, 32)), tensor("v", (4, 32))]
    inputs += [tensor(name, (6, 4, 2, 16)) for name in ("kc", "vc")]
    inputs.append(tensor("table", (2, 3), TensorProto.INT32))
    held = [stored("ends", np.array([0, 3, 4], np.int32)), stored("pasts", np.array([5, 9], np.int32))]
    net = read(tmp_path, [layer], inputs, held, ("y", "ko", "vo"))
    assert net.macs == 2 * 4 * 16 * (3 * 8 + 1 * 10)
    assert shapes(net) == [(4, 64), (6, 4, 2, 16), (6, 4, 2, 16)]
    written = net.table().write_elements.sum()
    assert written == 4 * 64 + 2 * 4 * 32  # the result, and the new keys and values in place


@pytest.mark.parametrize(
    ("ends", "pasts", "message"),
    [
        ([1, 3, 4], [5, 9], r"its sequences end at \[1, 3, 4\]"),
        ([0, 3, 2, 4], [1, 1, 1], r"its sequences end at \[0, 3, 2, 4\]"),
        ([0, 3, 5], [5, 9], r"its sequences end at \[0, 3, 5\], beside pasts of \[5, 9\]"),
        ([0, 3, 4], [-1, 9], r"beside pasts of \[-1, 9\]"),
        ([0, 3, 4], [5, 90], r"need 99 rows of a cache of 24"),
    ],
)
def test_pages_that_cannot_be_are_one_line(tmp_path, ends, pasts, message):
    names = ["q", "k", "v", "kc", "vc", "ends", "pasts", "table"]
    layer = node("PagedAttention", names, ["y"], "at", num_heads=4, kv_num_heads=2)
    inputs = [tensor("q", (4, 64)), tensor("k", (4, 32)), tensor("v", (4, 32))]
    inputs += [tensor(name, (6, 4, 2, 16)) for name in ("kc", "vc")]
    inputs.append(tensor("table", (2, 3), TensorProto.INT32))
    held = [stored("ends", np.array(ends, np.int32)), stored("pasts", np.array(pasts, np.int32))]
    with pytest.raises(workloads.NetworkImportError, match=message):
        read(tmp_path, [layer], inputs, held)


def test_attention_with_blocks_left_out(tmp_path):
    """Blocks of four: each sees its own and the first. The first queries see 1 to 4 keys."""
    layer = node(
        "SparseAttention", ["q", "k", "v", "pk", "pv", "rows", "cols", "n", "each"], ["y", "a", "b"], "at",
        num_heads=4, kv_num_heads=2, sparse_block_size=4,
    )  # fmt: skip
    inputs = [tensor("q", (1, 12, 32)), tensor("k", (1, 12, 16)), tensor("v", (1, 12, 16))]
    inputs += [tensor(name, (1, 2, 16, 8)) for name in ("pk", "pv")]
    held = [
        stored("rows", np.array([[0, 1, 3, 5]], np.int32)),
        stored("cols", np.array([[0, 0, 1, 0, 2]], np.int32)),
        stored("n", np.array(12, np.int32)),
        stored("each", np.array([12], np.int32)),
    ]
    net = read(tmp_path, [layer], inputs, held, ("y", "a", "b"))
    assert net.macs == 2 * 4 * 144 * 8
    assert net.effectual_macs == 2 * 4 * 8 * ((1 + 2 + 3 + 4) * 3 + 4 * 8)
