"""Joint search on digits against searches that choose networks first, at equal trainings."""

import time

import dse
from dse.joint import describing, flat, gaussian, hardware, picking, predictors, sampling, search, state
from dse.joint.accuracy import Measured
from dse.results.codesigned import Codesigned
from tests.benchmarks.codesign.keeping import FOLDER, Numbers
from workloads import NetworkSpace
from workloads.learning.data import load_data
from workloads.learning.trainer import trainer
from workloads.spaces.named import network_space

BUDGET = 60
STRATEGIES = ("nested", "sequential", "blind")
LEVELS = (0.85, 0.90, 0.93)
FLOOR = 0.8
TRAINED = 400
EPOCHS = 12
BATCH = 16
"""With batches of 64 most networks see too few steps to leave chance."""
CODE = (describing, flat, gaussian, hardware, picking, predictors, sampling, search, state)


def measured(seed: int) -> Measured:
    """Return what trains networks on a split of the digits; equal trainings are done once."""
    data = load_data("digits", seed=seed).fewer(TRAINED, seed)
    return Measured(trainer(data, epochs=EPOCHS, batch=BATCH), store=FOLDER / "trainings")


def networks(seed: int = 0) -> NetworkSpace:
    """Return the space of networks."""
    data = load_data("digits", seed=seed)
    return network_space("convolutional", data, constraints=["macs <= 2_000_000"])


def searched(seed: int, strategy: str, budget: int) -> Codesigned:
    """Search with one strategy."""
    return dse.codesign(
        networks(seed),
        dse.named_space("edge"),
        accuracy=measured(seed),
        budget=budget,
        strategy=strategy,
        floor=FLOOR,
        seed=seed,
        store=FOLDER,
        progress=False,
    )


def compared(seed: int) -> Numbers:
    """Search with every strategy; accuracies are those of samples that no selection saw."""
    found, numbers = {}, {}
    for strategy in STRATEGIES:
        begun = time.perf_counter()
        found[strategy] = searched(seed, strategy, BUDGET)
        numbers[f"{strategy} seconds"] = time.perf_counter() - begun
        numbers[f"{strategy} evaluations"] = float(found[strategy].evaluations)
    scale = found["nested"].scale(*found.values())
    for strategy, one in found.items():
        numbers[f"{strategy} volume"] = one.hypervolume(scale, "test_accuracy")
        levels = one.iso_accuracy(LEVELS, accuracy="test_accuracy")["edp_js"]
        numbers.update({f"{strategy} {level}": float(levels.loc[level]) for level in LEVELS})
    return numbers
