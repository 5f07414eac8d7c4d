"""Fused optima of AccelForge 1.0.467 (its tests' reference values, `max_fused_loops=1`), restated."""

import pytest

import dse
import hwmodels
from hwmodels.mapping import Architecture, StorageLevel, evaluate, matrix_product, uniform
from tests.fusion.gpt3 import FUSED, layer, tpu_v4i_16
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act

# Products of width x width, fused or not: energy [J] and latency [s] of the mapping of least product.
TPU_V4I = {
    (2, 64, "fused"): (1.8229493921710631e-06, 3.0476190460149155e-08),
    (3, 128, "fused"): (1.0558373985026378e-05, 1.467361556706237e-07),
    (3, 128, "layers"): (1.313262806502638e-05, 2.4015633925955626e-07),
}


def products(count, width):
    graph = Graph("products")
    x = graph.input("x", (width, width, 1, 1))
    for i in range(count):
        x = conv_act(graph, f"product{i}", x, width, 1, padding=0, act="")
    graph.output(x)
    return Network(graph, "a test")


@pytest.mark.published
@pytest.mark.compiled
@pytest.mark.parametrize(("count", "width", "schedule"), TPU_V4I)
def test_tpu_v4i_equals_accelforge_but_for_multicast(count, width, schedule):
    """Equal once weights that the arrays have in common cost what they cost there.

    There the four arrays fetch such a weight four times, and so from the common memory.
    Here it is fetched once, and from main memory. What this saves is the whole difference in energy; the
    latency is no worse, whole cycles of each operation apart.
    """
    energy_j, latency_s = TPU_V4I[count, width, schedule]
    machine = hwmodels.load("tpu_v4i")
    totals = dse.evaluate(products(count, width), machine, schedule=schedule).totals
    bits = 8 * width * width
    passage_j = count * bits * (2.36e-12 + 4 * 1.88e-12)  # written there once, read by each array
    assert totals["energy_j"] + passage_j == pytest.approx(energy_j, rel=1e-9)
    assert totals["latency_s"] <= latency_s + count / machine.clock_hz
    assert totals["edp_js"] <= energy_j * latency_s


@pytest.mark.published
@pytest.mark.compiled
def test_a_layer_of_gpt3_costs_less_than_accelforges_fused_optimum():
    """However little time there is: what a search looks at first does; the gap to a bound is stated."""
    result = dse.evaluate(layer(), tpu_v4i_16(), schedule="fused", limit_s=0.0)
    energy_j, latency_s = FUSED
    assert result.totals["energy_j"] < energy_j
    assert result.totals["latency_s"] < latency_s
    proof = result.fusion().certificate
    assert not proof.mapped
    assert not proof.optimal
    assert proof.represented == proof.costed + sum(proof.pruned.values()) + proof.left
    assert proof.best == pytest.approx(result.totals["edp_js"], rel=1e-9)
    assert 0.0 < proof.gap < 0.15
    assert "mappings were cut short" in str(proof)


@pytest.mark.published
def test_simple_has_no_level_to_hold_a_tile():
    """Main memory at 1 a bit, 1 a MAC: fused and unfused cost the same, 17,235,968 for two of 64^3."""
    memory = StorageLevel(name="MainMemory", word_bits=8, read_pj=8.0, fill_pj=8.0, update_pj=8.0)
    simple = Architecture(name="simple", levels=(memory,), macs=1, mac_pj=1.0)
    for count, width, energy, cycles in ((2, 64, 17235968.0, 524288), (3, 128, 207224832.0, 6291456)):
        product = matrix_product(m=width, k=width, n=width)
        one = evaluate(product, simple, uniform(simple, product))
        assert count * one.energy_pj == energy
        assert count * one.cycles == cycles
