"""Why a module cannot be traced: which of its own lines, and what to do."""

import os
import re
import traceback
from pathlib import PurePath

from workloads.importers.torch.library import FxNode, first_line, torch

_OUTSIDE = (os.path.dirname(torch.__file__), os.path.dirname(os.path.dirname(__file__)))
"""Folders whose lines are not the module's: PyTorch's and the importers'."""
_LIBRARY = os.path.dirname(os.__file__)
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in \S+\s*\n\s*(?P<code>[^\n]*)')
_ON_DATA = (
    *("data-dependent", "GuardOnDataDependent", "Could not extract specialized integer", "unbacked"),
    ".numpy() is not supported",
)
_SPARSE = ("layout_impl", "SparseTensorImpl", "SparseCsrTensorImpl", "meta converter nyi")
_LONGEST = 200
"""Characters of a reason that are kept."""


def on_data(error: BaseException) -> bool:
    """Whether a module cannot be traced because what it does depends on data."""
    said = f"{type(error).__name__} {error}"
    return any(part in said for part in _ON_DATA)


def why_not(error: BaseException) -> str:
    """Return what keeps a module from being traced, in one line."""
    words = first_line(error)
    place = _line_of(error)
    said = f"{type(error).__name__} {error}"
    if on_data(error):
        return f"torch.export cannot trace it: {depends(place)} ({_cut(words)})"
    if any(part in said for part in _SPARSE):
        return (
            f"torch.export cannot trace it: a sparse tensor is made inside{place}; make it outside, and "
            f"give it as an input or keep it in the module ({_cut(words)})"
        )
    if "__obj_flatten__" in said:
        return (
            "it is quantised by torch.ao's eager mode, whose weights are packed and cannot be traced: give "
            "the module as it was before it was converted, or an ONNX file of it to from_onnx"
        )
    return f"torch.export cannot trace it: {_cut(words)}{place}"


def depends(place: str) -> str:
    """Return what is said of a line whose work depends on data, and the way out."""
    return (
        f"what it computes depends on data{place}; fix the choice or the number there (torch.topk, or a "
        f"product with the mask), or give from_torch the parts before and behind it"
    )


def line_of(node: FxNode) -> str:
    """Return the module's line that a call comes from, " (FILE, line 3: CODE)", "" where it is not known."""
    found = [match for match in _FRAME.finditer(node.meta.get("stack_trace") or "") if _own(match["file"])]
    if not found:
        return ""
    last = found[-1]
    return _place(last["file"], int(last["line"]), last["code"])


def _line_of(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _own(frame.filename)]
    if not frames:
        return ""
    return _place(frames[-1].filename, frames[-1].lineno or 0, frames[-1].line or "")


def _own(file: str) -> bool:
    library = file.startswith(_LIBRARY) and "site-packages" not in file
    return not library and not file.startswith(_OUTSIDE) and not file.startswith("<")


def _place(file: str, line: int, code: str) -> str:
    return f" ({PurePath(file).name}, line {line}: {_cut(code.strip())})"


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
