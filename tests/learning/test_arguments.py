"""Every training refuses what it cannot take by name, before it begins."""

import numpy as np
import pytest
import torch

import workloads
from workloads.errors import WorkloadError
from workloads.learning.data import load_data
from workloads.learning.data_free import Inversion, distil, invert, prune_without_data
from workloads.learning.filters import cgap
from workloads.learning.fitting import Training, fit
from workloads.learning.nest import nest
from workloads.learning.precision import fit_in
from workloads.learning.rewiring import rewired
from workloads.learning.starts import sparse_from_start
from workloads.learning.synthesis import grow_and_prune, prune_alone, scann
from workloads.learning.trainer import trainer
from workloads.spaces.builders import convolutional, perceptron

DIGITS = load_data("digits")
SMALL = perceptron(features=64, depth=1, width=(8,))
METHODS = {
    "prune_alone": prune_alone,
    "grow_and_prune": grow_and_prune,
    "scann": lambda *given: scann("A", *given),
    "nest": nest,
    "rewired": rewired,
    "sparse_from_start": sparse_from_start,
    "cgap": cgap,
}


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("keep", [1.5, "a", None, True])
def test_connections_to_keep_are_a_whole_number(name, keep):
    with pytest.raises(TypeError, match=rf"{name}: (keep|units) must be a whole number, got {keep!r}"):
        METHODS[name](SMALL, DIGITS, keep, Training(epochs=2))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_networks_data_and_trainings_are_what_they_are_called(name):
    method = METHODS[name]
    with pytest.raises(TypeError, match=f"{name}: network must be a network, got 'lenet5'"):
        method("lenet5", DIGITS, 9, Training(epochs=2))
    with pytest.raises(TypeError, match=f"{name}: data must be data with a split .*, got 'digits'"):
        method(SMALL, "digits", 9, Training(epochs=2))
    with pytest.raises(TypeError, match=rf"{name}: training must be a .*Training, got 20"):
        method(SMALL, DIGITS, 9, 20)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("epochs", 1.5, "epochs must be a positive integer"),
        ("patience", -1, "patience must be a whole number of at least 0, got -1"),
        ("seed", None, "seed must be a whole number of at least 0, got None"),
        ("learning_rate", "a", "learning_rate must be positive"),
        ("weight_decay", float("nan"), "learning_rate must be positive and weight_decay not negative"),
    ],
)
def test_a_training_that_cannot_be_is_named(field, value, said):
    with pytest.raises(WorkloadError, match=f"training: {said}"):
        Training(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [("steps", 1.5), ("batch", 1), ("jitter", -1), ("learning_rate", -1), ("smooth", float("nan"))],
)
def test_an_inversion_that_cannot_be_is_named(field, value):
    with pytest.raises(WorkloadError, match=f"inversion: {field} must be .*, got {value}"):
        Inversion(**{field: value})


def test_classes_without_a_score_are_counted():
    few = perceptron(features=64, classes=3, depth=1, width=(8,))
    with pytest.raises(WorkloadError, match="perceptron scores 3 classes, digits has 10"):
        trainer(DIGITS, epochs=1)(few)
    with pytest.raises(ValueError, match="trainer: unknown setting 'epoch'; did you mean 'epochs'"):
        trainer(DIGITS, epoch=1)


IMAGES = torch.rand(8, 1, 8, 8)
TEACHER = workloads.to_module(convolutional(resolution=8, stages=1, width=(4,)), masked=True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fit(torch.nn.Linear(64, 10), DIGITS), "fit: module must be a module of workloads.to_module"),
        (lambda: fit_in(workloads.to_module(SMALL), DIGITS, "int8"), "arithmetic must be an arithmetic"),
        (lambda: invert(None, 5), "teacher must be a module of workloads.to_module"),
        (lambda: invert(TEACHER, 1.5), "count must be a whole number of at least 1, got 1.5"),
        (lambda: distil(None, TEACHER, IMAGES), "student must be a module of workloads.to_module"),
        (lambda: prune_without_data(TEACHER, 1.5, IMAGES), "density must be in"),
        (lambda: prune_without_data(TEACHER, 0.5, IMAGES, epochs=0), "epochs must be a whole number of at"),
        (lambda: prune_without_data(TEACHER, 0.5, IMAGES[:0]), "images must be a tensor of images, finite"),
        (lambda: prune_without_data(TEACHER, 0.5, IMAGES * np.nan), "images must be a tensor of images"),
        (lambda: prune_without_data(TEACHER, 0.5, IMAGES.numpy()), "images must be a tensor of images"),
    ],
)
def test_what_a_module_is_trained_with_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
