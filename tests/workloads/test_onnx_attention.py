"""Attention as exporters spell it out in ONNX files: recognised, keys read once, caches appended to."""

import numpy as np
import pytest

import workloads
from tests.workloads.models import model, node, random, save, stored, tensor

HEADS, SHARED, LENGTH, WIDTH = 8, 2, 16, 4


def numbers(name, *values):
    return stored(name, np.array(values))


def attention(scaled):
    """Queries (1, heads, 1, width), keys and values of fewer heads joined to a cache and repeated."""
    nodes = []
    for what in ("k", "v"):
        nodes += [
            node("Concat", [f"past_{what}", what], [f"all_{what}"], axis=2),
            node("Unsqueeze", [f"all_{what}", "two"], [f"{what}1"]),
            node("Expand", [f"{what}1", "many"], [f"{what}2"]),
            node("Reshape", [f"{what}2", "joined"], [f"{what}3"]),
        ]
    nodes += [node("Transpose", ["k3"], ["kt"], perm=[0, 1, 3, 2])]
    if scaled == "operands":
        nodes += [node("Mul", ["q", "s"], ["qs"], "mul_q"), node("Mul", ["kt", "s"], ["ks"], "mul_k")]
        nodes += [node("MatMul", ["qs", "ks"], ["a"], "first")]
    else:
        nodes += [node("MatMul", ["q", "kt"], ["b"], "first"), node("Div", ["b", "s"], ["a"])]
    nodes += [node("Softmax", ["a"], ["p"], axis=-1), node("MatMul", ["p", "v3"], ["y"], "second")]
    cache = (1, SHARED, LENGTH - 1, WIDTH)
    given = [tensor("q", (1, HEADS, 1, WIDTH))]
    given += [tensor(f"past_{what}", cache) for what in ("k", "v")]
    given += [tensor(what, (1, SHARED, 1, WIDTH)) for what in ("k", "v")]
    constants = [
        numbers("two", 2),
        numbers("many", 1, SHARED, HEADS // SHARED, LENGTH, WIDTH),
        numbers("joined", 0, HEADS, LENGTH, WIDTH),
        stored("s", np.float32(2.0)),
    ]
    for i, one in enumerate(nodes):
        one.name = f"{one.name}_{i}"
    results = [tensor(name, None) for name in ("y", "all_k", "all_v")]
    return model(nodes, given, results, constants)


@pytest.mark.parametrize("scaled", ["operands", "scores"])
def test_a_decoder_step_reads_its_cache_once_and_writes_what_is_new(tmp_path, scaled):
    path = save(tmp_path / "m.onnx", attention(scaled))
    network = workloads.from_onnx(path)
    kinds = [o.kind for o in network.operations]
    assert (kinds.count("attention"), kinds.count("append"), kinds.count("softmax")) == (1, 2, 0)
    table = network.table()
    queries, held = HEADS * WIDTH, 2 * SHARED * LENGTH * WIDTH
    assert table.read_elements.sum() + table.weight_elements.sum() == queries + held
    assert table.write_elements.sum() == queries + 2 * SHARED * WIDTH
    assert network.macs == 2 * HEADS * LENGTH * WIDTH
    copied = workloads.from_onnx(path, caches="copy").table()
    assert copied.write_elements.sum() == queries + held


def test_a_softmax_between_a_product_and_something_else_stays(tmp_path):
    nodes = [
        node("MatMul", ["x", "x"], ["a"], "first"),
        node("Softmax", ["a"], ["p"], axis=-1),
        node("MatMul", ["p", "w"], ["y"], "second"),
    ]
    built = model(nodes, [tensor("x", (2, 4, 4))], [tensor("y", None)], [random("w", 4, 3)])
    network = workloads.from_onnx(save(tmp_path / "m.onnx", built))
    assert [o.kind for o in network.operations] == ["matmul", "softmax", "linear"]


REPEATS = {
    "tile": [("Unsqueeze", "two", {}), ("Tile", "each", {}), ("Reshape", "joined", {})],
    "concat": [("Unsqueeze", "two", {}), ("Concat", "", {"axis": 2}), ("Reshape", "joined", {})],
    "gather": [("Gather", "heads", {"axis": 1})],
    "whole": [("Tile", "apart", {})],  # head i meets keys i % 2
}


@pytest.mark.parametrize("how", REPEATS)
def test_heads_that_share_keys_read_them_once_however_they_are_repeated(tmp_path, how):
    nodes = []
    for what in ("k", "v"):
        now = what
        for i, (operator, second, options) in enumerate(REPEATS[how]):
            inputs = [now] * 4 if operator == "Concat" else [now, second]
            now = what + "r" if i == len(REPEATS[how]) - 1 else f"{what}{i}"
            nodes.append(node(operator, inputs, [now], f"{operator}_{what}", **options))
    nodes += [
        node("Transpose", ["kr"], ["kt"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "kt"], ["s"], "first"),
        node("Softmax", ["s"], ["p"], axis=-1),
        node("MatMul", ["p", "vr"], ["y"], "second"),
    ]
    short = (1, SHARED, LENGTH, WIDTH)
    given = [tensor("q", (1, HEADS, 1, WIDTH)), tensor("k", short), tensor("v", short)]
    held = [
        numbers("two", 2),
        numbers("each", 1, 1, HEADS // SHARED, 1, 1),
        numbers("joined", 0, HEADS, LENGTH, WIDTH),
        numbers("heads", 0, 0, 0, 0, 1, 1, 1, 1),
        numbers("apart", 1, HEADS // SHARED, 1, 1),
    ]
    used = {name for one in nodes for name in one.input}
    held = [one for one in held if one.name in used]
    network = workloads.from_onnx(save(tmp_path / "m.onnx", model(nodes, given, [tensor("y", None)], held)))
    table = network.table()
    read = int(table.read_elements.sum() + table.weight_elements.sum())
    assert (read, int(table.write_elements.sum())) == (
        HEADS * WIDTH + 2 * SHARED * LENGTH * WIDTH,
        HEADS * WIDTH,
    )
    assert network.macs == 2 * HEADS * LENGTH * WIDTH
