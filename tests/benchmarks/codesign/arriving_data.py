"""Learning from data that arrive: against fine-tuning, and against grow-and-prune from scratch."""

from collections.abc import Sequence

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
RATES = (1e-3, 3e-3)
CODE = (fitting, incremental, memory, plasticity, synthesis)


def updated(seed: int) -> Numbers:
    """Let half of the training samples arrive later; fine-tuning takes the better of two rates."""
    network = load("lenet_300_100")
    arrival = arriving(load_data("mnist5k", seed=seed), 0.5, seed)
    keep = network.macs // RATIO
    whole = Training(epochs=EPOCHS, weight_decay=0.03, seed=seed)
    made = grow_and_prune(network, arrival.before, keep, whole)
    before = made.fitted.test.accuracy
    scratch = grow_and_prune(network, arrival.after, keep, whole)
    tunings = []
    for rate in RATES:
        module = to_module(network, seed=seed)
        fit(module, arrival.before, Training(epochs=EPOCHS, seed=seed))
        again = Training(epochs=EPOCHS, seed=seed + 1, learning_rate=rate)
        tunings.append(fit(module, arrival.after, again))
    tuned = min(tunings, key=lambda one: one.validation.log_loss)
    how = Training(epochs=UPDATED, weight_decay=0.03, seed=seed)
    found = update(made, arrival, how, growth=GROWTH)
    return {
        "before": 100 * before,
        "updated": 100 * found.fitted.test.accuracy,
        "fine-tuning": 100 * tuned.test.accuracy,
        "scratch": 100 * scratch.fitted.test.accuracy,
        "updated joules": joules(found.phases),
        "fine-tuning joules": joules([Phase(network, tuned.steps, whole.batch)]),
        "scratch joules": joules(scratch.phases),
    }


def joules(phases: Sequence[Phase]) -> float:
    """Return what trainings take on the machine, dense gradients of growth included."""
    cost = training_cost(phases, MACHINE)
    return float((cost["energy_j"] + cost["growth_energy_j"]).sum())
