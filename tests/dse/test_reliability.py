"""A store proves itself: whatever is done to its files, it ends as it was and says what it made anew."""

import json
import shutil
import subprocess
import sys
import warnings
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import dse
from dse.run.digest import digest_of, model_digest
from tests.dse import breaking, tiny
from tests.dse.test_store import contents, fill, never

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "store"
    return folder, fill(folder)


@pytest.fixture
def store(whole, tmp_path):
    """A copy to be spoilt."""
    return Path(shutil.copytree(whole[0], tmp_path / "store"))


def parts(folder):
    return sorted(folder.glob("parts/*.parquet"))


def said(call):
    """What a call warns of, each in one short line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    lines = [str(warning.message) for warning in caught if warning.category is dse.StoreWarning]
    assert all("\n" not in line and len(line) <= 300 for line in lines), lines
    return lines


def test_every_flipped_bit_is_made_good_and_named(tmp_path):
    """A bit of any file of the store: a part's data, its footer, its seal, the manifest, the definition."""
    chance, seed = breaking.fresh()
    print("seed", seed)
    breaking.flips(tmp_path, 40, chance)


def test_parts_of_others_and_edited_ones_are_made_good_and_named(tmp_path):
    chance, seed = breaking.fresh()
    print("seed", seed)
    breaking.foreign(tmp_path, 20, chance)


@pytest.mark.filterwarnings("ignore")  # what a mutant warns of is no matter here
def test_mutants_of_whatever_a_person_writes_are_one_line(tmp_path):
    """Constraints, axes, options, `replace`, machine files and definitions of stores."""
    chance, seed = breaking.fresh()
    print("seed", seed)
    refused = breaking.mutants(tmp_path, 1200, chance)
    assert min(refused.values()) > 50


def of_another_space():
    return dse.sweep, tiny.network(), tiny.space(axes={"array.rows": [4, 8, 32]}), {}


def of_another_network():
    return dse.sweep, "lenet_300_100", tiny.space(), {}


def of_another_objective():
    return dse.sweep, tiny.network(), tiny.space(), {"mapping_objective": "latency"}


@pytest.mark.parametrize("other", [of_another_space, of_another_network, of_another_objective])
def test_a_part_of_another_sweep_is_computed_again(whole, store, tmp_path, other):
    undisturbed, _ = whole
    sweep, network, space, options = other()
    sweep(network, space, store=tmp_path / "other", chunk=16, **options)
    part = parts(store)[2]
    shutil.copy(tmp_path / "other" / "parts" / part.name, part)
    assert list(dse.open(store).verify().faults.items()) == [
        (part.name, "foreign: it belongs to another sweep")
    ]
    (line,) = said(lambda: fill(store))
    assert f"computed again: {part.name} (foreign: it belongs to another sweep)" in line
    assert contents(store) == contents(undisturbed)


def test_a_part_of_another_range_is_computed_again(whole, store):
    undisturbed, _ = whole
    shutil.copy(parts(store)[0], parts(store)[1])
    (line,) = said(lambda: fill(store))
    assert "016-032.parquet (foreign: it holds rows 0 to 16)" in line
    assert contents(store) == contents(undisturbed)


def edited_with_pandas(part):
    frame = pd.read_parquet(part)
    frame["energy_j"] = frame["energy_j"] / 2
    frame.to_parquet(part)


def edited_with_its_metadata(part):
    table = pq.read_table(part)
    pq.write_table(
        table.set_column(table.column_names.index("area_mm2"), "area_mm2", [[0.1] * len(table)]), part
    )


def emptied(part):
    part.write_bytes(b"")


@pytest.mark.parametrize("edit", [edited_with_pandas, edited_with_its_metadata, emptied])
def test_an_edited_part_is_computed_again(whole, store, edit):
    undisturbed, _ = whole
    edit(parts(store)[4])
    (line,) = said(lambda: fill(store))
    assert f"{parts(store)[4].name} (damaged: " in line
    assert contents(store) == contents(undisturbed)


def test_many_broken_parts_are_one_short_line(whole, store):
    undisturbed, _ = whole
    for part in parts(store):
        part.write_bytes(b"PAR1")
    (line,) = said(lambda: fill(store))
    assert "and 6 more" in line
    assert contents(store) == contents(undisturbed)


def test_what_is_read_is_verified_too(whole, store):
    swept = fill(store)
    part = parts(store)[3]
    part.write_bytes(part.read_bytes()[:-9] + b"\1" + part.read_bytes()[-8:])
    for sweep in (swept, dse.open(store)):
        with pytest.raises(
            dse.StoreError, match=rf"{part.name} is damaged: .*springboard store repair .* again"
        ):
            sweep.frame  # noqa: B018
    with pytest.warns(dse.StoreWarning, match=part.name):
        dse.resume(store)
    assert contents(store) == contents(whole[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text(""),
        lambda file: file.write_text("{"),
        lambda file: file.write_text("[]"),
        lambda file: file.write_text("[" * 100_000),
        lambda file: file.write_text('{"chunk": Infinity}'),
        lambda file: file.write_text(file.read_text().replace('"chunk": 16', '"chunk": 0')),
        lambda file: file.write_text(file.read_text().replace('"chunk": 16', '"chunk": -6')),
        lambda file: file.write_text(file.read_text().replace('"edp"', '"latency"')),
    ],
)
def test_a_spoilt_manifest_is_written_anew_where_the_parts_are_ours(whole, store, spoil, monkeypatch):
    undisturbed, _ = whole
    spoil(store / "manifest.json")
    with pytest.raises(dse.StoreError, match=r"holds parts but no manifest|manifest.json cannot be read"):
        dse.open(store)
    monkeypatch.setattr("dse.run.sweep.cost_range", never)
    (line,) = said(lambda: dse.sweep(tiny.network(), tiny.space(), store=store))  # of whatever chunk
    assert "manifest.json" in line
    assert "its parts are this sweep's own, and it was written anew" in line
    assert contents(store) == contents(undisturbed)


@pytest.mark.parametrize(
    "change",
    [
        {"chunk": 0},
        {"chunk": "16"},
        {"chunk": True},
        {"points": -1},
        {"kept": 3},
        {"limits": [1]},
        {"kept": {}},
    ],
)
def test_a_manifest_without_sense_is_damaged_whatever_its_checksum(whole, store, change):
    """A chunk of 0 was a ZeroDivisionError, one of "16" a TypeError."""
    file = store / "manifest.json"
    content = {**json.loads(file.read_text()), **change}
    del content["sha256"]
    content["sha256"] = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    file.write_text(json.dumps(content))
    with pytest.raises(dse.StoreError, match=r"manifest\.json cannot be read"):
        dse.open(store)
    (line,) = said(lambda: fill(store))
    assert "manifest.json cannot be read" in line
    assert contents(store) == contents(whole[0])


def test_a_part_s_copy_is_named_when_a_sweep_resumes(whole, store):
    """Whoever reads parts/*.parquet has its rows twice."""
    shutil.copy(parts(store)[0], store / "parts" / "000-016 (copy).parquet")
    (line,) = said(lambda: fill(store))
    assert "parts/ holds files that are no part of this store: 000-016 (copy).parquet; remove them" in line


def test_a_spoilt_manifest_over_other_parts_is_refused(store):
    (store / "manifest.json").unlink()
    before = contents(store)
    with pytest.raises(dse.StoreError, match="no part of this sweep is there; choose another folder"):
        fill(store, mapping_objective="latency")
    assert contents(store) == before


def test_a_store_opens_without_being_told(whole, monkeypatch):
    folder, swept = whole
    monkeypatch.setattr("dse.run.sweep.cost_range", never)
    opened = dse.open(folder)
    assert repr(opened) == repr(swept)
    pd.testing.assert_frame_equal(opened.frame, swept.frame)
    pd.testing.assert_frame_equal(opened.front().frame, swept.front().frame)
    pd.testing.assert_frame_equal(opened.front().background, swept.front().background)
    assert opened.limits().to_dict() == swept.limits().to_dict()
    assert opened.front(["latency_s", "-utilisation"]).frame.equals(
        swept.front(["latency_s", "-utilisation"]).frame
    )
    assert opened.verify()
    assert "9 of 9 parts whole" in str(opened.verify())


LINKED = {
    "point": [
        {"clock_hz": 4e8, "technology.voltage": 0.6},
        {"clock_hz": "800 MHz", "technology.voltage": 0.7},
    ],
    "main_memory": ["lpddr4", "hbm2"],
    "buffers.double_buffered": "true,false",
    "sparsity.imbalance": ["none", "binomial"],
}


@pytest.mark.parametrize("base", ["edge_16x16", "spring", "scnn", "eie"])
def test_any_axes_on_any_base_come_back(tmp_path, base):
    space = dse.Space(
        base, LINKED, ["power_w <= 500", "energy_j <= 2 * base.energy_j"], "linked", ["so it is"]
    )
    swept = dse.sweep(
        tiny.network(), space, store=tmp_path, keep="front", objectives=["latency_s", "-power_w"]
    )
    opened = dse.open(tmp_path)
    assert opened.space.describe() == space.describe()
    assert (opened.space.name, opened.space.assumptions) == ("linked", ("so it is",))
    assert opened.objectives == swept.objectives
    pd.testing.assert_frame_equal(opened.frame, swept.frame)


def test_a_template_s_space_comes_back(tmp_path):
    space = dse.software_defined().replace(
        {"tile_if": [16, 32], "tile_ix": [7], "tile_of": [16], "groups": [8]}
    )
    swept = dse.sweep(tiny.network(), space, store=tmp_path)
    pd.testing.assert_frame_equal(dse.open(tmp_path).frame, swept.frame)


def test_resuming_needs_no_axes(whole, store):
    for part in parts(store)[1:4]:
        part.unlink()
    with pytest.raises(dse.StoreError, match=r"016-032.parquet is missing; .*springboard store repair"):
        dse.open(store).front()
    assert set(dse.open(store).verify().faults.values()) == {"missing"}
    assert repr(dse.resume(store, progress=False)) == repr(whole[1])
    assert contents(store) == contents(whole[0])


def test_a_file_that_is_no_part_is_named(store):
    (store / "parts" / "000-008.parquet").write_bytes(parts(store)[0].read_bytes())
    (store / "parts" / "notes.txt").write_text("mine")
    assert dse.open(store).verify().faults == {
        "000-008.parquet": "no part of this store",
        "notes.txt": "no part of this store",
    }


def test_limits_are_texts_to_any_reader(whole):
    folder, swept = whole
    frame = pd.read_parquet(folder / "parts")
    assert frame["limit"].value_counts()["array.cols <= 2 * array.rows"] == 16
    assert (frame["limit"][frame["feasible"]] == "").all()
    assert list(frame.sort_values("index")["limit"].astype(str)) == list(swept.frame["limit"].astype(str))


# The model that is running


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("sources")
    for name in ("hwmodels", "workloads", "dse"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def edited(root, name, old, new):
    file = root / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    try:
        return digest_of(root)
    finally:
        file.write_text(text)


def test_the_digest_is_that_of_the_sources(sources):
    assert digest_of(sources) == digest_of(ROOT) == model_digest()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("hwmodels/kernels/two_level/systolic.py", "rows + cols - 2", "10 * rows + cols - 2"),
        ("hwmodels/packing.py", " * ", " + "),
        ("hwmodels/data/main_memory.csv", "1", "2"),
        ("workloads/table.py", "Kind.NEST, product, 0.0", "Kind.NEST, product, 1.0"),
        ("dse/run/task.py", "limit == 0", "limit != 0"),
    ],
)
def test_a_changed_model_has_another_digest(sources, name, old, new):
    assert edited(sources, name, old, new) != model_digest()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("hwmodels/kernels/two_level/systolic.py", '"""', '"""Otherwise said: '),
        ("hwmodels/packing.py", "\ndef ", "\n\n# a remark\ndef "),
        ("hwmodels/data_sheet.py", "def ", "def other_"),
        ("dse/views/text.py", "def ", "def other_"),
    ],
)
def test_what_costs_do_not_follow_from_leaves_the_digest(sources, name, old, new):
    assert edited(sources, name, old, new) == model_digest()


def test_a_store_of_another_model_reads_and_does_not_resume(store, whole, monkeypatch):
    """It was: after some points `rows + cols - 2` changed, and the sweep resumed without a word."""
    swept = whole[1]
    front = swept.front().frame
    before = contents(store)
    monkeypatch.setattr("dse.run.store.model_digest", lambda: "0123456789abcdef")
    monkeypatch.setattr("dse.results.opened.model_digest", lambda: "0123456789abcdef")
    for again in (lambda: fill(store), lambda: dse.resume(store)):
        with pytest.raises(
            dse.StoreError, match=r"made by another version of the model \(digest .*dse.open reads"
        ):
            again()
    assert contents(store) == before
    monkeypatch.setattr("dse.results.sweep.cost_index", never)
    with pytest.warns(dse.StoreWarning, match="another version of the model"):
        opened = dse.open(store)
    pd.testing.assert_frame_equal(opened.frame, swept.frame)
    pd.testing.assert_frame_equal(opened.front().frame, front)
    assert opened.verify()


def test_a_model_with_another_limit_and_column_reads(store, whole, monkeypatch):
    """Codes of limits are texts in a part, and columns are those that it has."""
    monkeypatch.setattr("dse.results.opened.model_digest", lambda: "0123456789abcdef")
    monkeypatch.setattr("dse.results.sweep.columns", lambda: ("latency_s", "not_known_then"))
    with pytest.warns(dse.StoreWarning, match="another version of the model"):
        opened = dse.open(store)
    assert "energy_j" in opened.frame
    assert opened.limits().to_dict() == whole[1].limits().to_dict()


# Without fcntl


LOCKED = """
import sys, types, fcntl
held = fcntl.lockf
def locking(descriptor, mode, size):
    held(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, size, 0, 1)
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
sys.modules["fcntl"] = None
from pathlib import Path
from dse.run.lock import acquire, let_go
lock = acquire(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_folder_is_locked_where_there_is_no_fcntl(tmp_path):
    """As on Windows: a byte far behind the text is locked, and the text stays readable."""
    command = [sys.executable, "-c", LOCKED, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as holder:
        assert holder.stdout.readline() == "locked\n"
        second = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True)
        assert f"in use by process {holder.pid} on " in second.stderr
        holder.communicate("")
    assert subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True).returncode == 0


# Searches


@pytest.mark.parametrize("which", [0, 1])
def test_a_search_s_damaged_batch_is_costed_again(tmp_path, which):
    options = {"strategy": "random", "budget": 96, "seed": 3, "progress": False}
    first = dse.search(tiny.network(), tiny.space(), store=tmp_path, **options)
    before = contents(tmp_path)
    part = parts(tmp_path)[which * (len(parts(tmp_path)) - 1)]
    part.write_bytes(part.read_bytes()[:-40])
    (line,) = said(lambda: dse.search(tiny.network(), tiny.space(), store=tmp_path, **options))
    assert f"costed again from {part.name} on, which is damaged" in line
    assert contents(tmp_path) == before
    assert dse.open(tmp_path).frame.equals(first.frame)
    with pytest.raises(dse.StoreError, match=r"holds a search .*repeats it without costing"):
        dse.resume(tmp_path)
