"""Tensors that stay: the schedule of ResNet-50 on one machine, and sweeps beside layer by layer."""

import time

import numpy as np

import dse
import hwmodels
import workloads
from dse.run.schedule import schedule_of

POINTS = 1_500
RUN = 300
"""Points that follow one another: what a sweep costs together; 1: points at random."""
SWEPT = (
    ("systolic", "resnet50", RUN),
    ("systolic", "resnet50", 1),
    ("edge", "mobilenet_v2", 1),
    ("edge", "resnet50", 1),
    ("datacentre", "bert_base", RUN),
    ("datacentre", "bert_base", 1),
)
ASKED = ("resident", "reordered", "pinned")


def main() -> None:
    """Print CPU seconds of one schedule, and what schedules cost in sweeps of named spaces."""
    dse.evaluate("resnet50", "edge_32x32", schedule="resident", mapping_objective="energy")  # compile
    result = dse.evaluate("resnet50", "edge_32x32", schedule="resident")
    result.totals.sum  # noqa: B018  the machine is packed
    start = time.process_time()
    plan = result.plan
    print(f"ResNet-50 on edge_32x32: {time.process_time() - start:.3f} CPU-s, {plan.certificate}")
    for space_name, network, run in SWEPT:
        space, net = dse.named_space(space_name), workloads.load(network)
        begins = np.random.default_rng(1).choice(space.size // run, POINTS // run, replace=False) * run
        index = np.sort((begins[:, None] + np.arange(run)).ravel())
        configs = space.pack(index[space.violated(index) < 0])
        layers = net.table()
        merged = workloads.deduplicate(layers)[0]
        taken = []
        for table, schedule in ((merged, None), *((layers, schedule_of(name, net)) for name in ASKED)):
            hwmodels.evaluate(table, configs, stop=200, schedule=schedule)
            start = time.process_time()
            hwmodels.evaluate(table, configs, schedule=schedule)
            taken.append((time.process_time() - start) / configs.size * 1e6)
        found = ", ".join(
            f"{us:.0f} {name} ({us / taken[0]:.1f}x)" for name, us in zip(ASKED, taken[1:], strict=True)
        )
        print(
            f"{space_name}, {network}, {'runs' if run > 1 else 'random points'}: "
            f"{taken[0]:.0f} us a configuration layer by layer, {found}"
        )
