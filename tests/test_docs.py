"""Every code block of every page runs as it stands, one after the other, in an empty folder."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import dse
import workloads
from dse.cli.app import build
from workloads.sparsity.schemes import REGISTRY

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = {page.name: page for page in sorted(DOCS.glob("*.md"))} | {"README.md": ROOT / "README.md"}
WRITTEN = {
    "figures.md": {"front.pdf", "table.tex", "ours.bib"},
    "how_to.md": {"table.tex", "runs", "prices.csv"},
}
"""Page -> files that its blocks leave."""
SMALLER = {
    "codesign.md": {
        "trainer(data, epochs=12), budget=60, floor=0.8": "trainer(data, epochs=1), budget=4, floor=0.0",
        "confirm=3": "confirm=1",
        'dse.named_space("edge")': 'dse.Space("edge_16x16", {"array.rows": [8, 16]})',
        "epochs=90": "epochs=2",
        "epochs=20": "epochs=1",
        "invert(teacher, 500, Inversion(steps=200))": "invert(teacher, 16, Inversion(steps=2))",
    },
    "README.md": {
        'workloads.load("resnet50")': 'workloads.load("lenet5")',
        "Tiling(k=16, c=3, positions=112)": "Tiling(k=16, c=1, positions=24)",
        "workloads.NetworkSpace(...)": 'workloads.NetworkSpace("convolutional", {"hidden": [16, 32]}, '
        'fixed={"resolution": 8, "width.stage1": 8, "width.stage2": 8})',
        "budget=60": "budget=2",
    },
}
"""Page -> what stands in its blocks and would take minutes, and what runs in its place."""


def what_a_reader_has():
    """What README.md's blocks go on from: a module and images, ONNX, Timeloop and price files, machines."""
    torch, duckdb = pytest.importorskip("torch"), pytest.importorskip("duckdb")
    for extra in ("plotly", "onnxruntime"):
        pytest.importorskip(extra)
    (files,) = [block for block in blocks("bring_your_own.md") if 'Path("arch.yaml")' in block]
    Path("arch.yaml").write_text(files.split('Path("arch.yaml").write_text("""\\\n')[1].split('""")')[0])
    Path("prices.csv").write_text("component,quantity,value,node_nm\nmac,energy_pj,0.3,22\n")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, 32, 32])
        for name, channels in (("x", 3), ("y", 8))
    ]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [8, 3, 3, 3], [0.0, 1.0] * 108)
    layer = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    opset = helper.make_opsetid("", 17)
    graph = helper.make_graph([layer], "small", ends[:1], ends[1:], [weight])
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    Path("model.onnx").write_bytes(model.SerializeToString())
    return {
        "duckdb": duckdb,
        "module": torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten()),
        "example": torch.zeros(1, 3, 8, 8),
        "batch": torch.ones(4, 3, 8, 8),
        "images": np.ones((2, 3, 32, 32), dtype=np.float32),
        "machines": dse.Space("edge_16x16", {"array.rows": [8, 16]}),
        "measure": lambda network: 1 / (1 + network.macs),
        "net_a": workloads.load("lenet5"),
        "net_b": workloads.load("lenet_300_100"),
    }


def blocks(page: str) -> list[str]:
    text = PAGES[page].read_text(encoding="utf-8")
    for long, short in SMALLER.get(page, {}).items():
        assert long in text, f"{page} no longer says {long}"
        text = text.replace(long, short)
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.compiled
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
@pytest.mark.filterwarnings("ignore:Port .* is already in use", "ignore::ResourceWarning")
def test_every_block_runs(page, tmp_path, monkeypatch, capsys):
    if page == "how_to.md":
        pytest.importorskip("distributed")
    if page in ("networks.md", "codesign.md"):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = what_a_reader_has() if page == "README.md" else {}
    schemes = dict(REGISTRY)
    try:
        for block in blocks(page):
            exec(compile(block, page, "exec"), names)
    finally:
        REGISTRY.clear()
        REGISTRY.update(schemes)
        if page == "your_own_parts.md":
            dse.unregister_metric("ed2p_js2")
    assert WRITTEN.get(page, set()) <= {path.name for path in tmp_path.iterdir()}


def commands(page: str) -> list[list[str]]:
    """Calls of `springboard` on a page: indented lines, and texts between backticks."""
    text = PAGES[page].read_text(encoding="utf-8")
    found = re.findall(r"^    (springboard .*)$|`(springboard [^`]*)`", text, re.MULTILINE)
    return [shlex.split(line or inline, comments=True) for line, inline in found]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_every_command_and_option_is_one(page):
    springboard = build()
    for words in commands(page):
        command = springboard
        rest = words[1:]
        while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
            if not re.fullmatch(r"[a-z]+", rest[0]):
                break  # three dots, for any command
            assert rest[0] in command.commands, " ".join(words)
            command, rest = command.commands[rest[0]], rest[1:]
            command = command.load() if hasattr(command, "load") else command
        options = {option for parameter in command.params for option in parameter.opts}
        if rest and rest[0] == "...":
            continue
        for word in rest:
            known = not word.startswith("--") or word.partition("=")[0] in {*options, "--help", "--version"}
            assert known, f"{' '.join(words)}: no option {word}"


def test_every_page_with_code_is_read():
    assert sum(bool(blocks(page)) for page in PAGES) >= 8
