"""Machines by name: what they are made of, what their parts cost, and that they run."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.array import DIMENSIONS
from hwmodels.components.arithmetic import register
from hwmodels.components.rounding import rounding
from hwmodels.components.sram import sram
from hwmodels.costs import PLACED
from hwmodels.rounding import RoundingBiasWarning
from hwmodels.tiled import tiled_cycles
from tests.hwmodels.tables import layer_table
from tests.hwmodels.test_evaluate import grid
from tests.oracles import tiled as oracle
from tests.oracles.tiling import Nest
from workloads.table import with_densities

CONV = Nest(n=2, k=64, c=32, p=14, q=14, r=3, s=3, pad=1, in_rows=14, in_cols=14)
UNROLLED = {
    "array": hwmodels.Array(
        interconnect="unrolled", unroll=hwmodels.Unroll(k=8, c=16, p=4), dataflow=hwmodels.Dataflow(0)
    )
}
small = st.integers(1, 5)


BUILT_IN = [name for name in hwmodels.names() if name != "template"]  # which has no parts to add up


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_machine_runs_and_adds_up(name):
    machine = hwmodels.load(name)
    assert machine.name == name
    layers = with_densities(layer_table([CONV]), weight=0.4, activation=0.5)
    configs = machine.model.pack(machine)
    metrics = machine.model.evaluate(layers, configs)
    assert metrics.feasible[0]
    assert 0 < metrics.utilisation[0] <= 1
    parts = ("mac", "buffer", "dram", "vector", "static", "control")
    total = sum(getattr(metrics, f"{part}_energy_j")[0] for part in parts)
    assert metrics.energy_j[0] == pytest.approx(total, rel=1e-12)
    area, power = machine.area_mm2(), machine.power_w()
    logic_and_buffers = area[area["kind"] != "memory"]["area_mm2"].sum()
    assert metrics.area_mm2[0] == pytest.approx(logic_and_buffers, rel=1e-12)
    leakage_w = configs.leakage_w[0]
    clock_w = power.loc[power["component"] == "clock", "dynamic_w"].sum()  # stands like leakage
    assert power["leakage_w"].sum() + clock_w == pytest.approx(leakage_w, rel=1e-12)
    assert machine.source


def test_unrolled_arrays_know_their_size():
    spring = hwmodels.load("spring").array
    assert (spring.pes, spring.lanes, spring.lane_width) == (64, 4608, 16)
    assert spring.macs_per_cycle == spring.rows * spring.cols == 73_728


def test_packing_axes_of_an_unrolled_sparse_machine_equals_replacing_specs():
    base = hwmodels.load("edge_16x16").replace(UNROLLED)
    axes, size = grid(
        {
            "array.unroll.k": [2, 8],
            "array.unroll.c": [4, 16],
            "array.dataflow": ["os", "ws"],
            "sparsity.weight.mode": ["none", "skip"],
            "sparsity.weight.format": ["dense", "bitmask"],
            "sparsity.front_end_positions_per_cycle": [0, 64],
            "buffers.mask.bytes": [0, 4096],
            "datapath.rounding": ["none", "stochastic"],
        }
    )
    together = hwmodels.pack(base, axes, size)
    for i in range(0, size, 7):
        alone = hwmodels.pack(
            base.replace({path: values[codes[i]] for path, (values, codes) in axes.items()})
        )
        for name in together._fields:
            assert getattr(together, name)[i] == getattr(alone, name)[0], name


def test_reported_parts_scale_with_lanes_and_node():
    spring = hwmodels.load("spring")
    halved = spring.replace({"array.unroll.k": 4})
    before, after = (one.area_mm2().set_index("component") for one in (spring, halved))
    assert after.instances["mac lane"] == before.instances["mac lane"] / 2
    assert after.instances["batch norm"] == before.instances["batch norm"]
    smaller = spring.replace({"technology.node_nm": 7, "technology.voltage": 0.0})
    ratios = smaller.area_mm2().area_mm2[:-1] / spring.area_mm2().area_mm2[:-1]
    assert ratios.max() < 0.5


def test_rows_of_a_matrix_product_fill_the_pes_of_an_unrolled_array():
    """64 PEs side by side in output rows and columns, or in images: a product has only one loop of rows."""
    product = layer_table([Nest(n=640, k=8, c=16)])
    cycles = {
        name: hwmodels.evaluate_operations(
            product,
            hwmodels.load("edge_16x16").replace(
                {"array": hwmodels.Array(interconnect="unrolled", unroll=hwmodels.Unroll(c=4, **unroll))}
            ),
            "latency",
        ).compute_cycles[0]
        for name, unroll in {"plane": {"p": 8, "q": 8}, "images": {"n": 64}, "both": {"n": 8, "q": 8}}.items()
    }
    assert cycles["plane"] == cycles["images"] == cycles["both"] == 10 * 8 * 4


@pytest.mark.parametrize(
    ("plane", "unroll", "images"),
    [((3, 3), (4, 8), 2), ((3, 3), (4, 6), 2), ((3, 3), (6, 9), 6), ((2, 5), (4, 4), 2), ((5, 9), (4, 8), 1)],
)
def test_pes_without_a_row_or_column_take_further_images(plane, unroll, images):
    """A weight gradient's rows are those of a kernel: 3 x 3 of them left 23 of 32 PEs idle."""
    (p, q), (rows, cols) = plane, unroll
    nest = layer_table([Nest(n=60, k=4, c=8, p=p, q=q, r=14, s=14, in_rows=p + 13, in_cols=q + 13)])
    array = hwmodels.Array(interconnect="unrolled", unroll=hwmodels.Unroll(p=rows, q=cols))
    room = {f"buffers.{name}.bytes": 1 << 24 for name in ("weight", "input", "output")}
    machine = hwmodels.load("edge_16x16").replace({"array": array, **room})
    steps = math.ceil(p / rows) * math.ceil(q / cols) * (60 // images)
    found = hwmodels.evaluate_operations(nest, machine, "latency").compute_cycles[0]
    assert found == steps * 4 * 8 * 14 * 14


def test_reported_parts_follow_the_multipliers_that_they_serve():
    spring = hwmodels.load("spring")
    wide = spring.replace({"array.unroll.c": 32})
    before, after = (one.area_mm2().set_index("component") for one in (spring, wide))
    for part in ("mac lane", "pre-sparsity", "post-sparsity", "fifo", "im2col", "transposer", "data flow"):
        assert after.area_mm2[part] == pytest.approx(2 * before.area_mm2[part]), part
        assert after.instances[part] == before.instances[part]
    assert after.area_mm2["batch norm"] == before.area_mm2["batch norm"]
    assert wide.peak_macs_per_s == 2 * spring.peak_macs_per_s
    one, other = hwmodels.pack(spring), hwmodels.pack(wide)
    assert other.mac_pj[0] == one.mac_pj[0]
    pes = spring.power_w().set_index("component").loc[["dma"], "dynamic_w"].sum() / 700e6 * 1e12
    assert other.busy_pj[0] - pes == pytest.approx(2 * (one.busy_pj[0] - pes))


def test_reported_multipliers_follow_their_widths_and_front_ends_what_they_examine():
    spring = hwmodels.load("spring")

    def parts(changes):
        return spring.replace(changes).area_mm2().set_index("component").area_mm2

    full = parts({})
    narrow = parts({"datapath.weight_bits": 10})
    assert narrow["mac lane"] < full["mac lane"]
    assert narrow.drop("mac lane").equals(full.drop("mac lane"))
    doubled = parts({"sparsity.front_end_positions_per_cycle": 128})
    assert doubled["pre-sparsity"] == pytest.approx(2 * full["pre-sparsity"])
    dense = {f"sparsity.{name}.format": "dense" for name in ("weight", "input", "output")}
    gone = parts(dense | {"sparsity.weight.mode": "none", "sparsity.input.mode": "none"})
    assert set(full.index) - set(gone.index) == {"pre-sparsity", "post-sparsity"}


def test_vector_lanes_follow_the_reported_units():
    spring = hwmodels.load("spring")
    assert hwmodels.pack(spring).vector_lanes[0] == 64 * 32
    assert hwmodels.pack(spring.replace({"array.unroll.n": 1})).vector_lanes[0] == 32 * 32
    assert hwmodels.pack(spring.replace({"vector_lanes": 5})).vector_lanes[0] == 5


def test_queues_cost_flip_flops_where_zeros_are_skipped():
    base = hwmodels.load("edge_16x16").replace(UNROLLED | {"sparsity.fifo_depth": 8})
    skipping = base.replace({"sparsity.weight.mode": "skip"})
    assert "queue" not in set(base.area_mm2().component)
    queue = skipping.area_mm2().set_index("component").loc["queue"]
    assert queue.instances == base.array.lanes
    bits = base.array.macs_per_cycle * 8 * 16
    assert queue.area_mm2 == pytest.approx(float(register(bits, 22).area_um2) / PLACED * 1e-6)


def test_a_reported_buffer_calibrates_the_model_at_other_sizes():
    spring = hwmodels.load("spring")
    area = [
        spring.replace({"buffers.weight.bytes": size * 2**20}).area_mm2().set_index("component").area_mm2
        for size in (12, 24)
    ]
    assert area[1]["weight buffer"] == pytest.approx(7.05842, rel=1e-12)
    banks = sram(12 * 2**20, 512, 14).area_mm2 / sram(24 * 2**20, 512, 14).area_mm2  # fewer, and less between
    assert area[0]["weight buffer"] == pytest.approx(7.05842 * float(banks), rel=1e-9)


@pytest.mark.parametrize("action", ["read", "write"])
def test_a_reported_price_scales_that_of_every_byte(action):
    spring = hwmodels.load("spring")
    path = f"buffers.weight.reported.{action}_pj"
    pj = [
        getattr(
            hwmodels.pack(spring.replace({path: share * spring.paths()[path]})),
            f"weight_{action}_pj_per_byte",
        )[0]
        for share in (1.0, 1.37)
    ]
    assert pj[1] == pytest.approx(1.37 * pj[0], rel=1e-12)


def test_stochastic_rounding_costs_a_unit_a_lane_and_energy_a_partial_sum():
    base = hwmodels.load("edge_16x16").replace(UNROLLED)
    rounds = {
        "datapath.rounding": "stochastic",
        "datapath.rounds": "partial",
        "datapath.accumulator_bits": 20,
    }
    plain = base.replace({"datapath.accumulator_bits": 20})
    partial, once = base.replace(rounds), base.replace(rounds | {"datapath.rounds": "output"})
    units = [
        one.area_mm2().set_index("component").instances.get("rounding", 0) for one in (plain, partial, once)
    ]
    assert units == [0, base.array.lanes, base.array.cols]
    pj = [hwmodels.pack(one).mac_pj[0] for one in (plain, partial, once)]
    assert pj[2] == pj[0]
    assert 16 * (pj[1] - pj[0]) == pytest.approx(float(rounding(2, 20, 16, 22).energy_pj), rel=1e-9)
    assert hwmodels.pack(once).result_pj[0] == pytest.approx(float(rounding(2, 8, 16, 22).energy_pj))


def test_front_ends_cost_area_only_where_zeros_are_skipped():
    base = hwmodels.load("edge_16x16")
    gated = base.replace({"sparsity.weight.mode": "gate"})
    skipping = base.replace({"sparsity.weight.mode": "skip"})
    wide = skipping.replace({"sparsity.front_end_positions_per_cycle": 64})
    areas = [hwmodels.pack(one).array_area_mm2[0] for one in (base, gated, skipping, wide)]
    assert areas[0] == areas[1] < areas[2] < areas[3]


def test_a_low_power_process_leaks_less_at_old_nodes():
    base = hwmodels.load("edge_16x16").replace({"technology.node_nm": 65})
    codes = np.array([0, 1])
    table = hwmodels.pack(base, {"technology.device": (["hp", "lop"], codes)}, 2)
    power = base.power_w().set_index("component")
    logic = table.leakage_w - table.buffer_leakage_w - power.loc["clock", "dynamic_w"]
    assert logic[1] / logic[0] == pytest.approx(4.19248 / 132.534)  # CACTI, 128 KiB, 64 bits
    assert table.buffer_leakage_w[1] < 0.1 * table.buffer_leakage_w[0]
    assert table.mac_pj[0] == table.mac_pj[1]
    with pytest.raises(ValueError, match=r"Technology\.device must be one of hp, lop, got 'lp'"):
        base.replace({"technology.device": "lp"})


def test_a_narrow_lfsr_is_warned_of():
    with pytest.warns(RoundingBiasWarning, match="lfsr_bits 12 is narrower than fraction_bits 16"):
        hwmodels.Datapath(rounding="stochastic", lfsr_bits=12, fraction_bits=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hwmodels.Datapath(rounding="nearest", lfsr_bits=12, fraction_bits=16)


def test_fingerprints_forget_names_and_remember_figures():
    spring = hwmodels.load("spring")
    same = dataclasses.replace(spring, name="other", source="", assumptions=())
    assert hwmodels.fingerprint(same) == hwmodels.fingerprint(spring)
    other = spring.replace({"sparsity.fifo_depth": 16})
    assert hwmodels.fingerprint(other) != hwmodels.fingerprint(spring)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.fixed_dictionaries(dict.fromkeys("gnkcpqrs", small)),
    unroll=st.fixed_dictionaries({name: st.integers(1, 3) for name in DIMENSIONS}),
    tile=st.fixed_dictionaries(dict.fromkeys(DIMENSIONS, small)),
    share=st.sampled_from([1.0, 0.5, 0.2]),
)
def test_a_fixed_tiling_takes_what_walking_it_takes(sizes, unroll, tile, share):
    found = tiled_cycles(
        layer_table([Nest(**sizes)]), hwmodels.Unroll(**unroll), hwmodels.Unroll(**tile), share
    )
    assert found.tolist() == [oracle.cycles(sizes, unroll, tile, share)]


def test_densities_can_be_assumed():
    layers = with_densities(layer_table([CONV]), weight=0.25, activation=0.5)
    assert layers.effectual_macs[0] == 0.125 * layers.macs[0]
    assert layers.output_density[0] == 0.5
    assert np.all(layers.weight_density == 0.25)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array.unroll.k": 0}, r"Unroll\.k must be an integer >= 1, got 0"),
        ({"array.interconnect": "mesh"}, r"Array\.interconnect must be one of systolic, unrolled, ideal"),
        ({"array.efficiency": 0}, r"Array\.efficiency must be in \(0, 1\], got 0"),
        ({"array.im2col": True}, r"Array\.im2col is for unrolled arrays with unroll\.r = unroll\.s = 1"),
        ({"stacking.style": "planar"}, r'Stacking\.style "planar" has tier 0 only'),
        ({"stacking.style": "glued"}, r"Stacking\.style must be one of planar, tsv"),
        (
            {"datapath.rounding": "up"},
            r"Datapath\.rounding must be one of none, nearest, stochastic, got 'up'",
        ),
    ],
)
def test_bad_machines_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        hwmodels.load("spring").replace(changes)


def test_modules_must_be_of_one_process():
    spring = hwmodels.load("spring")
    odd = dataclasses.replace(spring.modules[0], node_nm=28)
    with pytest.raises(ValueError, match=r"Accelerator\.modules must agree in clock_hz, node_nm and voltage"):
        dataclasses.replace(spring, modules=(*spring.modules, odd))
