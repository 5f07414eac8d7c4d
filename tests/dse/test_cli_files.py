"""What commands are told of an ONNX file: inputs that are known, weights, caches, the axis of the batch."""

import json
from pathlib import Path

import pytest

from dse.cli import main
from dse.cli.app import build

pytest.importorskip("onnx")

from tests.workloads.models import TensorProto, helper, model, node, random, save, stored, tensor

READERS = ["evaluate", "explain", "front", "networks", "search", "stress", "sweep"]
OPTIONS = {"dim", "unknown", "input_", "weights", "caches", "batch_axis"}


def shown(capsys, *arguments):
    assert main(["networks", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    assert main([*map(str, arguments)]) != 0
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    return err


@pytest.mark.parametrize("name", READERS)
def test_every_command_that_reads_a_network_takes_them(name):
    command = build().commands[name].load()
    assert {one.name for one in command.params} >= OPTIONS


def test_a_known_input_decides_a_branch(tmp_path, capsys):
    def branch(name, width):
        product = node("MatMul", ["x", f"w{width}"], [name])
        return helper.make_graph([product], name, [], [tensor(name, None)])

    test = node("Equal", ["sr", "rate"], ["fast"])
    chosen = node("If", ["fast"], ["y"], then_branch=branch("a", 8), else_branch=branch("b", 4))
    held = [random("w8", 8, 8), random("w4", 8, 4), stored("rate", 16000)]
    given = [tensor("x", (1, 8)), tensor("sr", (), TensorProto.INT64)]
    path = save(tmp_path / "m.onnx", model([test, chosen], given, [tensor("y", None)], held))
    assert shown(capsys, path, "--input", "sr=16000")["macs"] == 64
    assert shown(capsys, path, "--input", "sr=8000")["macs"] == 32
    assert "inputs={'sr': VALUE} (--input sr=VALUE)" in refused(capsys, "networks", path)
    assert "--input sr=fast: write a number" in refused(capsys, "networks", path, "--input", "sr=fast")
    assert "NAME=VALUE" in refused(capsys, "networks", path, "--input", "sr")


def test_weights_without_values(tmp_path, capsys):
    weight = random("w", 8, 8)
    weight.ClearField("raw_data")
    path = save(
        tmp_path / "m.onnx",
        model([node("MatMul", ["x", "w"], ["y"])], [tensor("x", (1, 8))], [tensor("y", None)], [weight]),
    )
    assert [shown(capsys, path, *more)["operations"][0]["known"] for more in ([], ["--weights", "random"])]
    assert "'dense' or 'random', got 'none'" in refused(
        capsys, "evaluate", path, "edge_16x16", "--weights=none"
    )


def cached(folder: Path) -> Path:
    nodes = [
        node("Concat", ["past", "new"], ["keys"], axis=2),
        node("Transpose", ["keys"], ["turned"], perm=[0, 1, 3, 2]),
        node("MatMul", ["q", "turned"], ["scores"]),
        node("Softmax", ["scores"], ["p"], axis=-1),
        node("MatMul", ["p", "keys"], ["y"]),
    ]
    given = [tensor("past", (1, 2, 63, 16)), tensor("new", (1, 2, 1, 16)), tensor("q", (1, 2, 1, 16))]
    outputs = [tensor("y", None), tensor("keys", None)]
    return save(folder / "m.onnx", model(nodes, given, outputs))


def test_caches_are_appended_to_or_copied(tmp_path, capsys):
    path = cached(tmp_path)
    kinds = {
        how: [one["kind"] for one in shown(capsys, path, "--caches", how)["operations"]]
        for how in ("append", "copy")
    }
    assert ("append" in kinds["append"], "concat" in kinds["append"]) == (True, False)
    assert ("append" in kinds["copy"], "concat" in kinds["copy"]) == (False, True)
    assert "'append' or 'copy', got 'move'" in refused(capsys, "networks", path, "--caches", "move")


def test_the_batch_of_sequences_that_come_first(tmp_path, capsys):
    layer = node("MatMul", ["x", "w"], ["y"])
    built = model([layer], [tensor("x", (5, "b", 8))], [tensor("y", None)], [random("w", 8, 8)])
    path = save(tmp_path / "m.onnx", built)
    run = ["evaluate", str(path), "edge_16x16", "--json", "--batch", "3"]
    assert main([*run, "--batch-axis", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["macs"] == 3 * 5 * 64
    assert "'b': VALUE" in refused(capsys, *run)
    assert "batch is fixed at 5" in refused(capsys, *run, "--dim", "b=2")
    assert "3 is no axis of inputs of 3 dimensions" in refused(capsys, *run, "--batch-axis", "3")


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--dim=n=2", "dims"),
        ("--input=x=1", "inputs"),
        ("--weights=dense", "weights"),
        ("--caches=copy", "caches"),
    ],
)
def test_a_network_of_the_package_is_told_nothing_of_files(capsys, option, word):
    assert f"{word}: 'lenet5' is no file" in refused(capsys, "networks", "lenet5", option)


def test_a_topology_is_told_nothing_of_onnx(tmp_path, capsys):
    path = tmp_path / "net.csv"
    path.write_text("Layer, M, N, K,\nQKT, 16, 16, 8,\n")
    assert "caches is for ONNX" in refused(capsys, "networks", path, "--caches=copy")


def test_networks_of_another_batch(tmp_path, capsys):
    """A dynamic batch is bound, a network by name is counted for as many inputs, none is refused."""
    built = model([node("MatMul", ["x", "w"], ["y"])], [tensor("x", ("batch", 4))], [tensor("y", None)],
                  [random("w", 4, 6)])  # fmt: skip
    path = save(tmp_path / "m.onnx", built)
    facts = shown(capsys, path, "--batch", 3)
    assert (facts["batch"], facts["macs"], facts["operations"][0]["input"]) == (3, 72, "3x4")
    one, eight = shown(capsys, "lenet5"), shown(capsys, "lenet5", "--batch", 8)
    assert (one["batch"], eight["batch"], eight["macs"]) == (1, 8, 8 * one["macs"])
    assert eight["parameters"] == one["parameters"]
    assert main(["networks", "lenet5", "--batch", "8"]) == 0
    said = capsys.readouterr().out
    assert f"{8 * one['macs']:,} MACs" in said
    assert "batch 8>" in said
    assert "--batch is said of a network" in refused(capsys, "networks", "--batch", "8")
    assert "positive" in refused(capsys, "networks", "lenet5", "--batch", "0")
