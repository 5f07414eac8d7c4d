"""What the model is: a digest of the sources and tables that costs follow from.

A store is resumed only by the model that began it. Two sources are the same where their syntax trees are, so
that comments, docstrings and layout are free to change; of a table every byte counts.
"""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

COSTS_FOLLOW_FROM: Final = (
    "hwmodels",
    "workloads/table.py",
    "workloads/sparsity",
    "workloads/grammar",
    "dse/run/task.py",
    "dse/space/space.py",
)
"""Files and folders. What a network is made of is not among them: its layer table has a fingerprint."""

_APART: Final = ("hwmodels/validation", "hwmodels/interop", "hwmodels/data_sheet.py")
"""What only reads, shows or checks."""

_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def model_digest() -> str:
    """Digest of the model that is running, 16 hexadecimal digits."""
    return digest_of(root())


@cache
def prices_digest() -> str:
    """Digest of the tables that prices come from, 16 hexadecimal digits."""
    return digest_of(root(), ("hwmodels/data",))


def root() -> Path:
    """Folder in which the running packages lie."""
    package = importlib.util.find_spec("hwmodels")
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]).parent


def digest_of(root: Path, names: Sequence[str] = COSTS_FOLLOW_FROM) -> str:
    """Digest of the model whose packages lie in a folder, or of some of its files: 16 hexadecimal digits."""
    digest = sha256()
    for file in sorted(_files(root, names), key=lambda file: file.relative_to(root).as_posix()):
        content = file.read_bytes()
        if file.suffix == ".py":
            words: list[str] = []
            _spell(ast.parse(content), words)
            content = "\n".join(words).encode()
        name = file.relative_to(root).as_posix()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _files(root: Path, names: Sequence[str]) -> Iterator[Path]:
    apart = [root / name for name in _APART]
    for name in names:
        place = root / name
        for file in [place] if place.is_file() else place.rglob("*"):
            hidden = "__pycache__" in file.parts or file.name.startswith(".")
            if file.is_file() and not hidden and not any(file.is_relative_to(other) for other in apart):
                yield file


def _spell(node: ast.AST, words: list[str]) -> None:
    """Write a syntax tree without docstrings, places, and fields that hold nothing (Pythons differ there)."""
    words.append(type(node).__name__)
    for name in node._fields:
        value: Any = getattr(node, name, None)
        if name == "body" and isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False):
            value = value[1:]
        if value is None or value == []:
            continue
        words.append(name)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, ast.AST):
                _spell(item, words)
            else:
                words.append(repr(item))
    words.append(".")
