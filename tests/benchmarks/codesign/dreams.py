"""Pruning and repair without data: a CNN on digits, 500 inverted images, noise, and two ways to prune."""

import torch

from tests.benchmarks.codesign.keeping import Numbers
from workloads import to_module
from workloads.learning import data_free, fitting
from workloads.learning.data import load_data
from workloads.learning.data_free import Inversion, invert, prune_without_data
from workloads.learning.fitting import Samples, Training, fit
from workloads.spaces.builders import convolutional
from workloads.sparsity import synflow

CODE = (data_free, fitting, synflow)


def repaired(seed: int) -> Numbers:
    """Prune a teacher and repair it on what it dreams, or on noise."""
    network = convolutional(resolution=8, stages=2, width=(16, 32), depth=(2, 2, 1))
    data = load_data("digits", seed=seed)
    teacher = to_module(network, seed=seed, masked=True)
    how = Training(epochs=20, batch=32, learning_rate=0.01, seed=seed)
    numbers = {"teacher": 100 * fit(teacher, data, how).test.accuracy}
    images = {
        "inverted": invert(teacher, 500, Inversion(seed=seed)).images,
        "noise": torch.randn(500, 1, 8, 8, generator=torch.Generator().manual_seed(seed)),
    }
    samples = Samples(data, network)
    for density, method, seen in (
        (0.2, "synflow", "inverted"),
        (0.2, "synflow", "noise"),
        (0.05, "synflow", "inverted"),
        (0.05, "magnitude", "inverted"),
    ):
        module = prune_without_data(teacher, density, images[seen], method=method, seed=seed)[0]
        numbers[f"{density} {method} {seen}"] = 100 * samples.score(module, data.test).accuracy
    return numbers
