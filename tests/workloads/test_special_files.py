"""Pipes, devices, folders and links to themselves, wherever a file is asked for: one line, and soon."""

import os
import shutil
import signal

import pytest

import dse
import hwmodels
import workloads
from tests.dse import tiny

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")

KINDS = {
    "pipe": os.mkfifo if hasattr(os, "mkfifo") else None,
    "endless": lambda path: os.symlink("/dev/zero", path),
    "folder": os.mkdir,
    "itself": lambda path: os.symlink(path, path),
}


@pytest.fixture(autouse=True)
def no_waiting():
    """Fail rather than wait for whoever might write to a pipe."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(120)
    yield
    signal.alarm(0)


READERS = {
    "evaluate": lambda path: dse.evaluate(path, "edge_16x16", progress=False),
    "machine": hwmodels.load,
    "from_file": workloads.from_file,
    "from_onnx": workloads.from_onnx,
    "timeloop": hwmodels.from_timeloop,
    "scalesim": hwmodels.from_scalesim,
    "zigzag": hwmodels.from_zigzag,
    "maestro": hwmodels.from_maestro,
    "prices": lambda path: hwmodels.load("edge_16x16").replace({"technology.prices": path}),
    "open": dse.open,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", [".onnx", ".yaml", ".csv"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_plain_file_is_refused(tmp_path, reader, ending, kind):
    """`/dev/zero` was read without end, a pipe was waited for."""
    path = str(tmp_path / f"it{ending}")
    KINDS[kind](path)
    with pytest.raises(dse.SpringboardError) as refusal:
        READERS[reader](path)
    assert len(str(refusal.value)) <= 300


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "store"
    dse.sweep(tiny.network(), tiny.space(), store=folder, chunk=32, progress=False)
    return folder


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()}


def said(call):
    """What a call returns, or the line with which it refuses."""
    try:
        return str(call())
    except dse.SpringboardError as refusal:
        return str(refusal)


@pytest.mark.filterwarnings("ignore::dse.StoreWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["manifest.json", "definition.json", "parts/032-064.parquet", "parts"])
def test_a_store_s_file_that_is_none_is_written_anew_or_named(tmp_path, whole, name, kind):
    store = tmp_path / "store"
    shutil.copytree(whole, store)
    spoilt = store / name
    shutil.rmtree(spoilt) if spoilt.is_dir() else spoilt.unlink()
    KINDS[kind](spoilt)
    assert said(lambda: bool(dse.open(store).verify())) != "True"
    line = said(lambda: dse.sweep(tiny.network(), tiny.space(), store=store, progress=False) and "done")
    if line == "done":
        assert contents(store) == contents(whole)
    else:
        assert kind == "folder" or name == "parts"
        assert spoilt.name in line
        assert "run again" not in line


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "x" * 300, "x/" * 5000])
def test_a_name_that_no_file_can_have_is_refused(name):
    calls = [dse.open, dse.resume, hwmodels.load, workloads.load]
    calls += [lambda name: dse.evaluate(name, "edge_16x16"), lambda name: dse.evaluate("lenet5", name)]
    calls += [lambda name: dse.sweep("lenet5", tiny.space(), store=name)]
    calls += [lambda name: dse.sweep(["lenet5"], tiny.space(), store=name)]
    for call in calls:
        with pytest.raises(dse.SpringboardError) as refusal:
            call(name)
        assert len(str(refusal.value)) <= 300


@pytest.mark.parametrize("networks", ["lenet5", ["lenet5", "lenet_300_100"]])
def test_an_empty_name_is_no_store(networks):
    """Of several networks it was the current folder."""
    with pytest.raises(dse.StoreError, match="the name of its folder is empty"):
        dse.sweep(networks, tiny.space(), store="", metrics={"one": len} if networks != "lenet5" else None)
