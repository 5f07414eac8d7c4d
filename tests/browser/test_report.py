"""The report in a browser: what it shows, by mouse and by keyboard, wide and narrow, dark and light."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import dse
import hwmodels
import workloads
from dse.views.html import data_of
from tests.dse import tiny

HOSTILE = '</script><script>window.hacked=1</script><b>"tiny" & $x_1$'


@pytest.fixture(scope="module")
def front():
    found = dse.sweep(tiny.network(), tiny.space(), progress=False).front()
    frame = found.frame.copy()
    frame.loc[frame.index[1], "power_w"] = np.nan
    return dataclasses.replace(found, network=HOSTILE, frame=frame)


@pytest.fixture(scope="module")
def page(front, tmp_path_factory):
    pytest.importorskip("plotly")
    file = tmp_path_factory.mktemp("report") / "front.html"
    assert front.to_html(file) == str(file)
    return file


@pytest.fixture
def shown(browser, page):
    browser.open(page)
    yield browser
    assert browser.said == []


def shown_index(browser):
    return int(re.findall(r"\d+", browser.ask("document.querySelector('#detail h2').textContent"))[-1])


def box_of(browser, element):
    box = f"(({{x, y, width, height}}) => [x, y, width, height])({element}.getBoundingClientRect())"
    return browser.ask(box)


def test_the_page_needs_nothing_else(shown, page):
    assert shown.ask("performance.getEntriesByType('resource').length") == 0
    assert shown.asked == [page.as_uri()]


def test_names_are_shown_as_text_and_never_run(shown, front):
    assert shown.ask("window.hacked") is None
    assert shown.ask("document.querySelector('h1').textContent") == f"tiny on {HOSTILE}"
    assert shown.ask("document.querySelector('header p').textContent") == repr(front)
    assert shown.ask("document.querySelectorAll('h1 *, header p *').length") == 0


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_its_window_and_starts_at_the_knee(browser, page, front, width, dark):
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert shown_index(browser) == front.knee().name
    assert browser.ask("document.querySelectorAll('#scatter .scatterlayer .trace').length") >= 3
    ground = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 200) == dark
    browser.ask("document.getElementById('theme').click()")
    other = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", other))) < 200) == (not dark)
    assert browser.said == []


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(browser, page, dark):
    """Contrast of 4.5 and more (WCAG 2.2, level AA) for every text colour of the page."""
    browser.open(page, dark=dark)
    names = ["--ink", "--quiet", "--accent", "--warm"]
    style = "getComputedStyle(document.documentElement).getPropertyValue"
    for ground in ("--paper", "--raised"):
        for name in names:
            pair = [browser.ask(f"{style}('{one}').trim()") for one in (name, ground)]
            assert contrast(*pair) >= 4.5, (name, ground, pair)


def contrast(one, other):
    light = []
    for colour in (one, other):
        channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_the_keyboard_reaches_everything_and_walks_the_table(shown, front):
    reached = set()
    for _ in range(40):
        shown.press("Tab")
        reached.add(shown.ask("document.activeElement.id || document.activeElement.tagName"))
        if shown.ask("document.activeElement.tagName") == "TR":
            break
    assert {"theme", "filter", "x", "y", "colour", "BUTTON", "TR"} <= reached
    order = front.frame.sort_values("latency_s").index.tolist()
    at = order.index(front.knee().name)
    assert shown_index(shown) == order[at]
    shown.press("ArrowDown")
    assert shown_index(shown) == order[at + 1]
    shown.press("End")
    assert shown_index(shown) == order[-1]
    shown.press("ArrowDown")
    assert shown_index(shown) == order[-1]
    shown.press("Home")
    assert shown_index(shown) == order[0]
    assert shown.ask("document.activeElement.getAttribute('aria-selected')") == "true"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("area_mm2 <= {area}", lambda f, area: f["area_mm2"] <= area),
        ("main_memory == hbm2", lambda f, area: f["main_memory"] == "hbm2"),
        (
            "main_memory != hbm2 and clock_hz >= 800 MHz",
            lambda f, area: (f["main_memory"] != "hbm2") & (f["clock_hz"] >= 8e8),
        ),
        ("buffers.weight.bytes < 8 KiB, energy_j < 1 J", lambda f, area: f["buffers.weight.bytes"] < 8192),
        ("power_w > 0", lambda f, area: f["power_w"] > 0),
        ("latency_s < 1 ns", lambda f, area: f["latency_s"] < 1e-9),
    ],
)
def test_constraints_leave_the_designs_that_hold(shown, front, text, kept):
    area = float(f"{front.frame['area_mm2'].median():.4g}")
    shown.ask("document.getElementById('filter').focus()")
    shown.write(text.format(area=area))
    shown.press("Enter")
    wanted = front.frame.index[kept(front.frame, area)].tolist()
    assert shown.ask("report.state.passing.map((row) => report.data.index[row])") == wanted
    assert (
        shown.ask("document.getElementById('filtered').textContent")
        == f"{len(wanted)} of {len(front)} designs"
    )
    assert shown.ask("document.getElementById('scatter').data[1].x.length") == len(wanted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("area <= 2", "no column “area”"),
        ("area_mm2", "write a column, a comparison and a value"),
        ("area_mm2 <= much", "“much” is no value of area_mm2 (in mm²)"),
        ("main_memory == hbm9", "is never “hbm9”; it is lpddr4, hbm2"),
        ("main_memory <= hbm2", "compare with == or !="),
    ],
)
def test_a_constraint_that_will_not_do_is_said(shown, front, text, said):
    shown.ask("document.getElementById('filter').focus()")
    shown.write(text)
    shown.press("Enter")
    assert said in shown.ask("document.getElementById('filtered').textContent")
    assert shown.ask("report.state.passing.length") == len(front)


def test_a_click_in_the_figure_chooses_a_design(shown, front):
    row = next(
        row for row, index in enumerate(front.frame.index) if index not in set(front.designs()["index"])
    )
    point = "document.querySelectorAll('#scatter .scatterlayer .trace')[1].querySelectorAll('.point')"
    shown.ask("document.getElementById('scatter').scrollIntoView()")
    left, top, wide, _ = box_of(shown, f"{point}[{row}]")
    x, y = left + wide / 2, top + wide / 2
    for near in (4, 0):  # plotly looks where the mouse is every now and then
        shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=x - near, y=y)
        shown.ask("new Promise((done) => setTimeout(done, 200))")
    shown.drag((x, y), (x, y))
    shown.ask("new Promise((done) => setTimeout(done, 200))")
    assert shown_index(shown) == front.frame.index[row]


def test_a_range_on_an_axis_of_the_parallel_coordinates_filters(shown, front):
    shown.ask("document.getElementById('parallel').scrollIntoView()")
    x, top, _, height = box_of(shown, "document.getElementById('parallel')")
    shown.drag((x + 40, top + 40), (x + 40, top + 60))  # the head of the first lane: the most rows
    rows = shown.ask("report.state.passing.map((row) => report.data.index[row])")
    assert rows == front.frame.index[front.frame["array.rows"] == 16].tolist()
    shown.drag((x + 40, top + height / 2), (x + 40, top + height / 2))
    assert shown.ask("report.state.passing.length") == len(front)


def test_a_design_is_copied_as_python_and_yaml(shown, front, tmp_path):
    for position in (0, len(front) // 2):
        index = int(front.frame.index[position])
        code: dict = {}
        exec(shown.ask(f"report.pythonOf({position})"), code)
        assert code["machine"] == front.space[index]
        file = tmp_path / "design.yaml"
        file.write_text(shown.ask(f"report.yamlOf({position})"))
        assert hwmodels.load(file) == front.space[index]
    shown.ask("[...document.querySelectorAll('#detail button')][1].click()")
    shown.ask("new Promise((done) => setTimeout(done, 100))")
    assert shown.ask("document.querySelector('#detail textarea').value").startswith("machine: two_level")


def test_breakdown_and_operations_add_up(shown, front):
    row = front.frame.index.get_loc(front.knee().name)
    names = [name for name, _ in shown.ask("report.data.parts")]
    whole = sum(
        shown.ask(f"report.data.columns.find((c) => c.name === '{name}').data[{row}]") for name in names
    )
    assert whole == pytest.approx(front.knee()["energy_j"], rel=1e-6)
    for column in ("latency_s", "energy_j"):
        parts = shown.ask(f"report.data.operations.designs[{row}].{column}")
        assert sum(parts) == pytest.approx(front.knee()[column], rel=1e-5)
    assert "PEs, systolic" in shown.ask("document.querySelector('#detail pre').textContent")


def test_columns_sort_by_a_click_and_by_the_keyboard(shown, front):
    shown.ask("document.querySelector('#table th:nth-child(3) button').focus()")
    shown.press("Enter")
    order = shown.ask("report.state.shown.map((row) => report.data.index[row])")
    assert order == front.frame.sort_values("energy_j", kind="stable").index.tolist()
    shown.press("Enter")
    assert (
        shown.ask("document.querySelector('#table th:nth-child(3)').getAttribute('aria-sort')")
        == "descending"
    )


@pytest.mark.parametrize("objectives", [("edp_js",), ("latency_s", "-utilisation")])
def test_one_objective_and_one_design_are_shown_too(browser, front, objectives, tmp_path):
    swept = dse.sweep(tiny.network(), tiny.space(), progress=False)
    alone = swept.front(objectives)
    alone.to_html(tmp_path / "one.html", network=tiny.network())
    browser.open(tmp_path / "one.html")
    assert browser.said == []
    assert browser.ask("report.state.passing.length") == len(alone)
    assert browser.ask("report.data.operations.names")[0] == "conv1"


def test_a_linear_axis_is_in_the_unit_of_its_values_and_one_design_needs_no_scale(browser, front, tmp_path):
    found = dse.sweep(tiny.network(), tiny.space(), progress=False).front(["edp_js"])
    file = tmp_path / "one.html"
    found.to_html(file)
    browser.open(file)
    browser.ask(
        "['x', 'y'].forEach((id, i) => { const list = document.getElementById(id); "
        "list.value = ['latency_s', 'energy_j'][i]; list.dispatchEvent(new Event('change')) })"
    )
    layout = "document.getElementById('scatter').layout"
    titles = [browser.ask(f"{layout}.{axis}.title.text") for axis in ("xaxis", "yaxis")]
    prefixes = [
        re.fullmatch(rf"{word} \((.?){unit}\)", title)
        for word, unit, title in zip(("Latency", "Energy"), "sJ", titles, strict=True)
    ]
    assert all(prefixes), titles
    row = found.frame.iloc[0]
    for axis, column, prefix in zip("xy", ("latency_s", "energy_j"), prefixes, strict=True):
        drawn = browser.ask(f"document.getElementById('scatter').data[1].{axis}[0]")
        power = {"m": 1e-3, "µ": 1e-6, "n": 1e-9, "": 1.0}[prefix[1]]
        assert drawn * power == pytest.approx(row[column], rel=1e-6)
        assert 1 <= drawn < 1000
    assert browser.ask("document.getElementById('scatter').data[1].marker.showscale") is False
    assert browser.ask("document.getElementById('filtered').textContent") == "1 of 1 design"


def test_a_machine_of_one_s_own_is_copied_whole(front, tmp_path):
    pytest.importorskip("plotly")
    from dse.views import html

    base = front.space.base.replace({"clock_hz": "650 MHz"})
    own = dse.Space(base, {"array.rows": [4, 8]}, name="own")
    data = html.data_of(dse.sweep(tiny.network(), own, progress=False).front(("latency_s", "area_mm2")))
    assert data["python"] == ""
    assert data["files"]


def test_bad_input_is_one_line(front, monkeypatch):
    empty = dataclasses.replace(front, frame=front.frame.iloc[:0])
    with pytest.raises(ValueError, match="the front has no designs"):
        empty.to_html()
    with pytest.raises(ValueError, match="details must be a whole number, at least 0, got -1"):
        front.to_html(details=-1)
    import sys

    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(
        ImportError, match=r"needs plotly, which is not installed: pip install 'springboard\[html\]'"
    ):
        front.to_html()


def test_a_large_front_keeps_its_named_designs(front):
    from dse.views import html

    many = 3 * html.MOST_DESIGNS
    rows = np.arange(many) % len(front)
    frame = front.frame.iloc[rows].set_axis(pd.RangeIndex(many, name="index"), axis=0)
    large = dataclasses.replace(front, frame=frame)
    kept = html._shown(large)
    assert len(kept) <= html.MOST_DESIGNS
    assert {large.frame.index.get_loc(index) for index in large.designs()["index"]} <= set(kept)


def test_a_resident_front_says_where_tensors_live(browser, tmp_path):
    """The page's tables are those of `Result.schedule` and `Result.operations` of the same design."""
    net = tiny.network()
    axes = {"array.rows": [8, 16], "main_memory": ["lpddr4", "hbm2"]}
    front = dse.sweep(net, dse.Space("edge_16x16", axes), schedule="resident", progress=False).front()
    front.to_html(tmp_path / "front.html", network=net)
    browser.open(tmp_path / "front.html")
    heads = "[...document.querySelectorAll('#detail h2')]"
    table = f"{heads}.find((one) => one.textContent == 'Where tensors live').nextSibling"
    texts = "[0, 1, 5].map((place) => tr.children[place].textContent).join('|')"
    rows = browser.ask(f"[...{table}.querySelectorAll('tbody tr')].map((tr) => {texts})")
    index = int(front.knee().name)
    result = dse.evaluate(net, front.accelerator(index), schedule="resident")
    schedule = result.schedule()
    assert rows == [f"{row.tensor}|{row.level}|{row.why}" for row in schedule.itertuples()]
    data = data_of(front, net)
    shown = data["operations"]["designs"][front.frame.index.get_loc(index)]
    assert sum(shown["latency_s"]) == pytest.approx(result.totals["latency_s"], rel=1e-5)
    assert browser.said == []


def test_pairs_of_network_and_machine_have_a_page_with_their_accuracy_as_a_share(browser, tmp_path):
    pytest.importorskip("plotly")
    nets = workloads.of_networks([tiny.network(), tiny.network().rename("other")])
    measured = {"tiny": 0.75, "other": 0.5}
    found = dse.codesign(
        nets, tiny.space(), accuracy=lambda net: measured[net.name], budget=2, progress=False
    )
    browser.open(found.to_html(tmp_path / "pairs.html"))
    assert browser.ask("document.querySelector('h1').textContent") == f"{found.whose} on {found.space.name}"
    cells = browser.ask("[...document.querySelectorAll('#table tbody tr')].map((row) => row.textContent)")
    assert len(cells) == len(found)
    assert all("75 %" in text or "50 %" in text for text in cells)
    assert browser.said == []
