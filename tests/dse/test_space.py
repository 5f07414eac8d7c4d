"""Spaces: indices and configurations are one to one, and packing a range equals packing one by one."""

import dataclasses
import enum
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
from dse import SpringboardError
from dse.run.task import cost_index
from dse.space.named import NOMINAL_CLOCK_HZ, operating_points
from dse.space.sampling import spread
from dse.space.words import design_cells
from tests.dse import tiny
from workloads import deduplicate
from workloads.table import with_densities

AXES = {"array.rows": [8, 16, 32], "clock_hz": ["400 MHz", "1 GHz"], "main_memory": ["lpddr4", "hbm2"]}
LINKED = {
    "point": [{"clock_hz": 4e8, "technology.voltage": 0.6}, {"clock_hz": 8e8, "technology.voltage": 0.7}],
    "array.rows": [8, 16],
}


def test_indices_run_through_the_product_last_axis_fastest():
    space = dse.Space("edge_16x16", AXES)
    expected = list(itertools.product([8, 16, 32], [400_000_000, 1_000_000_000], ["lpddr4", "hbm2"]))
    assert space.size == len(space) == len(expected)
    assert [tuple(space.configuration(i).values()) for i in range(space.size)] == expected
    assert [tuple(row) for row in space.table().itertuples(index=False)] == expected


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_index_and_configuration_are_inverse(lengths, data):
    paths = ["array.rows", "array.cols", "buffers.weight.bytes", "datapath.weight_bits"][: len(lengths)]
    axes = {path: list(range(4, 4 + n)) for path, n in zip(paths, lengths, strict=True)}
    space = dse.Space("edge_16x16", axes)
    index = data.draw(st.integers(0, space.size - 1))
    assert space.index(space.configuration(index)) == index
    assert space.codes(np.array([index]))[:, 0].tolist() == list(np.unravel_index(index, lengths))


def test_negative_and_outside_indices():
    space = dse.Space("edge_16x16", AXES)
    assert space.configuration(-1) == space.configuration(space.size - 1)
    with pytest.raises(IndexError, match=r"index 12 is outside 0 \.\. 11"):
        space[12]


@pytest.mark.parametrize("axes", [AXES, LINKED])
def test_a_packed_range_equals_its_accelerators_packed_one_by_one(axes):
    space = dse.Space("edge_16x16", axes)
    together = space.pack(np.arange(space.size))
    for i in range(space.size):
        alone = hwmodels.pack(space[i], {}, 1)
        for name, column in zip(together._fields, together, strict=True):
            assert column[i] == getattr(alone, name)[0], (i, name)


def test_linked_axis_moves_its_fields_in_step():
    space = dse.Space("edge_16x16", LINKED)
    assert space.size == 4
    assert space.fields == ("clock_hz", "technology.voltage", "array.rows")
    assert space.configuration(2) == {"clock_hz": 8e8, "technology.voltage": 0.7, "array.rows": 8}
    assert space[2].technology.voltage == 0.7
    assert space.index({"clock_hz": "800 MHz", "technology.voltage": 0.7, "array.rows": 8}) == 2
    replaced = space.replace({"clock_hz": ["1 GHz"]})
    assert replaced.fields == ("array.rows", "clock_hz")


def test_dependent_axes_are_constraints():
    space = tiny.space(
        constraints=["array.cols <= 2 * array.rows", "main_memory.name != 'hbm2' or array.rows > 4"]
    )
    index = np.arange(space.size)
    expected = []
    for i in index:
        c = space.configuration(i)
        if c["array.cols"] > 2 * c["array.rows"]:
            expected.append(0)
        else:
            expected.append(1 if c["main_memory"] == "hbm2" and c["array.rows"] <= 4 else -1)
    assert space.violated(index).tolist() == expected
    assert space.admissible() == expected.count(-1)


def test_a_component_s_field_can_be_constrained():
    space = dse.Space("edge_16x16", AXES, ["main_memory.bandwidth_bytes_per_s >= 100 GB/s"])
    assert set(space.table()[space.violated(np.arange(space.size)) < 0]["main_memory"]) == {"hbm2"}


@pytest.mark.parametrize(
    ("axes", "constraints", "message"),
    [
        ({"array.rowz": [1]}, [], "unknown axis 'array.rowz'; did you mean 'array.rows'"),
        ({"array.rows": [8, 0]}, [], "axis array.rows: '?0'? will not do: Array.rows must be"),
        ({"array.rows": [-8]}, [], "axis array.rows: '?-8'? will not do"),
        ({"technology.prices": ["ert.yaml"]}, [], "axis technology.prices: a table of Accelergy's will not"),
        ({"array.rows": ["eight"]}, [], "axis array.rows: 'eight' will not do"),
        ({"array.rows": [8, 8]}, [], "the value 8 is given twice"),
        ({"array.rows": []}, [], "axis array.rows: no values given"),
        ({"array.dataflow": ["xs"]}, [], "array.dataflow: 'xs' will not do"),
        ({"main_memory": ["hbm9"]}, [], "main_memory: 'hbm9' will not do"),
        ({"buffers.weight.bytes": ["64 KB"]}, [], "unknown unit 'KB'"),
        ({"array.rows": [8]}, ["array.cols <= "], "'array.cols <=' does not parse"),
        ({"array.rows": [8]}, ["aera_mm2 <= 3"], "unknown name 'aera_mm2'; did you mean 'area_mm2'"),
        ({"p": [{"clock_hz": 1e9}, {"array.rows": 4}]}, [], "axis p: every value must name the same fields"),
        ({"p": [{"clock_hz": 1e9}], "clock_hz": [1e9]}, [], "two axes move clock_hz"),
    ],
)
def test_refusals_name_the_axis_and_the_value(axes, constraints, message):
    with pytest.raises(ValueError, match=message) as refusal:
        dse.Space("edge_16x16", axes, constraints)
    assert "\n" not in str(refusal.value)


def test_a_configuration_outside_is_refused():
    space = dse.Space("edge_16x16", AXES)
    with pytest.raises(ValueError, match=r"axis array.rows: '9' is not one of its values \(8, 16, 32\)"):
        space.index({"array.rows": 9, "clock_hz": "1 GHz", "main_memory": "hbm2"})
    with pytest.raises(ValueError, match="no value given for clock_hz"):
        space.index({"array.rows": 8, "main_memory": "hbm2"})


@pytest.mark.parametrize("method", ["sobol", "latin"])
def test_samples_are_distinct_admissible_spread_and_repeatable(method):
    space = dse.named_space("systolic")
    points = space.sample(500, method, seed=3)
    assert len(set(points.tolist())) == len(points) == 500
    assert (space.violated(points) < 0).all()
    assert points.tolist() == space.sample(500, method, seed=3).tolist()
    assert points.tolist() != space.sample(500, method, seed=4).tolist()
    flows = space.labels(points)["array.dataflow"]
    shares = [np.mean(flows == flow) for flow in ("os", "ws", "is")]
    assert min(shares) > 0.28  # thirds; random points would miss this one time in twenty, spread ones do not


def test_a_sample_of_everything_is_everything_admissible():
    space = tiny.space()
    assert space.sample(10**6).tolist() == np.flatnonzero(space.violated(np.arange(space.size)) < 0).tolist()
    with pytest.raises(ValueError, match="count must be positive, got 0"):
        space.sample(0)
    with pytest.raises(ValueError, match="unknown method 'halton'"):
        space.sample(3, "halton")


@given(st.integers(0, 10**12), st.floats(0.01, 0.9), st.integers(2, 9))
def test_spread_takes_its_share_of_any_range_and_any_stride(start, share, stride):
    chosen = spread(start + stride * np.arange(4000, dtype=np.int64), share)
    assert abs(chosen.mean() - share) < 0.05


def test_equal_spaces_have_equal_fingerprints_and_travel():
    space = tiny.space()
    assert pickle.loads(pickle.dumps(space)) == space
    assert space.fingerprint() == tiny.space().fingerprint()
    others = [
        tiny.space(axes={"array.rows": [4, 8, 32]}),
        tiny.space(constraints=["array.cols <= 3 * array.rows"]),
        dse.Space("edge_32x32", AXES),
    ]
    assert len({space.fingerprint(), *(other.fingerprint() for other in others)}) == 4


@pytest.mark.parametrize("name", dse.space_names())
def test_named_spaces_are_sound(name):
    space = dse.named_space(name)
    assert space.name == name
    assert space.admissible() >= 30_000
    few = space.sample(48)
    columns = cost_index(deduplicate(tiny.network().table())[0], space, few)
    assert columns["feasible"].any()
    assert np.isfinite(columns["latency_s"]).any()
    assert len({int(c) for c in few}) == 48


def test_the_spring_space_holds_spring_itself():
    space, machine = dse.named_space("spring"), hwmodels.load("spring")
    values = hwmodels.paths(machine)
    here = space.index({field: values[field] for field in space.fields})
    assert hwmodels.fingerprint(space[here]) == hwmodels.fingerprint(machine)
    flat = space.configuration(here + 2)
    assert flat["main_memory"] == "ddr4"
    assert flat["stacking.memory_tier"] == -1


def test_zeros_pay_in_the_sparse_space_only_where_there_are_any():
    space = dse.named_space("sparse")
    layers = deduplicate(tiny.network().table())[0]
    sampled = space.sample(256)
    skips = space.labels(sampled)["sparsity.input.mode"] == "skip"
    half = cost_index(with_densities(layers, weight=0.3, activation=0.5), space, sampled)
    full = cost_index(layers, space, sampled)
    assert np.nanmean((half["energy_j"] / full["energy_j"])[skips]) < 0.9
    dense = (space.labels(sampled)["sparsity.weight.mode"] == "none") & (
        space.labels(sampled)["sparsity.weight.format"] == "dense"
    )
    dense &= space.labels(sampled)["sparsity.input.format"] == "dense"
    assert dense.any()
    np.testing.assert_array_equal(half["latency_s"][dense], full["latency_s"][dense])


def test_operating_points_slow_down_with_the_voltage():
    points = operating_points([0.5, 0.7, 0.9], node_nm=22)
    clocks = [point["clock_hz"] for point in points]
    assert clocks == sorted(clocks)
    assert all(clock % 50e6 == 0 and clock <= NOMINAL_CLOCK_HZ * 1.01 for clock in clocks)


def test_more_points_than_indices_are_refused_however_many():
    paths = ("array.rows", "array.cols", "vector_lanes", "datapath.weight_bits", "datapath.input_bits")
    buffers = (f"buffers.{name}.bytes" for name in ("weight", "input", "output", "shared"))
    axes = {path: range(8, 18 if path.endswith("_bits") else 208) for path in (*paths, *buffers)}
    axes |= {
        "clock_hz": range(10**8, 10**8 + 999),
        "main_memory.bandwidth_bytes_per_s": range(10**9, 10**9 + 999),
    }
    with pytest.raises(ValueError, match=r"space: 1,277,[\d,]+ points are more than 64-bit indices"):
        dse.Space("edge_16x16", axes)


def test_long_axes_are_shortened_in_print():
    assert "4, 5, 6, ... 16 more ..., 23" in repr(dse.Space("edge_16x16", {"array.rows": range(4, 24)}))


def test_the_systolic_space_is_large_enough_and_prints_itself():
    space = dse.named_space("systolic")
    assert space.admissible() >= 50_000
    assert "operating_point: 450 MHz at 0.5 V" in repr(space)
    with pytest.raises(KeyError, match="unknown space 'sistolic'; did you mean 'systolic'"):
        dse.named_space("sistolic")


def test_constraints_on_an_unrolled_array_read_the_edges_that_follow():
    base = hwmodels.load("edge_16x16").replace(
        {"array.interconnect": "unrolled", "array.unroll.c": 4, "array.unroll.k": 8}
    )
    axes = {"array.unroll.c": [4, 8, 16], "array.unroll.p": [1, 2]}
    space = dse.Space(base, axes, ["array.rows * array.cols <= 128"])
    held = space.violated(np.arange(space.size)) < 0
    assert held.tolist() == [space[i].array.macs_per_cycle <= 128 for i in range(space.size)]
    assert 0 < held.sum() < space.size
    wired = dse.Space(hwmodels.load("edge_16x16"), {"array.rows": [8, 32]}, ["array.rows <= 16"])
    assert (wired.violated(np.arange(2)) < 0).tolist() == [True, False]


def test_steps_have_short_numbers_and_an_end():
    assert dse.steps(0.1, 1.0, 0.1)[2] == 0.3
    assert len(dse.steps(0, 1, 0.001)) == 1001
    with pytest.raises(ValueError, match=r"are 1e\+12 values, an axis has at most 100,000"):
        dse.steps(0, 1e12, 1)
    for start, stop, step in [(8, float("inf"), 1), (8, 16, float("nan")), (8, 16, 0), (16, 8, 1)]:
        with pytest.raises(ValueError, match="steps: need start <= stop and step > 0"):
            dse.steps(start, stop, step)
    with pytest.raises(
        ValueError, match="powers_of_two: need 0 < start <= stop in whole numbers, got 1 to inf"
    ):
        dse.powers_of_two(1, float("inf"))


def test_components_without_a_name_are_called_by_what_they_differ_in():
    small, large = (hwmodels.load(name).array for name in ("edge_16x16", "edge_32x32"))
    space = dse.Space("edge_16x16", {"array": [small, large]})
    assert [space.configuration(i)["array"] for i in range(2)] == ["rows 16 / cols 16", "rows 32 / cols 32"]
    assert space[1].array == large
    assert space.index({"array": "rows 32 / cols 32"}) == 1
    assert space.index({"array": small}) == 0
    alone = dse.Space("edge_16x16", {"array": [small]})
    assert alone.configuration(0) == {"array": "array 1"}


def test_a_component_may_be_none_beside_others():
    levels = hwmodels.load("edge_levels")
    name = next(level.name for level in levels.levels if level.kind != "main_memory")
    field = f"levels.{name}.prices"
    few, many = (hwmodels.Prices(read_pj=pj, fill_pj=1.0) for pj in (1.0, 2.0))
    assert dse.Space(levels, {field: [None, few]}).axes[0].labels == (("None",), (f"{field} 2",))
    base = levels.replace({field: few})
    space = dse.Space(base, {field: [few, None, many]}, [f"{field}.read_pj <= 1.5"])
    assert space.axes[0].labels == (("read_pj 1",), ("None",), ("read_pj 2",))
    assert space.admissible() == 1  # what has no such field is not below it


def test_two_components_of_one_name_are_refused():
    memory = hwmodels.main_memory("hbm2")
    slower = dataclasses.replace(memory, bandwidth_bytes_per_s=1e9)
    with pytest.raises(ValueError, match="two different components are called hbm2; rename one"):
        dse.Space("edge_16x16", {"main_memory": [memory, slower]})


def test_linked_values_all_name_fields():
    with pytest.raises(ValueError, match="axis point: 8 names no fields, as its other values do"):
        dse.Space("edge_16x16", {"point": [{"array.rows": 8}, 8]})
    with pytest.raises(ValueError, match="axis point: no values given"):
        dse.Space("edge_16x16", {"point": []})


def test_constraints_read_the_base_design():
    space = dse.Space("edge_16x16", {"array.rows": [8, 16, 32]}, ["array.rows <= base.array.rows"])
    assert (space.violated(np.arange(3)) < 0).tolist() == [True, True, False]
    assert space.architecture_constraints
    flows = dse.Space(
        "edge_16x16", {"array.dataflow": ["os", "ws"]}, ["array.dataflow == base.array.dataflow"]
    )
    assert flows.admissible() == 1
    with pytest.raises(dse.ConstraintError, match="it reads no axis and no metric"):
        dse.Space("edge_16x16", {"array.rows": [8]}, ["base.array.rows <= 16"])
    with pytest.raises(dse.ConstraintError, match="unknown name 'os'; a text stands in quotes: 'os'"):
        dse.Space("edge_16x16", {"array.dataflow": ["os", "ws"]}, ["array.dataflow != os"])


def test_samples_are_counted_in_whole_points():
    space = dse.Space("edge_16x16", {"array.rows": [8, 16, 32], "array.cols": [8, 16]})
    with pytest.raises(ValueError, match=r"count must be a whole number, got 1\.5"):
        space.sample(1.5)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        space.sample(2, seed=-1)


def test_linked_values_read_as_people_write_them():
    space = dse.named_space("spring")
    axes = {axis.name: axis for axis in space.axes}
    assert axes["positions"].show(0) == "2×4"
    assert axes["taps"].show(1) == "3×3"
    assert axes["zeros"].show(1) == "skip / 32"
    assert axes["formats"].show(1) == "rle"
    assert axes["memory"].show(0) == "rram_m3d / 1 / 166 mm²"
    for axis in space.axes:
        assert len({axis.show(code) for code in range(len(axis))}) == len(axis)
    sparse = {axis.name: axis for axis in dse.named_space("sparse").axes}
    assert sparse["zeros"].show(2) == "skip / none / 32"
    cells = dict(design_cells(space, space.configuration(0)))
    assert (cells["positions"], cells["zeros"], cells["formats"]) == ("2×4", "skip / 64", "bitmask")
    point = dse.named_space("systolic")
    assert {"clock", "voltage"} <= set(dict(design_cells(point, point.configuration(0))))


def test_a_constraint_that_is_repeated_counts_once():
    once = tiny.space(constraints=["area_mm2 <= 50"])
    twice = once.replace(constraints=["area_mm2 <= 50 ", "power_w <= 5"])
    assert [str(constraint) for constraint in twice.constraints] == ["area_mm2 <= 50", "power_w <= 5"]
    assert once.replace(constraints=["area_mm2 <= 50"]).fingerprint() == once.fingerprint()


@pytest.mark.parametrize(
    ("path", "values", "held"),
    [
        ("buffers.double_buffered", "true,false", (True, False)),
        ("buffers.double_buffered", ["False", True], (False, True)),
        ("sparsity.sorted", "true", (True,)),
        ("sparsity.weight.on_chip", ["true", "false"], (True, False)),
        ("main_memory.nonvolatile", "true, false", (True, False)),
        ("array.rows", "8, 16.0", (8, 16)),
        ("technology.device", "hp,lop", ("hp", "lop")),
    ],
)
def test_texts_of_an_axis_are_read_by_the_field_s_type(path, values, held):
    space = dse.Space("edge_16x16", {path: values})
    assert tuple(value for (value,) in space.axes[0].values) == held
    assert [type(label) for (label,) in space.axes[0].labels] == [type(value) for value in held]
    assert [space.index({path: str(value)}) for value in held] == list(range(len(held)))


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        (
            "buffers.double_buffered",
            "yes,no",
            "'yes' will not do: buffers.double_buffered: must be true or false",
        ),
        ("buffers.double_buffered", [0, 1], "must be true or false, got 0"),
        (
            "buffers.double_buffered",
            ["true", True],
            "double_buffered: the value True is given twice",
        ),
        ("array.rows", "1e9999999", "array.rows: '1e9999999' is beyond 1e100"),
        ("array.rows", "1e999998", "is beyond 1e100"),
        ("array.rows", "1e400", "is beyond 1e100"),
        ("array.rows", [10**400], "array.rows: must be a number that a float64 holds"),
        ("clock_hz", ["1e19 B"], "is in bytes, the field is in hz"),
        ("array.rows", ["x" * 100_000], "is not a number with a unit"),
        ("array.rows", [["8"]], "must be a whole number"),
    ],
)
def test_values_that_will_not_do_are_one_short_line(path, values, message):
    with pytest.raises(SpringboardError) as refusal:
        dse.Space("edge_16x16", {path: values})
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert refusal.value.path == path


def test_a_clock_beyond_any_integer_column_is_a_number():
    assert dse.Space("edge_16x16", {"clock_hz": ["1e19"]}).axes[0].values == ((1e19,),)


@pytest.mark.parametrize("ends", [("-1", "1e400", "1"), (1, 10**400, 1), ("0", "1e90", "1e-90")])
def test_steps_without_end_are_refused_before_they_are_made(ends):
    with pytest.raises(SpringboardError, match=r"beyond 1e100|a float64 holds|at most 100,000"):
        dse.steps(*ends)


class Aim(enum.IntEnum):
    FIRST = 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("array.dataflow", np.bool_(True)),
        ("array.dataflow", True),
        ("array.dataflow", -0.0),
        ("array.dataflow", Aim.FIRST),
        ("array.dataflow", pd.NA),
        ("array.rows", b"8"),  # its bytes were values
        ("array.rows", np.timedelta64(8, "s")),
        ("array.rows", "8 KiB"),
        ("clock_hz", np.datetime64("NaT")),
        ("array.rows", itertools.count(1)),
        ("array.rows", range(10**12)),
        ("array.rows", {8: 1}),
    ],
)
def test_what_no_axis_holds_is_refused_in_one_line(path, value):
    for choices in (value, [value]):
        with pytest.raises(dse.SpringboardError) as refusal:
            dse.Space("edge_16x16", {path: choices})
        assert refusal.value.path == path
        assert len(str(refusal.value)) <= 300


def test_an_array_without_axes_is_one_value():
    assert dse.Space("edge_16x16", {"array.rows": np.array(8)}).size == 1


def test_a_constraint_added_as_a_text_is_one():
    """It was read letter by letter."""
    space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    assert [str(one) for one in space.replace(constraints="area_mm2 <= 50").constraints] == ["area_mm2 <= 50"]


def test_a_space_goes_by_its_name_wherever_one_is_taken():
    options = {"budget": 20, "progress": False, "objectives": ("latency_s", "area_mm2")}
    named = dse.search("lenet5", "edge", **options)
    made = dse.search("lenet5", dse.named_space("edge"), **options)
    assert named.frame.equals(made.frame)
    said = r"'edge_16x16' is one machine, not a space: dse.Space\('edge_16x16', \{"
    for door in (dse.sweep, dse.search, dse.sensitivity):
        with pytest.raises(KeyError, match=said):
            door("lenet5", "edge_16x16")
        with pytest.raises(KeyError, match="unknown space 'edgy'; did you mean 'edge'"):
            door("lenet5", "edgy")
    for door in (dse.search, dse.codesign):
        with pytest.raises(KeyError, match="unknown space 'edgy'"):
            door(["lenet5"], "edgy", accuracy=len)
    with pytest.raises(KeyError, match=r"'systolic' is a space of machines, not one: dse.sweep"):
        dse.evaluate("lenet5", "systolic")
    with pytest.raises(KeyError, match="'lenet5' is a network; it comes first, and its machine after it"):
        dse.evaluate("edge_16x16", "lenet5")


@pytest.mark.parametrize(
    ("door", "given", "said"),
    [
        (dse.Space, ("systolic", {}), r"'systolic' is a space, .*named_space\('systolic'\)\.replace\(axes"),
        (dse.Space, ("lenet5", {}), "'lenet5' is a network; it comes first"),
        (dse.Space, ("edje_16x16", {}), "did you mean edge_16x16"),
        (dse.named_space, ("lenet5",), "'lenet5' is a network, not a space"),
        (dse.named_space, ("resnet18(width=0.5)",), "is a network, not a space"),
        (dse.named_space, ("tpu_v1",), "'tpu_v1' is one machine, not a space"),
        (dse.evaluate, ("edge_16x16", "edge_16x16"), "'edge_16x16' is a machine, not a network"),
        (dse.evaluate, ("systolic", "edge_16x16"), "'systolic' is a space of machines, not a network"),
        (dse.sweep, ("edge", "edge"), "'edge' is a space of machines, not a network"),
        (dse.sweep, ("edge", "lenet5"), "'lenet5' is a network, not a space; it comes first"),
        (dse.search, ("scnn", "edge"), "'scnn' is a machine, not a network"),
    ],
)
def test_a_name_of_another_sort_says_what_it_is(door, given, said):
    with pytest.raises(KeyError, match=said):
        door(*given)


def test_a_space_in_a_machine_s_place_says_what_would_do():
    space = dse.Space("edge_16x16", {"array.rows": [8, 16]})
    with pytest.raises(TypeError, match=r"a space of 2 machines is not one: space\[0\]"):
        dse.evaluate("lenet5", space)
    with pytest.raises(TypeError, match=r"space\.replace\(axes, constraints\) changes it"):
        dse.Space(space, {})
