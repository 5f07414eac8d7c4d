"""Training: equal seeds, early stop, and what is not a number."""

import pytest
import torch

import workloads
from workloads.graph import Graph
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, TrainingError, fit
from workloads.networks.blocks import dense

DIGITS = load_data("digits")


def perceptron(*widths, features=64, classes=10):
    graph = Graph("perceptron")
    x = graph.input("features", (1, features))
    for i, width in enumerate(widths):
        x = dense(graph, f"fc{i}", x, width)
    graph.output(dense(graph, "out", x, classes, act=""))
    return workloads.Network(graph)


def test_equal_seeds_give_equal_trainings_whatever_the_state_around():
    results = []
    for _ in range(2):
        torch.rand(3)
        module = workloads.to_module(perceptron(20), seed=1)
        results.append(fit(module, DIGITS, Training(epochs=5, learning_rate=0.01, seed=5)))
    assert results[0] == results[1]
    assert results[0].test.accuracy > 0.85
    assert 0 < results[0].test.error < 0.03
    other = fit(
        workloads.to_module(perceptron(20), seed=1), DIGITS, Training(epochs=5, learning_rate=0.01, seed=6)
    )
    assert other != results[0]


def test_early_stop_keeps_the_best_epoch():
    module = workloads.to_module(perceptron(60))
    fitted = fit(module, DIGITS, Training(epochs=60, learning_rate=0.03, patience=3))
    assert fitted.epochs < 60
    assert fitted.validation.log_loss == pytest.approx(min(fitted.history))


def test_a_loss_that_is_no_number_is_refused():
    module = workloads.to_module(perceptron(5))
    with torch.no_grad():
        module.fc0.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1"):
        fit(module, DIGITS, Training(epochs=1))


@pytest.mark.parametrize("field", [{"epochs": 0}, {"batch": True}, {"learning_rate": float("nan")}])
def test_bad_trainings_are_named(field):
    with pytest.raises(workloads.WorkloadError, match=next(iter(field))):
        Training(**field)
