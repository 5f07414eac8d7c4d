"""Fused groups: exact fronts, and three products on TPU v4i, in CPU-seconds."""

import time

import dse
import hwmodels
from hwmodels.fusion import capacity_front, product_chain
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
    machine = hwmodels.load("tpu_v4i").replace({"resident": ""})
    dse.evaluate(products(2, 16), machine, schedule="fused")  # kernels
    for schedule in ("layers", "fused"):
        begun = time.process_time()
        totals = dse.evaluate(products(3, 128), machine, schedule=schedule).totals
        print(
            f"tpu_v4i, 3 x 128^3, {schedule}: {totals['energy_j']:.5g} J, {totals['latency_s']:.5g} s, "
            f"{time.process_time() - begun:.2f} CPU-s"
        )
