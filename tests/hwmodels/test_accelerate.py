"""Compiled kernels on disk never outlive the sources they were compiled from."""

import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core.cpu import CPUTargetOptions

from hwmodels import accelerate
from hwmodels.accelerate import drop_stale_kernels, kernel


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


def room_of(folder, name, text):
    """A room with a compiled kernel of its source."""
    room = folder / name
    (room / "__pycache__").mkdir(parents=True)
    (room / "caller.py").write_text(text)
    return room / "__pycache__" / "caller.f-1.py311.nbi"


def test_an_edit_drops_the_rooms_that_call_into_it_and_no_others(folder):
    """`outer` calls `middle`, which calls `inner`; `alone` calls a source beside the rooms."""
    name = folder.name
    compiled = {
        "outer": room_of(folder, "outer", f"from {name}.middle.caller import TWO\n"),
        "middle": room_of(folder, "middle", f"import {name}.inner.caller\n"),
        "inner": room_of(folder, "inner", "TWO = 2\n"),
        "alone": room_of(folder, "alone", f"from {name}.callee import ONE\n"),
        "any": room_of(folder, "any", "from ..inner import caller\n"),
    }
    drop_stale_kernels(folder)
    for source, dropped in (
        ("inner/caller.py", {"outer", "middle", "inner", "any"}),
        ("outer/caller.py", {"outer", "any"}),
        ("callee.py", {"alone", "any"}),
    ):
        for path in compiled.values():
            path.write_bytes(b"")
        assert not drop_stale_kernels(folder)
        before = (folder / source).read_text()
        (folder / source).write_text(before + "THREE = 3\n")
        assert drop_stale_kernels(folder)
        assert {room for room, path in compiled.items() if not path.exists()} == dropped


def test_the_cache_switch_refuses_other_values():
    code = "import os; os.environ['SPRINGBOARD_NUMBA_CACHE'] = 'yes'; import hwmodels.accelerate"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "SPRINGBOARD_NUMBA_CACHE must be 0 or 1, got 'yes'" in ran.stderr


def test_a_kernel_that_python_calls_and_one_that_kernels_call_are_compiled_apart():
    @kernel
    def double(x: float, by: float = 2.0) -> float:
        return by * x

    @kernel
    def after(x: float) -> float:
        return double(x) + 1.0

    assert after(3.0) == 7.0
    if hasattr(double, "signatures"):  # numba is on
        assert double.signatures == []  # without the wrapper that takes Python's values apart
    assert double(3.0) == 6.0
    assert after(4.0) == 9.0


@pytest.mark.compiled
def test_kernels_compile_where_numba_knows_no_such_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def filled(values, value):
        for i in range(values.size):
            values[i] = value

    uncached = {"cache": False}
    flags = accelerate._flags() | uncached
    owner = next(one for one in CPUTargetOptions.__mro__ if "_nrt" in vars(one))
    monkeypatch.delattr(owner, "_nrt")
    with pytest.raises(KeyError, match="_nrt"):
        numba.njit(**flags)(filled)(np.zeros(2), 3.0)
    values = np.zeros(2)
    numba.njit(**accelerate._flags() | uncached)(filled)(values, 3.0)
    assert values.tolist() == [3.0, 3.0]
