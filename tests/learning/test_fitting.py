"""Training: equal seeds, early stop, and what is not a number."""

import pytest
import torch

import workloads
from workloads.graph import Graph
from workloads.learning.data import load_data
from workloads.learning.fitting import Training, TrainingError, fit
from workloads.learning.memory import Memory
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


def test_connections_that_grow_step_by_their_gradients():
    """Without a second moment the first step of each would be equally long, however small its gradient."""
    module = workloads.to_module(perceptron(20), masked=True)
    layer = module.masked_layers()["fc0"]
    dormant = torch.zeros_like(layer.mask)
    dormant[:, ::2] = 1
    layer.put(1 - dormant)
    seen = []

    def change(epoch):
        if epoch == 3:
            layer.put(torch.ones_like(layer.mask))
            seen.append(layer.weight.detach().clone())

    def note():
        if len(seen) == 1:
            seen.append(layer.weight.detach().clone())

    training = Training(epochs=4, learning_rate=0.003, weight_decay=0.0)
    fit(module, DIGITS, training, after_epoch=change, after_update=note)
    steps = (seen[1] - seen[0]).abs()[dormant > 0]
    steps = steps[steps > 0]
    assert len(steps) > 400
    assert steps.std() > 0.5 * steps.mean()


def test_memory_of_what_grew_is_its_layers_mean():
    module = workloads.to_module(perceptron(20), masked=True)
    layer = module.masked_layers()["fc0"]
    optimizer = torch.optim.AdamW(module.parameters())
    mask = torch.ones_like(layer.mask)
    mask[3] = 0
    layer.put(mask)
    module(torch.randn(8, 64)).square().sum().backward()
    optimizer.step()
    held = {name: value.clone() for name, value in optimizer.state[layer.weight].items()}
    memory = Memory(module, optimizer)
    layer.put(torch.ones_like(mask))
    memory.settle()
    state = optimizer.state[layer.weight]
    there = mask > 0
    assert torch.equal(state["exp_avg_sq"][there], held["exp_avg_sq"][there])
    assert torch.equal(state["exp_avg"][there], held["exp_avg"][there])
    assert torch.allclose(state["exp_avg_sq"][3], held["exp_avg_sq"][there].mean())
    assert not state["exp_avg"][3].any()


@pytest.mark.parametrize("field", [{"epochs": 0}, {"batch": True}, {"learning_rate": float("nan")}])
def test_bad_trainings_are_named(field):
    with pytest.raises(workloads.WorkloadError, match=next(iter(field))):
        Training(**field)
