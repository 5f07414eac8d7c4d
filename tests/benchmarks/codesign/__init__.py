"""What co-design is to reach, measured: `python -m tests.benchmarks codesign` prints all tables.

`python -m tests.benchmarks.codesign connections joint` prints some of them, `--seeds 3` of three seeds;
`--page docs/codesign.md` puts them there, each between the comments with its name. Every result is kept under
runs/codesign by content: a command that was killed goes on where it was, and code that changed is run anew.
"""

import io
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import torch

from tests.benchmarks.codesign import tables

PARTS: Final[dict[str, Callable[..., None]]] = {
    "connections": tables.connections,
    "rivals": tables.rivals,
    "small": tables.small,
    "synthesis": tables.synthesis,
    "incremental": tables.incremental,
    "predictor": tables.predictor,
    "joint": tables.joint,
    "precision": tables.precision,
    "data_free": tables.data_free,
    "ranks": tables.ranks,
}
"""Parts by name."""


def main(parts: Sequence[str] = (), seeds: int = 0, page: Path | None = None) -> None:
    """Print the tables of some parts, or all, or put them into a page."""
    torch.set_num_threads(1)
    given: dict[str, Any] = {"seeds": tuple(range(seeds))} if seeds else {}
    for part in parts or PARTS:
        if page is None:
            PARTS[part](**given)
            print(flush=True)
            continue
        with redirect_stdout(io.StringIO()) as printed:
            PARTS[part](**given)
        page.write_text(put(page.read_text(), part, printed.getvalue()))


def put(text: str, part: str, table: str) -> str:
    """Return a page with a part's table between its two comments.

    Examples
    --------
    >>> put("<!-- joint -->old<!-- /joint -->", "joint", "new")
    '<!-- joint -->\\nnew\\n<!-- /joint -->'

    """
    place = re.compile(rf"(<!-- {part} -->).*?(<!-- /{part} -->)", re.DOTALL)
    if not place.search(text):
        raise SystemExit(f"the page has no <!-- {part} --> and <!-- /{part} -->")
    return place.sub(lambda found: f"{found[1]}\n{table.strip()}\n{found[2]}", text)
