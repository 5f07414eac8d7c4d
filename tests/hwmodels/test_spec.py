"""Specifications refuse what no machine could be, in one line that names the field."""

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


@pytest.mark.parametrize("name", hwmodels.names())
def test_parts_replaced_by_themselves_leave_a_machine_as_it_is(name: str) -> None:
    machine = hwmodels.load(name)
    parts = {"buffers": machine.buffers, "sparsity": machine.sparsity, "modules": machine.modules}
    assert machine.replace({**parts, "buffers.weight.reported": machine.buffers.weight.reported}) == machine
