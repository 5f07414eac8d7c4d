"""What a notebook shows: the words and units of the text, small figures, and names as text."""

import re
from html.parser import HTMLParser

import pytest

import dse
import hwmodels
import workloads
from dse.metrics import show_metric
from tests.dse import tiny


class Checker(HTMLParser):
    """Elements close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("path", "circle", "rect") or not attrs:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag != "rect":
            raise AssertionError(f"{tag} closes {self.open[-1:]}")

    def handle_data(self, data):
        self.words.append(data)


def words(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "<script" not in page
    return " ".join(checker.words)


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space(), progress=False)


def test_a_result_says_what_its_text_says(swept):
    result = dse.evaluate("lenet5", "edge_16x16")
    said = words(result._repr_html_())
    for name in ("latency_s", "energy_j", "edp_js", "area_mm2"):
        assert show_metric(name, result.totals[name]) in said
    assert "main memory" in said
    assert result._repr_html_().count("<svg") == 2
    assert not re.search(r"\d\.\d+e-\d\d|0\.000\d", said)
    tight = hwmodels.load("edge_16x16").replace({"buffers.weight.bytes": 1})
    assert "infeasible" in words(dse.evaluate("vgg16", tight)._repr_html_())


def test_a_front_shows_its_designs_in_units_and_a_figure(swept):
    front = swept.front()
    page = front._repr_html_()
    said = words(page)
    assert repr(front) in said
    assert page.count("<svg") == 1
    for column in ("latency_s", "energy_j", "area_mm2"):
        assert show_metric(column, front.knee()[column]) in said
    assert not re.search(r"\d\.\d+e-\d\d|0\.000\d", said)
    assert page.count("<circle") >= len(front) - 1
    assert words(swept.front(["edp_js"])._repr_html_())


def test_spaces_sweeps_networks_and_machines_are_shown(swept):
    said = words(swept.space._repr_html_())
    assert "128 points" not in said
    assert all(axis.name in said for axis in swept.space.axes)
    assert "array.cols <= 2 * array.rows" in said
    assert "excluded by" in words(swept._repr_html_())
    page = workloads.load("resnet50")._repr_html_()
    assert "more ..." in words(page)
    assert "MACs by operation" in words(page)
    for machine in ("edge_16x16", "eyeriss_v1"):
        page = hwmodels.load(machine)._repr_html_()
        assert "mm²" in words(page)
        assert "<svg" in page


def test_names_are_escaped_everywhere():
    name = '<b onclick="x">&'
    space = dse.Space("edge_16x16", {"array.rows": [8, 16], "clock_hz": [4e8, 8e8]}, name=name)
    swept = dse.sweep(tiny.network(), space, progress=False)
    for one in (space, swept, swept.front(("latency_s", "energy_j"))):
        page = one._repr_html_()
        assert "<b" not in page
        assert name in words(page)


def test_a_constant_objective_is_said():
    space = dse.Space("edge_16x16", {"clock_hz": [4e8, 8e8]})
    front = dse.sweep(tiny.network(), space, progress=False).front(("latency_s", "macs"))
    assert "macs is the same (" in repr(front)
    assert "in every configuration seen" in front.notes[0]


def test_pairs_of_network_and_machine_print_in_units():
    said = {"lenet5": 0.99, "lenet_300_100": 0.98}
    found = dse.search(list(said), tiny.space(), accuracy=lambda net: said[net.name], progress=False)
    page = words(found._repr_html_())
    for text in ("most accurate", "99.0 %", "98.0 %", "µs", "mm²"):
        assert text in page
    assert "NaN" not in page
    assert "nan" not in page
    assert "99.0 %" in repr(found.pick("most accurate"))
    assert found.pick("most accurate")["accuracy"] == 0.99


def test_a_machine_is_written_without_what_it_has_by_default():
    assert repr(hwmodels.load("template")) == "Template()"
    machine = hwmodels.load("edge_16x16").replace({"array.rows": 8, "main_memory": "hbm2"})
    assert "array=Array(rows=8, cols=16), " in repr(machine)
    assert "main_memory='hbm2'" in repr(machine)
    assert "sparsity" not in repr(machine)
    levels = repr(hwmodels.load("edge_levels"))
    assert "sparsity" not in levels
    assert len(levels) < 1500
