"""Weights of a few bits, and mixtures of experts, as ONNX Runtime's own operators have them."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor

MICROSOFT = {"domain": "com.microsoft"}


def read(tmp_path, nodes, inputs, held, opset=17):
    built = model(nodes, inputs, [tensor("y", None)], held, opset)
    built.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return workloads.from_onnx(save(tmp_path / "model.onnx", built))


def in_bytes(values, bits=4):
    """Pack the last axis, its first elements in the low bits of each byte."""
    each = 8 // bits
    parts = values.reshape(*values.shape[:-1], -1, each).astype(np.uint8)
    return (parts << (bits * np.arange(each, dtype=np.uint8))).sum(-1).astype(np.uint8)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("third", [False, True])
def test_a_mixture_of_experts(tmp_path, rank, third):
    experts, hidden, width, k = 4, 12, 20, 2
    lead = (6,) if rank == 2 else (2, 3)
    held = [
        random("w1", experts, width, hidden),
        random("b1", experts, width),
        random("w2", experts, hidden, width),
        random("w3", experts, width, hidden),
    ]
    names = ["x", "r", "w1", "b1", "w2", "", "w3" if third else ""]
    layer = node("MoE", names, ["y"], "moe", k=k, activation_type="silu", **MICROSOFT)
    net = read(tmp_path, [layer], [tensor("x", (*lead, hidden)), tensor("r", (6, experts))], held)
    products = 3 if third else 2
    assert net.macs == 6 * k * products * hidden * width
    assert net.parameters == products * experts * hidden * width + experts * width
    assert net.graph.tensors[net.graph.outputs[0]].shape == (*lead, hidden)


@pytest.mark.parametrize(("bits", "block"), [(4, 16), (4, 0), (8, 16), (2, 0)])
def test_a_quantised_mixture_of_experts(tmp_path, bits, block):
    """SwiGLU with both products in one, as gpt-oss has it: parameters of few bits, zero points as zeros."""
    experts, hidden, width, k, tokens = 4, 32, 16, 2, 5
    rng = np.random.default_rng(3)
    first = rng.integers(0, 1 << bits, (experts, 2 * width, hidden))
    second = rng.integers(0, 1 << bits, (experts, hidden, width))
    held = [
        stored("w1", in_bytes(first, bits)),
        stored("s", np.ones((experts, 2 * width), np.float32)),
        random("b1", experts, 2 * width),
        stored("w2", in_bytes(second, bits)),
    ]
    fields = {"k": k, "activation_type": "swiglu", "swiglu_fusion": 1, "expert_weight_bits": bits}
    fields |= {"block_size": block} if block else {}
    layer = node("QMoE", ["x", "r", "w1", "s", "b1", "w2", "s"], ["y"], "moe", **fields, **MICROSOFT)
    inputs = [tensor("x", (1, tokens, hidden)), tensor("r", (tokens, experts))]
    net = read(tmp_path, [layer], inputs, held)
    assert net.macs == tokens * k * 3 * hidden * width
    assert net.parameters == experts * (3 * hidden * width + 2 * width)
    weight = net.weight("moe/fc1")
    assert (weight.bits, weight.nonzeros) == (bits, (first != 1 << (bits - 1)).sum())


def test_experts_of_zero_points_and_routers_of_their_own(tmp_path):
    experts, hidden, width, block = 2, 32, 32, 16
    values = np.random.default_rng(4).integers(0, 16, (experts, width, hidden))
    points = np.random.default_rng(5).integers(0, 16, (experts, width, hidden // block))
    held = [stored("w", in_bytes(values)), stored("s", np.ones(1, np.float32)), stored("z", in_bytes(points))]
    names = ["x", "r", "w", "s", "", "w", "s", "", "", "", "", "z", "", "", "own"]
    layer = node("QMoE", names, ["y"], "moe", k=1, block_size=block, **MICROSOFT)
    inputs = [tensor("x", (7, hidden)), tensor("r", (7, experts)), tensor("own", (7, experts))]
    net = read(tmp_path, [layer], inputs, held)
    assert net.macs == 7 * 2 * hidden * width
    assert net.weight("moe/fc1").nonzeros == (values != points.repeat(block, axis=-1)).sum()


def test_experts_stored_the_other_way_round(tmp_path):
    held = [random("w1", 4, 12, 20), random("w2", 4, 20, 12)]
    layer = node("MoE", ["x", "r", "w1", "", "w2"], ["y"], "moe", k=1, **MICROSOFT)
    net = read(tmp_path, [layer], [tensor("x", (6, 12)), tensor("r", (6, 4))], held)
    assert (net.macs, net.parameters) == (6 * 2 * 240, 4 * 2 * 240)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"k": 5}, "k must be 1 to 4, its experts, got 5"),
        ({"activation_type": "sin"}, "activation_type must be one of relu, gelu"),
    ],
)
def test_experts_that_cannot_be(tmp_path, fields, message):
    layer = node("MoE", ["x", "r", "w", "", "w"], ["y"], "moe", **fields, **MICROSOFT)
    with pytest.raises(workloads.NetworkImportError, match=message):
        read(tmp_path, [layer], [tensor("x", (6, 8)), tensor("r", (6, 4))], [random("w", 4, 8, 8)])


@pytest.mark.parametrize(("kind", "zeros"), [(1, (7,)), (0, (0, 8))])
def test_codes_of_bitsandbytes(tmp_path, kind, zeros):
    """NF4's seventh code is zero, FP4 has two; the first code of a byte is the high one."""
    values = np.random.default_rng(6).integers(0, 16, (6, 10)).astype(np.uint8)
    flat = values.reshape(-1)
    held = [stored("w", flat[::2] << 4 | flat[1::2]), stored("a", np.ones(4, np.float32))]
    fields = {"K": 10, "N": 6, "block_size": 16, "quant_type": kind}
    layer = node("MatMulBnb4", ["x", "w", "a"], ["y"], "fc", **fields, **MICROSOFT)
    net = read(tmp_path, [layer], [tensor("x", (2, 3, 10))], held)
    assert (net.macs, net.parameters, net.weight("fc").bits) == (6 * 60, 60, 4)
    np.testing.assert_array_equal(net.mask("fc"), ~np.isin(values, zeros))


@pytest.mark.parametrize("packed", [False, True])
def test_rows_of_a_table_of_few_bits(tmp_path, packed):
    values = np.random.default_rng(7).integers(0, 16, (9, 32)).astype(np.uint8)
    if packed:
        table, zero = stored("w", in_bytes(values)), 8
    else:
        table, zero = helper.make_tensor("w", TensorProto.UINT4, (9, 32), values.reshape(-1).tolist()), 0
    held = [table, stored("s", np.ones((9, 2), np.float32)), random("v", 32, 5)]
    pick = node("GatherBlockQuantized", ["i", "w", "s"], ["e"], "words", block_size=16, **MICROSOFT)
    pick.input[:] = ["w", "i", "s"]
    nodes = [pick, node("MatMul", ["e", "v"], ["y"], "fc")]
    net = read(tmp_path, nodes, [tensor("i", (1, 4), TensorProto.INT64)], held)
    assert (net.macs, net.parameters) == (4 * 32 * 5, 9 * 32 + 160)
    weight = net.weight("words/rows")
    assert (weight.bits, weight.nonzeros) == (4, (values != zero).sum())


def test_projections_that_share_an_input(tmp_path):
    values = np.random.default_rng(8).integers(0, 16, (6, 32)).astype(np.uint8)
    held = [
        stored("w", in_bytes(values).reshape(6, 1, 16)),
        stored("s", np.ones(6, np.float32)),
        random("n", 32),
        random("b", 6),
    ]
    fields = {"K": 32, "bits": 4, "block_size": 32, **MICROSOFT}
    heads = ["x", "k", "n", "w", "s", "b", "w", "s", "", "w", "s", ""]
    nodes = [
        node("MatMulNBitsQkv", heads, ["q", "kk", "v", "sum"], "qkv", Nq=6, Nkv=6, **fields),
        node("MatMulNBitsMlp", ["sum", "", "", "w", "s", "", "w", "s", "b"], ["m"], "mlp", N=6,
             activation="silu", **fields),
        node("Sum", ["q", "kk", "v", "m"], ["y"], "all"),
    ]  # fmt: skip
    net = read(tmp_path, nodes, [tensor("x", (1, 5, 32)), tensor("k", (1, 5, 32))], held)
    assert net.macs == 5 * 5 * 6 * 32
    assert net.parameters == 6 * 32 + 32 + 6  # one weight, one norm, one bias
