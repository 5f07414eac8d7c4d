"""Schemes of minutes say how far they are, where somebody looks, and give threads back."""

import io
import sys

import pytest

from workloads.sparsity import waiting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("watched", [True, False])
def test_a_bar_shows_on_a_terminal_only(monkeypatch, watched):
    monkeypatch.setattr(waiting, "_PATIENCE_S", 0.0)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    screen = Terminal() if watched else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(waiting.steps(3, "synflow")) == [1, 2, 3]
    assert ("synflow" in screen.getvalue()) == watched


def test_threads_come_back_after_an_error():
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    library = pytest.importorskip("workloads.importers.torch.library")
    before = torch.get_num_threads()

    def fails():
        with library.one_thread():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert torch.get_num_threads() == before
