"""Machines of any number of levels: what they are made of, and what the model makes of engine and table."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwmodels
from hwmodels.components.clock import clock_pj
from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level, MacPrices, Prices
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.search import map_problem
from hwmodels.models.nest import NEST
from hwmodels.models.nest_mappings import problem_of
from workloads.table import Kind, LayerTable, blank_table, make_table


def machine(**changes):
    """Three levels on an array of 4 x 4."""
    made = {
        "name": "three",
        "levels": (
            Level(name="pad", bytes=64),
            Level(name="buffer", bytes=4096, fanout_x=4, fanout_y=4),
            Level(name="dram", kind="main_memory"),
        ),
        "main_memory": "lpddr4",
        "clock_hz": 1e9,
    }
    return LevelMachine(**(made | changes))


def table(*rows):
    """A layer table of rows given by what differs from a blank one."""
    columns = {name: np.array(column) for name, column in blank_table(len(rows))._asdict().items()}
    for i, row in enumerate(rows):
        for name, value in row.items():
            columns[name][i] = value
    return make_table(LayerTable, columns, len(rows))


def nest(**sizes):
    dims = {"n": 1, "g": 1, "k": 1, "c": 1, "p": 1, "q": 1, "r": 1, "s": 1} | sizes
    rows = dims["p"] - 1 + dims["r"]
    cols = dims["q"] - 1 + dims["s"]
    return {
        "kind": int(Kind.NEST),
        "in_rows": rows,
        "in_cols": cols,
        "weight_elements": dims["g"] * dims["k"] * dims["c"] * dims["r"] * dims["s"],
        "read_elements": dims["n"] * dims["g"] * dims["c"] * rows * cols,
        "write_elements": dims["n"] * dims["g"] * dims["k"] * dims["p"] * dims["q"],
        **dims,
    }


VECTOR = {"kind": int(Kind.VECTOR), "vector_ops": 4096.0, "read_elements": 1000, "write_elements": 500}


def test_words_ports_and_instances_follow_from_bytes_bits_and_fanouts():
    built = machine(
        levels=(
            Level(name="pad", bytes=64, fanout_x=2),
            Level(name="buffer", bytes=4096, fanout_x=4, fanout_y=4, read_port_bits=64),
            Level(name="dram", kind="main_memory"),
        )
    ).architecture
    pad, buffer, dram = built.levels
    assert (pad.instances, buffer.instances, dram.instances, built.macs) == (16, 1, 1, 32)
    assert (pad.capacity_words, buffer.capacity_words, dram.capacity_words) == (64, 4096, math.inf)
    assert (buffer.read_words_per_cycle, buffer.write_words_per_cycle) == (8, math.inf)
    memory = main_memory("lpddr4")
    assert dram.shared_words_per_cycle == memory.bandwidth_bytes_per_s * memory.efficiency / 1e9


def test_stated_prices_stand_for_components():
    prices = Prices(read_pj=2.0, fill_pj=3.0, update_pj=4.0, leakage_w=0.5, area_mm2=0.25)
    priced = machine(
        levels=(
            Level(name="pad", prices=prices, fanout_x=2),
            Level(name="dram", kind="main_memory", prices=Prices(read_pj=100.0)),
        ),
        mac=MacPrices(energy_pj=1.0, area_um2=5e5),
    ).architecture
    pad, dram = priced.levels
    assert (pad.read_pj, pad.fill_pj, pad.update_pj, pad.leakage_w) == (2.0, 3.0, 4.0, 0.5)
    assert pad.capacity_words == math.inf
    assert (dram.read_pj, dram.fill_pj, priced.mac_pj) == (100.0, 0.0, 1.0)
    assert priced.area_mm2 == pytest.approx(0.25 + 2 * 0.5)


def test_paths_reach_levels_and_the_array():
    three = machine()
    wider = three.replace({"levels.buffer.bytes": 8192, "array.rows": 8, "main_memory": "hbm2"})
    assert wider.level("buffer").bytes == 8192
    assert (wider.level("buffer").fanout_y, wider.macs) == (8, 32)
    assert wider.main_memory.name == "hbm2"
    assert three.paths()["array.cols"] == three.array.cols == 4
    assert wider.array.rows == 8
    assert three.paths()["levels.pad.bytes"] == 64
    assert wider.fingerprint() != three.fingerprint()
    assert three.replace({"levels.pad.bytes": 64}).fingerprint() == three.fingerprint()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels.bufer.bytes": 1}, "unknown field 'levels.bufer.bytes'.*levels.buffer.bytes"),
        ({"rows": 1}, "unknown field 'rows'; did you mean 'array.rows'"),
        ({"levels.buffer.bytes": -1}, "Level.bytes must be an integer >= 0, got -1"),
        ({"levels.buffer.operands": ()}, "Level.operands of buffer: it holds no operand"),
        ({"levels.buffer.operands": ("sums",)}, "Level.operands of buffer must be of weight"),
        ({"levels.buffer.bytes": 0}, "Level.bytes of buffer must be positive"),
        ({"levels.dram.kind": "sram"}, "the outermost must be of kind main_memory|must be positive"),
        ({"factors": "prime"}, "LevelMachine.factors must be one of aligned, perfect, ceil, got 'prime'"),
        ({"array_level": "l2"}, "LevelMachine.array_level of three must be one of pad, buffer, dram"),
        ({"clock_hz": 0}, "LevelMachine.clock_hz must be a positive number, got 0"),
    ],
)
def test_a_refusal_names_the_field(changes, message):
    with pytest.raises(ValueError, match=message):
        machine().replace(changes)


def test_levels_have_names_of_their_own_and_main_memory_holds_every_operand():
    pad, dram = Level(name="pad", bytes=64), Level(name="dram", kind="main_memory")
    with pytest.raises(ValueError, match="two levels are called pad"):
        machine(levels=(pad, pad, dram))
    with pytest.raises(ValueError, match="no main memory holds output"):
        machine(levels=(pad, dataclasses.replace(dram, operands=("weight", "input"))))


@pytest.mark.compiled
@given(k=st.integers(1, 12), c=st.integers(1, 12), p=st.integers(1, 9), r=st.integers(1, 3))
def test_an_operation_costs_what_the_engine_counts(k, c, p, r):
    """One nest: latency, energy and traffic are the mapper's, with the standing power added."""
    three, layers = machine(), table(nest(k=k, c=c, p=p, q=p, r=r, s=r))
    configs = NEST.pack(three)
    found = NEST.evaluate(layers, configs, "edp")
    best = map_problem(problem_of(layers, 0), three.architecture, "edp", factors=three.factors).evaluation
    seconds = best.cycles / three.clock_hz
    standing = float(configs.leakage_w[0] + configs.dram_background_w[0]) * seconds
    moving = (best.energy_pj - best.energy_by_component_pj["leakage"]) * 1e-12
    assert found.latency_s[0] == pytest.approx(seconds, rel=1e-12)
    assert found.energy_j[0] == pytest.approx(moving + standing, rel=1e-9)
    reads = sum(best.at("dram", o).reads for o in "WIO")
    writes = sum(best.at("dram", o).updates for o in "WIO")
    assert (found.dram_read_bytes[0], found.dram_write_bytes[0]) == (reads, writes)


@pytest.mark.compiled
def test_totals_are_sums_over_operations_with_repeats():
    layers = table(nest(k=8, c=4, p=5, q=5, r=3, s=3) | {"repeats": 3}, VECTOR, nest(k=10, c=8))
    configs = NEST.pack(machine())
    metrics, parts = NEST.evaluate(layers, configs), NEST.operations(layers, configs)
    for name in (
        "latency_s",
        "energy_j",
        "mac_energy_j",
        "buffer_energy_j",
        "dram_energy_j",
        "vector_energy_j",
    ):
        assert getattr(metrics, name)[0] == pytest.approx(layers.repeats @ parts[name], rel=1e-12)
    assert metrics.power_w[0] == pytest.approx(metrics.energy_j[0] / metrics.latency_s[0])
    assert 0 < metrics.utilisation[0] <= 1


@pytest.mark.compiled
def test_vector_work_takes_lanes_and_memory_time():
    three, layers = machine(), table(VECTOR, VECTOR | {"fused": 1})
    parts = NEST.operations(layers, NEST.pack(three))
    memory = main_memory("lpddr4")
    moving = 1500 / (memory.bandwidth_bytes_per_s * memory.efficiency)
    assert parts["latency_s"][0] == pytest.approx(max(4096 / (4 * 1e9), moving))
    assert parts["latency_s"][1] == pytest.approx(moving)
    assert parts["dram_read_bytes"].tolist() == [1000.0, 1000.0]
    assert NEST.bounds(three)[int(parts["bound"][0])] == "vector"


@pytest.mark.compiled
def test_an_operand_of_no_elements_stays_on_chip():
    whole = nest(k=8, c=8, p=4, q=4)
    scores = whole | {"write_elements": 0}
    configs = NEST.pack(machine())
    kept, moved = NEST.operations(table(scores), configs), NEST.operations(table(whole), configs)
    assert kept["dram_write_bytes"][0] == 0 < moved["dram_write_bytes"][0]
    assert kept["dram_energy_j"][0] < moved["dram_energy_j"][0]
    assert kept["latency_s"][0] <= moved["latency_s"][0]


@pytest.mark.compiled
def test_what_cannot_run_is_named():
    held = Constraints(levels=(LevelConstraints(level="pad", keep=frozenset("WIO")),))
    tiny = machine(mapspace=held).replace({"levels.pad.bytes": 2})
    found = NEST.evaluate(table(nest(k=2, c=2)), NEST.pack(tiny))
    assert found.feasible[0] == 0
    assert math.isnan(found.latency_s[0])
    assert NEST.limits(tiny)[int(found.limit[0])] == "levels.pad.bytes"
    wide = NEST.evaluate(table(nest(k=2, c=2) | {"weight_bits": 16}), NEST.pack(machine()))
    assert NEST.limits(machine())[int(wide.limit[0])] == "word_bits"
    small = dataclasses.replace(main_memory("lpddr4"), capacity_bytes=10.0)
    full = NEST.evaluate(table(nest(k=4, c=4)), NEST.pack(machine(main_memory=small)))
    assert NEST.limits(machine())[int(full.limit[0])] == "main_memory.capacity_bytes"


@pytest.mark.compiled
def test_a_given_mapping_is_costed_as_it_is():
    layers, three = table(nest(k=6, c=4)), machine()
    best = map_problem(problem_of(layers, 0), three.architecture, "energy", factors=three.factors)
    effort = hwmodels.machine.Effort(given={0: best.mapping})
    given_cost = NEST.evaluate(layers, NEST.pack(three), "latency", effort)
    assert given_cost.latency_s[0] == pytest.approx(best.evaluation.cycles / three.clock_hz)
    assert evaluate(problem_of(layers, 0), three.architecture, best.mapping).feasible


def test_packing_builds_each_distinct_machine_once():
    base = machine()
    codes = np.array([0, 1, 1, 0])
    packed = NEST.pack(base, {"levels.buffer.bytes": ([2048, 4096], codes)}, 4)
    assert packed.size == 4
    assert packed.machine[0] is packed.machine[3]
    assert [one.level("buffer").bytes for one in packed.machine] == [2048, 4096, 4096, 2048]
    assert packed.buffer_area_mm2[0] < packed.buffer_area_mm2[1]


def test_the_data_sheet_has_a_line_a_level_and_the_rules():
    sheet = str(hwmodels.load("eyeriss_v1"))
    assert "level psum_spad" in sheet
    assert "reuse overlap" in sheet
    assert "108" not in sheet.splitlines()[0]
    assert "<table>" in machine()._repr_html_()


def test_the_clock_reaches_every_instance_and_passes_buffers_by() -> None:
    """Its wires span MACs and pads of all PEs, however large the buffer beside the array is."""
    few, many = (
        LevelMachine(
            name="pads",
            levels=(
                Level(name="registers", kind="registers", bytes=2),
                Level(name="pads", bytes=1024),
                Level(name="buffer", bytes=size, fanout_x=4, fanout_y=2),
                Level(name="memory", kind="main_memory"),
            ),
            main_memory=hwmodels.main_memory("lpddr4"),
            clock_hz=1e9,
        )
        for size in (1 << 12, 1 << 20)
    )
    store, path, process = few.architecture.level, few.datapath, few.technology
    flops = 8 * (16 + path.weight_bits + path.input_bits)
    area_um2 = 8 * (store("registers").area_um2 + store("pads").area_um2 + few.mac_prices.area_um2)
    cycle_pj = clock_pj(flops, area_um2 * 1e-6, process.node_nm, few.voltage, gated=process.clock_gated)
    assert few.clock_w == pytest.approx(float(cycle_pj) * 1e-3, rel=1e-12)
    assert many.clock_w == few.clock_w
    assert few.model.pack(few, {"clock_hz": ([1e9], np.zeros(2, dtype=int))}, 2).clock_w[1] == pytest.approx(
        few.clock_w, rel=1e-12
    )
