"""Connections and units that come and go, on networks small enough to look at."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from workloads.learning import plasticity
from workloads.learning.data import load_data
from workloads.learning.fitting import Samples, Training
from workloads.learning.synthesis import grow_and_prune, prune_alone, scann
from workloads.learning.wiring import Wiring
from workloads.spaces.builders import convolutional, perceptron

DIGITS = load_data("digits")
SKIP = perceptron(features=64, depth=2, width=(12, 8), skip=True)


def masks(module):
    return {name: layer.mask.bool().numpy().copy() for name, layer in module.masked_layers().items()}


def test_wiring_follows_joins_images_and_reshapes():
    wires = Wiring(SKIP)
    assert wires.layers == ["fc1", "fc2", "out"]
    assert wires.last == {"out"}
    assert wires.columns["fc2"].tolist() == [[-1, i] for i in range(64)] + [[0, i] for i in range(12)]
    assert len(wires.columns["out"]) == 64 + 12 + 8
    (fc2, pairs), _ = wires.readers("fc1")
    assert (fc2, pairs[0].tolist()) == ("fc2", [64, 0])
    lenet = Wiring(workloads.load("lenet5"))
    assert lenet.columns["fc1"][::16].tolist() == [[1, i] for i in range(50)]


def test_dense_gradients_are_those_of_the_loss_and_leave_no_trace():
    module = workloads.to_module(SKIP, masked=True)
    plasticity.seed_connections(module, 200, seed=0)
    samples = Samples(DIGITS, SKIP)
    before = copy.deepcopy(module.state_dict())
    found = plasticity.dense_gradients(module, samples, DIGITS.train[:300], batch=128)
    opened = copy.deepcopy(module)
    for layer in opened.masked_layers().values():
        with torch.no_grad():
            layer.weight.mul_(layer.mask)
            layer.mask.fill_(1)
    inputs, labels = samples.batch(DIGITS.train[:300])
    torch.nn.functional.cross_entropy(opened.eval()(inputs), labels).backward()
    for name, layer in opened.masked_layers().items():
        torch.testing.assert_close(found[name], layer.weight.grad, rtol=1e-3, atol=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 1500), st.integers(1, 600), st.integers(0, 5))
def test_growth_adds_the_largest_and_pruning_keeps_the_largest(keep, more, seed):
    module = workloads.to_module(SKIP, seed=seed, masked=True)
    total = plasticity.possible(module)
    assert plasticity.connections(module) == total
    kept = plasticity.prune(module, keep)
    assert kept == min(keep, total)
    weights = plasticity.effective_weights(workloads.to_module(SKIP, seed=seed, masked=True))
    every = np.concatenate([weights[name].numpy().ravel() for name in weights])
    present = np.concatenate([mask.ravel() for mask in masks(module).values()])
    assert every[present].min() >= np.partition(every, total - kept)[total - kept] - 1e-12
    before = masks(module)
    draw = torch.Generator().manual_seed(seed)
    gradients = {
        n: torch.rand(layer.weight.shape, generator=draw) for n, layer in module.masked_layers().items()
    }
    added = plasticity.grow(module, gradients, more)
    assert added == min(more, total - kept)
    grown = masks(module)
    new = {name: grown[name] & ~before[name] for name in grown}
    assert all((before[name] <= grown[name]).all() for name in grown)
    scores = np.concatenate([gradients[n].numpy()[new[n]] for n in new])
    rest = np.concatenate([gradients[n].numpy()[~grown[n]] for n in new])
    if len(scores) and len(rest):
        assert scores.min() >= rest.max()
    for name, layer in module.masked_layers().items():
        assert (layer.weight[torch.from_numpy(new[name])] == 0).all()


def slow_orphans(mask1, mask2, mask3):
    """Units of SKIP that lie on a path from an input to an output, by following connections."""
    alive1, alive2 = set(range(12)), set(range(8))
    while True:
        new1 = {
            u
            for u in alive1
            if mask1[u].any() and (mask3[:, 64 + u].any() or any(mask2[v, 64 + u] for v in alive2))
        }
        new2 = {
            v
            for v in alive2
            if mask3[:, 76 + v].any() and (mask2[v, :64].any() or any(mask2[v, 64 + u] for u in new1))
        }
        if (new1, new2) == (alive1, alive2):
            return new1, new2
        alive1, alive2 = new1, new2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 120), st.integers(0, 50))
def test_orphans_go_and_what_is_left_computes_the_same(keep, seed):
    module = workloads.to_module(SKIP, seed=1, masked=True)
    with torch.no_grad():
        for layer in module.masked_layers().values():
            layer.bias.zero_()
    plasticity.seed_connections(module, keep, seed)
    x = torch.rand(5, 64)
    before = module(x)
    wanted = slow_orphans(*masks(module).values())
    plasticity.drop_orphans(module)
    one, two, out = masks(module).values()
    assert set(np.flatnonzero(one.any(1))) == wanted[0]
    assert set(np.flatnonzero(two.any(1))) == wanted[1]
    torch.testing.assert_close(module(x), before)
    assert set(np.flatnonzero(out[:, 64:76].any(0))) <= wanted[0]


def test_a_duplicate_computes_what_its_model_does_but_for_noise():
    module = workloads.to_module(SKIP, seed=1, masked=True)
    mask = module.fc1.mask.clone()
    mask[6:] = 0
    module.fc1.put(mask)
    plasticity.drop_orphans(module)
    x = torch.rand(200, 64)
    before = module(x)
    activity = np.arange(12.0)
    forward = module.fc2.weight[:, 64 + 5].detach().clone()
    assert plasticity.duplicate(module, "fc1", activity, seed=0) == 6
    torch.testing.assert_close(module.fc2.weight[:, 64 + 5] + module.fc2.weight[:, 64 + 6], forward)
    assert torch.equal(module.fc1.mask[6], module.fc1.mask[5])
    assert plasticity.units(module)["fc1"] == 7
    difference = (module(x) - before).abs().mean() / before.abs().mean()
    assert 0 < difference < 0.2
    for _ in range(5):
        plasticity.duplicate(module, "fc1", activity, seed=0)
    assert plasticity.duplicate(module, "fc1", activity, seed=0) == -1


def test_pruning_looks_through_batch_norm():
    network = convolutional(resolution=8, stages=1, width=(4,))
    module = workloads.to_module(network, masked=True)
    layer = module.stage1.get_submodule("0.conv")
    with torch.no_grad():
        layer.get_submodule("norm").weight.copy_(torch.tensor([1.0, 1.0, 1.0, 1e-3]))
    plasticity.prune(module, 60)
    assert layer.mask[:3].sum() > 5 * layer.mask[3].sum()


@pytest.mark.parametrize("call", ["prune", "grow", "A", "B", "C"])
def test_what_is_synthesised_has_its_connections_and_masks_that_cost(call):
    training = Training(epochs=6, learning_rate=0.01)
    if call == "prune":
        made = prune_alone(SKIP, DIGITS, 300, training)
    elif call == "grow":
        made = grow_and_prune(SKIP, DIGITS, 300, training)
    else:
        made = scann(call, SKIP, DIGITS, 300, training, iterations=2)
    assert 150 < made.connections <= 300
    assert made.fitted.test.accuracy > 0.5
    held = [w for w in made.network.graph.weights.values() if len(w.shape) > 1]
    assert sum(weight.nonzeros for weight in held) == made.connections
    assert made.network.effectual_macs == made.connections
    assert len(made.phases) == 6
    assert made.phases[0].steps == 17


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: prune_alone(SKIP, DIGITS, 0), "keep must be 1 to"),
        (lambda: grow_and_prune(SKIP, DIGITS, 9, by="hope"), "by must be"),
        (lambda: grow_and_prune(SKIP, DIGITS, 9, exchange=1.0), "exchange in"),
        (lambda: scann("D", SKIP, DIGITS, 9), "scheme must be one of A, B, C"),
        (lambda: scann("A", SKIP, DIGITS, 9, Training(epochs=2)), "iterations must be 1 to 1 in 2 epochs"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(workloads.WorkloadError, match=said):
        call()
