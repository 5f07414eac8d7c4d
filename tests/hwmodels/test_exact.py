"""Counts never wrap and no part of an energy is what a difference leaves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
from hwmodels.feasibility import CAPACITY, broken_by_architecture, least_stored_bytes
from workloads import Graph, Network
from workloads.errors import SpringboardError
from workloads.operations import Convolution, Linear
from workloads.table import Kind, blank_table

PARTS = [f"{name}_energy_j" for name in ("mac", "buffer", "dram", "vector", "static", "control")]


def row(**columns):
    """A table of one row."""
    return blank_table(1)._replace(**{name: np.array([value]) for name, value in columns.items()})


@given(st.integers(0, 62), st.sampled_from([-1, 0, 1]), st.sampled_from([1, 8, 32, 128]))
def test_what_main_memory_must_hold_is_counted_right(power, off, bits):
    """2**60 - 1 bytes were refused, 2**60 and 2**62 ran on 4 GiB: elements times bits wrapped."""
    elements = max(1, (1 << power) + off)
    table = row(read_elements=elements, input_bits=bits)
    configs = hwmodels.pack(hwmodels.load("edge_16x16"), {}, 1)
    stored = elements * bits / 8.0
    assert least_stored_bytes(table, configs)[0] == pytest.approx(stored)
    broken = broken_by_architecture(table, configs)[0] == CAPACITY
    assert broken == (stored > float(configs.dram_capacity_bytes[0]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"read_elements": 1 << 60}, "LayerTable.read_elements[0] must be from 0 to 2**53"),
        ({"write_elements": -1}, "LayerTable.write_elements[0] must be from 0 to 2**53, got -1"),
        ({"vector_ops": 1e300}, "LayerTable.vector_ops[0] must be from 0 to 2**53"),
        ({"vector_ops": float("nan")}, "LayerTable.vector_ops[0] must be from 0 to 2**53, got nan"),
        ({"k": 1 << 30, "c": 1 << 30}, "MACs; counts are exact to 2**53 only"),
        ({"in_rows": 1 << 40, "in_cols": 1 << 40}, "input elements; counts are exact to 2**53 only"),
        ({"p": 1 << 20, "q": 1 << 20, "dilation_r": 1 << 20, "dilation_s": 1 << 20, "r": 2, "s": 2,
          "in_rows": 1 << 25, "in_cols": 1 << 25}, "halos; counts are exact to 2**53 only"),
        ({"p": 1 << 30, "stride_p": 1 << 30}, "input positions under its windows; counts are exact to 2**53"),
        ({"weight_bits": 1 << 62}, "LayerTable.weight_bits[0] must be from 0 to 2**53"),
        ({"stride_p": 1 << 62}, "LayerTable.stride_p[0] must be from 1 to 2**31 - 1"),
        ({"dilation_s": 1 << 31}, "LayerTable.dilation_s[0] must be from 1 to 2**31 - 1"),
        ({"q": 0}, "LayerTable.q[0] must be at least 1, got 0"),
        ({"repeats": 1 << 60}, "LayerTable.repeats[0] must be from 0 to 2**53"),
    ],
)  # fmt: skip
def test_counts_beyond_what_is_exact_are_refused_by_name(changes, words):
    table = row(**{"kind": int(Kind.NEST), "k": 2, "c": 2, **changes})
    with pytest.raises(SpringboardError) as refusal:
        hwmodels.evaluate(table, hwmodels.pack(hwmodels.load("edge_16x16"), {}, 1))
    assert words in str(refusal.value)


@pytest.mark.parametrize("field", ["stride", "dilation"])
@pytest.mark.parametrize("size", [1 << 31, 1 << 62, 1 << 63, 1 << 64, 10**30])
def test_a_step_beyond_any_input_is_refused(field, size):
    """One output needs no stride: 2**62 wrapped inside a tile, 2**64 was an OverflowError."""
    graph = Graph("steps")
    made = Convolution("conv", out_channels=2, kernel=1, **{field: size})
    graph.output(graph.add(made, graph.input("x", (1, 3, 8, 8))))
    with pytest.raises(SpringboardError, match=f"{field}_[prs]"):
        dse.evaluate(Network(graph), "template", progress=False).totals  # noqa: B018


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["eie", "edge_16x16", "scnn", "spring", "a100_2_4", "scale_sim_32x32_os"])
def test_no_part_of_an_energy_is_negative(name):
    """`evaluate('lenet5', 'eie')` had buffers of -4.7e-22 J: they were what a difference left."""
    if name not in hwmodels.names():
        pytest.skip(f"there is no machine called {name}")
    for network in ("lenet5", "lenet_300_100"):
        for objective in hwmodels.OBJECTIVES:
            result = dse.evaluate(network, name, mapping_objective=objective)
            if not result.feasible:
                continue
            parts = result.totals[PARTS].to_numpy(dtype=float)
            assert (parts >= 0.0).all(), dict(result.totals[PARTS])
            assert parts.sum() == pytest.approx(result.totals["energy_j"], rel=1e-12)
            assert (result.operations[PARTS].to_numpy(dtype=float) >= 0.0).all()


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["edge_16x16", "scnn", "template", "tpu_v1"])
def test_what_a_batch_of_millions_costs_an_input_nears_its_limit(name):
    """Counts of a large batch are those of the small one times inputs, or refused: none wraps."""
    graph = Graph("layer")
    graph.output(graph.add(Linear("fc", 80), graph.input("x", (1, 96))))
    network, machine = Network(graph), hwmodels.load(name)
    costs = {}
    for batch in (1, 1 << 10, 1 << 20, 1 << 39):
        totals = dse.evaluate(network, name, batch, mapping_objective="latency").totals
        if totals["feasible"]:
            costs[batch] = totals["latency_s"] / batch
            assert totals["macs"] == 96 * 80 * batch
            moved = (totals["dram_read_bytes"] + totals["dram_write_bytes"]) / batch
            assert moved >= 96 + 80 or name == "scnn"
        else:
            assert batch == 1 << 39
            assert totals["limit"] in ("main_memory.capacity_bytes", "mapspace")
    assert costs[1 << 10] <= costs[1]
    assert costs[1 << 20] == pytest.approx(costs[1 << 10], rel=0.05)
    with pytest.raises(SpringboardError, match=r"2\*\*53|64-bit"):
        dse.evaluate(network, machine, 1 << 52)
