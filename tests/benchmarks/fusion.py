"""Fused groups: exact fronts, and three products on TPU v4i, in CPU-seconds."""

import time

import dse
import hwmodels
import workloads
from hwmodels.fusion import capacity_front, product_chain
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from tests.fusion.gpt3 import FUSED, layer, tpu_v4i_16
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act


def products(count: int, width: int) -> Network:
    """Chain of square matrix products."""
    graph = Graph("products")
    x = graph.input("x", (width, width, 1, 1))
    for i in range(count):
        x = conv_act(graph, f"product{i}", x, width, 1, padding=0, act="")
    graph.output(x)
    return Network(graph, "a benchmark")


def main() -> None:
    """Print what is fused, what of it is on the front, and the time it takes."""
    capacity_front(product_chain(4, (4, 4, 4)))  # kernels
    for count, width in ((2, 64), (3, 64), (3, 128), (4, 256), (1, 4096)):
        begun = time.process_time()
        front = capacity_front(product_chain(width, (width,) * (count + 1)))
        print(
            f"{count} x {width}^3: {front.represented:.3g} mappings, {front.kept} on the front, "
            f"{time.process_time() - begun:.2f} CPU-s"
        )
    machine = hwmodels.load("tpu_v4i")
    dse.evaluate(products(2, 16), machine, schedule="fused")  # kernels
    edge = LevelMachine(
        name="edge",
        levels=(
            Level(name="registers", kind="registers", bytes=8),
            Level(
                name="buffer",
                bytes=32 * 1024,
                fanout_x=16,
                fanout_y=16,
                read_port_bits=512,
                write_port_bits=512,
            ),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory=hwmodels.main_memory("lpddr4"),
        clock_hz=5e8,
        fusion="buffer",
    )
    mobilenet = workloads.load("mobilenet_v2", width=0.25, resolution=64)
    for schedule in ("layers", "fused"):
        begun = time.process_time()
        result = dse.evaluate(mobilenet, edge, mapping_objective="energy", schedule=schedule)
        print(
            f"edge, MobileNet-v2, {schedule}: {result.totals['energy_j']:.5g} J, "
            f"{result.totals['edp_js']:.5g} Js, {time.process_time() - begun:.2f} CPU-s"
        )
    for schedule in ("layers", "fused"):
        begun = time.process_time()
        totals = dse.evaluate(products(3, 128), machine, schedule=schedule).totals
        print(
            f"tpu_v4i, 3 x 128^3, {schedule}: {totals['energy_j']:.5g} J, {totals['latency_s']:.5g} s, "
            f"{time.process_time() - begun:.2f} CPU-s"
        )
    begun = time.process_time()
    result = dse.evaluate(layer(), tpu_v4i_16(), schedule="fused", limit_s=4.5)
    print(
        f"tpu_v4i, layer of GPT-3 175B, prefill 2,048, fused: {result.totals['edp_js']:.5g} Js "
        f"(AccelForge {FUSED[0] * FUSED[1]:.5g}), {time.process_time() - begun:.2f} CPU-s"
    )
    fused = result.fusion()
    assert fused is not None
    print(f"  {fused.certificate}")
