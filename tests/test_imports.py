"""The house's rules as tests: the direction of imports, what installs, and how fast the packages import."""

import subprocess
import sys
import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


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
    for package in ("dse", "hwmodels", "workloads"):
        for module in (ROOT / package).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), module.parent
