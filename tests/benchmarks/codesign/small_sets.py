"""Small sets: how few connections do as well, by five times two-fold cross-validation, selection inside."""

import numpy as np

from tests.benchmarks.codesign.keeping import Numbers
from workloads import to_module
from workloads.learning import fitting, memory, plasticity, synthesis
from workloads.learning.data import Data, folds
from workloads.learning.fitting import Training, fit
from workloads.learning.synthesis import grow_and_prune
from workloads.spaces.builders import perceptron

SETS = {"pen": 16, "letter": 16, "satimage": 36, "breast_cancer": 30}
"""Features by name."""

HIDDEN = (256, 128)
RATIOS = (64, 45, 32, 23, 16, 11, 8)
CODE = (fitting, memory, plasticity, synthesis)


def repeated(seed: int, name: str) -> Numbers:
    """Return means over two folds of one repeat: accuracies, and the geometric mean of the ratios."""
    found = [_chosen(data, SETS[name], seed) for data in folds(name, 2, seed=seed)]
    numbers = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return {**numbers, "ratio": float(np.exp(np.mean([np.log(one["ratio"]) for one in found])))}


def _chosen(data: Data, features: int, seed: int) -> Numbers:
    """Take the fewest connections whose validation accuracy is within a standard error of the dense one's."""
    network = perceptron(features=features, depth=2, width=HIDDEN, classes=data.classes)
    epochs = min(120, max(20, 240_000 // len(data.train)))
    how = Training(epochs=epochs, weight_decay=0.01, seed=seed)
    dense = fit(to_module(network, seed=seed), data, how)
    for ratio in RATIOS:
        made = grow_and_prune(network, data, network.macs // ratio, how)
        close = dense.validation.accuracy - made.fitted.validation.accuracy <= dense.validation.error / 2
        if close or ratio == RATIOS[-1]:
            break
    return {
        "connections": float(network.macs),
        "dense": 100 * dense.test.accuracy,
        "sparse": 100 * made.fitted.test.accuracy,
        "ratio": network.macs / made.connections,
    }
