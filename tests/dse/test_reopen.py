"""What was saved opens as it was, says what made it, and a damaged or foreign file is refused in one line."""

import json
import subprocess

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import dse
from dse.results.saved import provenance_of
from dse.run.provenance import made_by
from tests.dse import tiny

equal = pd.testing.assert_frame_equal


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space(), progress=False)


@pytest.fixture(scope="module")
def saved(swept, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    front = swept.front()
    front.save(folder)
    return front, folder


def test_a_front_opens_as_it_was(saved):
    front, folder = saved
    again = dse.open(folder)
    equal(again.frame, front.frame)
    equal(again.background, front.background)
    assert repr(again) == repr(front)
    assert again.notes == front.notes
    assert again.space.fingerprint() == front.space.fingerprint()
    assert again.accelerator(front.frame.index[0]) == front.accelerator(front.frame.index[0])
    assert again.provenance == front.provenance
    equal(dse.open(folder / "front.parquet").frame, front.frame)


def test_marked_designs_stay(saved, tmp_path):
    marked = saved[0].mark({"latency_s": 1e-5, "energy_j": 2e-6}, "theirs")
    marked.save(tmp_path)
    assert dse.open(tmp_path).marked == marked.marked


def test_an_opened_front_explains_and_saves_the_same_bytes(saved, tmp_path):
    front, folder = saved
    again = dse.open(folder)
    assert again.explain().sentences() == front.explain().sentences()
    again.save(tmp_path)
    for name in ("front.parquet", "front.csv", "costed.parquet"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_files_say_what_made_them(saved):
    front, folder = saved
    told = provenance_of(folder / "front.parquet")
    assert told == provenance_of(folder / "costed.parquet") == json.loads(json.dumps(front.provenance))
    assert told["space"]["fingerprint"] == front.space.fingerprint()
    assert told["network"]["name"] == "tiny"
    assert told["objectives"] == ["latency_s", "energy_j", "area_mm2"]
    assert {"springboard", "model", "prices", "python", "numpy", "numba"} <= set(told)
    assert told["model"].encode() in (folder / "front.png").read_bytes()
    assert told["model"].encode() in (folder / "front.pdf").read_bytes()


def test_the_commit_is_that_of_the_checkout():
    from dse.run.digest import root

    try:
        ask = ["git", "-C", str(root()), "rev-parse", "HEAD"]
        head = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout")
    assert made_by()["commit"].removesuffix("-dirty") == head


@pytest.mark.parametrize("strategy", ["certified", "nsga2", "exhaustive"])
def test_a_search_opens_from_its_store_and_from_what_it_saved(strategy, tmp_path):
    options = {"strategy": strategy, "seed": 3, "progress": False, "objectives": ("latency_s", "energy_j")}
    if strategy == "nsga2":
        options["budget"] = 60
    found = dse.search(tiny.network(), tiny.space(), store=tmp_path / "store", **options)
    found.save(tmp_path / "out")
    for again in (dse.open(tmp_path / "store"), dse.open(tmp_path / "out")):
        equal(again.frame, found.frame)
        equal(again.evaluations, found.evaluations)
        equal(again.history, found.history)
        assert repr(again) == repr(found)
        assert again.notes == found.notes
        assert again.certificate == found.certificate
    assert provenance_of(tmp_path / "out" / "front.parquet")["seed"] == 3


def test_a_search_that_did_not_end_says_so(tmp_path):
    dse.search(tiny.network(), tiny.space(), store=tmp_path, strategy="certified", progress=False)
    (tmp_path / "ended.json").unlink()
    again = dse.open(tmp_path)
    assert again.certificate is None
    assert "the search did not come to its end" in again.notes


def test_several_networks_open_as_such(tmp_path):
    both = dse.several(["lenet5", "lenet_300_100"], combine="worst", weights=[2, 1])
    objectives = (*both.each("latency_s"), "energy_j")
    space = tiny.space(axes={"buffers.weight.bytes": ["64 KiB"]})
    found = dse.search(both, space, objectives=objectives, store=tmp_path / "store", progress=False)
    found.save(tmp_path / "out")
    for again in (dse.open(tmp_path / "store"), dse.open(tmp_path / "out")):
        equal(again.frame, found.frame)
        assert again.work.weights == both.weights
        assert [one.name for one in again.work.members] == ["lenet5", "lenet_300_100"]


def test_a_stress_test_opens_as_it_was(swept, tmp_path):
    got = dse.stress(swept, 20, 1, progress=False)
    got.save(tmp_path)
    again = dse.open(tmp_path)
    equal(again.table, got.table)
    equal(again.draws, got.draws)
    equal(again.uncertainties, got.uncertainties)
    equal(again.robust, got.robust)
    np.testing.assert_array_equal(again.sizes, got.sizes)
    assert repr(again) == repr(got)
    assert again.assumptions == got.assumptions
    assert again.text() == got.text()


def test_what_cannot_be_opened_is_refused_in_one_line(saved, tmp_path):
    front, folder = saved
    with pytest.raises(
        dse.StoreError, match=r"none of front.parquet, stress.parquet, codesign.parquet that `save` writes"
    ):
        dse.open(tmp_path)
    front.frame.reset_index().to_parquet(tmp_path / "front.parquet")
    with pytest.raises(dse.StoreError, match=r"holds no definition .*; pandas reads it"):
        dse.open(tmp_path)
    whole = (folder / "front.parquet").read_bytes()
    (tmp_path / "front.parquet").write_bytes(whole[:-100])
    with pytest.raises(dse.StoreError, match=r"front.parquet: is damaged"):
        dse.open(tmp_path)
    table = pq.read_table(folder / "front.parquet")
    told = {**table.schema.metadata, b"springboard.found": b'{"format": 99}'}
    pq.write_table(table.replace_schema_metadata(told), tmp_path / "front.parquet")
    with pytest.raises(dse.StoreError, match="its format is 99, this version reads 1"):
        dse.open(tmp_path)
    (tmp_path / "front.parquet").write_bytes(whole)
    with pytest.raises(dse.StoreError, match=r"costed.parquet: cannot be read"):
        dse.open(tmp_path)
    for wrong in (None, 3, ""):
        with pytest.raises((dse.StoreError, TypeError)) as refusal:
            dse.open(wrong)
        assert "\n" not in str(refusal.value)


def test_every_figure_says_what_made_it(tmp_path):
    front = dse.sweep(tiny.network(), tiny.space(), progress=False).front()
    result = dse.evaluate(tiny.network(), "edge_16x16", schedule="resident")
    few = dse.Space(dse.software_defined().base, {"groups": [2, 4], "macs_per_group": [2, 8]})
    drawn = {
        "shared": front.explain().plot("shared"),
        "bottlenecks": front.explain().plot("bottlenecks"),
        "sensitivity": front.sensitivity().plot(),
        "energy": result.plot("energy"),
        "schedule": result.plot_schedule(),
        "together": dse.choose_together([tiny.network(), "lenet5"], few).plot(),
    }
    for name, figure in drawn.items():
        file = tmp_path / f"{name}.png"
        (figure if hasattr(figure, "savefig") else figure.figure).savefig(file, dpi=30)
        with Image.open(file) as image:
            said = json.loads(image.text["springboard.provenance"])
        assert {"springboard", "model", "prices"} <= set(said), name
        assert "fingerprint" in str(said), name
