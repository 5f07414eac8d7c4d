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
MANY_MINUTES = {"codesign.md"}
"""Pages whose blocks train networks for minutes: they are compiled, and what they call is looked up."""
FRAGMENTS = {"README.md"}
"""Pages whose blocks go on from what a reader has: a module, a batch, a cluster."""


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGES[page].read_text(encoding="utf-8"), re.DOTALL)


def names_of(block: str) -> set[str]:
    return set(re.findall(r"\b(?:dse|hwmodels|workloads)(?:\.[A-Za-z_]\w*)+", block))


@pytest.mark.compiled
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page) and page not in MANY_MINUTES | FRAGMENTS]
)
@pytest.mark.filterwarnings("ignore:Port .* is already in use", "ignore::ResourceWarning")
def test_every_block_runs(page, tmp_path, monkeypatch, capsys):
    if page == "how_to.md":
        pytest.importorskip("distributed")
    if page == "networks.md":
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


@pytest.mark.parametrize("page", sorted(MANY_MINUTES | FRAGMENTS))
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
