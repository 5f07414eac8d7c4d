"""Runs the notebooks of the course: `python -m tests.notebooks [NAME]` writes their outputs anew.

It prints the processor time of each, which a reader waits for on an idle core.
"""

import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LEARNED = "learned"
"""Tag of a cell whose output follows from a training: other processors round it otherwise."""
TOLERANCE = 1e-2
"""Relative, of numbers in stored outputs: half of their last digit at least."""

_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


def run(path: Path) -> Any:
    """Execute a notebook in its folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.

    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, 4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3")
    client.resources = {"metadata": {"path": str(FOLDER)}}
    return client.execute()


def said(cell: Any) -> str:
    """What a cell prints and shows as text; pictures are not read."""
    texts = []
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        texts.append("".join(text))
    return "\n".join(texts)


def differences(stored: Any, now: Any) -> Iterator[str]:
    """Cells whose stored texts are not today's: other words, or numbers further away than the tolerance."""
    for place, (then, cell) in enumerate(zip(stored["cells"], now["cells"], strict=True)):
        if LEARNED in cell.get("metadata", {}).get("tags", []) or cell["cell_type"] != "code":
            continue
        before, after = said(then), said(cell)
        words = [" ".join(_NUMBER.sub("#", text).split()) for text in (before, after)]
        if words[0] != words[1]:
            yield f"cell {place} says otherwise"
            continue
        for one, other in zip(_numbers(before), _numbers(after), strict=True):
            if abs(one - other) > TOLERANCE * max(abs(one), abs(other)):
                yield f"cell {place}: {one:g} is stored, {other:g} is computed"
                break


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]


def main(names: list[str]) -> None:
    """Write outputs anew."""
    import nbformat

    for path in NOTEBOOKS:
        if names and not any(path.name.startswith(name) for name in names):
            continue
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        nbformat.write(_plain(run(path)), path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{path.name}: {seconds:.0f} s of a core", flush=True)


def _plain(notebook: Any) -> Any:
    """Without what changes with run and machine: when each cell ran, and what libraries warn of."""
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if "outputs" in cell:
            cell["outputs"] = [out for out in cell["outputs"] if out.get("name") != "stderr"]
    notebook["metadata"].get("language_info", {}).pop("version", None)
    return notebook


if __name__ == "__main__":
    main(sys.argv[1:])
