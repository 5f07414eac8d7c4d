"""Learning from data that arrive: against fine-tuning, and against grow-and-prune from scratch."""

from collections.abc import Sequence
from copy import deepcopy

from dse.results.training_cost import training_cost
from tests.benchmarks.codesign.keeping import Numbers
from workloads import load, to_module
from workloads.learning import fitting, incremental, memory, plasticity, synthesis
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, fit
from workloads.learning.incremental import arriving, update
from workloads.learning.synthesis import Phase, grow_and_prune

MACHINE = "spring"
RATIO = 20
EPOCHS = 20
UPDATED = 14
GROWTH = 1.0
Way = tuple[float, float]
"""A learning rate and a weight decay."""

UPDATES: Way = (2e-2, 0.3)
"""Settled on seeds 20 to 24; rivals take it, too, in rows of their own."""
TUNES: tuple[Way, ...] = ((1e-3, 1e-4), (3e-3, 1e-4))
"""Fine-tuning takes the better by validation."""
ANEW: Way = (3e-3, 0.03)

CODE = (fitting, incremental, memory, plasticity, synthesis)


def updated(seed: int) -> Numbers:
    """Let half of the training samples arrive later."""
    network = load("lenet_300_100")
    arrival = arriving(load_data("mnist5k", seed=seed), 0.5, seed)
    keep = network.macs // RATIO
    made = grow_and_prune(network, arrival.before, keep, trained(EPOCHS, ANEW, seed))
    before = made.fitted.test.accuracy
    scratch, decayed = (
        grow_and_prune(network, arrival.after, keep, trained(EPOCHS, way, seed)) for way in (ANEW, UPDATES)
    )
    dense = to_module(network, seed=seed)
    fit(dense, arrival.before, Training(epochs=EPOCHS, seed=seed))
    *tunings, shrunk = (
        fit(deepcopy(dense), arrival.after, trained(EPOCHS, way, seed + 1)) for way in (*TUNES, UPDATES)
    )
    tuned = min(tunings, key=lambda one: one.validation.log_loss)
    found = update(made, arrival, trained(UPDATED, UPDATES, seed), growth=GROWTH)
    return {
        "before": 100 * before,
        "updated": 100 * found.fitted.test.accuracy,
        "fine-tuning": 100 * tuned.test.accuracy,
        "fine-tuning, decayed": 100 * shrunk.test.accuracy,
        "scratch": 100 * scratch.fitted.test.accuracy,
        "scratch, decayed": 100 * decayed.fitted.test.accuracy,
        "updated joules": joules(found.phases),
        "fine-tuning joules": joules([Phase(network, tuned.steps, Training().batch)]),
        "scratch joules": joules(scratch.phases),
    }


def trained(epochs: int, way: Way, seed: int) -> Training:
    """Return a training of so many epochs."""
    return Training(epochs=epochs, learning_rate=way[0], weight_decay=way[1], seed=seed)


def joules(phases: Sequence[Phase]) -> float:
    """Return what trainings take on the machine, dense gradients of growth included."""
    cost = training_cost(phases, MACHINE)
    return float((cost["energy_j"] + cost["growth_energy_j"]).sum())
