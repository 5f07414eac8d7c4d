"""Count sets on disk: read back, made anew by other versions, and refused where they are too large."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwmodels.counts import making, sets, store
from hwmodels.counts.form import Form
from hwmodels.counts.lattice import cut_lattice, spreads_over
from hwmodels.counts.making import Found, Grid, spread_columns
from hwmodels.mapping import Rules, matrix_product

FORM = Form(memory=(0, 0, 0), read=(True,), written=(True,), apart=False, elided=True, drained=True)
GRID = Grid(pads=((4.0, 9.0),), buffer=(20.0, 40.0))


PRODUCT = matrix_product(m=4, k=6, n=4)


def made(grid: Grid = GRID) -> sets.CountSet:
    """A small set, as a process without any makes or reads it."""
    sets.forget()
    return sets.count_set(PRODUCT, Rules(), FORM, (2, 2), grid)


def equal(one: Found, other: Found) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for sets, and a process that holds none."""
    monkeypatch.setenv(store.FOLDER, str(tmp_path))
    monkeypatch.setattr(store, "_SAID", set())
    sets.forget()
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


@pytest.mark.compiled
def test_another_grid_makes_another_set_and_says_so(kept: Path) -> None:
    first = made().found
    other = Grid(pads=((5.0, 9.0),), buffer=(20.0, 40.0, 80.0))
    with pytest.warns(store.CountsWarning, match="other capacities than the 2 x 3 of this space's memories"):
        assert not equal(made(other).found, first)
    assert len(list(kept.iterdir())) == 2
    assert equal(made().found, first)  # read back, and nothing said
    more = Grid(pads=((6.0,),), buffer=(20.0, 40.0))
    with pytest.warns(store.CountsWarning, match="2 of this"):
        made(more)


@pytest.mark.compiled
def test_a_set_over_the_memory_of_a_process_says_its_size_and_serves(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "MOST_BYTES", 10)
    with pytest.warns(store.CountsWarning, match="a count set takes 0 MiB, 0 are held in memory at most"):
        assert len(made().found.rows)
    assert not sets._SETS


@pytest.mark.compiled
def test_sets_of_arrays_within_an_array_change_nothing() -> None:
    """Spreads of smaller arrays are not met again, and what is found is the same to the last bit."""
    product = matrix_product(m=12, k=18, n=8)
    for form in (FORM, replace(FORM, memory=(1, 0, 2), read=(True,) * 3, written=(True,) * 3, apart=True)):
        grid = Grid(GRID.pads * form.pads, (60.0, 200.0))
        sets.forget()
        alone = sets.count_set(product, Rules(), form, (4, 6), grid).found
        sets.forget()
        for edges in ((1, 3), (3, 2), (2, 2), (4, 1)):
            sets.count_set(product, Rules(), form, edges, grid)
        beside = sets.count_set(product, Rules(), form, (6, 4), grid).found
        assert len(alone.rows) > len(grid.buffer)
        assert equal(beside, alone)
    table = cut_lattice(sets._seen(product, Rules()))
    (about,) = sets._SETS
    parts = sets._parts(table, about, (3, 9))
    assert len(parts) == 2  # two of the others lie within these, one is larger
    spreads = spread_columns(table, form, spreads_over(table.extents, 3, 9))
    known = making.known_of(spreads, parts)
    assert known.spreads.sum() == len(set(parts[0].spreads) | set(parts[1].spreads)) < len(known.spreads)
    assert len(known.origin)


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
