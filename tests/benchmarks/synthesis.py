"""Sparse synthesis on 5,000 MNIST digits: each method against its parent at equal connections and epochs."""

from collections.abc import Callable, Sequence

from tests.benchmarks.codesign import interval
from workloads import Network, load, to_module
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

SEEDS = (0, 1, 2)
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


def units(seeds: Sequence[int], epochs: int) -> None:
    """Print CGaP's filters by saliency and by chance: a third of a small CNN's units, 1,000 samples."""
    network = convolutional(resolution=14, stages=2, width=(12, 24), hidden=24)
    for by in ("saliency", "random"):
        found = []
        for seed in seeds:
            data = load_data("mnist5k", seed=seed).fewer(1000, seed)
            training = Training(epochs=epochs, batch=16, learning_rate=0.01, seed=seed)
            found.append(cgap(network, data, 20, training, by=by).fitted.test.accuracy)
        each = " ".join(f"{one:.3f}" for one in found)
        print(f"CGaP, 20 of 60 units by {by}: {interval(found)}   {each}", flush=True)


def main(
    seeds: Sequence[int] = SEEDS,
    epochs: int = EPOCHS,
    ratios: Sequence[int] = RATIOS,
    methods: Sequence[str] = tuple(METHODS),
) -> None:
    """Print test accuracies of LeNet-300-100 with fewer connections; a seed is a split and weights."""
    network = load("lenet_300_100")
    dense = [
        fit(
            to_module(network, seed=seed), load_data("mnist5k", seed=seed), Training(epochs=epochs, seed=seed)
        )
        for seed in seeds
    ]
    print(
        f"dense, {network.macs:,} connections: {interval([one.test.accuracy for one in dense])}", flush=True
    )
    for ratio in ratios:
        for name in methods:
            method, found = METHODS[name], []
            for seed in seeds:
                data = load_data("mnist5k", seed=seed)
                found.append(method(network, data, network.macs // ratio, Training(epochs=epochs, seed=seed)))
            each = " ".join(f"{one:.3f}" for one in found)
            print(f"{ratio:4d}x {name:>20}: {interval(found)}   {each}", flush=True)
    units(seeds, epochs)


if __name__ == "__main__":
    main()
