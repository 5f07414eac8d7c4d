"""Tensors that stay: the schedule of ResNet-50 on one machine, and sweeps beside layer by layer."""

import time

import numpy as np

import dse
import hwmodels
import workloads
from dse.run.schedule import schedule_of

POINTS = 1_500
RUN = 300
"""Points that follow one another: what a sweep costs together; 1: points at random; 0: the whole space."""
SWEPT = (
    ("systolic", "resnet50", 0),
    ("systolic", "resnet50", RUN),
    ("systolic", "resnet50", 1),
    ("edge", "mobilenet_v2", 1),
    ("edge", "resnet50", 1),
    ("datacentre", "bert_base", RUN),
    ("datacentre", "bert_base", 1),
)
ASKED = ("resident", "reordered", "pinned")
CHUNK = 8_192
"""Configurations that a worker of a sweep costs at once."""
TIMES = 3
"""Measurements of points, of which the least counts."""


def drawn(space: dse.Space, run: int) -> np.ndarray:
    """Feasible points: all, or runs of so many."""
    if run == 0:
        index = np.arange(space.size)
    else:
        begins = np.random.default_rng(1).choice(space.size // run, POINTS // run, replace=False) * run
        index = np.sort((begins[:, None] + np.arange(run)).ravel())
    return index[space.violated(index) < 0]


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
        index = drawn(space, run)
        layers = net.table()
        merged = workloads.deduplicate(layers)[0]
        asked = ASKED[:1] if run == 0 else ASKED
        taken = []
        for table, schedule in ((merged, None), *((layers, schedule_of(name, net)) for name in asked)):
            hwmodels.evaluate(table, space.pack(index[:200]), schedule=schedule)
            least = np.inf
            for _ in range(1 if run == 0 else TIMES):
                spent = 0.0
                for first in range(0, index.size, CHUNK):
                    configs = space.pack(index[first : first + CHUNK])
                    start = time.process_time()
                    hwmodels.evaluate(table, configs, schedule=schedule)
                    spent += time.process_time() - start
                least = min(least, spent)
            taken.append(least / index.size * 1e6)
        found = ", ".join(
            f"{us:.0f} {name} ({us / taken[0]:.1f}x)" for name, us in zip(asked, taken[1:], strict=True)
        )
        what = {0: f"all {index.size:,} points", 1: "random points"}.get(run, "runs")
        print(
            f"{space_name}, {network}, {what}: {taken[0]:.0f} us a configuration layer by layer, {found}",
            flush=True,
        )
