"""Objects of hwcomponents as prices: what they promise, in objects that look like them and in its own."""

import math
from types import SimpleNamespace

import pytest

import dse
import hwmodels


class Model:
    """What a component model of hwcomponents has."""

    def __init__(self, area=2e-9, leak_power=3e-6, **energies):
        self.area, self.leak_power = area, leak_power
        for name, joules in energies.items():
            setattr(self, name, lambda joules=joules: SimpleNamespace(energy=joules, latency=0.0))
        self.get_action_names = lambda: sorted(energies)


def test_a_memory_prices_a_level():
    found = hwmodels.from_hwcomponents(Model(read=1e-12, write=2e-12, update=4e-12))
    prices = [getattr(found, name) for name in ("read_pj", "fill_pj", "update_pj", "leakage_w", "area_mm2")]
    assert prices == pytest.approx([1.0, 2.0, 4.0, 3e-6, 2e-3])
    machine = hwmodels.load("eyeriss_v1").replace({"levels.psums.prices": found})
    assert machine.level_prices(machine.level("psums")) == found
    assert dse.evaluate("lenet5", machine, progress=False).feasible


def test_an_arithmetic_unit_prices_macs():
    found = hwmodels.from_hwcomponents(Model(compute=5e-13, read=1e-12, write=0.0))
    assert (found.energy_pj, found.leakage_w, found.area_um2) == pytest.approx((0.5, 3e-6, 2e3))
    machine = hwmodels.load("eyeriss_v1").replace({"mac": found})
    assert machine.mac_prices == found


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        ("sram", TypeError, "need a component model of hwcomponents, got str"),
        (Model(convert=1e-12), ValueError, "Model has the actions convert; a level needs read and write"),
        (Model(read=-1e-12, write=1e-12), ValueError, "energy of read of Model must be a number >= 0"),
        (Model(leak_power=math.nan, compute=1e-12), ValueError, "leak_power of Model must be a number >= 0"),
        (Model(area=math.inf, compute=1e-12), ValueError, "area of Model must be a number >= 0"),
    ],
)
def test_bad_objects_are_one_line(model, error, said):
    with pytest.raises(error, match=said) as refusal:
        hwmodels.from_hwcomponents(model)
    assert "\n" not in str(refusal.value)


def test_its_own_objects_are_read_as_they_are():
    """Version 1.0.114, hwcomponents-library 1.0.58: Aladdin's MAC at 40 nm, Atomlayer's eDRAM at 32 nm."""
    library = pytest.importorskip("hwcomponents_library", reason="the package hwcomponents is not installed")
    unit = library.AladdinIntMAC(tech_node=40e-9, adder_width=16, multiplier_width=8)
    mac = hwmodels.from_hwcomponents(unit)
    assert (mac.energy_pj, mac.leakage_w, mac.area_um2) == pytest.approx((0.8975, 6.2e-6, 535.875))
    cells = hwmodels.from_hwcomponents(library.AtomlayerEDRAM(tech_node=32e-9, size=1 << 20))
    assert (cells.read_pj, cells.fill_pj, cells.area_mm2) == pytest.approx(
        (35.1153, 35.1153, 0.166), rel=1e-5
    )
    machine = hwmodels.load("eyeriss_v1").replace({"mac": mac, "levels.psums.prices": cells})
    assert (machine.mac_prices, machine.level_prices(machine.level("psums"))) == (mac, cells)
