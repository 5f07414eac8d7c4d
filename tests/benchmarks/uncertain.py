"""A stress test against its sweep: CPU time of the `systolic` space on ResNet-50, and of 200 technologies.

Then what keeping the nominal mappings leaves out, on a small space: every sample costed again, mappings
chosen again.
"""

import resource
import time
from typing import Final

import numpy as np

import dse
import hwmodels
from dse.pareto.front import filter_finite
from dse.space.named import operating_points
from dse.strategies.problem import One
from dse.uncertain.draws import Draws
from dse.uncertain.table import declared
from dse.uncertain.trial import Trial, memories_of
from hwmodels.tiles import TileLists
from tests.oracles.uncertain import scaled
from workloads import deduplicate, load

SAMPLES: Final = 200
OBJECTIVES: Final = ("latency_s", "energy_j", "area_mm2")
REMAPPED_SAMPLES: Final = 20


def main() -> None:
    """Print both times, the peak of memory, and the effect of mapping again."""
    space = dse.named_space("systolic")
    small = space.replace({"array.rows": [8, 16], "array.cols": [8, 16]})
    dse.stress(dse.sweep("alexnet", small, progress=False), 2, progress=False)  # compile
    start = time.process_time()
    swept = dse.sweep("resnet50", space, progress=False)
    sweep_s = time.process_time() - start
    start = time.process_time()
    stressed = dse.stress(swept, SAMPLES, progress=False)
    stress_s = time.process_time() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"sweep: {swept.evaluated:,} configurations, {sweep_s:.1f} CPU-s")
    print(f"stress: {SAMPLES} samples, {stress_s:.1f} CPU-s ({stress_s / sweep_s:.0%} of the sweep)")
    print(f"  {stressed.costed:,} designs followed, the rest dominated in every sample")
    print(f"  {stressed!r}")
    print(f"peak memory: {peak_mb:,.0f} MB")
    remapped(
        space.replace(
            {
                "array.rows": [8, 16, 64],
                "array.cols": [8, 16, 64],
                "buffers.weight.bytes": ["16 KiB", "64 KiB", "512 KiB"],
                "buffers.input.bytes": ["32 KiB", "512 KiB"],
                "buffers.output.bytes": ["32 KiB", "512 KiB"],
                "operating_point": operating_points([0.5, 0.9], node_nm=22),
            }
        )
    )


def remapped(space: dse.Space) -> None:
    """Compare kept mappings with those chosen again in every sample."""
    table = load("resnet50").table()
    work = One("resnet50", table, deduplicate(table)[0])
    tiles = TileLists(work.layers)
    memories = memories_of(space)
    draws = Draws.of(declared(None, memories), memories, REMAPPED_SAMPLES, 0)
    trial = Trial(space, (work,), None, dse.metrics.objectives_of(OBJECTIVES), "edp", draws)
    index = np.arange(space.size)[space.violated(np.arange(space.size)) < 0]
    designs = trial.designs(index, None)
    kept = trial.values(trial.tried(designs))
    again = np.empty_like(kept)
    for sample in range(REMAPPED_SAMPLES):
        one = draws.at(slice(sample, sample + 1))
        configs = scaled(designs.configs, lambda name, one=one: one.factor(name, designs.memory)[:, 0])
        found = hwmodels.evaluate(work.layers, configs, "edp", tiles=tiles)
        again[:, sample] = np.stack([getattr(found, name) for name in OBJECTIVES], axis=1)
    change = np.abs(again / kept - 1.0)
    print(f"mapping again, {len(index):,} designs x {REMAPPED_SAMPLES} samples:")
    for position, name in enumerate(OBJECTIVES):
        column = change[:, :, position]
        print(f"  {name}: mean change {column.mean():.3%}, largest {column.max():.2%}")
    fronts = [
        np.stack([filter_finite(np.ascontiguousarray(v[:, s])) for s in range(REMAPPED_SAMPLES)], axis=1)
        for v in (kept, again)
    ]
    nominal = hwmodels.evaluate(work.layers, space.pack(index), "edp", tiles=tiles)
    on = filter_finite(np.stack([getattr(nominal, name) for name in OBJECTIVES], axis=1))
    both, either = (fronts[0] & fronts[1]).sum(), (fronts[0] | fronts[1]).sum()
    shift = np.abs(fronts[0].mean(axis=1) - fronts[1].mean(axis=1))[on]
    print(
        f"  fronts: {both / either:.1%} of members in common; probability of the {on.sum()} nominal designs "
        f"moves by {shift.mean():.3f} on average, {shift.max():.2f} at most"
    )


if __name__ == "__main__":
    main()
