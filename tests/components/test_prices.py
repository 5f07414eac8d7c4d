"""Prices of one's own take the library's place, and are refused in one line where they cannot."""

import dataclasses

import numpy as np
import pytest

import hwmodels
from hwmodels.components.arithmetic import mac
from hwmodels.components.main_memory import main_memory, register_memory
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


@pytest.mark.parametrize("machine", ["edge_16x16", "edge_levels"])
def test_a_file_written_anew_under_its_path_is_read_anew(table, machine):
    """What is kept of a space is kept by what its files and names stand for, not by them."""
    model, base, seen = hwmodels.load(machine).model, hwmodels.load(machine), []
    for watts in (0.25, 4.0):
        path = str(table(f"mac,leakage_w,{watts},22,,8,,,,"))
        packed = model.pack(base, {"technology.prices": ([None, path], np.array([0, 1]))}, 2)
        seen.append(float(packed.leakage_w[1] / packed.leakage_w[0]))
    assert seen[1] > 2 * seen[0]


@pytest.mark.parametrize("machine", ["edge_16x16", "edge_levels"])
def test_a_memory_registered_anew_under_its_name_is_looked_up_anew(machine):
    model, base, seen = hwmodels.load(machine).model, hwmodels.load(machine), []
    for watts in (0.25, 4.0):
        register_memory(dataclasses.replace(main_memory("lpddr4"), name="mine_now", background_w=watts))
        packed = model.pack(base, {"main_memory": (["lpddr4", "mine_now"], np.array([0, 1]))}, 2)
        seen.append(float(packed.dram_background_w[1]))
    assert seen[1] - seen[0] == pytest.approx(3.75)


def test_a_table_of_accelergy_written_anew_is_read_anew(tmp_path):
    path, base, seen = tmp_path / "ert.yaml", hwmodels.load("edge_16x16"), []
    for pj in (0.3, 0.9):
        unit = f"{{name: chip.PE.mac, actions: [{{name: compute, energy: {pj}}}]}}"
        path.write_text(f"ERT: {{version: 0.4, tables: [{unit}]}}")
        packed = pack(base, {"technology.prices": ([None, str(path)], np.array([0, 1]))}, 2)
        seen.append(float(packed.mac_pj[1]))
    assert seen[1] - seen[0] == pytest.approx(0.6)


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
        (
            "mac,energy_pj,1,3,,,,,,",
            r"line 2: Price of mac\.energy_pj: node_nm must be between 5 and 180 .*, got 3",
        ),
        (
            "mac,energy_pj,1,22,,,,,chip,",
            r"line 2: Price\.boundary of mac\.energy_pj must be one of device, with PHY, .*, got 'chip'",
        ),
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


ERT = """\
ERT:
  version: 0.4
  tables:
  - name: chip.weight_buffer
    actions: [{name: read, energy: 20}, {name: write, energy: 18}, {name: leak, energy: 0.5}]
  - {name: chip.ifmap_spad, actions: [{name: read, energy: 10}, {name: write, energy: 8}]}
  - {name: chip.DRAM, actions: [{name: read, energy: 512}]}
  - {name: chip.PE.mac, actions: [{name: compute, energy: 0.3}]}
ART:
  version: 0.4
  tables: [{name: chip.weight_buffer, area: 250000}]
"""


def test_a_table_of_accelergy_prices_buffers_by_their_names(tmp_path):
    path = tmp_path / "ert.yaml"
    path.write_text(ERT)
    base = hwmodels.load("edge_16x16")
    mine = base.replace({"technology.prices": path, "buffers.input.port_bits": 64})
    before, after = pack(base), pack(mine)
    assert after.weight_read_pj_per_byte[0] == pytest.approx(20, rel=1e-12)  # a word a time: one byte
    assert after.weight_write_pj_per_byte[0] == pytest.approx(18, rel=1e-12)
    assert after.input_read_pj_per_byte[0] == pytest.approx(10 / 8, rel=1e-12)  # its port is 8 bytes wide
    assert after.output_read_pj_per_byte[0] == before.output_read_pj_per_byte[0]
    assert after.dram_read_pj_per_byte[0] == before.dram_read_pj_per_byte[0]
    assert mine.buffers.weight.reported.area_mm2 == 0.25
    assert mine.buffers.weight.reported.leakage_w == pytest.approx(0.5e-12 * mine.clock_hz)
    grown = 0.3 - float(mac(8, 8, 32, 22).energy_pj)
    assert after.mac_pj[0] - before.mac_pj[0] == pytest.approx(grown, rel=1e-9)
    mine.save(tmp_path / "mine.yaml")
    assert hwmodels.load(str(tmp_path / "mine.yaml")) == mine


def test_a_table_of_accelergy_prices_levels_by_their_names(tmp_path):
    path = tmp_path / "ert.yaml"
    base = hwmodels.load("eyeriss_v1")
    path.write_text(
        "ERT:\n  version: 0.4\n  tables:\n"
        "  - {name: eyeriss.Psums, actions: [{name: read, energy: 3}, {name: write, energy: 4}]}\n"
        "  - {name: eyeriss.mac, actions: [{name: mac_random, energy: 2.5}]}\n"
    )
    mine = base.replace({"technology.prices": str(path)})
    level = mine.architecture.level("psums")
    assert (level.read_pj, level.fill_pj, mine.mac_prices.energy_pj) == (3, 4, 2.5)
    for name, area in (("leakage_w", "area_mm2"),):
        for quantity in (name, area):
            stated = getattr(next(one for one in mine.levels if one.name == "psums").prices, quantity)
            computed = base.level_prices(next(one for one in base.levels if one.name == "psums"))
            assert stated == getattr(computed, quantity)


@pytest.mark.parametrize(
    ("text", "machine", "message"),
    [
        (
            ERT.replace("ifmap_spad", "noc"),
            "edge_16x16",
            r"'noc' is no buffer of edge_16x16, which has weight",
        ),
        (ERT, "eyeriss_v1", r"unknown level 'weight_buffer'; nearest: "),
        (ERT.replace("energy: 20", "energy: -1"), "edge_16x16", r"-1"),
        ("architecture:\n  version: 0.4\n  nodes: []\n", "edge_16x16", "no section 'ERT' or 'ART'"),
    ],
)
def test_a_bad_table_of_accelergy_is_one_line(tmp_path, text, machine, message):
    path = tmp_path / "ert.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        hwmodels.load(machine).replace({"technology.prices": str(path)})
    assert "\n" not in str(caught.value)


def test_a_process_alone_takes_no_table_of_accelergy():
    with pytest.raises(ValueError, match=r"hold for one machine, machine\.replace"):
        read_prices("out/ERT.yaml")


def test_what_ends_elsewhere_than_the_chips_other_prices_is_refused(table):
    """A total of both would mix two boundaries: both are named."""
    path = table("mac,energy_pj,1,22,,,,,with PHY,")
    with pytest.raises(ValueError, match=r"ends at the boundary 'with PHY', and all else .* at 'device'"):
        hwmodels.load("edge_16x16").replace({"technology.prices": path})


def test_a_table_without_a_price_and_a_number_of_pythons_spelling_are_refused(table, tmp_path):
    with pytest.raises(ValueError, match="needs a line with a price; it has a header alone"):
        read_prices(table())
    with pytest.raises(ValueError, match=r"line 2: value must be a number, got '1_0'"):
        read_prices(table("mac,energy_pj,1_0,22,,,,,,"))
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("")
    with pytest.raises(ValueError, match=r"needs a column 'component'; it has none$"):
        read_prices(nothing)


@pytest.mark.parametrize("node", [3, 4.99, 180.1, 250])
def test_a_node_outside_every_table_is_refused_when_made(node):
    refused = r"Technology\.node_nm must be between 5 and 180 \(the scaling tables\), got"
    for machine in ("edge_16x16", "eyeriss_v1"):
        with pytest.raises(ValueError, match=refused):
            hwmodels.load(machine).replace({"technology.node_nm": node})
    with pytest.raises(ValueError, match=refused):
        hwmodels.Technology(node_nm=node)
    for node_nm in (5, 180):
        assert hwmodels.Technology(node_nm=node_nm).node_nm == node_nm
