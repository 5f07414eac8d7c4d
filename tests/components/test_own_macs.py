"""Multiply-accumulate units from user code: prices, axes, fingerprints, travel, refusals."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import dse
import hwmodels
from dse.testing import check_mac_unit
from hwmodels.components.arithmetic import FORMAT_NAMES, NumberFormat, mac
from hwmodels.own_macs import code_of, replaced
from workloads.errors import InputError, WrongTypeError

SMALL = "lenet_300_100"


def halved(asked):
    """Half the library's unit."""
    unit = mac(
        asked.weight_bits,
        asked.input_bits,
        asked.accumulator_bits,
        asked.node_nm,
        asked.voltage,
        number_format=NumberFormat.INTEGER,
    )
    return hwmodels.MacPrices(**{name: float(one) / 2 for name, one in unit._asdict().items()})


def whole(asked):
    half = halved(asked)
    return hwmodels.MacPrices(
        energy_pj=2 * half.energy_pj, leakage_w=2 * half.leakage_w, area_um2=2 * half.area_um2
    )


@pytest.fixture(autouse=True)
def units():
    hwmodels.register_mac_unit("halved", halved)
    hwmodels.register_mac_unit("whole", whole)
    yield
    for name in ("halved", "whole", "odd"):
        hwmodels.unregister_mac_unit(name)


@pytest.mark.parametrize("name", ["edge_16x16", "edge_levels", "template"])
def test_a_unit_that_says_what_the_library_does_changes_nothing(name):
    plain = hwmodels.load(name)
    ours, theirs = (
        dse.evaluate(SMALL, machine).totals
        for machine in (plain, plain.replace({"datapath.mac_unit": "whole"}))
    )
    for column in ("energy_j", "area_mm2", "latency_s"):
        assert ours[column] == pytest.approx(theirs[column], rel=1e-12)


@pytest.mark.parametrize("name", ["edge_16x16", "edge_levels", "template"])
def test_energy_and_area_follow_the_function(name):
    machine = hwmodels.load(name)
    cheap = dse.evaluate(SMALL, machine.replace({"datapath.mac_unit": "halved"})).totals
    dear = dse.evaluate(SMALL, machine).totals
    assert cheap["energy_j"] < dear["energy_j"]
    assert cheap["area_mm2"] < dear["area_mm2"]
    assert cheap["latency_s"] == dear["latency_s"]


def test_it_is_an_axis_beside_what_it_depends_on():
    axes = {
        "datapath.mac_unit": ["", "halved", "whole"],
        "datapath.weight_bits": [4, 8],
        "technology.node_nm": [14, 22],
    }
    space = dse.Space("edge_16x16", axes)
    frame = dse.sweep(SMALL, space, progress=False).frame
    for row in frame.to_dict("records"):
        machine = hwmodels.load("edge_16x16").replace({path: row[path] for path in axes})
        assert dse.evaluate(SMALL, machine).totals["energy_j"] == pytest.approx(row["energy_j"], rel=1e-12)


def test_columns_are_replaced_row_by_row():
    library = mac([8, 8, 4], 8, 32, 22, 0.8)
    codes = [0, code_of("halved"), code_of("whole")]
    columns = {"weight_bits": [8, 8, 4], "input_bits": 8, "accumulator_bits": 32}
    found = replaced(
        library, codes, {**columns, "number_format": 0, "node_nm": 22.0, "voltage": 0.8}, FORMAT_NAMES
    )
    for ours, theirs in zip(found, library, strict=True):
        assert np.allclose(ours, theirs * [1, 0.5, 1], rtol=1e-12)


def test_it_keeps_the_contract():
    check_mac_unit("halved")
    with pytest.raises(AssertionError, match="register_mac_unit knows nothing"):
        check_mac_unit("nothing")


def test_its_code_enters_fingerprints():
    machine = hwmodels.load("edge_16x16").replace({"datapath.mac_unit": "halved"})
    before = machine.fingerprint()
    hwmodels.unregister_mac_unit("halved")
    hwmodels.register_mac_unit("halved", whole)
    assert machine.fingerprint() != before


def _there(content):
    """In a process that has not registered it."""
    machine = pickle.loads(content)
    again = machine.replace({"clock_hz": machine.clock_hz})
    return float(again.area_mm2()["area_mm2"].sum()), again.fingerprint()


def test_it_travels_to_processes_that_do_not_know_it():
    machine = hwmodels.load("edge_16x16").replace({"datapath.mac_unit": "halved"})
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_there, pickle.dumps(machine)).result()
    assert found == (float(machine.area_mm2()["area_mm2"].sum()), machine.fingerprint())


def test_a_machine_file_names_it(tmp_path):
    machine = hwmodels.load("edge_16x16").replace({"datapath.mac_unit": "halved"})
    machine.save(tmp_path / "mine.yaml")
    assert hwmodels.load(tmp_path / "mine.yaml") == machine
    hwmodels.unregister_mac_unit("halved")
    with pytest.raises(InputError, match="register_mac_unit was told of"):
        hwmodels.load(tmp_path / "mine.yaml")
    with pytest.raises(InputError, match="got 'halved'"):
        str(dse.evaluate(SMALL, machine).totals)


def test_what_cannot_be_is_refused():
    plain = hwmodels.load("edge_16x16")
    with pytest.raises(InputError, match=r"mac_unit must be '' \(the library's\).*halved.*got 'half'"):
        plain.replace({"datapath.mac_unit": "half"})
    with pytest.raises(InputError, match="modules of spring were reported"):
        hwmodels.load("spring").replace({"datapath.mac_unit": "halved"})
    with pytest.raises(InputError, match="states prices of its MAC"):
        hwmodels.load("eyeriss_v1").replace({"mac": hwmodels.MacPrices(energy_pj=1.0)}).replace(
            {"datapath.mac_unit": "halved"}
        )
    with pytest.raises(InputError, match="no word of letters"):
        hwmodels.register_mac_unit("half price", halved)
    with pytest.raises(InputError, match="stands for another function"):
        hwmodels.register_mac_unit("halved", whole)
    with pytest.raises(WrongTypeError, match="got int"):
        hwmodels.register_mac_unit("odd", 3)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda asked: asked.weight_bits, "must return hwmodels.MacPrices, got int"),
        (lambda asked: 1 / 0, "its function failed for AskedMac"),
        (lambda asked: AskedPrices(-1.0), "finite and not negative"),
        (lambda asked: AskedPrices(True), "must return hwmodels.MacPrices"),
        (lambda asked: AskedPrices("1"), "must return hwmodels.MacPrices"),
        (lambda asked: AskedPrices(float("nan")), "finite and not negative"),
    ],
)
def test_prices_that_are_none_are_refused(function, said):
    hwmodels.register_mac_unit("odd", function)
    machine = hwmodels.load("edge_16x16").replace({"datapath.mac_unit": "odd"})
    with pytest.raises(InputError, match=said):
        str(dse.evaluate(SMALL, machine).totals)


class AskedPrices:
    """Prices that check nothing."""

    def __init__(self, energy_pj):
        self.energy_pj, self.leakage_w, self.area_um2 = energy_pj, 0.0, 1.0
