"""The course: notebooks that a reader can follow, whose stored outputs are today's and name no machine."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests import notebooks

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = notebooks.NOTEBOOKS
OURS = ("dse", "hwmodels", "workloads")
PUBLIC = ("hwmodels.mapping", "workloads.learning", "workloads.spaces")
"""Packages below ours whose names are public, too."""


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param, json.loads(request.param.read_text())["cells"]


def code(cells):
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_it_is_short_and_begins_with_a_title(notebook):
    _, cells = notebook
    assert len(cells) < 20
    assert "".join(cells[0]["source"]).startswith("# ")


def test_every_cell_has_run_and_no_output_names_a_machine_or_a_warning(notebook):
    path, cells = notebook
    text = path.read_text()
    assert not re.search(r"/(?:tmp|home|root|work|Users)/|site-packages", text)
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["execution_count"]
            assert not any(
                out.get("name") == "stderr" or out["output_type"] == "error" for out in cell["outputs"]
            )


def test_it_uses_public_names_alone(notebook):
    _, cells = notebook
    for node in ast.walk(ast.parse("\n".join(code(cells)))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in OURS:
            assert node.module in OURS or node.module.startswith(PUBLIC), node.module
        if isinstance(node, ast.Import):
            for name in node.names:
                assert name.name.split(".")[0] not in OURS or name.name in OURS, name.name


def test_it_has_a_picture_for_the_index(notebook):
    path, _ = notebook
    picture = ROOT / "docs" / "images" / "notebooks" / f"{path.stem}.png"
    assert picture.stat().st_size < 60_000


@pytest.mark.compiled
def test_its_stored_outputs_are_those_that_it_computes(notebook):
    """`python -m tests.notebooks` writes them anew."""
    path, cells = notebook
    now = notebooks.run(path)
    assert list(notebooks.differences({"cells": cells}, now)) == []


def test_stale_outputs_are_seen():
    cell = {"cell_type": "code", "metadata": {}, "outputs": [{"text": ["12.14 ms on 3 designs"]}]}
    moved = {**cell, "outputs": [{"text": ["12.4 ms on 3 designs"]}]}
    other = {**cell, "outputs": [{"text": ["12.14 us on 3 designs"]}]}
    near = {**cell, "outputs": [{"text": ["12.15 ms on 3 designs"]}]}
    learned = {**moved, "metadata": {"tags": [notebooks.LEARNED]}}
    found = {
        name: list(notebooks.differences({"cells": [cell]}, {"cells": [now]}))
        for name, now in {"moved": moved, "other": other, "near": near, "learned": learned}.items()
    }
    assert found == {
        "moved": ["cell 0: 12.14 is stored, 12.4 is computed"],
        "other": ["cell 0 says otherwise"],
        "near": [],
        "learned": [],
    }
