"""Results of long runs, kept on disk by content: what was made before by the same code is not made again."""

import ast
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

FOLDER = Path("runs/codesign")
"""Where results are kept, under the folder that the command runs in."""

SEEDS = (0, 1, 2, 3, 4)

Numbers = dict[str, float]


@cache
def _code(module: str) -> str:
    """Return a module's syntax tree without its docstrings: layout and comments are free to change."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            del node.body[0]
    return ast.dump(tree)


def kept(what: str, seed: int, make: Callable[[int], Numbers], of: Sequence[ModuleType] = ()) -> Numbers:
    """Return `make(seed)`, from disk where the same code made it before.

    Parameters
    ----------
    what
        What it is called, with everything that `make` closes over.
    seed
        The seed.
    make
        Makes numbers of a seed.
    of
        Modules that the numbers depend on, beside that of `make`: a change of one makes them anew.

    """
    call = make.func if isinstance(make, partial) else make
    parts = [what, str(seed), call.__qualname__, torch.__version__]
    parts += [_code(name) for name in (call.__module__, *(module.__name__ for module in of))]
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    file = FOLDER / "results" / f"{what.replace(' ', '-')}-{seed}-{name}.json"
    if file.exists():
        return {key: float(value) for key, value in json.loads(file.read_text()).items()}
    found = make(seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(json.dumps(found, indent=1))
    beside.replace(file)
    return found


def interval(values: Sequence[float], digits: int = 1) -> str:
    """Mean with a 95 % interval by Student's t; of one value there is none."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.{digits}f}"
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def heading(*columns: str) -> None:
    """Print a table's head."""
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns), flush=True)


def row(what: str, values: Sequence[float], target: str = "", unit: str = " points", digits: int = 1) -> None:
    """Print a row: mean with its interval, every seed, and what is to be reached."""
    each = " ".join(f"{one:.{digits}f}" for one in values)
    print(f"| {what} | {interval(values, digits)}{unit} | {each} | {target} |", flush=True)
