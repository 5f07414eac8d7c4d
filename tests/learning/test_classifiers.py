"""SECRET's two branches and DiabDeep's H-LSTM, on sets that were drawn and are named so."""

import numpy as np
import pytest
import torch

import dse
import workloads
from workloads.errors import WorkloadError
from workloads.learning.fitting import Samples, Training, fit
from workloads.learning.synthetic import synthetic_semantics, synthetic_sensors
from workloads.modules import ModuleMismatchError
from workloads.modules.masks import set_constant
from workloads.spaces.builders import perceptron, recurrent, two_branch

SEEDS = (0, 1, 2)
TRAINING = Training(epochs=30, learning_rate=5e-3, batch=32)


def semantic_module(meanings, features, seed):
    network = two_branch(features=features, classes=meanings.shape[1], meaning=len(meanings))
    module = workloads.to_module(network, seed=seed)
    set_constant(module, "semantic.likeness", 8 * meanings)
    return module


def test_two_branches_are_the_mean_of_two_opinions():
    data, meanings = synthetic_semantics(classes=5, samples=10)
    module = semantic_module(meanings, 40, 0)
    workloads.check_module(module.network, module)
    x = Samples(data, module.network).batch(data.test)[0]
    hidden = torch.relu(module.feature.fc1(x)), torch.relu(module.semantic.fc1(x))
    known = torch.softmax(module.feature.out(hidden[0]), 1)
    meant = torch.softmax(module.semantic.out(hidden[1]) @ torch.from_numpy(8 * meanings).float(), 1)
    labels = torch.from_numpy(data.labels[data.test])
    mean = -torch.log((known + meant) / 2)[torch.arange(len(labels)), labels].mean()
    torch.testing.assert_close(torch.nn.functional.cross_entropy(module(x), labels), mean)


def test_meanings_beat_labels_alone_where_samples_are_few():
    with_meaning, without = [], []
    for seed in SEEDS:
        data, meanings = synthetic_semantics(seed=seed)
        module = semantic_module(meanings, 40, seed)
        with_meaning.append(fit(module, data, TRAINING).test.accuracy)
        before = module.get_submodule("semantic.likeness").weight
        assert torch.equal(before, torch.from_numpy(8 * meanings).float())  # constants stay
        alone = perceptron(features=40, classes=20, depth=1, width=(128,))
        without.append(fit(workloads.to_module(alone, seed=seed), data, TRAINING).test.accuracy)
    assert np.mean(with_meaning) > np.mean(without)


def test_an_h_lstm_learns_an_order_that_no_single_step_shows_and_its_zeros_cost_less():
    data = synthetic_sensors()
    network = recurrent(features=12, steps=15, classes=3, cell="h_lstm", hidden=16, gate=16)
    sparse = network.sparsify("uniform", density=0.5)
    training = Training(epochs=20, learning_rate=0.01, batch=16)
    module = workloads.to_module(sparse)
    assert fit(module, data, training).test.accuracy > 0.6
    made = sparse.with_masks(module)
    assert made.nonzero_parameters == sparse.nonzero_parameters
    one = perceptron(features=12, classes=3, depth=1, width=(32,))
    steps = synthetic_sensors(steps=2)
    single = type(data)("one", steps.inputs[:, 1], steps.labels, steps.train, steps.validation, steps.test)
    assert fit(workloads.to_module(one), single, training).test.accuracy < 0.5
    machine = "eie"
    costs = [dse.evaluate(net, machine).totals["energy_j"] for net in (network, made)]
    assert costs[1] < costs[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: synthetic_semantics(classes=1), "must be 2 or more"),
        (lambda: synthetic_sensors(features=3), "features even"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(WorkloadError, match=said):
        call()


def test_constants_of_another_shape_are_refused():
    module = semantic_module(np.eye(4), 6, 0)
    with pytest.raises(ModuleMismatchError, match="its tensor is"):
        set_constant(module, "semantic.likeness", np.eye(3))
    with pytest.raises(ModuleMismatchError, match="no stored tensor"):
        set_constant(module, "nothing", np.eye(4))
