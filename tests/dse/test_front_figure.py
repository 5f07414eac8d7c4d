"""The figure of a front: what a reviewer of a paper looks for, looked for in its parts."""

import io
import re
import time

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import dse
from dse.designs import Marked
from dse.views.bands import bands_of
from dse.views.density import draw_density
from dse.views.front_drawing import draw_front
from dse.views.front_figure import Shown, front_picture
from dse.views.picture import Picture, Scale
from dse.views.units import dress, is_log, unit_of
from tests.dse import tiny


@pytest.fixture(scope="module")
def front():
    return dse.sweep(tiny.network(), tiny.space(), progress=False).front()


@pytest.fixture(scope="module")
def result():
    return dse.evaluate(tiny.network(), "edge_16x16")


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def legend_of(axes):
    legend = axes.get_legend()
    return legend.get_title().get_text().replace("\n", " "), [text.get_text() for text in legend.get_texts()]


def test_plain_plotting_over_a_front_lands_where_the_columns_say(front):
    axes = front.plot(labels=False)
    first = front.frame.iloc[0]
    place = axes.transData.transform((first["latency_s"], first["energy_j"]))
    assert axes.get_window_extent().contains(*place)
    drawn = np.concatenate([points.get_offsets() for points in axes.collections if len(points.get_offsets())])
    assert (np.abs(drawn - [first["latency_s"], first["energy_j"]]) < 1e-12).all(axis=1).any()
    before = axes.get_xlim()
    far = 20 * front.frame["latency_s"].max()
    axes.scatter([far], [first["energy_j"]])
    axes.figure.draw_without_rendering()
    assert before[1] < far < axes.get_xlim()[1]  # limits follow
    assert axes.get_xlim()[0] <= before[0]
    ticks = [text.get_text() for text in axes.get_xticklabels() if text.get_text()]
    assert ticks
    assert all(re.fullmatch(r"[\d.]+(e\d+)?", tick) for tick in ticks)


def test_ticks_are_round_in_the_written_unit():
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_xlim(3 * 2**20, 9 * 2**20)
    dress(axes.xaxis, unit_of("dram_read_bytes", np.array([5.0 * 2**20])), None)
    axes.set_yscale("log")
    axes.set_ylim(2e-6, 3e-4)
    dress(axes.yaxis, unit_of("latency_s", np.array([2e-5])), 150.0)
    figure.draw_without_rendering()
    assert axes.get_xlabel() == "Main-memory reads (MiB)"
    shown = [float(text.get_text()) for text in axes.get_xticklabels()]
    assert shown == sorted(shown)
    assert all(value == int(value) for value in shown)
    inside = [place / 1e-6 for place in axes.yaxis.get_majorticklocs() if 2e-6 <= place <= 3e-4]
    assert [float(f"{value:.6g}") for value in inside] == [2, 5, 10, 20, 50, 100, 200]


def test_scales_are_logarithmic_from_threefold_or_as_asked(front):
    assert not is_log(np.array([1.0, 3.0]))
    assert is_log(np.array([1.0, 3.1]))
    assert not is_log(np.array([0.0, 9.0]))
    axes = front.plot(x="energy_j", y="area_mm2", colour="", xscale="linear", yscale="log")
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
    assert axes.get_xlabel().startswith("Energy (")
    assert axes.get_ylabel() == "Area (mm²)"
    assert len(axes.figure.axes) == 1
    with pytest.raises(ValueError, match='scale must be "log" or "linear", got \'logit\''):
        front.plot(xscale="logit")
    with pytest.raises(KeyError, match="the front has no column 'latency'; did you mean 'latency_s'"):
        front.plot(x="latency")
    with pytest.raises(ValueError, match="main_memory does not hold numbers; name it as bands instead"):
        front.plot(x="main_memory")


def test_what_is_dominated_and_what_is_cut_off_is_said(front):
    said, entries = legend_of(front.plot())
    assert said.startswith("exact: all 128 points that the constraints allow costed")
    assert re.search(r"\d+% of the dominated lie beyond the axes", said)
    assert f"dominated ({front.feasible - len(front):,})" in entries
    x, y = (front.background[name].to_numpy() for name in ("latency_s", "energy_j"))
    (low, high), (least, most) = front.plot().get_xlim(), front.plot().get_ylim()
    outside = ~((x >= low) & (x <= high) & (y >= least) & (y <= most))
    assert len(x) == front.feasible  # the front's designs among them, which all lie inside
    assert f"; {outside.sum() / (front.feasible - len(front)):.0%} of the dominated" in said
    found = dse.search(tiny.network(), tiny.space(), budget=40, strategy="random", seed=1, progress=False)
    assert legend_of(found.plot())[0].startswith("sampled: 40 of 144 points costed by random")
    proved = dse.search(tiny.network(), tiny.space(), strategy="certified", progress=False)
    assert legend_of(proved.plot())[0].startswith("certified: ")


def test_an_axis_that_makes_bands_is_told_by_shape(front):
    axes = {
        "array.cols": [2, 4, 8, 16, 32],
        "array.rows": [4, 8, 16, 32],
        "main_memory": ["lpddr4", "gddr5x"],
    }
    wide = dse.sweep(tiny.network(), dse.Space("edge_16x16", axes), progress=False).front()
    drawn = wide.plot(bands="main_memory")
    said, entries = legend_of(drawn)
    assert "shapes: main memory" in said
    assert [entry.split(" (")[0] for entry in entries] == ["LPDDR4", "GDDR5X", "dominated"]
    square = np.column_stack([np.arange(len(front)) / len(front), np.zeros(len(front))])
    clear = square.copy()
    rows = front.frame["array.rows"].to_numpy()
    clear[:, 1] = rows / rows.max() * 50
    assert bands_of(front, clear, None) is None
    assert bands_of(front, clear, "array.rows").labels == tuple(str(row) for row in np.unique(rows))
    with pytest.raises(KeyError, match="the space has no axis 'memory'"):
        front.plot(bands="memory")


def test_bands_are_found_where_they_lie_apart():
    class Axis:
        def __init__(self, name, count):
            self.name, self.fields, self.labels = name, (name,), tuple((i,) for i in range(count))

        def show(self, place):
            return str(place)

    class Space:
        axes = (Axis("noise", 2), Axis("kind", 2))

    class Front:
        space = Space
        frame = pd.DataFrame({"noise": np.arange(60) % 2, "kind": np.repeat([0, 1], 30)})

    places = np.column_stack([np.tile(np.linspace(0, 1, 30), 2), np.repeat([0.1, 0.7], 30)])
    found = bands_of(Front, places)
    assert (found.title, found.labels) == ("kind", ("0", "1"))
    mixed = np.random.default_rng(0).random((60, 2))
    assert bands_of(Front, mixed) is None


def test_marked_designs_are_drawn_named_and_in_the_key(front, result):
    marked = front.mark(result).mark({"latency_s": 2e-5, "energy_j": 3e-5}, "Chen '17")
    assert front.marked == ()
    assert [one.label for one in marked.marked] == ["edge_16x16", "Chen '17"]
    axes = marked.plot()
    names = [text.get_text() for text in axes.texts]
    assert "Chen '17" in names
    key = [text.get_text() for text in axes.figure.texts if text.get_gid() == "key"]
    assert {"Chen '17", "edge_16x16", "20 µs", "30 µJ", "–"} <= set(key)
    low, high = axes.get_xlim()
    assert low < 2e-5 < high
    assert "not drawn: Chen '17, whose area_mm2 is not known" in legend_of(marked.plot(y="area_mm2"))[0]


def test_marked_designs_are_saved_with_their_front(front, result, tmp_path):
    marked = front.mark(result).mark({"latency_s": 2e-5, "energy_j": 3e-5, "array.rows": 12}, "Chen '17")
    marked.save(tmp_path / "out")
    assert dse.open(tmp_path / "out").marked == marked.marked
    assert marked.marked[1].fields == {"array.rows": 12}


def test_designs_that_cannot_lie_beside_a_front_are_refused(front, result):
    other = dse.evaluate("lenet5", "edge_16x16")
    for design, label, match in [
        (other, None, "costed on lenet5, and this is a front on tiny"),
        ({"latency_s": 1e-3}, None, "columns of a published design need a label"),
        ({"latency": 1e-3}, "A", "mark 'A': the front has no column 'latency'; did you mean 'latency_s'"),
        ({"utilisation": 0.5}, "A", "none of the objectives latency_s, energy_j, area_mm2 is known of it"),
        ({"latency_s": "2 ms"}, "A", "latency_s must be a number, got '2 ms'"),
        ({"latency_s": float("nan"), "energy_j": 1.0}, "A", "latency_s must be finite, got nan"),
        (3, "A", "need what dse.evaluate returned, or columns and values, got int"),
    ]:
        with pytest.raises((ValueError, KeyError, TypeError), match=re.escape(match)):
            front.mark(design, label)


@pytest.mark.parametrize(
    ("name", "width"), [("ieee", "column"), ("acm", "page"), ("usenix", "column"), ("slides", "column")]
)
@pytest.mark.filterwarnings("ignore:style acm")
def test_styles_give_width_type_and_sizes_of_seven_points(front, name, width):
    before = dict(matplotlib.rcParams)
    with dse.style(name):
        axes = front.plot(width=width)
        assert axes.figure.get_size_inches()[0] == dse.views.style.width_inches(width)
        family = axes.xaxis.label.get_fontname()
        sizes = {text.get_fontsize() for text in texts(axes.figure)}
        axes.figure.draw_without_rendering()
        page = axes.figure.bbox.padded(1)
        ticks = [
            label for one in axes.figure.axes for label in (*one.get_xticklabels(), *one.get_yticklabels())
        ]
        for text in texts(axes.figure):
            box = text.get_window_extent()
            if text not in ticks:  # those beyond the limits lie anywhere
                assert page.fully_containsx(box.x0), text.get_text()
                assert page.fully_containsx(box.x1), text.get_text()
    assert dict(matplotlib.rcParams) == before
    assert family == {"slides": family}.get(name, "STIXGeneral") or "Times" in family or "Liber" in family
    assert min(sizes) >= 7.0
    pdf = io.BytesIO()
    axes.savefig(pdf, format="pdf")
    assert b"/Type3" not in pdf.getvalue()
    assert b"/FontFile2" in pdf.getvalue()


def test_a_style_is_a_call_too_and_a_missing_font_is_one_line(front):
    with pytest.warns(
        UserWarning, match=r"^style ieee: none of Fraktur is installed as TrueType; \w+"
    ) as said:
        style = dse.style("ieee", font="Fraktur")
    assert len(said) == 1
    assert "\n" not in str(said[0].message)
    assert front.plot().figure.get_size_inches()[0] == 3.48
    style.undo()
    assert dse.views.style.VENUES["ieee"].column * 72.27 <= 252  # what IEEEtran's columns hold
    assert dse.views.style.VENUES["ieee"].page * 72.27 <= 516
    assert repr(style) == "style ieee: 3.48 in columns, 7.13 in pages"
    with pytest.raises(KeyError, match="unknown style 'iee'; did you mean 'ieee'"):
        dse.style("iee")


def test_settings_of_the_reader_hold(front):
    with matplotlib.rc_context({"font.family": "STIXGeneral", "font.size": 11.0, "axes.labelsize": 12.0}):
        axes = front.plot()
    assert axes.xaxis.label.get_fontname() == "STIXGeneral"
    assert axes.xaxis.label.get_fontsize() == 12.0


def test_a_front_is_drawn_on_axes_of_one_s_own(front):
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert front.plot(ax=left) is left
    assert front.plot(ax=right, x="energy_j", y="area_mm2", colour="latency_s") is right
    assert not [text for text in figure.texts if text.get_gid() == "key"]
    figure.draw_without_rendering()
    for axes in (left, right):
        legend, frame = axes.get_legend().get_window_extent(), axes.get_window_extent()
        assert legend.x1 <= max(frame.x1 + 0.3 * frame.width, legend.x0 + 1.5 * frame.width)
        assert legend.y1 <= figure.bbox.y1 + 1
    assert figure.get_size_inches().tolist() == [7.0, 3.0]


def picture_of(x, y, background=None):
    empty = np.zeros(0)
    behind = (empty, empty) if background is None else background
    names = ("latency_s", "energy_j")
    scales = [Scale(n, unit_of(n, v), v, b, is_log(v)) for n, v, b in zip(names, (x, y), behind, strict=True)]
    return Picture(*scales, None, (False, False), (), line=True, dominated=len(behind[0]))


def test_ten_million_points_take_bounded_time_and_artists():
    random = np.random.default_rng(0)
    many = np.exp(random.normal(size=(2, 10_000_000)))
    x = np.geomspace(0.05, 1.0, 200)
    begun = time.perf_counter()
    axes = draw_front(picture_of(x, 0.05 / x, tuple(many)))
    axes.figure.canvas.draw()
    assert time.perf_counter() - begun < 60.0
    (mesh,) = [one for one in axes.collections if one.get_array() is not None and one.get_array().ndim == 2]
    assert mesh.get_array().size < 2_000_000
    crowd = draw_front(picture_of(np.geomspace(1, 9, 300_000), 1 / np.geomspace(1, 9, 300_000)))
    assert "front (300,000, 20,000 drawn)" in legend_of(crowd)[1]


def test_density_counts_what_it_covers():
    axes = Figure().add_subplot()
    axes.set_xscale("log")
    x = np.array([1.0, 1.0, 2.0, 50.0, -1.0, np.nan])
    draw_density(axes, x, np.array([1.0, 1.0, 2.0, 3.0, 1.0, 1.0]), (0.5, 4.0, 0.5, 4.0))
    (mesh,) = axes.collections
    assert sorted(mesh.get_array().compressed().tolist()) == [1.0, 1.0, 2.0]


def test_no_figure_of_nothing(front):
    empty = dse.Front(
        **{
            name: getattr(front, name)
            for name in (
                "objectives",
                "space",
                "network",
                "layers",
                "mapping_objective",
                "evaluated",
                "feasible",
                "background",
            )
        },
        frame=front.frame.iloc[:0],
    )
    with pytest.raises(ValueError, match="figure: the front has no designs"):
        empty.plot()


def test_a_column_that_is_not_known_is_refused_and_gaps_are_left_out(front):
    frame = front.frame.assign(temperature_c=np.nan)
    unknown = dse.Front(
        frame, front.objectives, front.space, front.network, front.layers, "edp", 1, 1, front.background
    )
    with pytest.raises(ValueError, match="temperature_c is not known"):
        unknown.plot(x="temperature_c")
    unknown.frame.loc[unknown.frame.index[0], "temperature_c"] = 50.0
    axes = unknown.plot(x="temperature_c", y="latency_s")
    assert axes.get_xlabel() == "Hottest tier (°C)"


def test_names_with_dollars_and_backslashes_are_drawn_as_they_are(front):
    label = r"A $\frac{1} & _b^ 100%"
    marked = front.mark({"latency_s": 2e-5, "energy_j": 3e-5}, label)
    assert marked.marked[0] == Marked(label, {"latency_s": 2e-5, "energy_j": 3e-5})
    axes = marked.plot()
    axes.savefig(io.BytesIO(), format="pdf")
    assert label in [text.get_text() for text in axes.texts]


def test_grey_print_keeps_the_order_of_the_colours(front):
    """A third objective is read in grey: lightness only rises."""
    from dse.views.front_drawing import colours

    rgb = colours()(np.linspace(0, 1, 64))[:, :3]
    grey = rgb @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) > 0).all()
    assert grey[-1] < 0.9


def test_a_picture_is_a_value(front):
    shown = Shown(x="area_mm2", bands=None)
    assert front_picture(front, shown).x.column == "area_mm2"
    assert front_picture(front, shown).y.column == "latency_s"
