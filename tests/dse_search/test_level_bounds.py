"""Machines of levels: no mapping goes below their bounds, and certified fronts are those of whole sweeps."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
from dse.strategies.bounds import OfPoints
from dse.strategies.problem import LEAST, work_of
from hwmodels.level import Level, MacPrices, Prices
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints, only
from hwmodels.mapping.rules import Drain, FirstTouch, Gaps, Reuse, Rules
from hwmodels.models.nest_bounds import _fill
from hwmodels.timing import Timing
from tests.dse import tiny
from tests.dse_search.test_bounds import spread
from tests.interop.test_timeloop_v4 import ARCH, ERT
from workloads import Graph, Network
from workloads.operations import Convolution
from workloads.table import LayerTable

OPERANDS = ("weight", "input", "output")


@st.composite
def levels(draw, name, operands, fan, kind="sram"):
    """A level whose every field that its costs depend on is drawn."""
    ports = st.sampled_from([0.0, 8.0, 16.0, 64.0])
    paid = st.sampled_from([0.0, 0.0, 100.0])
    return Level(
        name=name,
        kind=kind,
        bytes=0 if kind == "main_memory" else draw(st.sampled_from([8, 64, 512, 4096])),
        word_bits=32,
        operands=operands,
        block_words=draw(st.sampled_from([1, 2, 4])),
        cluster=draw(st.sampled_from([1, 1, 2])),
        fanout_x=fan[0],
        fanout_y=fan[1],
        read_port_bits=draw(ports),
        write_port_bits=draw(ports),
        shared_port_bits=draw(ports),
        overlapped=draw(st.booleans()),
        block_cycles=draw(st.sampled_from([1, 1, 4])),
        prices=Prices(
            read_pj=draw(paid),
            fill_pj=draw(paid),
            update_pj=draw(paid),
            leakage_w=draw(st.sampled_from([0, 1e-3])),
        ),
    )


@st.composite
def machines(draw):
    """One or two levels on chip, arrays anywhere, any rules, operands bound to levels or free to pass."""
    inner = draw(st.sampled_from([None, ("weight",), ("output",), ("weight", "input"), OPERANDS]))
    fans = st.sampled_from([(1, 1), (2, 1), (1, 3), (2, 3), (4, 2)])
    names = [("pads", inner)] if inner else []
    held = draw(st.sampled_from([OPERANDS, OPERANDS, ("input", "output")]))
    chip = [draw(levels(name, operands, draw(fans))) for name, operands in [*names, ("buffer", held)]]
    kept = bool(inner) or draw(st.booleans())
    constraints = [
        LevelConstraints(
            level=level.name,
            keep=frozenset(operand[0].upper() for operand in level.operands) if kept else frozenset(),
            spatial_x=draw(st.sampled_from([None, frozenset("KC"), frozenset("PQR")])),
            temporal=draw(st.sampled_from([Factors(), only("P", "Q", "K", "N")])),
        )
        for level in chip
    ]
    return LevelMachine(
        name="drawn",
        levels=(*chip, draw(levels("memory", OPERANDS, (1, 1), kind="main_memory"))),
        main_memory=dataclasses.replace(hwmodels.main_memory("ddr3"), background_w=0.0, refresh_w=0.0),
        clock_hz=draw(st.sampled_from([1e8, 2e9])),
        mac=MacPrices(energy_pj=0.0),  # so that accesses are all there is
        mapspace=Constraints(levels=tuple(constraints) if draw(st.booleans()) else ()),
        factors=draw(st.sampled_from(["perfect", "aligned", "ceil"])),
        rules=Rules(
            reuse=draw(st.sampled_from(Reuse)),
            first_touch=draw(st.sampled_from(FirstTouch)),
            drain=draw(st.sampled_from(Drain)),
            gaps=draw(st.sampled_from(Gaps)),
        ),
        timing=Timing(
            launch_s=draw(st.sampled_from([0.0, 1e-6])), ramp=draw(st.booleans()), drained=draw(st.booleans())
        ),
    )


@st.composite
def nests(draw) -> LayerTable:
    """A convolution of small sizes that are no powers of two, sometimes of groups or without its inputs."""
    kernel = draw(st.sampled_from([1, 2, 3]))
    side = draw(st.integers(kernel, 4))
    groups = draw(st.sampled_from([1, 1, 2]))
    layer = Convolution(
        "layer",
        out_channels=groups * draw(st.sampled_from([1, 3, 4])),
        kernel=(kernel, 1),
        stride=draw(st.sampled_from([1, 2])),
        groups=groups,
    )
    shape = (draw(st.integers(1, 2)), groups * draw(st.integers(1, 3)), side, draw(st.integers(1, 2)))
    graph = Graph("nest")
    graph.add(layer, graph.input("x", shape))
    table = Network(graph).table()
    if draw(st.booleans()):
        table = table._replace(read_elements=np.zeros_like(table.read_elements))
    return table


@pytest.mark.compiled
@given(machine=machines(), table=nests())
@settings(max_examples=30, deadline=None)
def test_no_mapping_goes_below_the_bound(machine, table):
    model = machine.model
    configs = model.pack(machine)
    least = model.least(table, configs)
    for objective in hwmodels.OBJECTIVES:
        found = model.evaluate(table, configs, objective, Effort(limit_s=0.2))
        if found.feasible[0]:
            for name in ("latency_s", "energy_j", "area_mm2", "footprint_mm2"):
                assert getattr(found, name)[0] >= getattr(least, name)[0] * (1 - 1e-12), (name, objective)


@given(able=st.lists(st.integers(2, 12), max_size=3), width=st.integers(1, 20), perfect=st.booleans())
def test_fanouts_are_filled_as_enumeration_fills_them(able, width, perfect):
    reached = [1]
    for bound in able:
        factors = [f for f in range(1, bound + 1) if not perfect or bound % f == 0]
        reached = [one * factor for one in reached for factor in factors]
    best = max(product for product in reached if product <= width)
    found = _fill(tuple(sorted(((bound,), bound) for bound in able)), width, perfect=perfect)
    assert found == best if perfect else found >= best


def three_levels() -> LevelMachine:
    """A machine of one's own whose mapspace no count set covers: its loops are constrained."""
    return LevelMachine(
        name="mine",
        levels=(
            Level(name="registers", kind="registers", bytes=4, operands=("weight",)),
            Level(name="l1", bytes=2048, fanout_x=4, fanout_y=4),
            Level(name="memory", kind="main_memory"),
        ),
        main_memory=hwmodels.main_memory("lpddr4"),
        clock_hz=5e8,
        mapspace=Constraints(
            levels=(
                LevelConstraints(level="registers", temporal=only(), keep=frozenset("W")),
                LevelConstraints(
                    level="l1",
                    temporal=only("P", "Q"),
                    spatial_x=frozenset("K"),
                    spatial_y=frozenset("C"),
                    keep=frozenset("WIO"),
                ),
                LevelConstraints(level="memory", keep=frozenset("WIO")),
            )
        ),
    )


AXES = {
    "clock_hz": ["100 MHz", "400 MHz"],
    "array.cols": [2, 4],
    "main_memory": ["ddr3", "hbm2"],
}


def fronts_agree(machine, axes, network=None, **more):
    space = dse.Space(machine, axes)
    net = network or tiny.network()
    every = dse.sweep(net, space, progress=False, **more).front()
    proved = dse.search(net, space, strategy="certified", progress=False, **more)
    assert proved.certificate.complete
    assert sorted(proved.frame.index) == sorted(every.frame.index)
    return proved.certificate


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["eyeriss_v1", "simba_like", "nvdla_like", "tpu_v1"])
def test_the_certified_front_is_that_of_the_sweep(name):
    machine = hwmodels.load(name)
    found = fronts_agree(machine, AXES)
    assert found.points == 8
    assert found.tightest >= 1.0


@pytest.mark.compiled
def test_machine_files_are_certified(tmp_path):
    three_levels().save(tmp_path / "mine.yaml")
    machine = hwmodels.load(tmp_path / "mine.yaml")
    axes = {**AXES, "levels.l1.bytes": ["512 B", "2 KiB", "64 KiB"]}
    found = fronts_agree(machine, axes)
    assert found.dominated > 0, str(found)
    assert "lie in dominated blocks" in str(found)
    assert "bounds computed" not in str(found)  # they take no search


@pytest.mark.compiled
def test_files_of_timeloop_are_certified(tmp_path):
    for name, text in (("arch.yaml", ARCH), ("ert.yaml", ERT)):
        (tmp_path / name).write_text(text)
    machine = hwmodels.from_timeloop(str(tmp_path / "*.yaml"))
    graph = Graph("product")
    graph.add(Convolution("layer", out_channels=4, kernel=1), graph.input("x", (1, 8, 3, 1)))
    clocks = {"clock_hz": ["100 MHz", "400 MHz", "700 MHz"]}
    fronts_agree(machine, clocks, Network(graph))


@pytest.mark.compiled
def test_schedules_and_several_networks_are_certified():
    tpu = hwmodels.load("tpu_v1")
    fronts_agree(tpu, {"clock_hz": ["100 MHz", "400 MHz", "700 MHz"]}, schedule="resident")
    space = dse.Space(three_levels(), AXES, constraints=["array.cols >= 4"])
    several = dse.several([tiny.network(), "lenet5"])
    proved = dse.search(several, space, strategy="certified", progress=False)
    every = dse.search(several, space, strategy="exhaustive", progress=False)
    assert sorted(proved.frame.index) == sorted(every.frame.index)
    assert proved.certificate.points == len(every.evaluations)


def test_points_that_a_constraint_excludes_have_no_bound():
    space = dse.Space(three_levels(), AXES, constraints=["array.cols >= 4"])
    bounds = OfPoints(space, work_of(tiny.network()), spread)
    low = np.zeros((2, 3), dtype=np.int64)
    high = np.array([[2, 1, 2], [2, 2, 2]])
    found = bounds.least(low, high)
    for name in LEAST:
        assert np.isinf(found[name][0])
        assert np.isfinite(found[name][1])
