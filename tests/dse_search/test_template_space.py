"""The template's space: searched like any other, and the choice for several networks against plain loops."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import dse
from dse.cli import main
from dse.run.task import cost_index
from dse.strategies.compromise import EIGHT, PUBLISHED
from dse.views.gains_figure import draw_gains
from hwmodels.template import Template, evaluate_templates, pack_templates
from tests.dse import tiny
from tests.dse.test_front_figure import legend_of
from tests.dse_search.test_several import other
from workloads.table import deduplicate

LIMIT_MM2 = 2.0  # of which the memory's interface takes 1.85
AXES = {
    "loop_order": ["of_if_xy", "xy_if_of"],
    "groups": [2, 4, 8],
    "macs_per_group": [2, 8],
    "bank_height": [64, 512],
    "tile_if": [4, 16],
    "tile_of": [8, 32],
    "tile_ix": [4, 16],
}


def small(**options):
    base = Template(groups=4, tile_ix=4, tile_iy=4, tile_of=8, tile_if=8, bank_height=256)
    return dse.Space(base, axes=AXES, name="small template", **options)


def layers():
    return deduplicate(tiny.network().table())[0]


def test_the_shipped_space_has_the_ten_parameters():
    space = dse.software_defined()
    assert space.size == 1_492_992
    assert len(space.axes) == 11  # tiles in x and y are two of the template's ten parameters' eleven fields
    assert space[0].groups == 8


def test_points_cost_what_their_machines_cost():
    space = small(constraints=["groups * macs_per_group >= 8", "area_mm2 <= 1.2 * base.area_mm2"])
    index = np.arange(space.size)
    found = cost_index(layers(), space, index)
    base = evaluate_templates(layers(), pack_templates(space.base))
    for point in range(0, space.size, 5):
        machine = space[point]
        cost = evaluate_templates(layers(), pack_templates(machine))
        runs = bool(cost.feasible[0]) and machine.groups * machine.macs_per_group >= 8
        assert found["feasible"][point] == (runs and cost.area_mm2[0] <= 1.2 * base.area_mm2[0])
        if runs:
            assert found["latency_s"][point] == cost.latency_s[0]
            assert found["energy_j"][point] == cost.energy_j[0]
    assert 0 < found["feasible"].sum() < space.size


def test_packing_points_equals_packing_machines():
    space = small()
    index = np.arange(0, space.size, 7)
    packed = space.pack(index)
    for row, point in enumerate(index.tolist()):
        one = pack_templates(space[point])
        assert all(getattr(packed, name)[row] == getattr(one, name)[0] for name in packed._fields)


@pytest.mark.parametrize("strategy", ["exhaustive", "nsga2", "surrogate"])
def test_templates_are_searched(strategy, tmp_path):
    budget = None if strategy == "exhaustive" else 40
    found = dse.search(
        tiny.network(), small(), strategy=strategy, budget=budget, store=tmp_path, progress=False
    )
    assert len(found) > 0
    assert {"loop_order", "groups", "latency_s"} <= set(found.frame.columns)


def test_certified_has_no_bounds_of_templates():
    with pytest.raises(ValueError, match="certified: space small template has no lower bounds"):
        dse.search(tiny.network(), small(), strategy="certified")


def test_gains_over_equally_fast_machines_equal_plain_loops():
    found = dse.choose_together([tiny.network(), other()], small(), area_mm2=LIMIT_MM2)
    costs = [
        cost_index(deduplicate(network.table())[0], small(), np.arange(small().size))
        for network in (tiny.network(), other())
    ]
    runs = [
        p
        for p in range(small().size)
        if all(c["feasible"][p] for c in costs) and costs[0]["area_mm2"][p] <= LIMIT_MM2
    ]
    mean = {p: math.sqrt(costs[0]["latency_s"][p] * costs[1]["latency_s"][p]) for p in runs}
    for cost, (_, row) in zip(costs, found.table.iterrows(), strict=True):
        fastest = min(cost["latency_s"][p] for p in runs)
        gains = [
            mean[p] / min(mean.values()) - 1
            for p in runs
            if math.isclose(cost["latency_s"][p], fastest, rel_tol=1e-11)
        ]
        assert row["equal"] == len(gains)
        assert (row["gain_least"], row["gain_most"]) == pytest.approx(
            (min(gains), max(gains)), rel=1e-9, abs=1e-12
        )


def test_the_gains_are_drawn_over_the_published_range_of_the_same_networks_alone():
    axes = dse.choose_together([tiny.network(), other()], small(), area_mm2=LIMIT_MM2).plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["tiny", "other"]
    assert not any("published" in text for text in legend_of(axes)[1])
    assert axes.figure.get_size_inches()[0] == 3.5
    table = pd.DataFrame({"gain": [0.5], "gain_least": [0.4], "gain_most": [0.6]}, index=["vgg16"])
    assert "published: 10 to 120 %" in legend_of(draw_gains(table, (0.1, 1.2)))[1]


def test_the_choice_equals_plain_loops():
    networks, space = [tiny.network(), other()], small()
    limit = LIMIT_MM2
    found = dse.choose_together(networks, space, area_mm2=limit, top=5)
    costs = [
        cost_index(deduplicate(network.table())[0], space, np.arange(space.size)) for network in networks
    ]
    runs = [
        point
        for point in range(space.size)
        if all(cost["feasible"][point] for cost in costs) and costs[0]["area_mm2"][point] <= limit
    ]
    latencies = [[float(cost["latency_s"][point]) for point in runs] for cost in costs]
    mean = [math.sqrt(a * b) for a, b in zip(*latencies, strict=True)]
    area = [float(costs[0]["area_mm2"][point]) for point in runs]

    def best(score):
        return runs[min(range(len(runs)), key=lambda i: (round(math.log(score[i]), 12), area[i], i))]

    assert found.eligible == len(runs) < space.size
    assert found.selected == best(mean)
    assert found.own == {"tiny": best(latencies[0]), "other": best(latencies[1])}
    for name, point in found.own.items():
        gain = mean[runs.index(point)] / mean[runs.index(found.selected)] - 1
        assert found.table.loc[name, "gain"] == pytest.approx(gain, rel=1e-9, abs=1e-12)
        assert found.table.loc[name, "latency_s"] <= found.table.loc[name, "latency_selected_s"] * (1 + 1e-12)
    assert (found.table["gain"] >= -1e-12).all()
    assert list(found.boundaries.index) == ["tiny", "other", "all"]
    assert set(found.boundaries.columns) == set(space.fields)
    assert "more geometric-mean performance" in repr(found)


def test_bad_input():
    with pytest.raises(
        ValueError, match="no machine of space small template runs all networks within 1e-06 mm²"
    ):
        dse.choose_together([tiny.network()], small(), area_mm2=1e-6)
    assert dse.choose_together([tiny.network()], tiny.space(), area_mm2=100.0).eligible > 0
    with pytest.raises(ValueError, match="top must be at least 1, got 0"):
        dse.choose_together([tiny.network()], small(), top=0)
    with pytest.raises(dse.ConstraintError, match="unknown name 'temperature_c'"):
        small(constraints=["temperature_c <= 80"])


def test_the_eight_networks_are_built_in():
    import workloads

    assert set(EIGHT) <= set(workloads.names())
    assert PUBLISHED == (0.12, 1.179)


def test_from_the_command_line(capsys, tmp_path):
    axes = [
        "groups=8",
        "macs_per_group=8,16",
        "bank_height=1024",
        "bank_width_bits=64",
        "weight_banks=1,2",
        "input_banks=1",
        "tile_if=16",
        "tile_ix=7,14",
        "tile_iy=7",
        "tile_of=16,32",
    ]
    options = [f"--axis={axis}" for axis in axes]
    status = main(
        ["search", "lenet5", "--space", "software_defined", "--out", str(tmp_path / "o"), "--json", *options]
    )
    assert status == 0
    assert json.loads(capsys.readouterr().out)["space"] == "software_defined"
