"""Images without data: what inversion lowers, repair on them, and classes that are not forgotten."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

import dse
import workloads
from dse.results.training_cost import inversion_cost, training_cost
from workloads.errors import WorkloadError
from workloads.learning.data import load_data
from workloads.learning.data_free import Inversion, _divergence, distil, invert, prune_without_data
from workloads.learning.fitting import Samples, Training, fit
from workloads.learning.synthesis import Phase
from workloads.spaces.builders import convolutional, perceptron

DIGITS = load_data("digits")
CNN = convolutional(resolution=8, stages=2, width=(12, 24))
SAMPLES = Samples(DIGITS, CNN)
QUICK = Inversion(steps=80, batch=200)


@cache
def teacher():
    module = workloads.to_module(CNN, masked=True)
    fit(module, DIGITS, Training(epochs=12, batch=32, learning_rate=0.01))
    return module.eval()


@cache
def dreamt():
    return invert(teacher(), 200, QUICK)


def test_inverted_images_are_what_the_teacher_takes_them_for():
    found = dreamt()
    assert found.images.shape == (200, 1, 8, 8)
    assert found.agreement > 0.9
    assert torch.bincount(found.labels).tolist() == [20] * 10
    barely = invert(teacher(), 200, replace(QUICK, steps=1))
    assert found.distance < 0.5 * barely.distance
    again = invert(teacher(), 200, QUICK)
    assert torch.equal(again.images, found.images)
    only = invert(teacher(), 20, replace(QUICK, steps=5), classes=[3, 7])
    assert set(only.labels.tolist()) == {3, 7}


def test_divergence_is_jensen_and_shannons():
    scores, others = torch.randn(1, 10), torch.randn(1, 10)
    p, q = (torch.softmax(one / 3.0, 1).numpy()[0] for one in (scores, others))
    assert float(_divergence(scores, others)) == pytest.approx(jensenshannon(p, q, 2) ** 2, abs=1e-5)
    assert float(_divergence(scores, scores)) == pytest.approx(0, abs=1e-6)


def test_adaptive_inversion_finds_what_the_student_gets_wrong():
    student = workloads.to_module(CNN, seed=5)
    fit(student, DIGITS.fewer(100), Training(epochs=4, learning_rate=0.01))
    student.eval()
    apart = []
    for compete in (0.0, 10.0):
        found = invert(teacher(), 100, replace(QUICK, compete=compete), student=student)
        with torch.no_grad():
            apart.append(float(_divergence(teacher()(found.images), student(found.images))))
    assert apart[1] > apart[0]


def test_repair_on_inverted_images_beats_repair_on_noise_and_costs_what_it_does():
    right = SAMPLES.score(teacher(), DIGITS.test).accuracy
    noise = torch.randn(200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    module, network = prune_without_data(teacher(), 0.3, dreamt().images, method="synflow")
    repaired = SAMPLES.score(module, DIGITS.test).accuracy
    on_noise = prune_without_data(teacher(), 0.3, noise, method="synflow")[0]
    assert repaired > right - 0.1
    assert repaired > SAMPLES.score(on_noise, DIGITS.test).accuracy + 0.05
    total = sum(w.size for w in network.graph.weights.values() if len(w.shape) > 1)
    held = sum(w.nonzeros for w in network.graph.weights.values() if len(w.shape) > 1)
    assert abs(held - 0.3 * total) <= 1
    dream = inversion_cost(CNN, dreamt().steps, dreamt().batch, "spring")
    step = dse.evaluate(CNN.inversion(200), "spring").totals
    assert dream["energy_j"] == pytest.approx(80 * step["energy_j"])
    repair = training_cost([Phase(network, 30 * 4, 64)], "spring")
    assert (
        0
        < float(repair["energy_j"].sum())
        < float(training_cost([Phase(CNN, 30 * 4, 64)], "spring")["energy_j"].sum())
    )


def test_synflow_holds_where_magnitude_loses_a_layer():
    kept = {
        method: SAMPLES.score(
            prune_without_data(teacher(), 0.1, dreamt().images, method=method)[0], DIGITS.test
        )
        for method in ("synflow", "magnitude")
    }
    assert kept["synflow"].accuracy > kept["magnitude"].accuracy + 0.05


def test_old_classes_are_not_forgotten_where_their_images_are_dreamt():
    old = np.flatnonzero(DIGITS.labels < 7)
    first = replace(DIGITS, train=np.intersect1d(DIGITS.train, old))
    known = workloads.to_module(CNN, masked=True)
    fit(known, first, Training(epochs=10, batch=32, learning_rate=0.01))
    new = np.setdiff1d(DIGITS.train, old)
    inputs, labels = SAMPLES.batch(new)
    dream = invert(known.eval(), 140, QUICK, classes=range(7))
    noise = torch.randn(140, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for images in (dream.images, noise):
        student = workloads.to_module(CNN, masked=True)
        student.load_state_dict(known.state_dict())
        distil(student, known, images, epochs=40, learning_rate=0.01, real=(inputs, labels), classes=range(7))
        student.eval()
        found.append(SAMPLES.score(student, np.intersect1d(DIGITS.test, old)).accuracy)
        learnt = SAMPLES.score(student, np.setdiff1d(DIGITS.test, old)).accuracy
        assert learnt > 0.6
    assert found[0] > found[1] + 0.1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: invert(workloads.to_module(perceptron()), 9), "no batch norm"),
        (lambda: invert(teacher(), 1), "two of them at least"),
        (lambda: Inversion(steps=0), "inversion: steps must be a whole number of at least 1, got 0"),
        (lambda: prune_without_data(teacher(), 0.0, dreamt().images), "density must be in"),
        (lambda: prune_without_data(teacher(), 0.5, dreamt().images, method="snip"), "method must be"),
        (lambda: prune_without_data(workloads.to_module(CNN), 0.5, dreamt().images), "no masked layer"),
        (lambda: distil(teacher(), teacher(), dreamt().images[:1]), "two images at least"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(WorkloadError, match=said):
        call()
