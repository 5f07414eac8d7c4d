"""A first run says that it compiles, once, where somebody looks; every other run says nothing."""

import contextlib
import io
import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import pytest
from numba.core import event

from hwmodels import compiling
from hwmodels.compiling import NOTICE, Notice


class Terminal(io.StringIO):
    def isatty(self):
        return True


def begun(module):
    function = SimpleNamespace(__module__=module)
    kind = event.EventStatus.START
    return event.Event("numba:compile", kind, {"dispatcher": SimpleNamespace(py_func=function)})


@pytest.mark.parametrize("screen", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_it_is_said_once_and_of_the_projects_kernels_alone(monkeypatch, screen):
    monkeypatch.setattr(sys, "stderr", screen)
    notice = Notice()
    notice.on_start(begun("mine.kernels"))
    assert not screen.getvalue()
    for module in ("hwmodels.kernels.nest.cost", "hwmodels.kernels.two_level.evaluate"):
        notice.on_start(begun(module))
    assert screen.getvalue().count(NOTICE) == (1 if screen.isatty() else 0)


def test_a_worker_says_nothing(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(compiling, "parent_process", lambda: object())
    Notice().on_start(begun("hwmodels.kernels.nest.cost"))
    assert not screen.getvalue()


CODE = """
import numpy as np
from hwmodels.accelerate import kernel

def double(x):
    return 2.0 * x

double.__module__ = {module!r}
assert kernel(double)(2.0) == 4.0
"""


@pytest.mark.parametrize(("jit", "said"), [("0", True), ("1", False)])
def test_a_terminal_hears_of_a_kernel_that_is_compiled_and_of_none_without_the_compiler(jit, said):
    """Neither on import nor where numba is switched off."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NUMBA_DISABLE_JIT": jit, "SPRINGBOARD_NUMBA_CACHE": "0"}
    code = CODE.format(module="hwmodels.kernels.mine")
    subprocess.run([sys.executable, "-c", code], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    heard = b""
    with contextlib.suppress(OSError):  # the other end is closed, and everything read
        while chunk := os.read(ours, 4096):
            heard += chunk
    os.close(ours)
    assert (NOTICE in heard.decode()) == said
