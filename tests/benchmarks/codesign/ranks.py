"""Ranks chosen by loss within a latency, against one rule of that latency: HALOC's claim, on MNIST-5k."""

import dse
from dse.results import machine_fit, trained_ranks
from dse.results.trained_ranks import ranks_within_latency
from tests.benchmarks.codesign.keeping import Numbers
from workloads import Network, to_module
from workloads.learning import fitting, low_rank
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, fit
from workloads.learning.low_rank import in_low_rank
from workloads.spaces.builders import convolutional

MACHINE = "edge_16x16"
DENSITY = 0.3
TRAIN = 1000
CODE = (fitting, low_rank, machine_fit, trained_ranks)


def chosen(seed: int) -> Numbers:
    """Train a CNN, decompose it either way, and train both as long again: accuracies, latencies, weights."""
    network = convolutional(resolution=14, stages=3, depth=(1, 2, 3), width=(16, 32, 48))
    data = load_data("mnist5k", seed=seed).fewer(TRAIN, seed)
    module = to_module(network, seed=seed)
    found = {
        "trained": 100 * fit(module, data, Training(epochs=8, batch=32, seed=seed)).test.accuracy,
        "trained us": _microseconds(network),
    }
    first = next(iter(module.roles))
    ruled = network.sparsify("tucker2", density=DENSITY, quantum=4, dense=[first])
    ours = ranks_within_latency(module, data, MACHINE, _microseconds(ruled) / 1e6, dense=[first]).network
    for what, decomposed in (("rule", ruled), ("chosen", ours)):
        low = in_low_rank(decomposed, module)
        samples = fitting.Samples(data, decomposed)
        found[f"{what} before"] = 100 * samples.score(low, data.test).accuracy
        again = fit(low, data, Training(epochs=3, batch=32, learning_rate=1e-3, seed=seed))
        found |= {what: 100 * again.test.accuracy, f"{what} us": _microseconds(decomposed)}
        found[f"{what} parameters"] = decomposed.parameters
    return found


def _microseconds(network: Network) -> float:
    return 1e6 * float(dse.evaluate(network, MACHINE, mapping_objective="latency").totals["latency_s"])
