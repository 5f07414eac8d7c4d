"""Tensors that stay: the schedule of ResNet-50 on one machine, and sweeps beside layer by layer."""

import time

import numpy as np

import dse
import hwmodels
import workloads
from hwmodels.residency import Schedule

POINTS = 1_500
SWEPT = (
    ("edge", "mobilenet_v2"),
    ("edge", "resnet50"),
    ("systolic", "resnet50"),
    ("datacentre", "bert_base"),
)


def main() -> None:
    """Print CPU seconds of one schedule, and what schedules cost in sweeps of named spaces."""
    dse.evaluate("resnet50", "edge_32x32", schedule="resident", mapping_objective="energy")  # compile
    result = dse.evaluate("resnet50", "edge_32x32", schedule="resident")
    result.totals.sum  # noqa: B018  the machine is packed
    start = time.process_time()
    plan = result.plan
    print(f"ResNet-50 on edge_32x32: {time.process_time() - start:.3f} CPU-s, {plan.certificate}")
    for space_name, network in SWEPT:
        space, net = dse.named_space(space_name), workloads.load(network)
        index = np.sort(np.random.default_rng(1).choice(space.size, POINTS, replace=False))
        configs = space.pack(index[space.violated(index) < 0])
        layers = net.table()
        merged, asked = workloads.deduplicate(layers)[0], Schedule("resident", net.edges())
        taken = []
        for table, schedule in ((merged, None), (layers, asked)):
            hwmodels.evaluate(table, configs, stop=200, schedule=schedule)
            start = time.process_time()
            hwmodels.evaluate(table, configs, schedule=schedule)
            taken.append((time.process_time() - start) / configs.size * 1e6)
        print(
            f"{space_name}, {network}: {taken[0]:.0f} us a configuration layer by layer, {taken[1]:.0f} us "
            f"resident ({taken[1] / taken[0]:.1f}x)"
        )
