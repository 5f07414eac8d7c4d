"""Prices of one's own take the library's place, and are refused in one line where they cannot."""

import pytest

import hwmodels
from hwmodels.components.arithmetic import mac
from hwmodels.components.prices import QUANTITIES, Price, PriceTable, read_prices
from hwmodels.components.sram import sram
from hwmodels.packing import pack
from hwmodels.template import Template, pack_templates

HEAD = "component,quantity,value,node_nm,voltage,bits,bytes,width_bits,boundary,source"


@pytest.fixture
def table(tmp_path):
    def write(*lines, head=HEAD):
        path = tmp_path / "mine.csv"
        path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return path

    return write


def test_what_is_stated_at_a_point_is_what_it_costs_there(table):
    path = table(
        "mac,energy_pj,0.5,22,,8,,,,a",
        "sram,read_pj,3,22,,,65536,128,,b",
        "sram,area_mm2,1,22,,,65536,128,,b",
    )
    base = hwmodels.load("edge_16x16")
    mine = base.replace({"technology.prices": str(path)})
    assert mine.technology.prices.rows[0].source == "a"
    before, after = pack(base), pack(mine)
    sram_factor = 3 / (float(sram(65536, 128, 22).read_pj_per_byte) * 16)
    mac_factor = 0.5 / float(mac(8, 8, 16, 22).energy_pj)
    grown = (mac_factor - 1) * float(mac(8, 8, 32, 22).energy_pj)
    assert after.mac_pj[0] - before.mac_pj[0] == pytest.approx(grown, rel=1e-9)
    assert after.input_read_pj_per_byte[0] == pytest.approx(
        sram_factor * before.input_read_pj_per_byte[0], rel=1e-12
    )
    assert after.input_write_pj_per_byte[0] == before.input_write_pj_per_byte[0]
    area_factor = 1 / float(sram(65536, 128, 22).area_mm2)
    assert after.buffer_area_mm2[0] == pytest.approx(area_factor * before.buffer_area_mm2[0], rel=1e-12)
    assert mine.fingerprint() != base.fingerprint()


@pytest.mark.parametrize("component", QUANTITIES)
def test_the_librarys_own_prices_change_nothing(component):
    rows = tuple(
        {"component": component, "quantity": quantity, "node_nm": 16, "value": 1.0}
        for quantity in QUANTITIES[component]
    )
    stated = tuple(Price(**{**row, "value": Price(**row).computed}) for row in rows)
    own = PriceTable(name="same", rows=stated)
    assert all(factor == pytest.approx(1.0, rel=1e-12) for factor in own.factors().values())


def test_machines_of_every_kind_heed_them(table):
    path = table("mac,energy_pj,9,22,,8,,,,", "sram,read_pj,90,22,,,32768,64,,")
    levels = hwmodels.load("eyeriss_v1")
    mine = levels.replace({"technology.prices": path})
    assert mine.mac_prices.energy_pj > levels.mac_prices.energy_pj
    assert mine.architecture.level("psums").read_pj > levels.architecture.level("psums").read_pj
    template = Template()
    ours, theirs = (pack_templates(one) for one in (template, template.replace({"technology.prices": path})))
    assert theirs.mac_pj[0] > ours.mac_pj[0]
    assert theirs.weight_read_pj_per_byte[0] > ours.weight_read_pj_per_byte[0]


def test_a_table_is_an_axis(table):
    own = read_prices(table("mac,energy_pj,9,22,,8,,,,"))
    base = hwmodels.load("edge_16x16")
    packed = pack(base, {"technology.prices": ([None, own], [0, 1])}, 2)
    assert packed.mac_pj[0] == pack(base).mac_pj[0] < packed.mac_pj[1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mac,energy_pj,-1,22,,,,,,", r"line 2: Price\.value of mac\.energy_pj must be zero or more, got -1"),
        ("mac,energy_pj,,22,,,,,,", r"line 2: value is missing"),
        (
            "mac,energy_pj,nan,22,,,,,,",
            r"line 2: Price\.value of mac\.energy_pj must be a finite number, got nan",
        ),
        ("mac,energy_pj,inf,22,,,,,,", r"must be a finite number, got inf"),
        ("mac,energy_pj,dear,22,,,,,,", r"line 2: value must be a number, got 'dear'"),
        ("mac,energy_pj,1,3,,,,,,", r"node_nm must be between 5 and 180 .*, got 3"),
        ("mac,read_pj,1,22,,,,,,", r"unknown quantity of mac 'read_pj'"),
        ("mack,energy_pj,1,22,,,,,,", r"unknown component 'mack'; nearest: mac"),
        ("sram,read_pj,1,22,,,0,64,,", r"Price\.bytes of sram\.read_pj must be positive, got 0"),
    ],
)
def test_bad_prices_are_one_line(table, line, message):
    path = table(line)
    with pytest.raises(ValueError, match=message):
        hwmodels.load("edge_16x16").replace({"technology.prices": path})


def test_bad_tables_are_one_line(table, tmp_path):
    with pytest.raises(ValueError, match=r"mixes the boundaries 'device' and 'with PHY'"):
        read_prices(table("mac,energy_pj,1,22,,,,,device,", "sram,read_pj,1,22,,,,,with PHY,"))
    with pytest.raises(ValueError, match=r"mac\.energy_pj is priced twice"):
        read_prices(table("mac,energy_pj,1,22,,,,,,", "mac,energy_pj,2,16,,,,,,"))
    with pytest.raises(ValueError, match=r"needs a column 'node_nm'"):
        read_prices(table("mac,energy_pj,1", head="component,quantity,value"))
    with pytest.raises(ValueError, match=r"unknown column 'nod_nm'; nearest: node_nm"):
        read_prices(table("mac,energy_pj,1,22,9", head="component,quantity,value,node_nm,nod_nm"))
    with pytest.raises(ValueError, match=r"technology\.prices: .*none\.csv cannot be read"):
        hwmodels.load("edge_16x16").replace({"technology.prices": str(tmp_path / "none.csv")})
