"""Sparse synthesis on 5,000 MNIST digits: each method against its parent at equal connections and epochs."""

from collections.abc import Callable

from tests.benchmarks.codesign.keeping import Numbers
from workloads import Network, load, to_module
from workloads.learning import filters as cgaps
from workloads.learning import fitting, memory, plasticity, starts, synthesis
from workloads.learning import nest as nests
from workloads.learning import rewiring as rewirings
from workloads.learning.data import Data, load_data
from workloads.learning.filters import cgap
from workloads.learning.fitting import Training, fit
from workloads.learning.nest import nest
from workloads.learning.plasticity import prune
from workloads.learning.rewiring import rewired
from workloads.learning.robust import HybridLoss
from workloads.learning.starts import sparse_from_start
from workloads.learning.synthesis import grow_and_prune, prune_alone, scann
from workloads.spaces.builders import convolutional, perceptron

CODE = (fitting, memory, plasticity, starts, synthesis, nests, rewirings, cgaps)
EPOCHS = 30
RATIOS = (50, 200)

Method = Callable[[Network, Data, int, Training], float]


def thin(network: Network, data: Data, keep: int, training: Training) -> float:
    """Train the dense network of one hidden layer that has as many connections."""
    small = perceptron(features=784, depth=1, width=(max(1, keep // 794),))
    return fit(to_module(small, seed=training.seed), data, training).test.accuracy


def one_shot(network: Network, data: Data, keep: int, training: Training) -> float:
    """Train the dense network, prune it at once, and train a fifth as long again."""
    module = to_module(network, seed=training.seed, masked=True)
    epochs = 4 * training.epochs // 5
    fit(module, data, Training(epochs=epochs, seed=training.seed))
    prune(module, keep)
    return fit(module, data, Training(epochs=training.epochs - epochs, seed=training.seed + 1)).test.accuracy


def skips(network: Network) -> Network:
    """Return the same layers, each reading the input and all layers before it."""
    return perceptron(features=784, depth=2, width=(300, 100), skip=True)


METHODS: dict[str, Method] = {
    "dense, all connections": lambda n, d, k, t: fit(to_module(n, seed=t.seed), d, t).test.accuracy,
    "thin dense": thin,
    "one-shot, retrained": one_shot,
    "pruning alone": lambda n, d, k, t: prune_alone(n, d, k, t).fitted.test.accuracy,
    "growth at random": lambda n, d, k, t: grow_and_prune(n, d, k, t, by="random").fitted.test.accuracy,
    "strategic growth": lambda n, d, k, t: grow_and_prune(n, d, k, t, by="strategic").fitted.test.accuracy,
    "growth by gradient": lambda n, d, k, t: grow_and_prune(n, d, k, t).fitted.test.accuracy,
    "SCANN A": lambda n, d, k, t: scann("A", skips(n), d, k, t).fitted.test.accuracy,
    "SCANN B": lambda n, d, k, t: scann("B", skips(n), d, k, t).fitted.test.accuracy,
    "SCANN C": lambda n, d, k, t: scann("C", n, d, k, t).fitted.test.accuracy,
    "NeST, bridging": lambda n, d, k, t: nest(n, d, k, t).fitted.test.accuracy,
    "NeST, duplication": lambda n, d, k, t: nest(n, d, k, t, by="duplication").fitted.test.accuracy,
    "DNR, momentum": lambda n, d, k, t: rewired(n, d, k, t, loss=HybridLoss()).fitted.test.accuracy,
    "DNR, magnitude": lambda n, d, k, t: (
        rewired(n, d, k, t, loss=HybridLoss(), by="magnitude").fitted.test.accuracy
    ),
    **{
        f"start by {start}": lambda n, d, k, t, start=start: (
            sparse_from_start(  # type: ignore[misc]
                n, d, k, t, start=start
            ).fitted.test.accuracy
        )
        for start in ("synflow", "snip", "grasp", "random")
    },
}
"""Methods on LeNet-300-100."""


def accuracy(seed: int, method: str, ratio: int) -> Numbers:
    """Train LeNet-300-100 with fewer connections; a seed is a split and weights."""
    network, data = load("lenet_300_100"), load_data("mnist5k", seed=seed)
    how = Training(epochs=EPOCHS, seed=seed)
    return {"accuracy": 100 * METHODS[method](network, data, network.macs // ratio, how)}


def filters(seed: int, by: str) -> Numbers:
    """Keep a third of a small CNN's units, 1,000 samples."""
    network = convolutional(resolution=14, stages=2, width=(12, 24), hidden=24)
    data = load_data("mnist5k", seed=seed).fewer(1000, seed)
    how = Training(epochs=EPOCHS, batch=16, learning_rate=0.01, seed=seed)
    return {"accuracy": 100 * cgap(network, data, 20, how, by=by).fitted.test.accuracy}
