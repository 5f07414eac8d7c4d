"""The examples of docs/figures.md, run one after the other in an empty folder."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "figures.md"


def test_every_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL):
        exec(compile(example, str(DOCUMENT), "exec"), names)
    assert {"front.pdf", "table.tex", "ours.bib"} <= {path.name for path in tmp_path.iterdir()}
