"""Every code block of every page runs as it stands, one after the other, in an empty folder."""

import re
from pathlib import Path

import pytest

import dse
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
    }
}
"""Page -> what stands in its blocks and would take minutes, and what runs in its place."""
FRAGMENTS = {"README.md"}
"""Pages whose blocks go on from what a reader has: a module, a batch, a cluster."""


def blocks(page: str) -> list[str]:
    text = PAGES[page].read_text(encoding="utf-8")
    for long, short in SMALLER.get(page, {}).items():
        assert long in text, f"{page} no longer says {long}"
        text = text.replace(long, short)
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def names_of(block: str) -> set[str]:
    return set(re.findall(r"\b(?:dse|hwmodels|workloads)(?:\.[A-Za-z_]\w*)+", block))


@pytest.mark.compiled
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page) and page not in FRAGMENTS])
@pytest.mark.filterwarnings("ignore:Port .* is already in use", "ignore::ResourceWarning")
def test_every_block_runs(page, tmp_path, monkeypatch, capsys):
    if page == "how_to.md":
        pytest.importorskip("distributed")
    if page in ("networks.md", "codesign.md"):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
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


@pytest.mark.parametrize("page", sorted(FRAGMENTS))
def test_other_blocks_are_python_and_call_what_there_is(page):
    import importlib

    for block in blocks(page):
        compile(block, page, "exec")
        for name in names_of(block):
            head, *path = name.split(".")
            found = importlib.import_module(head)
            for part in path:
                if not hasattr(found, part):  # a module that nobody has imported yet
                    found = importlib.import_module(f"{found.__name__}.{part}")
                else:
                    found = getattr(found, part)


def test_every_page_with_code_is_read():
    assert sum(bool(blocks(page)) for page in PAGES) >= 8
