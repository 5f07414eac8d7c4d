"""Count sets on disk: read back, made anew by other versions, and refused where they are too large."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwmodels.counts import sets, store
from hwmodels.counts.form import Form
from hwmodels.counts.making import Found, Grid
from hwmodels.mapping import Rules, matrix_product

FORM = Form(memory=(0, 0, 0), read=(True,), written=(True,), apart=False, elided=True, drained=True)
GRID = Grid(pads=((4.0, 9.0),), buffer=(20.0, 40.0))


def made() -> sets.CountSet:
    """A small set, as a process without any makes or reads it."""
    sets._SETS.clear()
    return sets.count_set(matrix_product(m=4, k=6, n=4), Rules(), FORM, (2, 2), GRID)


def equal(one: Found, other: Found) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for sets, and a process that holds none."""
    monkeypatch.setenv(store.FOLDER, str(tmp_path))
    monkeypatch.setattr(sets, "_SETS", {})
    return tmp_path


@pytest.mark.compiled
def test_a_set_is_read_back_as_it_was_made(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made().found
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr(sets, "met", None)  # whoever makes it again fails
    assert equal(made().found, first)


@pytest.mark.compiled
def test_other_versions_and_broken_files_are_made_anew(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = made().found
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    for broken in (b"", whole[:50], whole[:104], whole[:-8], whole[:-8] + b"12345678"):
        file.write_bytes(broken)
        assert equal(made().found, first)
        assert file.read_bytes() == whole
    monkeypatch.setattr(store, "version", lambda: "another")
    assert equal(made().found, first)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.compiled
def test_a_set_over_the_limit_says_its_size_and_serves(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LARGEST_BYTES", 10)
    with pytest.warns(store.CountsWarning, match="a count set takes 0 MiB"):
        assert len(made().found.rows)
    assert not list(kept.iterdir())


def test_nothing_is_kept_where_nobody_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(store.FOLDER, "")
    assert store.folder() is None
    monkeypatch.delenv(store.FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.folder() == tmp_path / "springboard" / "counts"


@pytest.mark.compiled
def test_a_full_disk_leaves_nothing_behind(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(b"half")
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fdopen", lambda handle, mode: Full(handle, mode))
    assert len(made().found.rows)
    assert not list(kept.iterdir())


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in (store.FOLDER, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert store.folder() is None
