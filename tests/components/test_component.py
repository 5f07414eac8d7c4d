"""The component interface and its catalogue."""

import json
import warnings

import pytest

import dse
import hwmodels
from dse.cli import main
from hwmodels.components.component import Action, Component, catalogue
from hwmodels.components.prices import Price, PriceTable
from hwmodels.components.ranges import PriceRangeWarning


def test_totals_are_sums_over_parts_of_one_boundary():
    leaf = Component(name="leaf", family="logic", area_um2=2, leakage_w=0.5)
    inner = Component(name="inner", family="logic", area_um2=3, leakage_w=1, parts=(leaf, leaf))
    outer = Component(name="outer", family="logic", area_um2=5, parts=(inner,))
    assert (outer.total_area_um2, outer.total_leakage_w) == (12, 2)
    host = Component(name="host", family="interface", boundary="with PHY")
    with pytest.raises(ValueError, match=r"outer ends at 'device' and its part host at 'with PHY'"):
        Component(name="outer", family="logic", parts=(leaf, host))
    with pytest.raises(ValueError, match=r"Component\.boundary must be one of device, .*, got 'chip'"):
        Component(name="outer", family="logic", boundary="chip")
    assert Action(energy_pj=1.0).latency_s == 0.0


@pytest.mark.parametrize("node", [65, 45, 28, 22, 16, 7, 5])
def test_every_component_has_actions_and_a_source(node):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = catalogue(node)
    on_chip = {"logic", "flip-flop", "wire", "clock", "sram", "edram", "nvm"}
    assert {one.family for one in found} == on_chip | {"main memory"}
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.source
        assert one.actions
        assert all(action.energy_pj > 0 for action in one.actions.values())


def test_outside_the_published_nodes_a_warning_says_so():
    with pytest.warns(PriceRangeWarning, match=r"published from 5 to 65 nm; at 90 nm they follow"):
        catalogue(90)
    with pytest.raises(ValueError, match=r"node_nm must be between 5 and 180"):
        catalogue(3)


def test_the_command_lists_and_draws(capsys, tmp_path):
    assert main(["components", "--node", "7"]) == 0
    shown = capsys.readouterr().out
    assert "multiply int8" in shown
    assert "with PHY" in shown
    assert main(["components", "--node", "45", "--voltage", "0.9", "--json"]) == 0
    rows = {row["component"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["multiply int8"]["energy_pj"]["compute"] == pytest.approx(0.2, rel=1e-9)
    assert main(["components", "--plot", str(tmp_path / "prices.svg")]) == 0
    assert (tmp_path / "prices.svg").stat().st_size > 1000
    capsys.readouterr()
    assert main(["components", "--node", "3"]) == 2
    assert "between 5 and 180" in capsys.readouterr().err


def test_a_result_beyond_the_published_nodes_says_so_itself():
    inside, outside = (hwmodels.load("edge_16x16").replace({"technology.node_nm": node}) for node in (65, 90))
    assert dse.evaluate("lenet5", inside).warnings == ()
    with pytest.warns(PriceRangeWarning, match=r"edge_16x16: prices are published from 5 to 65 nm; at 90 nm"):
        result = dse.evaluate("lenet5", outside)
    assert "beyond its range: prices are published from 5 to 65 nm" in repr(result)


@pytest.mark.parametrize(
    ("volts", "said"), [(0.1, True), (0.6, False), (0, False), (0.9, False), (5.0, True)]
)
def test_a_supply_far_from_the_nominal_one_is_said_with_the_result(volts, said):
    machine = hwmodels.load("edge_16x16").replace(
        {"technology.node_nm": 7, "technology.voltage": float(volts)}
    )
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        result = dse.evaluate("lenet5", machine)
    assert bool(heard) == said
    assert [f"at {volts:g} V they follow fitted polynomials alone" in one for one in result.warnings] == [
        True
    ] * said


def test_a_price_stated_at_another_node_is_said_to_be_extrapolated():
    own = PriceTable(
        name="mine",
        rows=(
            Price(component="mac", quantity="energy_pj", value=1.0, node_nm=45),
            Price(component="wire", quantity="pj_per_bit_mm", value=0.1, node_nm=22),
        ),
    )
    result = dse.evaluate("lenet5", hwmodels.load("edge_16x16").replace({"technology.prices": own}))
    assert result.warnings == ("mac.energy_pj is stated at 45 nm and follows the library's law to 22 nm",)
    assert result.warnings[0] in repr(result)
