"""Fifty times fewer connections: LeNet-300-100 on MNIST-5k, a perceptron on scikit-learn's digits.

A seed is a five-fold cross-validation and weights: every sample is tested once, each loss a mean of pairs.
"""

from collections.abc import Sequence
from functools import partial

from tests.benchmarks.codesign.keeping import Numbers, kept
from workloads import Network, load, to_module
from workloads.learning import fitting, memory, plasticity, synthesis
from workloads.learning.data import Data, folds
from workloads.learning.fitting import Fitted, Training, fit
from workloads.learning.synthesis import grow_and_prune, prune_alone
from workloads.spaces.builders import perceptron

RATIO = 50
FOLDS = 5
CODE = (fitting, memory, plasticity, synthesis)
Ways = tuple[Training, Training]


LONG = {"mnist5k": 90, "digits": 180}
"""Epochs of the long training: the digits are a third of the samples (settled on seeds 10 to 12)."""


def trainings(name: str, seed: int) -> Ways:
    """Return a short training, and the long one with decay that sparse networks take."""
    return Training(epochs=30, seed=seed), Training(epochs=LONG[name], weight_decay=0.03, seed=seed)


def best(found: Sequence[Fitted]) -> float:
    """Return the test accuracy of what validation samples say is best."""
    return 100 * min(found, key=lambda one: one.validation.log_loss).test.accuracy


def dense(network: Network, data: Data, ways: Ways) -> float:
    """Train a dense network either way."""
    return best([fit(to_module(network, seed=how.seed), data, how) for how in ways])


def thin(data: Data, features: int, keep: int, ways: Ways) -> float:
    """Train the dense networks of one and two hidden layers with as many connections, either way."""
    one = max(1, keep // (features + data.classes))
    two = max(width for width in range(1, one + 1) if width * (features + width + data.classes) <= keep)
    shapes: list[tuple[int, ...]] = [(one,), (two, two)]
    networks = [
        perceptron(features=features, depth=len(width), width=width, classes=data.classes) for width in shapes
    ]
    return best([fit(to_module(net, seed=how.seed), data, how) for net in networks for how in ways])


def _thin(network: Network, data: Data, ways: Ways) -> float:
    return thin(data, network.graph.inputs()[0].shape[-1], network.macs // RATIO, ways)


def _grown(network: Network, data: Data, ways: Ways) -> float:
    made = grow_and_prune(network, data, network.macs // RATIO, ways[1])
    return 100 * made.fitted.test.accuracy


def _pruned(network: Network, data: Data, ways: Ways) -> float:
    made = prune_alone(network, data, network.macs // RATIO, ways[1])
    return 100 * made.fitted.test.accuracy


METHODS = {"dense": dense, "grown": _grown, "thin": _thin, "pruned": _pruned}


def accuracy(seed: int, name: str, network: Network, what: str, fold: int) -> Numbers:
    """Train on all folds but one, which is tested."""
    data = folds(name, FOLDS, seed=seed)[fold]
    return {"accuracy": METHODS[what](network, data, trainings(name, seed))}


def tested(seeds: Sequence[int], name: str, network: Network, what: str) -> list[float]:
    """Return a mean accuracy over the folds a seed, what is kept of them read."""
    found = []
    for seed in seeds:
        makes = [partial(accuracy, name=name, network=network, what=what, fold=fold) for fold in range(FOLDS)]
        kept_of = [
            kept(f"{what} {RATIO}x {name} fold {fold}", seed, make, CODE)["accuracy"]
            for fold, make in enumerate(makes)
        ]
        found.append(sum(kept_of) / FOLDS)
    return found


NETWORKS = {
    "mnist5k": (load("lenet_300_100"), "interval inside 0.5", "3"),
    "digits": (perceptron(features=64, depth=2, width=(300, 100)), "0.6", ""),
}
