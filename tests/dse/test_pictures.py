"""Pictures of results, and of fronts beside their own: what is drawn is what the tables say."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import dse
from dse.results.evaluation import PICTURES
from dse.views.floorplan_figure import plan_of, squarified
from dse.views.history_figure import draw_history
from dse.views.operations import largest, operations_of
from dse.views.roofline_figure import roofline_of
from dse.views.timeline_figure import draw_schedule
from tests.dse import tiny
from tests.dse.test_front_figure import legend_of, texts


@pytest.fixture(scope="module")
def result():
    return dse.evaluate(tiny.network(), "spring")


@pytest.fixture(scope="module")
def front():
    return dse.sweep(tiny.network(), tiny.space(), progress=False).front()


@pytest.mark.parametrize("what", sorted(PICTURES))
def test_every_picture_has_its_width_readable_type_and_embedded_fonts(result, what):
    axes = result.plot(what)
    assert axes.figure.get_size_inches()[0] == 3.5
    axes.figure.draw_without_rendering()
    assert min(text.get_fontsize() for text in texts(axes.figure)) >= 7.0
    legend = axes.get_legend().get_window_extent()
    assert legend.x0 >= 0
    assert legend.x1 <= axes.figure.bbox.x1 + 1
    assert legend.y1 <= axes.figure.bbox.y1 + 2
    pdf = io.BytesIO()
    axes.savefig(pdf, format="pdf")
    assert b"/Type3" not in pdf.getvalue()
    own = Figure().add_subplot()
    assert result.plot(what, ax=own) is own


@pytest.mark.parametrize("network", ["lenet_300_100", "mobilenet_v2"])
def test_names_on_a_roofline_cover_no_mark(network):
    axes = dse.evaluate(network, "edge_16x16").plot("roofline")
    axes.figure.draw_without_rendering()
    marks = np.concatenate([axes.transData.transform(each.get_offsets()) for each in axes.collections])
    operations = set(dse.evaluate(network, "edge_16x16").names)
    names = [text for text in axes.texts if text.get_text() in operations]
    assert names
    for name in names:
        box = name.get_window_extent()
        inside = (marks > [box.x0, box.y0]).all(axis=1) & (marks < [box.x1, box.y1]).all(axis=1)
        assert not inside.any(), name.get_text()


def test_pictures_that_there_are_not_are_refused(result):
    with pytest.raises(KeyError, match="unknown picture 'rooflines'; did you mean 'roofline'"):
        result.plot("rooflines")
    small = dse.evaluate(tiny.network(), dse.Space("edge_16x16", {"buffers.weight.bytes": [1]})[0])
    with pytest.raises(ValueError, match=r"tiny does not run on .*: it breaks buffers.weight.bytes"):
        small.plot("energy")
    templated = dse.evaluate(tiny.network(), "template")
    with pytest.raises(ValueError, match=r"roofline: the model of .* \(template\) does not tell its peak"):
        templated.plot("roofline")


def test_names_with_dollars_are_drawn_as_they_are(front):
    name = r"net $\frac{$ & _x^ $1$"
    result = dse.evaluate(tiny.network().rename(name), "edge_16x16")
    for what in ("energy", "utilisation"):  # names at ticks and over the axes
        result.plot(what).savefig(io.BytesIO(), format="png", dpi=50)
    label = r"$\undefined$"
    dse.overlay({label: front, name: front}).savefig(io.BytesIO(), format="png", dpi=50)
    for what in ("front", "parallel"):
        front.mark({"latency_s": 2e-5, "energy_j": 3e-5}, label).plot(what).savefig(io.BytesIO(), dpi=50)


def test_bars_of_energy_add_up_to_the_total(result):
    axes = result.plot("energy")
    lengths = sum(bar.get_width() for bar in axes.patches)
    assert lengths == pytest.approx(result.totals["energy_j"], rel=1e-9)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(result.names)
    parts = {entry.rsplit(" ", 1)[0]: entry.rsplit(" ", 1)[1] for entry in legend_of(axes)[1]}
    share = result.totals["buffer_energy_j"] / result.totals["energy_j"]
    assert parts["buffers"] == f"{share:.0%}"


def test_levels_add_up_to_the_total_by_operand(result):
    axes = result.plot("levels")
    lengths = sum(bar.get_width() for bar in axes.patches)
    assert lengths == pytest.approx(result.totals["energy_j"], rel=1e-5)
    table = result.breakdown(("component", "operand"))["energy_j"]
    first = axes.get_yticklabels()[0].get_text()
    assert first == table.groupby(level="component").sum().idxmax()
    bars = [bar for bar in axes.patches if bar.get_y() + bar.get_height() / 2 == pytest.approx(0.0)]
    assert sum(bar.get_width() for bar in bars) == pytest.approx(table.loc[first].sum())


def test_many_operations_share_the_last_bar():
    values = np.array([5.0, 1.0, 4.0, 3.0, np.nan, 2.0])
    assert largest(values, 6).tolist() == [0, 1, 2, 3, 4, 5]
    assert largest(values, 4).tolist() == [0, 2, 3]


def test_the_roofline_has_every_operation_under_its_roof():
    result = dse.evaluate(tiny.network(), "edge_16x16")
    roof = roofline_of(result)
    table = result.operations
    timed = table[(table["latency_s"] > 0) & (table["macs"] > 0)]
    assert set(timed["operation"]) <= set(roof.names)
    assert len(roof.names) + roof.free == len(table)
    for name, row in timed.set_index("operation").iterrows():
        place = roof.names.index(name)
        assert roof.rate[place] == pytest.approx(row["macs"] / row["latency_s"])
        assert roof.intensity[place] == row["macs"] / (row["dram_read_bytes"] + row["dram_write_bytes"])
    assert (roof.rate <= np.minimum(roof.peak, roof.intensity * roof.bandwidth) * (1 + 1e-9)).all()
    assert (roof.rate <= roof.intensity * roof.sustained * (1 + 1e-9)).all()
    axes = result.plot("roofline")
    drawn = np.concatenate([points.get_offsets() for points in axes.collections])
    assert len(drawn) == len(roof.names)
    low, high = axes.get_xlim()
    assert ((drawn[:, 0] >= low) & (drawn[:, 0] <= high)).all()
    assert f"compute ({roof.bounds.count('compute')})" in legend_of(axes)[1]


def test_utilisation_of_layers_averages_to_the_total():
    result = dse.evaluate(tiny.network(), "edge_16x16")
    operations = operations_of(result)
    weights = operations.latency_s / operations.latency_s.sum()
    assert np.nansum(operations.utilisation * weights) == pytest.approx(
        result.totals["utilisation"], rel=1e-9
    )
    axes = result.plot("utilisation")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["conv1", "conv2", "conv3"]
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(
        operations.utilisation[~np.isnan(operations.utilisation)]
    )


def test_the_schedule_has_the_area_of_the_energy(result):
    operations = operations_of(result)
    axes = draw_schedule(operations)
    drawn = sum(bar.get_width() * bar.get_height() for bar in axes.patches)
    timed = operations.energy_j[operations.latency_s > 0].sum()
    assert drawn == pytest.approx(timed, rel=1e-9)
    assert axes.get_xlim()[1] == pytest.approx(result.totals["latency_s"], rel=1e-9)
    for line in result.plot("latency").lines:
        assert line.get_ydata()[-1] == pytest.approx(1.0)


def test_the_floorplan_is_to_scale_on_every_tier(result):
    plan = plan_of(result.accelerator)
    axes = result.plot("floorplan")
    drawn = [patch.get_width() * patch.get_height() for patch in axes.patches]
    assert sorted(drawn) == pytest.approx(sorted(plan.components["area_mm2"]))
    assert len(axes.get_xticklabels()) == 2
    shown = " ".join(text.get_text() for text in (*axes.texts, *axes.figure.texts))
    for component in plan.components["component"]:
        assert str(component) in shown


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=30), st.floats(0.2, 5.0))
def test_squarified_boxes_fill_their_square_without_overlap(areas, shape):
    areas = sorted(areas, reverse=True)
    wide = (sum(areas) * shape) ** 0.5
    high = sum(areas) / wide
    boxes = squarified(areas, (1.0, 2.0, wide, high))
    assert [box[2] * box[3] for box in boxes] == pytest.approx(areas, rel=1e-6)
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 1 - 1e-6
        assert y >= 2 - 1e-6
        assert x + w <= 1 + wide + 1e-6 * wide
        assert y + h <= 2 + high + 1e-6 * high
        for u, v, a, b in boxes[:i]:
            across = min(x + w, u + a) - max(x, u)
            up = min(y + h, v + b) - max(y, v)
            assert across <= 1e-6 * wide or up <= 1e-6 * high


def test_the_matrix_has_a_panel_for_every_pair(front):
    figure = front.plot("matrix")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 3
    lower = panels[1]
    assert (lower.get_xlabel(), lower.get_ylabel()) == ("Latency (µs)", "Area (mm²)")
    first = front.frame.iloc[0]
    drawn = lower.collections[0].get_offsets()
    assert drawn[0].tolist() == [first["latency_s"], first["area_mm2"]]


@pytest.mark.parametrize("width", ["column", "page"])
def test_parallel_coordinates_have_axes_that_vary_and_objectives(front, width):
    axes = front.plot("parallel", width=width)
    labels = axes.get_xticklabels() if width == "page" else axes.get_yticklabels()
    titles = [label.get_text() for label in labels]
    varying = [axis.name for axis in front.space.axes if front.frame[list(axis.fields)].nunique().max() > 1]
    assert len(titles) == len(varying) + 3
    assert titles[-3:] == ["latency", "energy", "area"]
    (lines,) = axes.collections
    assert len(lines.get_segments()) == len(front)
    with pytest.raises(KeyError, match="unknown picture 'paralel'; did you mean 'parallel'"):
        front.plot("paralel")


def test_fronts_lie_over_each_other_in_their_units(front):
    found = dse.search(tiny.network(), tiny.space(), budget=40, strategy="random", seed=1, progress=False)
    marked = found.mark({"latency_s": 2e-5, "energy_j": 3e-5}, "Chen '17")
    axes = dse.overlay({"all": front, "some": marked})
    assert legend_of(axes)[1] == [f"all ({len(front)}, exact)", f"some ({len(found)}, sampled)"]
    assert "Chen '17" in [text.get_text() for text in axes.texts]
    drawn = np.concatenate([points.get_offsets() for points in axes.collections])
    assert len(drawn) == len(front) + len(found) + 1
    assert axes.get_xlabel() == "Latency (µs)"
    assert {line.get_linestyle() for line in axes.lines} == {"-", "--"}
    for fronts, labels, match in [
        ([], None, "no front given"),
        ([front, found], ["a"], "2 fronts need as many different labels"),
        ([front, found], ["a", "a"], "2 fronts need as many different labels"),
    ]:
        with pytest.raises(ValueError, match=match):
            dse.overlay(fronts, labels)
    with pytest.raises(ValueError, match="overlay: front 1 has no column temperature"):
        dse.overlay([front, front], x="temperature")
    assert legend_of(dse.overlay([front, front]))[1][0].startswith("front 1 (")


def test_the_history_of_a_search_is_drawn():
    found = dse.search(tiny.network(), tiny.space(), budget=40, strategy="random", seed=1, progress=False)
    axes = found.plot("history")
    assert axes.lines[0].get_ydata().tolist() == found.history["hypervolume"].tolist()
    assert axes.get_ylabel() == "Hypervolume (%)"
    with pytest.raises(ValueError, match="nothing was costed"):
        draw_history({"a": pd.DataFrame({"evaluations": [], "hypervolume": [], "front": []})})


@pytest.mark.parametrize(
    ("machine", "bandwidth"), [("tpu_v4i", 614e9), ("tpu_v1", 48e9), ("edge_16x16", 25.6e9)]
)
def test_no_operation_lies_above_the_roofs(machine, bandwidth):
    """Where levels of main memory have links of their own, the slope is the links' and not the memory's."""
    result = dse.evaluate(
        "lenet5", machine, limit_s=0.2 if machine.startswith("tpu") else None, progress=False
    )
    line = roofline_of(result)
    macs = result.operations.set_index("operation").loc[list(line.names), "macs"].to_numpy() > 0
    assert line.bandwidth == pytest.approx(bandwidth)
    assert (line.rate <= 1.000001 * np.fmin(line.peak, line.bandwidth * line.intensity))[macs].all()
