"""The examples of docs/bring_your_own.md and docs/your_own_parts.md, page by page, in an empty folder."""

import re
from pathlib import Path

import pytest

import dse

DOCUMENT = Path(__file__).parents[1] / "docs" / "bring_your_own.md"


def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) == 7
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(DOCUMENT), "exec"), names)


@pytest.mark.compiled
def test_every_example_of_own_parts_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = DOCUMENT.with_name("your_own_parts.md")
    examples = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    names: dict[str, object] = {}
    try:
        for example in examples:
            exec(compile(example, str(page), "exec"), names)
    finally:
        dse.unregister_metric("ed2p_js2")
