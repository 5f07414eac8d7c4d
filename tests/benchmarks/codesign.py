"""Joint search on digits against searches that choose networks first, at equal trainings."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

import dse
from dse.joint.accuracy import Measured
from workloads.learning.data import load_data
from workloads.learning.trainer import trainer
from workloads.spaces.named import network_space

SEEDS = (0, 1, 2, 3, 4)
BUDGET = 60
STRATEGIES = ("nested", "flat", "successive", "blind", "sequential")
LEVELS = (0.85, 0.90, 0.93)
FLOOR = 0.8


def interval(values: Sequence[float]) -> str:
    """Mean with a 95 % interval by Student's t."""
    from scipy.stats import t

    mean, half = float(np.mean(values)), 0.0
    if len(values) > 1:
        half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return f"{mean:.3f} ± {half:.3f}"


def run(seed: int, strategies: Sequence[str], budget: int, epochs: int) -> dict[str, Any]:
    """Search with every strategy; equal networks and seeds are trained once for all of them."""
    data = load_data("digits", seed=seed).fewer(400, seed)
    nets = network_space("convolutional", data, constraints=["macs <= 2_000_000"])
    store = Path(gettempdir()) / "springboard-codesign"
    measured = Measured(trainer(data, epochs=epochs), store=store, workers=2)
    found = {}
    for strategy in strategies:
        begun = time.perf_counter()
        found[strategy] = dse.codesign(
            nets,
            dse.named_space("edge"),
            accuracy=measured,
            budget=budget,
            strategy=strategy,
            floor=FLOOR,
            seed=seed,
        )
        print(f"  {strategy:>10} {time.perf_counter() - begun:6.1f} s  {found[strategy]}", flush=True)
    return found


def main(
    seeds: Sequence[int] = SEEDS,
    budget: int = BUDGET,
    epochs: int = 12,
    strategies: Sequence[str] = STRATEGIES,
) -> None:
    """Print hypervolume and EDP at iso-accuracy on samples that no selection saw, and the predictor."""
    volumes: dict[str, list[float]] = {one: [] for one in strategies}
    gains: dict[tuple[str, float], list[float]] = {}
    qualities = []
    for seed in seeds:
        found = run(seed, strategies, budget, epochs)
        scale = found["nested"].scale(*found.values())
        for strategy, one in found.items():
            volumes[strategy].append(one.hypervolume(scale, "test_accuracy"))
        for level in LEVELS:
            ours = found["nested"].iso_accuracy([level], accuracy="test_accuracy")["edp_js"].iloc[0]
            for rival in strategies[1:]:
                other = found[rival].iso_accuracy([level], accuracy="test_accuracy")["edp_js"].iloc[0]
                gains.setdefault((rival, level), []).append(float(other) / float(ours))
        qualities.append(found["sequential"].quality)
        print(f"seed {seed}: " + ", ".join(f"{one} {values[-1]:.3f}" for one, values in volumes.items()))
    print(f"hypervolume on test samples, {budget} trainings, {len(seeds)} seeds (mean, 95 %):")
    for strategy, values in volumes.items():
        wins = sum(a > b for a, b in zip(volumes["nested"], values, strict=True))
        print(f"  {strategy:>10} {interval(values)}   nested is better in {wins} of {len(values)}")
    print("EDP of a rival over that of nested, at least so accurate on test samples:")
    for (rival, level), ratios in gains.items():
        print(f"  {rival:>10} at {level:.0%}: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    for one in qualities:
        print(f"  predictions before training: {one}")


if __name__ == "__main__":
    main()
