"""Fronts as people see them: named designs, notes, figures, tables and files."""

import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest

import dse
from dse.metrics import show_metric
from dse.results.saved import FILES
from dse.views import text as report
from dse.views.figure import PaperFigure
from dse.views.front_drawing import draw_front
from dse.views.front_figure import Shown, front_picture
from dse.views.labels import _overlaps
from tests.dse import tiny


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space())


@pytest.fixture(scope="module")
def front(swept):
    return swept.front()


def test_extremes_are_the_least_of_the_whole_sweep(swept, front):
    feasible = swept.frame[swept.frame["feasible"]]
    designs = front.designs()
    assert designs.index.tolist() == ["knee", "fastest", "least energy", "smallest"]
    assert front.extremes().index.tolist() == designs.index.tolist()[1:]
    for name, column in zip(designs.index[1:], ("latency_s", "energy_j", "area_mm2"), strict=True):
        assert designs.loc[name, column] == feasible[column].min()
    assert front.knee()["latency_s"] == designs.loc["knee", "latency_s"]


def test_a_design_s_accelerator_costs_what_the_front_says(front):
    index = front.frame.index[len(front) // 2]
    totals = dse.evaluate(tiny.network(), front.accelerator(index)).totals
    assert totals["energy_j"] == front.frame.loc[index, "energy_j"]


def test_a_constant_objective_is_said():
    swept = dse.sweep(tiny.network(), tiny.space(), objectives=["latency_s", "macs"])
    (note,) = swept.front().notes
    macs = swept.frame["macs"].max()
    assert note == f"macs is the same ({show_metric('macs', macs)}) in every configuration seen"


def test_one_configuration_says_nothing_of_what_never_differs():
    swept = dse.sweep(tiny.network(), dse.Space("edge_16x16", {}), objectives=["latency_s", "macs"])
    assert swept.front().notes == []


def test_equal_designs_are_all_there_and_said():
    # The shared buffer is empty here and stays so: two values of its port are two names for one machine.
    swept = dse.sweep(tiny.network(), tiny.space(axes={"buffers.shared.port_bits": [0, 64]}, constraints=[]))
    front = swept.front()
    assert len(front) == 2 * len(
        swept.frame.loc[front.frame.index].drop_duplicates(["latency_s", "energy_j"])
    )
    assert front.notes == [f"{len(front) // 2:,} designs equal another one in all objectives"]


def test_picture_is_the_front_in_its_own_units_written_short(front):
    picture = front_picture(front)
    assert picture.x.unit == ("Latency (µs)", 1e-6)
    assert picture.y.unit == ("Energy (µJ)", 1e-6)
    assert picture.colour.unit == ("Area (mm²)", 1.0)
    assert picture.x.values.tolist() == front.frame["latency_s"].tolist()
    assert picture.x.log == (front.frame["latency_s"].max() > 3 * front.frame["latency_s"].min())
    assert len(picture.x.background) == front.feasible
    named = [name for mark in picture.marks for name in mark.name.split(", ")]
    assert front.knee()["energy_j"] == front.frame["energy_j"].min()  # one mark under both names
    assert named == ["knee", "least energy", "fastest", "smallest"]
    assert not front_picture(front, Shown(labels=False)).marks
    assert ("area", report.show_metric("area_mm2", front.knee()["area_mm2"])) in picture.marks[0].cells


@pytest.mark.parametrize("width", ["column", "page"])
def test_figure_has_its_width_names_that_do_not_overlap_and_no_global_state(front, width):
    before = dict(matplotlib.rcParams)
    axes = draw_front(front_picture(front), width=width)
    figure = axes.figure
    assert dict(matplotlib.rcParams) == before
    assert figure.get_size_inches()[0] == {"column": 3.5, "page": 7.0}[width]
    names = {mark.name for mark in front_picture(front).marks}
    texts = [text for text in axes.texts if text.get_text() in names]
    assert {text.get_text() for text in texts} == names
    boxes = [tuple(text.get_window_extent().extents) for text in texts]
    for i, box in enumerate(boxes):
        assert _overlaps(box, boxes[:i]) == 0
        frame = axes.get_window_extent().padded(1).extents
        assert (frame[0] <= box[0], box[2] <= frame[2], frame[1] <= box[1], box[3] <= frame[3]) == (True,) * 4
    wide = figure.bbox.width
    assert all(text.get_window_extent().x1 <= wide for text in figure.texts)


def test_two_objectives_are_drawn_as_a_line(swept):
    axes = swept.front(["energy_j", "-utilisation"]).plot()
    assert axes.get_ylabel() == "Utilisation (%)"
    assert any(line.get_drawstyle() == "steps-post" for line in axes.lines)
    assert len(axes.figure.axes) == 1


def test_a_front_of_one_design_can_be_drawn(swept):
    fastest = float(swept.frame.loc[swept.frame["feasible"], "latency_s"].min())
    alone = dse.sweep(tiny.network(), tiny.space(constraints=[f"latency_s <= {fastest!r}"]))
    front = alone.front(["latency_s", "energy_j"])
    assert len(front) == 1
    assert len(front.plot().figure.axes) == 1
    assert front.knee().name == front.frame.index[0]


def test_one_objective_has_no_figure(swept, tmp_path):
    front = swept.front(["edp_js"])
    with pytest.raises(ValueError, match="a figure needs two objectives, this front has 1"):
        front.plot()
    assert [file.rpartition("/")[2] for file in front.save(tmp_path / "out")] == [
        "front.parquet",
        "front.csv",
        "costed.parquet",
    ]


def test_width_is_column_or_page(front):
    with pytest.raises(ValueError, match=r"width must be .* got 'wide'"):
        front.plot(width="wide")


def test_saved_files_hold_the_front(front, tmp_path):
    out = tmp_path / "runs" / "first"
    files = front.save(out)
    assert files == [str(out / name) for name in FILES]
    assert sorted(path.name for path in tmp_path.joinpath("runs").iterdir()) == ["first"]
    for table in (pd.read_parquet(out / "front.parquet"), pd.read_csv(out / "front.csv")):
        assert table["index"].tolist() == front.frame.index.tolist()
        assert table["energy_j"].tolist() == front.frame["energy_j"].tolist()
        assert table["main_memory"].tolist() == front.frame["main_memory"].tolist()
    pdf = (out / "front.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")


def test_saving_again_replaces_and_gives_equal_bytes(front, tmp_path):
    out = tmp_path / "out"
    front.save(out)
    (out / "notes.txt").write_text("mine")
    first = {name: (out / name).read_bytes() for name in FILES}
    front.save(out)
    assert {name: (out / name).read_bytes() for name in FILES} == first
    assert (out / "notes.txt").read_text() == "mine"


def test_a_failed_save_leaves_nothing(front, tmp_path, monkeypatch):
    def fail(self, *args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(PaperFigure, "savefig", fail)
    with pytest.raises(OSError, match="no space left"):
        front.save(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_said(front, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match="is a file, not a folder"):
        front.save(tmp_path / "out")


def test_designs_as_text_align(front):
    lines = report.designs_text(front).splitlines()
    assert lines[0].split() == ["knee", "fastest", "least", "energy", "smallest"]
    assert len({len(line) for line in lines[2:-2]}) == 1
    assert lines[-1].startswith("The knee is the design with")
    assert all(line.startswith(field) for line, field in zip(lines[3:], front.space.fields, strict=False))


def test_assumptions_are_one_line_and_leave_out_what_is_swept(front):
    line = report.assumptions(front)
    assert line.startswith("Assumptions: 22 nm; 8/8/8-bit int operands")
    assert "main memory lpddr4" not in line
    assert "\n" not in line


def test_notebooks_show_sweeps_and_fronts(swept, front):
    assert "<table" in swept._repr_html_()
    assert "<table" in front._repr_html_()
    assert front.plot()._repr_png_().startswith(b"\x89PNG")
    assert repr(front).startswith(f"Front of tiny on tiny: {len(front)} designs of 128 configurations")


def test_drawing_does_not_import_pyplot():
    body = """
import sys, dse
from tests.dse import tiny
dse.sweep(tiny.network(), tiny.space()).front().plot()._repr_png_()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", body], check=True)


def test_background_is_spread_evenly(swept):
    front = dse.sweep(tiny.network(), tiny.space(), keep="front").front()
    assert len(front.background) == front.feasible  # smaller than the sample
    assert np.isfinite(front.background.to_numpy()).all()


@pytest.mark.parametrize("width", ["column", "page"])
def test_the_key_makes_its_designs_again(width):
    """Linked axes are one entry each; nothing is left out, however narrow the figure."""
    axes = {
        "array.unroll.k": [4, 16],
        "positions": [{"array.unroll.p": 2, "array.unroll.q": 4}, {"array.unroll.p": 4, "array.unroll.q": 4}],
        "array.unroll.n": [1],
        "buffers.weight.bytes": ["1.5 MiB", "6 MiB"],
        "buffers.shared.bytes": ["1.5 MiB"],
    }
    space = dse.named_space("spring").replace(axes)
    front = dse.sweep(tiny.network(), space).front()
    key = [text.get_text() for text in front.plot(width=width).figure.texts if text.get_gid() == "key"]
    picture = front_picture(front)
    for mark in picture.marks:
        for head, text in mark.cells:
            assert (head in key and text in key) or f"{head} {text}" in " ".join(key), (head, text)
        assert str(front.frame.index[mark.row]) in key
    assert len(picture.marks[0].cells) == 1 + len(space.axes) + len(front.objectives)
