"""SPRING, Eyeriss v2's PE, EIE, SCNN and the dual-side tensor core: figures from papers, table by table."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import hwmodels
import workloads
from hwmodels import validation as ledger
from hwmodels.kernels.two_level import rows, sparse
from hwmodels.validation.cases.eyeriss_v2_pe import COUNTED, UNIFORM
from hwmodels.validation.silicon import dstc, eie, eyeriss_v2_pe, scnn, spring
from workloads.operations import Convolution
from workloads.sparsity.imbalance import dispersion, imbalance
from workloads.table import Kind, with_densities

pytestmark = pytest.mark.published

MASKS = Path(__file__).parents[3] / "shared" / "reference" / "data" / "mobilenet05_masks"


# --- SPRING (Yu and Jha, IEEE TETC 2020; its group's simulator, github jha-lab/codebench)


@pytest.mark.parametrize(
    ("channels", "sparse", "cycles"),
    [(4, True, 3_728_128), (8, True, 1_864_064), (4, False, 18_554_880), (8, False, 9_277_440)],
)
def test_vgg19_convolutions_take_the_groups_cycles(channels, sparse, cycles):
    layers = spring.convolutions("vgg19", 32)
    assert layers.rows == 16
    assert spring.group_cycles(layers, output_channels=channels, sparse=sparse) == cycles


@pytest.mark.parametrize(("channels", "images_per_s"), [(4, 6_008), (8, 12_017)])
def test_images_per_second_without_memory_stalls(channels, images_per_s):
    cycles = spring.group_cycles(spring.convolutions("vgg19", 32), output_channels=channels)
    assert 32 * 700e6 / cycles == pytest.approx(images_per_s, abs=1.0)


def test_spring_is_what_its_group_synthesised():
    machine = hwmodels.load("spring")
    area = machine.area_mm2().groupby("kind")["area_mm2"].sum()
    assert area["logic"] == pytest.approx(154.1, abs=0.05)
    assert area["buffer"] == pytest.approx(11.9, abs=0.05)
    assert machine.power_w()["power_w"].sum() == pytest.approx(41.3, abs=0.06)
    assert machine.main_memory.bandwidth_bytes_per_s == 1024e9
    assert machine.main_memory.random_read_s == pytest.approx(13.5e-9)
    assert machine.peak_macs_per_s == pytest.approx(51.6e12, rel=1e-3)


@pytest.mark.compiled
def test_the_headline_needs_wider_ports_than_the_reported_banks():
    """15.5 / 4.5 / 69.1 in inference and 15.6 / 4.2 / 66.0 in training, against a GPU nobody tuned."""
    assert spring.group_performance(output_channels=8) == pytest.approx(15.5, rel=0.25)
    wide = [spring.headline(training=training, changes=spring.WIDE) for training in (False, True)]
    assert wide[0] == pytest.approx((15.5, 4.5, 69.1), rel=0.25)
    assert wide[1][1:] == pytest.approx((4.2, 66.0), rel=0.25)
    assert wide[1].performance == pytest.approx(15.6, rel=0.35)
    # An access a bank and cycle: missed, and said so in the ledger.
    rows = {row.quantity: row for row in ledger.rows(["spring"]) if row.tolerance is not None}
    missed = {quantity for quantity, row in rows.items() if row.holds is False}
    assert {f"{way}, seven networks: performance" for way in ("inference", "training")} <= missed
    assert all("banks" in rows[quantity].note for quantity in missed)


def test_a_port_is_as_wide_as_the_reported_banks_unless_the_machine_says_otherwise():
    machine = hwmodels.load("spring")
    port = hwmodels.pack(machine).weight_port_bytes_per_s[0]
    assert port == 16 * 64 * machine.clock_hz
    stated = machine.replace({"buffers.weight.port_bits": 4096})
    assert hwmodels.pack(stated).weight_port_bytes_per_s[0] == 512 * machine.clock_hz
    fewer = dataclasses.replace(machine.buffers.weight.reported, banks=4)
    assert hwmodels.pack(machine.replace({"buffers.weight.reported": fewer})).weight_port_bytes_per_s[0] == (
        port / 4
    )


@pytest.mark.compiled
def test_every_idea_of_spring_counts():
    """Ablations order as they must: each leaves less than the whole machine, but for wider ports."""
    whole = spring.headline(training=False).performance
    left = {
        name: spring.headline(training=False, changes=changes).performance
        for name, changes in spring.ABLATIONS.items()
    }
    wide = left.pop("ports that give the array all it asks for")
    assert max(left.values()) < whole < wide
    assert left["dense and 2-D"] < min(
        left["dense: nothing skipped or packed"], left["2-D: DDR4 for the RRAM tier"]
    )
    assert left["serial front end, as the RTL"] < left["dense: nothing skipped or packed"]


# --- Eyeriss v2's PE, pruned MobileNet (github Accelergy-Project/micro22-sparseloop-artifact)


@pytest.mark.parametrize(
    "layer", [one for one in eyeriss_v2_pe.LAYERS if one.name in eyeriss_v2_pe.located()]
)
def test_counts_by_channel_give_the_ground_truth(layer):
    assert round(eyeriss_v2_pe.cycles(layer, by_channel=True), 6) == COUNTED[layer.name]


@pytest.mark.parametrize("layer", eyeriss_v2_pe.LAYERS)
def test_uniform_zeros_give_sparseloops_numbers(layer):
    assert eyeriss_v2_pe.cycles(layer, by_channel=False) == pytest.approx(UNIFORM[layer.name], abs=2.0)


def mask_of(layer, operand, *shape):
    """Read a mask: one character an element."""
    text = (MASKS / f"{layer.name}_{operand}.txt").read_text(encoding="ascii").strip()
    return (np.frombuffer(text.encode(), dtype=np.uint8) == ord("1")).reshape(shape)


@pytest.mark.skipif(not MASKS.exists(), reason="the reference masks are not beside this clone")
@pytest.mark.parametrize(
    "layer", [one for one in eyeriss_v2_pe.LAYERS if one.name in eyeriss_v2_pe.located()]
)
def test_a_network_with_its_masks_gives_the_ground_truth(layer):
    """From weights and activations with their zeros, through graph and layer table, to cycles."""
    weights = mask_of(layer, "weights", layer.filters, layer.channels)
    live = mask_of(layer, "iacts", layer.side, layer.side, layer.channels)
    graph = workloads.Graph("one")
    graph.input("x", (1, layer.channels, layer.side, layer.side))
    graph.output(graph.add(Convolution("conv", layer.filters, 1, bias=False), "x"))
    net = workloads.Network(graph)
    profile = tuple(live.mean(axis=(0, 1)).tolist())
    known = dataclasses.replace(graph.tensors["x"], density=float(live.mean()), profile=profile)
    weight = net.weight("conv").with_mask(weights[:, :, None, None])
    net = net.with_weights(weight).with_tensors(known)
    table = net.table()
    costs = hwmodels.evaluate_operations(table, hwmodels.load("eyeriss_v2_pe"), "latency")
    assert costs.compute_cycles[0] == pytest.approx(COUNTED[layer.name], rel=1e-12)
    assert table.weight_dispersion[0] > 2  # 3 to 23 in these layers


# One output channel a PE, 16 PEs: most weights over the mean, in natural order and sorted by work.
WAITING = {"L07": (1.72, 1.18), "L09": (1.21, 1.05), "L13": (1.29, 1.03), "L19": (1.14, 1.02)}


@pytest.mark.skipif(not MASKS.exists(), reason="the reference masks are not beside this clone")
@pytest.mark.parametrize("name", WAITING)
def test_waiting_on_real_masks_follows_from_their_dispersion(name):
    layer = next(one for one in eyeriss_v2_pe.LAYERS if one.name == name)
    weights = mask_of(layer, "weights", layer.filters, layer.channels)
    counted = [imbalance(weights.sum(axis=1), 16, order) for order in ("natural", "sorted")]
    assert counted == pytest.approx(WAITING[name], abs=0.006)
    table = eyeriss_v2_pe.table(layer, by_channel=True)._replace(
        weight_dispersion=np.array([dispersion(weights.sum(axis=1), layer.channels)])
    )
    found = []
    for ordered in (False, True):
        skipping = {"sparsity.weight.mode": "skip", "sparsity.imbalance": "masks", "sparsity.sorted": ordered}
        machine = hwmodels.load("edge_16x16").replace(skipping)  # sixteen columns, a filter each
        config = rows.config_row(rows.config_matrix(hwmodels.pack(machine)), 0)
        share = sparse.shares(rows.layer_row(rows.layer_matrix(table), 0), config, float(table.macs[0]))
        found.append(share.time / share.kept)
    # One draw of 64 to 256 filters against an expectation: the largest of few scatters by about a tenth.
    assert found == pytest.approx(counted, rel=0.12)


# --- EIE (Han et al., ISCA 2016)


@pytest.mark.parametrize("kind", ["theoretical", "actual"])
def test_eie_times_within_fifteen_percent_on_average(kind):
    from hwmodels.components.tables import column, read

    published = column(read("eie_layers"), f"{kind}_us")
    errors = eie.times_us(waiting=kind == "actual") / published - 1
    assert np.abs(errors).mean() < 0.15


def test_waiting_for_the_fullest_pe_explains_part_of_the_actual_times():
    from hwmodels.components.tables import column, read

    actual = column(read("eie_layers"), "actual_us")
    without, with_waiting = (np.abs(eie.times_us(waiting=w) / actual - 1).mean() for w in (False, True))
    assert with_waiting < without


def test_eie_area_and_power():
    machine = hwmodels.load("eie")
    assert machine.area_mm2()["area_mm2"].sum() == pytest.approx(40.8, rel=0.05)
    assert machine.power_w()["power_w"].sum() == pytest.approx(0.59, rel=0.05)


# --- SCNN (Parashar et al., ISCA 2017)


@pytest.mark.parametrize(("network", "speedup"), [("alexnet", 2.37), ("googlenet", 2.19), ("vgg16", 3.52)])
def test_scnn_network_speedups(network, speedup):
    assert scnn.speedup(scnn.layers(network)) == pytest.approx(speedup, rel=0.15)


def test_scnn_without_zeros_is_slower_than_the_dense_machine():
    assert scnn.speedup_at(1.0) == pytest.approx(0.79, rel=0.15)
    assert scnn.speedup_at(0.70) > 1.0 > scnn.speedup_at(0.98)  # they cross at 0.85


# --- DSTC (Wang et al., ISCA 2021, figure 21)


def test_dual_side_tensor_core_within_ten_percent_on_average():
    from hwmodels.validation.cases.dstc import LATENCY

    points = {pair: latency / LATENCY[1.0, 1.0] for pair, latency in LATENCY.items() if pair != (1.0, 1.0)}
    errors = [abs(dstc.time_share(a, b) / share - 1) for (a, b), share in points.items()]
    assert len(errors) == 9
    assert np.mean(errors) < 0.10


# --- A100 (Nvidia: twice the peak with 2:4 weights)


def test_two_of_four_weights_double_the_peak():
    machine = hwmodels.load("a100_2_4")
    layers = with_densities(spring.convolutions("vgg19", 32), weight=0.5, activation=1.0)
    dense = with_densities(layers, weight=1.0, activation=1.0)
    both = [
        hwmodels.evaluate_operations(table, machine, "latency").compute_cycles for table in (dense, layers)
    ]
    np.testing.assert_allclose(both[0], 2 * both[1], rtol=1e-12)
    assert math.isclose(2 * machine.peak_macs_per_s, 312e12, rel_tol=0.01)
    assert (layers.kind == Kind.NEST).all()
