"""Rules of time of machines of levels, beside what they say walked position by position."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from hwmodels.machine import Effort
from hwmodels.mapping import LevelMapping, Mapping
from hwmodels.timing import Timing
from hwmodels.validation.silicon.products import product_table
from workloads.graph import Graph
from workloads.operations import Pool, Reshape

SIDE = 4
CLOCK_HZ = 1e9


def machine(**changes):
    """A 4 x 4 weight-stationary array under a buffer, and a memory of two bytes a cycle."""
    level = hwmodels.Level
    made = hwmodels.LevelMachine(
        name="small",
        levels=(
            level(name="weights", kind="registers", bytes=2, operands=("weight",)),
            level(name="buffer", bytes=1 << 16, word_bits=8, fanout_x=SIDE, fanout_y=SIDE),
            level(name="dram", kind="main_memory", bytes_per_s=2 * CLOCK_HZ, word_bits=8),
        ),
        main_memory="lpddr4",
        clock_hz=CLOCK_HZ,
    )
    return made.replace(changes)


def tiled(m, n, k, tiles):
    """All positions of a tile pass a weight; `tiles` tiles of outputs follow one another from memory."""
    return Mapping(
        levels=(
            LevelMapping(level="weights", temporal=(("N", m),), keep=frozenset("W")),
            LevelMapping(
                level="buffer",
                temporal=(("K", n), ("C", k)),
                spatial_x=(("K", SIDE),),
                spatial_y=(("C", SIDE),),
                keep=frozenset("WIO"),
            ),
            LevelMapping(level="dram", temporal=(("K", tiles),), keep=frozenset("WIO")),
        )
    )


def cycles(made, m, n, k, tiles):
    sizes = (np.array([size]) for size in (m, n * SIDE * tiles, k * SIDE))
    found = made.model.operations(
        product_table(*sizes),
        made.model.pack(made),
        "latency",
        effort=Effort(given={0: tiled(m, n, k, tiles)}),
    )
    assert not found["limit"][0]
    return float(found["latency_s"][0] * CLOCK_HZ), float(found["compute_cycles"][0])


few = settings(max_examples=12, deadline=None)
shapes = given(st.integers(1, 19), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))


@few
@shapes
def test_blocks_are_those_that_a_walk_counts(m, n, k, tiles):
    walked = 0
    for _ in range(tiles * n * k):  # weights, one 4 x 4 tile of them after another
        held = 0
        while held < m or held % SIDE:
            held += 1
        walked += held
    assert cycles(machine(**{"levels.weights.block_cycles": SIDE}), m, n, k, tiles)[1] == walked
    assert cycles(machine(), m, n, k, tiles)[1] == tiles * n * k * m


@few
@shapes
def test_exposed_transfers_are_those_that_a_timeline_has(m, n, k, tiles):
    """Loads of the first tile, then computing beside the other loads, then every store."""
    weights, inputs, outputs = n * k * SIDE * SIDE, m * k * SIDE, m * n * SIDE
    loads, stores = tiles * weights + inputs, tiles * outputs
    steps = tiles * n * k * m
    bytes_a_cycle = 2.0
    plain = max(steps, (loads + stores) / bytes_a_cycle)
    assert cycles(machine(), m, n, k, tiles)[0] == pytest.approx(plain)
    ramped = (weights + inputs) / bytes_a_cycle
    rest = (loads + stores) / bytes_a_cycle - ramped
    found = cycles(machine(**{"timing.ramp": True}), m, n, k, tiles)[0]
    assert found == pytest.approx(ramped + max(steps, rest))
    found = cycles(machine(**{"timing.drained": True}), m, n, k, tiles)[0]
    assert found == pytest.approx(stores / bytes_a_cycle + max(steps, loads / bytes_a_cycle))
    found = cycles(machine(**{"timing.staged": "buffer"}), m, n, k, tiles)[0]
    assert found == pytest.approx((loads + stores) / bytes_a_cycle + steps)


def test_what_does_not_fit_whole_streams():
    whole = cycles(machine(**{"timing.staged": "buffer"}), 16, 3, 3, 3)
    small = machine(**{"timing.staged": "buffer", "levels.buffer.bytes": 700})
    plain = machine(**{"levels.buffer.bytes": 700})
    assert cycles(small, 16, 3, 3, 3) == cycles(plain, 16, 3, 3, 3)
    assert cycles(small, 16, 3, 3, 3) < whole


def test_an_operation_starts_once_and_a_fused_one_never():
    net = "lenet5"
    plain, late = machine(), machine(**{"timing.launch_s": 1e-3})
    first, second = (dse.evaluate(net, made, progress=False).operations for made in (plain, late))
    layers = dse.evaluate(net, plain, progress=False).layers
    view = np.array(["flatten" in name for name in first["operation"]])
    assert view.sum() == 1
    starts = np.where((layers.fused == 1) | view, 0.0, 1e-3)
    assert (second["latency_s"] - first["latency_s"]).to_numpy() == pytest.approx(starts)


@pytest.mark.parametrize("accelerator", ["a100", "mi210", "tpu_v3"])
def test_a_view_starts_nothing(accelerator):
    """Flattening a tensor moves and computes nothing: no launch, no energy; in totals and bounds alike."""
    graph = Graph("pooled")
    x = graph.input("x", (2, 64, 4, 4))
    x = graph.add(Pool("pool", "max", 2), x)
    graph.output(graph.add(Reshape("flatten", (2, -1)), x))
    found = dse.evaluate(workloads.Network(graph), accelerator, progress=False)
    pool, flatten = (found.operations.loc[i] for i in range(2))
    launch_s = found.accelerator.timing.launch_s
    assert pool["latency_s"] > launch_s > 0
    assert flatten["latency_s"] == flatten["energy_j"] == 0
    assert found.totals["latency_s"] == pytest.approx(pool["latency_s"])
    machine = found.accelerator
    least = machine.model.least(found.layers, machine.model.pack(machine))
    assert launch_s < least.latency_s[0] <= found.totals["latency_s"]


def test_rules_are_checked_printed_and_kept_in_files(tmp_path):
    with pytest.raises(
        ValueError, match=r"timing\.staged of small must be a level on chip \(weights, buffer\)"
    ):
        machine(**{"timing.staged": "dram"})
    with pytest.raises(ValueError, match=r"Timing\.launch_s must"):
        Timing(launch_s=-1.0)
    made = machine(**{"timing.launch_s": 2e-6, "timing.staged": "buffer", "levels.weights.block_cycles": 4})
    assert "2 us to start an operation" in str(made)
    assert "used for blocks of 4 cycles" in str(made)
    made.save(tmp_path / "mine.yaml")
    assert hwmodels.load(str(tmp_path / "mine.yaml")).fingerprint() == made.fingerprint()
    assert made.fingerprint() != machine().fingerprint()


def test_a_count_that_is_fixed_takes_no_more_than_what_is_left():
    """Tiles of 256 x 128 on a GPU: a product of 8 rows is one tile of 8."""
    sizes = (np.array([8]), np.array([128]), np.array([64]))
    chip = hwmodels.load("a100")
    found = chip.model.operations(product_table(*sizes), chip.model.pack(chip), "latency")
    assert not found["limit"][0]


def test_a_wider_memory_has_more_of_what_channels_bring():
    chip = hwmodels.load("a100")
    stack = hwmodels.load("edge_16x16").replace({"main_memory": "hbm2e"}).main_memory
    times = chip.main_memory.bandwidth_bytes_per_s / stack.bandwidth_bytes_per_s
    assert times > 3
    for name in ("interface_mm2", "background_w", "refresh_w", "capacity_bytes"):
        assert getattr(chip.main_memory, name) == pytest.approx(times * getattr(stack, name))
    assert chip.main_memory.read_pj_per_bit == stack.read_pj_per_bit
