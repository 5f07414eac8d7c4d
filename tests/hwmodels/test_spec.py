"""Specifications refuse what no machine could be, in one line that names the field."""

import dataclasses

import numpy as np
import pytest

import hwmodels

WRONG = [
    ("array.rows", "abc", "Array.rows must be an integer >= 1, got 'abc'"),
    ("array.rows", float("nan"), "Array.rows must be an integer >= 1, got nan"),
    ("array.rows", 1e30, "Array.rows must be at most 1,048,576, got 1e+30"),
    ("array.rows", True, "Array.rows must be an integer >= 1, got True"),
    ("array.unroll.k", 2**63, "Unroll.k must be at most 1,048,576"),
    ("buffers.weight.bytes", 2**63, "Buffer.bytes must be at most"),
    ("datapath.weight_bits", 1000, "Datapath.weight_bits must be at most 128, got 1000"),
    ("array", 3, "Accelerator.array must be of type Array, got 3"),
    ("buffers.weight", "64 KiB", "Buffers.weight must be of type Buffer, got '64 KiB'"),
    ("buffers.weight.reported", 5, "Buffer.reported must be of type"),
    ("sparsity.weight", "skip", "Sparsity.weight must be of type OperandSparsity, got 'skip'"),
    ("modules", 3, "Accelerator.modules must be of type tuple, got 3"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_value_is_refused_by_its_field(path: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        hwmodels.load("edge_32x32").replace({path: value})
    assert message in str(refusal.value)


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
