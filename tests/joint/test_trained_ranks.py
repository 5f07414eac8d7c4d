"""Ranks of trained networks: the least sum of losses in time, against every choice and one rule."""

import itertools

import numpy as np
import pytest

import dse
import workloads
from dse.results.trained_ranks import ranks_within_latency
from workloads.learning.data import load_data
from workloads.learning.fitting import Samples, Training, fit
from workloads.learning.low_rank import in_low_rank
from workloads.spaces.builders import convolutional
from workloads.sparsity.schemes.tucker2 import decomposable

MACHINE = "edge_16x16"
DATA = load_data("digits").fewer(300)
NETWORK = convolutional(resolution=8, stages=2, depth=(1, 2), width=(12, 20))


def latency_of(network):
    return float(dse.evaluate(network, MACHINE, mapping_objective="latency").totals["latency_s"])


@pytest.fixture(scope="module")
def trained():
    module = workloads.to_module(NETWORK, seed=3)
    fit(module, DATA, Training(epochs=2, batch=16, seed=3))
    return module


def test_ranks_lose_the_least_of_every_choice_as_fast(trained):
    layers = [name for name in decomposable(NETWORK) if name != "stage1.0.conv"]
    samples, choices = Samples(DATA, NETWORK), {}
    for name in layers:
        choices[name] = [(0, samples.score(trained, DATA.train).log_loss)]
        for rank in range(4, min(decomposable(NETWORK)[name].channels, 20) + 1, 4):
            low = NETWORK.sparsify("tucker2", ranks={name: (rank, rank)})
            choices[name].append((rank, samples.score(in_low_rank(low, trained), DATA.train).log_loss))
    found = {}
    for picks in itertools.product(*choices.values()):
        ranks = {name: (r, r) for name, (r, _) in zip(layers, picks, strict=True) if r}
        network = NETWORK.sparsify("tucker2", ranks=ranks) if ranks else NETWORK
        key = tuple(rank for rank, _ in picks)
        found[key] = latency_of(network), sum(loss for _, loss in picks)
    for share in (0.6, 0.9):
        budget = share * latency_of(NETWORK)
        fast = {key: loss for key, (time, loss) in found.items() if time <= budget * 0.999}
        got = ranks_within_latency(trained, DATA, MACHINE, budget, dense=["stage1.0.conv"])
        assert got.latency_s[1] <= budget * (1 + 1e-9)
        mine = found[tuple(got.changes.get(name, 0) for name in layers)]
        np.testing.assert_allclose(mine[0], got.latency_s[1], rtol=1e-9)
        assert mine[1] <= min(fast.values(), default=np.inf) + 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ranks_by_loss_beat_one_rule_of_the_same_time(seed):
    network = convolutional(resolution=8, stages=3, depth=(1, 2, 2), width=(16, 24, 40))
    data = load_data("digits").fewer(400)
    module = workloads.to_module(network, seed=seed)
    fit(module, data, Training(epochs=8, batch=16, seed=seed))
    ruled = network.sparsify("tucker2", density=0.4, quantum=4, dense=["stage1.0.conv"])
    found = ranks_within_latency(module, data, MACHINE, latency_of(ruled), dense=["stage1.0.conv"])
    assert found.latency_s[1] <= latency_of(ruled)
    before, after = [], []
    for decomposed in (ruled, found.network):
        low = in_low_rank(decomposed, module)
        before.append(Samples(data, decomposed).score(low, data.test).accuracy)
        after.append(fit(low, data, Training(epochs=3, batch=16, learning_rate=1e-3)).test.accuracy)
    assert before[1] > before[0] + 0.2
    assert after[1] > after[0]


def test_what_cannot_be_in_time_is_named(trained):
    with pytest.raises(ValueError, match="no ranks take 1e-12 s on the machine or less"):
        ranks_within_latency(trained, DATA, MACHINE, 1e-12)
    with pytest.raises(ValueError, match="no convolution can be decomposed"):
        ranks_within_latency(workloads.to_module(workloads.load("mlp_pen")), DATA, MACHINE, 1.0)
    with pytest.raises(TypeError, match="ranks_within_latency: latency_s must be a number, got 'fast'"):
        ranks_within_latency(trained, DATA, MACHINE, "fast")
