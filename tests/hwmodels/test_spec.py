"""Specifications refuse what no machine could be, in one line that names the field."""

import dataclasses
import json

import numpy as np
import pytest

import hwmodels
import workloads
from hwmodels.fields import plain, read_part
from hwmodels.machine_file import machine_from
from hwmodels.spec import OUT_OF_STEP
from hwmodels.written import machine_data
from workloads.errors import SpringboardError

WRONG = [
    ("array.rows", "abc", "array.rows: 'abc' is not a number with a unit"),
    ("array.rows", float("nan"), "array.rows: must be a whole number, got nan"),
    ("array.rows", 1e30, "Array.rows must be at most 1,048,576, got 1e+30"),
    ("array.rows", 0, "Array.rows must be an integer >= 1, got 0"),
    ("array.rows", True, "array.rows: must be a whole number, got True"),
    ("array.rows", "1e9999999", "array.rows: '1e9999999' is beyond 1e100"),
    ("array.rows", "1e99999999999999999999999", "is beyond 1e100"),
    ("array.rows", 10**400, "array.rows: must be a number that a float64 holds, got a number of 401 digits"),
    ("array.unroll.k", 2**63, "Unroll.k must be at most 1,048,576"),
    ("clock_hz", "2 KiB", "clock_hz: '2 KiB' is in bytes, the field is in hz"),
    ("clock_hz", None, "clock_hz: must be a number, got None"),
    ("buffers.weight.bytes", 2**63, "Buffer.bytes must be at most"),
    ("buffers.double_buffered", "no", "buffers.double_buffered: must be true or false, got 'no'"),
    ("buffers.double_buffered", 1, "buffers.double_buffered: must be true or false, got 1"),
    ("sparsity.sorted", "yes", "sparsity.sorted: must be true or false, got 'yes'"),
    ("sparsity.weight.on_chip", "", "sparsity.weight.on_chip: must be true or false, got ''"),
    ("main_memory.nonvolatile", "never", "main_memory.nonvolatile: must be true or false, got 'never'"),
    ("sparsity.imbalance", 3, "sparsity.imbalance: must be a text, got 3"),
    ("technology.device", ["hp"], "technology.device: must be a text, got ['hp']"),
    ("array.dataflow", "xs", "array.dataflow: must be one of os, ws, is, got 'xs'"),
    ("datapath.weight_bits", 1000, "Datapath.weight_bits must be at most 128, got 1000"),
    ("array", 3, "array: must be a mapping of fields, got 3; there are rows, cols"),
    (
        "buffers.weight",
        "64 KiB",
        "buffers.weight: must be a mapping of fields, got '64 KiB'; there are bytes",
    ),
    ("buffers.weight.reported", 5, "buffers.weight.reported: must be a mapping of fields, got 5"),
    ("sparsity.weight", "skip", "sparsity.weight: must be a mapping of fields, got 'skip'; there are mode"),
    ("modules", 3, "modules: must be a list of Module, got 3"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_value_is_refused_by_its_field(path: str, value: object, message: str) -> None:
    with pytest.raises(SpringboardError) as refusal:
        hwmodels.load("edge_32x32").replace({path: value})
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert path.endswith(refusal.value.path)
    assert refusal.value.path


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("buffers.weight.bytes", "2 KiB", 2048),
        ("clock_hz", "400 MHz", 400_000_000),
        ("buffers.double_buffered", "False", False),
        ("buffers.double_buffered", np.bool_(True), True),
        ("sparsity.sorted", " true ", True),
        ("technology.voltage", "0.9 V", 0.9),
        ("array.rows", "64.0", 64),
        ("array.rows", np.int32(64), 64),
        ("main_memory.capacity_bytes", 2**60, 2.0**60),
        ("main_memory", "hbm2", hwmodels.main_memory("hbm2")),
        ("main_memory.endurance_writes", "none", None),
        ("array.dataflow", "output_stationary", hwmodels.Dataflow.OUTPUT_STATIONARY),
        ("buffers.mask", {"bytes": "1 KiB"}, hwmodels.Buffer(bytes=1024)),
        ("assumptions", ["one"], ("one",)),
    ],
)
def test_texts_are_read_by_the_field_s_type(path, text, value):
    changed = hwmodels.load("edge_32x32").replace({path: text})
    held = hwmodels.paths(changed)[path]
    assert held == value
    assert type(held) is type(value)


@pytest.mark.parametrize("text", ["no", "yes", "", "0", 1, None])
@pytest.mark.parametrize(
    "make",
    [
        lambda value: hwmodels.Buffers(shared=hwmodels.Buffer(bytes=64), double_buffered=value),
        lambda value: hwmodels.Sparsity(sorted=value),
        lambda value: hwmodels.OperandSparsity(on_chip=value),
        lambda value: hwmodels.Array(rows=4, cols=4, im2col=value),
        lambda value: hwmodels.MainMemory(
            name="m", bandwidth_bytes_per_s=1.0, read_pj_per_bit=1.0, write_pj_per_bit=1.0, nonvolatile=value
        ),
    ],
)
def test_no_text_is_a_truth_by_being_there(make, text):
    with pytest.raises(SpringboardError, match="must be true or false, got"):
        make(text)


@pytest.mark.parametrize("name", hwmodels.names())
def test_a_machine_survives_being_written_as_plain_data(name):
    machine = hwmodels.load(name)
    text = json.dumps(machine_data(machine, defaults=True))
    again = machine_from(json.loads(text))
    assert again == machine
    assert again.fingerprint() == machine.fingerprint()


def test_plain_data_with_a_slip_names_the_field():
    data = plain(hwmodels.load("edge_32x32"))
    with pytest.raises(SpringboardError, match=r"array\.row: there is no such field; there are rows"):
        read_part(hwmodels.Accelerator, {**data, "array": {"row": 3}})
    del data["clock_hz"]
    with pytest.raises(SpringboardError, match=r"clock_hz: is missing"):
        read_part(hwmodels.Accelerator, data)


@pytest.mark.parametrize("name", ["edge_32x32", "spring", "scnn", "eie", "eyeriss_v2_pe", "a100_2_4"])
def test_parts_replaced_by_themselves_leave_a_machine_as_it_is(name: str) -> None:
    machine = hwmodels.load(name)
    parts = {"buffers": machine.buffers, "sparsity": machine.sparsity, "modules": machine.modules}
    assert machine.replace({**parts, "buffers.weight.reported": machine.buffers.weight.reported}) == machine


@pytest.mark.parametrize("name", ["edge_32x32", "spring", "scnn", "scnn_dense", "eie", "eyeriss_v2_pe"])
@pytest.mark.parametrize("edge", ["rows", "cols"])
@pytest.mark.parametrize("length", [1, 7, 64, 288])
def test_every_array_takes_its_edges(name: str, edge: str, length: int) -> None:
    machine = hwmodels.load(name)
    if name == "scnn" and edge == "rows" and length > 1:
        with pytest.raises(ValueError, match=r"array\.rows of a cartesian array is 1, got"):
            machine.replace({f"array.{edge}": length})
        return
    changed = machine.replace({f"array.{edge}": length})
    other = {"rows": "cols", "cols": "rows"}[edge]
    assert getattr(changed.array, edge) == length
    assert getattr(changed.array, other) == getattr(machine.array, other)
    assert changed.array.macs_per_cycle == changed.array.rows * changed.array.cols
    same = machine.replace({f"array.{edge}": getattr(machine.array, edge)})
    assert same == machine


def test_edges_keep_the_unrolling_that_divides_them() -> None:
    spring = hwmodels.load("spring")
    assert spring.replace({"array.rows": 288}).array.unroll == dataclasses.replace(spring.array.unroll, c=32)
    assert spring.replace({"array.rows": 64}).array.unroll == dataclasses.replace(
        spring.array.unroll, c=64, r=1, s=1
    )
    assert spring.replace({"array.cols": 1024}).array.unroll == dataclasses.replace(spring.array.unroll, k=16)
    assert spring.replace({"array.cols": 96}).array.unroll == dataclasses.replace(
        spring.array.unroll, n=1, k=3
    )
    assert spring.replace({"array.cols": 10}).array.unroll == dataclasses.replace(
        spring.array.unroll, n=1, k=10, p=1, q=1
    )


def test_an_edge_and_its_unrolling_must_agree() -> None:
    spring = hwmodels.load("spring")
    with pytest.raises(ValueError, match=r"array\.rows follows from array\.unroll; change one of the two"):
        spring.replace({"array.rows": 64, "array.unroll.c": 16})
    assert spring.replace({"array.rows": 288, "array.unroll.c": 32}).array.rows == 288
    axes = {"array.rows": ([144, 288], np.array([0, 1])), "array.unroll.c": ([16, 8], np.array([1, 0]))}
    with pytest.raises(ValueError, match=r"array\.rows and array\.unroll\.c are both axes"):
        hwmodels.pack(spring, axes, 2)


@pytest.mark.parametrize("name", ["spring", "scnn_dense", "eie"])
def test_packed_edges_are_those_of_the_machine(name: str) -> None:
    machine = hwmodels.load(name)
    rows, cols = [16, 64, 144], [512, 96, 10]
    axes = {"array.rows": (rows, np.repeat([0, 1, 2], 3)), "array.cols": (cols, np.tile([0, 1, 2], 3))}
    packed = hwmodels.pack(machine, axes, 9)
    for row in range(9):
        one = hwmodels.pack(machine.replace({"array.rows": rows[row // 3], "array.cols": cols[row % 3]}))
        for field, column, alone in zip(packed._fields, packed, one, strict=True):
            assert column[row] == alone[0] or np.isnan(alone[0]), field


def test_skipping_on_a_wiring_that_cannot_skip_is_said() -> None:
    """PEs of a systolic array pass operands on in step: one that skips rests on an assumption."""
    plain = hwmodels.load("edge_16x16")
    skipping = plain.replace({"sparsity.weight.mode": "skip"})
    assert OUT_OF_STEP in skipping.assumptions
    assert OUT_OF_STEP in str(skipping)
    assert skipping.replace({"clock_hz": 1e8}).assumptions == skipping.assumptions
    assert skipping.replace({"sparsity.weight.mode": "gate"}).assumptions == plain.assumptions
    ideal = skipping.replace({"array.interconnect": "ideal"})
    assert OUT_OF_STEP not in ideal.assumptions
    table = workloads.load("lenet5").table()
    assert any(OUT_OF_STEP in said for said in plain.model.premises(plain, table, ["sparsity.input.mode"]))
    assert not any(OUT_OF_STEP in said for said in plain.model.premises(plain, table, ["clock_hz"]))
