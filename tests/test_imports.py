"""The house's rules as tests: the direction of imports, what installs, and how fast the packages import."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGES = ("dse", "hwmodels", "workloads")


def test_imports_run_one_way(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports() == 0


def imported_by(statement: str) -> set[str]:
    """Top-level modules loaded after a statement in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).split())


def test_heavy_libraries_load_only_when_asked_for():
    loaded = imported_by("import dse, hwmodels, workloads")
    heavy = {"onnx", "torch", "matplotlib", "pymoo", "sklearn", "distributed", "duckdb"}
    assert not loaded & heavy


def test_only_the_three_packages_are_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["packages"]["find"]["include"] == ["dse*", "hwmodels*", "workloads*"]


def test_every_package_folder_is_a_package():
    """A folder of modules without an `__init__.py` would be left out of the wheel."""
    for package in PACKAGES:
        for module in (ROOT / package).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), module.parent


OPTIONAL = "onnx or torch is an extra"
KIND = "a kind of machine names how it is costed, whose modules have it before them"
INSIDE = {
    "hwmodels/levels.py": ({"hwmodels.models.nest"}, KIND),
    "hwmodels/spec.py": ({"hwmodels.models.two_level"}, KIND),
    "hwmodels/template.py": ({"hwmodels.models.template"}, KIND),
    "workloads/importers/__init__.py": (
        {"workloads.importers.onnx.reader", "workloads.importers.torch.reader"},
        OPTIONAL,
    ),
    "workloads/learning/trainer.py": ({"workloads.learning.fitting"}, OPTIONAL),
    "workloads/modules/__init__.py": (
        {"workloads.modules", "workloads.modules.check", "workloads.modules.graph_module"},
        OPTIONAL,
    ),
}
"""Modules that import our own inside functions: which, and why they must."""


def inside(path: Path) -> set[str]:
    """Our own modules that a file imports inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    found = {
        name
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    return {name for name in found if name and name.partition(".")[0] in PACKAGES}


def test_imports_stand_at_the_top_but_for_ten():
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if names := inside(path):
                found[path.relative_to(ROOT).as_posix()] = names
    assert found == {path: names for path, (names, _) in INSIDE.items()}
