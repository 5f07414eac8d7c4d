"""Compiled kernels on disk never outlive the sources they were compiled from."""

import subprocess
import sys

import pytest

from hwmodels.accelerate import drop_stale_kernels


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "callee.py").write_text("ONE = 1\n")
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    return tmp_path


def test_an_edit_of_any_source_drops_every_compiled_kernel(folder):
    assert not drop_stale_kernels(folder)
    compiled = folder / "__pycache__" / "caller.f-1.py311.nbi"
    compiled.write_bytes(b"")
    assert not drop_stale_kernels(folder)
    assert compiled.exists()
    (folder / "callee.py").write_text("ONE = 111\n")
    assert drop_stale_kernels(folder)
    assert not compiled.exists()


def test_folders_below_are_watched_too(folder):
    """Kernels call across rooms: an edit in one drops what was compiled in another."""
    room = folder / "room"
    (room / "__pycache__").mkdir(parents=True)
    (room / "caller.py").write_text("TWO = 2\n")
    drop_stale_kernels(folder)
    compiled = room / "__pycache__" / "caller.f-1.py311.nbi"
    compiled.write_bytes(b"")
    (room / "caller.py").write_text("TWO = 222\n")
    assert drop_stale_kernels(folder)
    assert not compiled.exists()


def test_the_cache_switch_refuses_other_values():
    code = "import os; os.environ['SPRINGBOARD_NUMBA_CACHE'] = 'yes'; import hwmodels.accelerate"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "SPRINGBOARD_NUMBA_CACHE must be 0 or 1, got 'yes'" in ran.stderr
