"""Fifty times fewer connections: LeNet-300-100 on MNIST-5k, a perceptron on scikit-learn's digits."""

from collections.abc import Sequence

from tests.benchmarks.codesign.keeping import Numbers
from workloads import Network, load, to_module
from workloads.learning import fitting, plasticity, synthesis
from workloads.learning.data import Data, load_data
from workloads.learning.fitting import Fitted, Training, fit
from workloads.learning.synthesis import grow_and_prune, prune_alone
from workloads.spaces.builders import perceptron

RATIO = 50
CODE = (fitting, plasticity, synthesis)


def trainings(seed: int) -> tuple[Training, Training]:
    """Return a short training, and the long one with decay that sparse networks take."""
    return Training(epochs=30, seed=seed), Training(epochs=90, weight_decay=0.03, seed=seed)


def best(found: Sequence[Fitted]) -> float:
    """Return the test accuracy of what validation samples say is best."""
    return 100 * min(found, key=lambda one: one.validation.log_loss).test.accuracy


def dense(network: Network, data: Data, seed: int) -> float:
    """Train a dense network either way."""
    return best([fit(to_module(network, seed=seed), data, how) for how in trainings(seed)])


def thin(data: Data, features: int, keep: int, seed: int) -> float:
    """Train the dense networks of one and two hidden layers with as many connections, either way."""
    one = max(1, keep // (features + data.classes))
    two = max(width for width in range(1, one + 1) if width * (features + width + data.classes) <= keep)
    shapes: list[tuple[int, ...]] = [(one,), (two, two)]
    networks = [
        perceptron(features=features, depth=len(width), width=width, classes=data.classes) for width in shapes
    ]
    return best([fit(to_module(net, seed=seed), data, how) for net in networks for how in trainings(seed)])


def lost(seed: int, name: str, network: Network) -> Numbers:
    """Compare a sparse network with the dense one and with the dense one of as many connections."""
    data, how = load_data(name, seed=seed), trainings(seed)[1]
    keep, features = network.macs // RATIO, network.graph.inputs()[0].shape[-1]
    full = dense(network, data, seed)
    numbers = {"dense": full, "thin": thin(data, features, keep, seed)}
    for what, method in (("grown", grow_and_prune), ("pruned", prune_alone)):
        made = method(network, data, keep, how)
        numbers[what] = 100 * made.fitted.test.accuracy
        numbers[f"{what} connections"] = float(made.connections)
    return numbers


NETWORKS = {
    "mnist5k": (load("lenet_300_100"), "interval inside 0.5", "3"),
    "digits": (perceptron(features=64, depth=2, width=(300, 100)), "0.6", ""),
}
