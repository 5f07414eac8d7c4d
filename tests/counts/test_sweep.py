"""Sweeps over machines of levels: by count sets as machine after machine, and parts as whole machines."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dse
import hwmodels
import workloads
from hwmodels import LevelMachine
from hwmodels.components.main_memory import main_memory
from hwmodels.counts import sets
from hwmodels.counts.rounded import free_axes
from hwmodels.level import Level, Prices
from hwmodels.machine import Axes
from hwmodels.mapping import Constraints, LevelConstraints
from hwmodels.mapping.roundings import roundings_to
from hwmodels.models import nest_counts, nest_mappings
from hwmodels.models.level_parts import Machines
from hwmodels.models.nest import NEST
from hwmodels.models.nest_counts import space_of
from hwmodels.models.nest_mappings import problem_of

ALL = frozenset("WIO")


def pad_buffer_memory(**more: Any) -> LevelMachine:
    """A pad in every PE, a buffer, main memory; every level keeps everything."""
    levels = (
        Level(name="pad", kind="registers", bytes=256),
        Level(
            name="buffer",
            bytes=32 * 1024,
            fanout_x=6,
            fanout_y=4,
            read_port_bits=96,
            write_port_bits=96,
            **more,
        ),
        Level(name="dram", kind="main_memory"),
    )
    kept = tuple(LevelConstraints(level=level.name, keep=ALL) for level in levels)
    return LevelMachine(
        name="three",
        levels=levels,
        main_memory=main_memory("lpddr4"),
        clock_hz=500e6,
        mapspace=Constraints(levels=kept),
    )


def whole(space: dse.Space, index: np.ndarray) -> Any:
    """The same configurations as machines built one by one, which no set is read for."""
    table = space.pack(index)
    machines = np.empty(len(index), dtype=object)
    machines[:] = [table.machine[i] for i in range(len(index))]
    return table._replace(machine=machines)


AXES = {
    "levels.pad.bytes": [3, 64, 256],
    "levels.buffer.bytes": ["2 KiB", "32 KiB"],
    "array.rows": [4, 7],
    "clock_hz": [1e8, 1e9],
    "main_memory": ["lpddr4", "hbm2"],
    "technology.node_nm": [22, 45],
}


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("more", "resident"), [({}, ""), ({"block_words": 4, "overlapped": False, "banks": 2}, "buffer")]
)
def test_a_sweep_by_sets_equals_machine_after_machine(more: dict[str, Any], resident: str) -> None:
    """Also of machines whose buffer may keep tensors, costed layer by layer."""
    layers = workloads.load("lenet5").table()
    space = dse.Space(dataclasses.replace(pad_buffer_memory(**more), resident=resident), axes=AXES)
    index = space.sample(5, "sobol", 1)
    table = space.pack(index)
    assert space_of(table.machine) is not None
    for objective in ("edp", "latency"):
        got = NEST.evaluate(layers, table, objective)
        want = NEST.evaluate(layers, whole(space, index), objective)
        for name in got._fields:
            assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12, nan_ok=True), name
        got_s, want_s = (NEST.times(layers, one, objective) for one in (table, whole(space, index)))
        for name in got_s._fields:
            assert getattr(got_s, name) == pytest.approx(getattr(want_s, name), rel=1e-12), name


@pytest.mark.compiled
def test_sweeps_fronts_stress_and_prices_run_on_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is mapped by itself, a set serves every array, capacity and price, and each is made once."""
    made: list[int] = []
    met = sets.met

    def counting(*args: Any) -> Any:
        made.append(1)
        return met(*args)

    def refused(*_: Any) -> None:
        raise AssertionError("mapped by itself")

    sets.forget()
    monkeypatch.setattr(sets, "met", counting)
    monkeypatch.setattr(nest_mappings, "best_mapping", refused)
    monkeypatch.setattr(nest_mappings, "map_problem", refused)
    prices = [Prices(read_pj=pj, fill_pj=pj, update_pj=pj) for pj in (1.0, 9.0, 90.0)]
    axes = {
        "levels.pad.bytes": [64, 256],
        "array.rows": [4, 7],
        "levels.buffer.prices": prices,
        "clock_hz": [1e8, 1e9],
    }
    space = dse.Space(pad_buffer_memory(), axes=axes)
    swept = dse.sweep("lenet_300_100", space, workers=1, progress=False)
    layers = workloads.load("lenet_300_100").table()
    nests = [problem_of(layers, row) for row in np.flatnonzero(layers.kind == 0)]
    arrays = [(6, 4), (6, 7)]
    expected = {(nest, edges) for nest in nests for edges in arrays}
    expected |= {
        (rounding, edges)
        for nest, edges in expected
        for rounding, _ in roundings_to(nest, free_axes(nest, edges))
    }
    assert len(made) == len(expected)
    dse.stress(swept, samples=20, workers=1, progress=False)
    dse.sweep(
        "lenet_300_100", dse.Space(pad_buffer_memory(), axes=axes | {"clock_hz": [3e8]}), progress=False
    )
    own = sum(edges == (6, 4) for _, edges in expected)  # of the base design, to which stress compares
    assert len(made) <= len(expected) + own
    frame = swept.frame
    column = next(name for name in frame if name.startswith("levels.buffer.prices"))
    assert frame.groupby(column)["energy_j"].min().is_unique


def test_pads_that_keep_tensors_are_left_to_the_search() -> None:
    space = dse.Space(dataclasses.replace(pad_buffer_memory(), resident="pad"), axes=AXES)
    assert space_of(space.pack(np.arange(4)).machine) is None


@pytest.mark.compiled
def test_many_capacities_take_several_sets_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of capacities of several memories make millions of choices, more than memory holds at once."""
    layers = workloads.load("lenet_300_100").table()
    axes = {
        "levels.pad.bytes": [2, 3, 5, 64, 256],
        "levels.buffer.bytes": ["1 KiB", "3 KiB", "9 KiB", "32 KiB"],
        "array.cols": [5, 6],
    }
    space = dse.Space(pad_buffer_memory(), axes=axes)
    table = space.pack(np.arange(space.size))
    whole_grid = NEST.evaluate(layers, table)
    monkeypatch.setattr(nest_counts, "MOST_BUCKETS", 5)
    served = space_of(table.machine)
    assert served is not None
    groups = nest_counts._groups(served)
    assert len(groups) > 2
    assert max(math.prod(group.grid.shape) for group in groups) <= 5
    assert sorted(np.concatenate([group.rows for group in groups])) == list(range(space.size))
    several = NEST.evaluate(layers, table)
    for name in several._fields:
        if name != "mappings_costed":  # vectors that a set holds: fewer capacities, the same of each
            assert getattr(several, name) == pytest.approx(
                getattr(whole_grid, name), rel=1e-12, nan_ok=True
            ), name


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("more", "axes", "served"),
    [
        ({}, {"levels.pad.fanout_x": [1, 2]}, False),  # more spreads than the array's
        ({}, {"levels.dram.fanout_x": [1, 2]}, False),
        ({}, {"levels.dram.cluster": [1, 2], "levels.buffer.cluster": [1, 2]}, True),
        ({"kind": "main_memory"}, {"clock_hz": [1e8, 1e9]}, False),  # two main memories
    ],
)
def test_what_sets_do_not_cover_is_searched(
    more: dict[str, Any], axes: dict[str, list[Any]], served: bool
) -> None:
    layers = workloads.load("lenet_300_100").table()
    space = dse.Space(pad_buffer_memory(**more), axes=axes)
    index = np.arange(space.size)
    table = space.pack(index)
    assert (space_of(table.machine) is not None) == served
    got, want = NEST.evaluate(layers, table), NEST.evaluate(layers, whole(space, index))
    for name in got._fields:
        assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12, nan_ok=True), name


@pytest.mark.compiled
def test_what_fits_nowhere_breaks_the_limit_that_the_search_names() -> None:
    layers = workloads.load("lenet5").table()
    space = dse.Space(pad_buffer_memory(), axes={"levels.pad.bytes": [2, 4], "clock_hz": [1e8, 1e9]})
    index = np.arange(space.size)
    got = NEST.evaluate(layers, space.pack(index))
    want = NEST.evaluate(layers, whole(space, index))
    assert got.limit.tolist() == want.limit.tolist() == [1, 1, 0, 0]


@pytest.mark.compiled
def test_the_first_row_that_breaks_a_limit_names_it() -> None:
    """A first layer of wide words, which is none of a set's, before one that fits nowhere."""
    layers = workloads.load("lenet_300_100").table()
    bits = layers.weight_bits.copy()
    bits[0] = 32
    layers = layers._replace(weight_bits=bits)
    space = dse.Space(pad_buffer_memory(), axes={"levels.pad.bytes": [2, 64], "clock_hz": [1e8, 1e9]})
    index = np.arange(space.size)
    got = NEST.evaluate(layers, space.pack(index))
    want = NEST.evaluate(layers, whole(space, index))
    assert got.limit.tolist() == want.limit.tolist() == [NEST.limits(space.base).index("word_bits")] * 4


def test_a_combination_that_no_configuration_has_is_refused_to_nobody() -> None:
    """A byte of 16 bits is no word; three of the four configurations have none of that."""
    axes = {"levels.pad.bytes": [1, 256], "datapath.weight_bits": [8, 16]}
    space = dse.Space(pad_buffer_memory(), axes=axes)
    kept = [i for i in range(space.size) if space[i].levels[0].bytes > 1]
    assert space.pack(np.array(kept)).size == 2
    with pytest.raises(ValueError, match="capacity_words of pad must be positive"):
        space.pack(np.arange(space.size))


@pytest.mark.parametrize(
    ("machine", "axes"),
    [
        ("eyeriss_v1", {"levels.psum_spad.bytes": [48, 64], "array.cols": [7, 14], "vector_lanes": [0, 5]}),
        ("eyeriss_v1", {"levels.psum_spad.prices": [Prices(), Prices(read_pj=2.0, area_mm2=1e-3)]}),
        ("tpu_v1", {"clock_hz": [1e8, 7e8], "main_memory": ["ddr3", "hbm2"]}),
        ("simba_like", {"technology.node_nm": [16, 22], "datapath.weight_bits": [8, 4]}),
    ],
)
def test_parts_add_up_to_whole_machines(machine: str, axes: dict[str, Any]) -> None:
    space = dse.Space(hwmodels.load(machine), axes=axes)
    index = np.arange(space.size)
    got = space.pack(index)
    assert isinstance(got.machine, Machines)
    for i in (0, space.size - 1):
        alone = NEST.pack(got.machine[i])
        assert got.machine[i].fingerprint() == alone.machine[0].fingerprint()
        for name in got._fields[1:]:
            assert getattr(got, name)[i] == pytest.approx(getattr(alone, name)[0], rel=1e-12), name


def test_an_axis_of_more_than_parts_builds_every_machine() -> None:
    space = dse.Space(pad_buffer_memory(), axes={"levels.buffer.operands": [["weight", "input", "output"]]})
    assert not isinstance(space.pack(np.arange(1)).machine, Machines)


def test_a_table_of_accelergy_prices_machines_one_by_one(tmp_path: Path) -> None:
    """What leaks in a cycle leaks by the clock, so that an axis of the clock changes a level."""
    path = tmp_path / "ert.yaml"
    actions = "[{name: read, energy: 3}, {name: leak, energy: 5}]"
    path.write_text(f"ERT:\n  version: 0.4\n  tables:\n  - {{name: chip.buffer, actions: {actions}}}\n")
    base, codes = pad_buffer_memory(), np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    prices, clocks = (None, str(path)), (1e8, 1e9)
    table = NEST.pack(base, {"technology.prices": (prices, codes[0]), "clock_hz": (clocks, codes[1])}, 4)
    for i, (price, clock) in enumerate(codes.T):
        machine = base.replace({"technology.prices": prices[price], "clock_hz": clocks[clock]})
        alone = NEST.pack(machine).buffer_leakage_w[0]
        assert table.buffer_leakage_w[i] == pytest.approx(alone, rel=1e-12)


def test_a_name_that_stands_for_something_else_meets_no_old_prices() -> None:
    """A unit under a name that another had, and a memory: what is told under the name now is what counts."""
    base, codes = pad_buffer_memory(), np.array([0, 1])
    axes: Axes = {"datapath.mac_unit": (("", "mine"), codes), "main_memory": (("hbm2", "my_memory"), codes)}
    try:
        for scale in (1.0, 3.0):
            prices = hwmodels.MacPrices(energy_pj=scale, leakage_w=scale * 1e-6, area_um2=100 * scale)
            hwmodels.register_mac_unit("mine", lambda _asked, prices=prices: prices)
            memory = dataclasses.replace(main_memory("hbm2"), name="my_memory", clock_hz=scale * 1e8)
            hwmodels.register_memory(memory)
            table = NEST.pack(base, axes, 2)
            assert isinstance(table.machine, Machines)
            alone = NEST.pack(base.replace({"datapath.mac_unit": "mine", "main_memory": memory}))
            for name in ("leakage_w", "array_area_mm2", "dram_read_bytes_per_s"):
                assert getattr(table, name)[1] == pytest.approx(getattr(alone, name)[0], rel=1e-12), name
            hwmodels.unregister_mac_unit("mine")
    finally:
        hwmodels.unregister_mac_unit("mine")
