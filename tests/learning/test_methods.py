"""Methods of synthesis: what each does, on networks small enough to look at, and its claim over its parent.

Claims are on 600 to 900 of the 5,000 MNIST digits with three seeds (split and weights), means compared;
`python -m tests.benchmarks.codesign synthesis` has the longer trainings.
"""

import copy
from functools import cache

import numpy as np
import pytest
import torch

import workloads
from workloads.errors import WorkloadError
from workloads.learning import plasticity
from workloads.learning.data import load_data
from workloads.learning.filters import Filters, cgap
from workloads.learning.fitting import Samples, Training, fit
from workloads.learning.incremental import arriving, update
from workloads.learning.nest import add_bridge, bridging, nest
from workloads.learning.rewiring import rewired
from workloads.learning.robust import Attack, HybridLoss, robustness
from workloads.learning.starts import STARTS, sparse_from_start, start_sparse
from workloads.learning.synthesis import grow_and_prune, prune_alone, scann
from workloads.learning.wiring import Wiring
from workloads.spaces.builders import convolutional, perceptron

DIGITS = load_data("digits")
SMALL = perceptron(features=64, depth=2, width=(20, 12))
LENET = workloads.load("lenet_300_100")
SEEDS = (0, 1, 2)
SHORT = Training(epochs=4, learning_rate=0.01)


@cache
def mnist(seed, train=600):
    return load_data("mnist5k", seed=seed).fewer(train, seed)


def mean(method, *args, epochs=8, train=600, network=LENET, rate=3e-3, **options):
    """Mean test accuracy over the seeds."""
    made = [
        method(
            network,
            mnist(seed, train),
            *args,
            Training(epochs=epochs, learning_rate=rate, seed=seed),
            **options,
        )
        for seed in SEEDS
    ]
    return float(np.mean([one.fitted.test.accuracy for one in made]))


@pytest.mark.parametrize("method", sorted(STARTS))
def test_a_start_keeps_as_many_connections_as_asked_and_training_no_others(method):
    module = workloads.to_module(SMALL, masked=True)
    before = copy.deepcopy(module.state_dict())
    samples = Samples(DIGITS, SMALL)
    start_sparse(module, samples, 150, method, seed=3)
    assert abs(plasticity.connections(module) - 150) <= 1
    for name, layer in module.masked_layers().items():
        kept = layer.mask > 0
        assert torch.equal(layer.weight[kept], before[f"{name}.weight"][kept])
    made = sparse_from_start(SMALL, DIGITS, 150, SHORT, start=method)
    assert made.connections == made.network.effectual_macs <= 151
    assert [phase.dense_samples for phase in made.phases] == [0] * 4


def test_starts_that_look_beat_chance_and_synflow_does_not_lose_a_layer():
    few, fewer = LENET.macs // 50, LENET.macs // 200
    chance = mean(sparse_from_start, few, start="random")
    for method in ("snip", "grasp", "synflow"):
        assert mean(sparse_from_start, few, start=method) > chance + 0.1
    assert (
        mean(sparse_from_start, fewer, start="synflow")
        > mean(sparse_from_start, fewer, start="magnitude") + 0.2
    )


def test_growth_by_gradient_beats_pruning_alone_and_growth_that_does_not_look():
    keep = LENET.macs // 100
    grown = mean(grow_and_prune, keep, train=900)
    assert grown > mean(prune_alone, keep, train=900)
    assert grown > mean(grow_and_prune, keep, train=900, by="random")


def test_strategic_edges_beat_edges_by_chance():
    keep, options = LENET.macs // 50, {"exchange": 0.5, "rate": 0.01, "train": 900}
    strategic = mean(grow_and_prune, keep, by="strategic", **options)
    assert strategic > mean(grow_and_prune, keep, by="random", **options) + 0.02


def test_schemes_that_grow_back_beat_pruning_alone():
    keep = LENET.macs // 200
    skip = perceptron(features=784, depth=2, width=(300, 100), skip=True)
    parents = {one: mean(prune_alone, keep, network=one) for one in (skip, LENET)}
    for scheme, network, iterations in (("A", skip, 4), ("B", skip, 4), ("C", LENET, 3)):

        def method(net, data, keep, training, scheme=scheme, iterations=iterations):
            return scann(scheme, net, data, keep, training, iterations=iterations)

        assert mean(method, keep, network=network) > parents[network] + 0.02, scheme


def test_strategic_growth_adds_edges_from_strong_units():
    module = workloads.to_module(SMALL, masked=True)
    plasticity.seed_connections(module, 300, seed=0)
    with torch.no_grad():
        module.fc1.weight[:, :8] *= 50
    before = {name: layer.mask.clone() for name, layer in module.masked_layers().items()}
    assert plasticity.grow_strategically(module, 120, seed=1) == 120
    assert plasticity.connections(module) == 420
    new = module.fc1.mask - before["fc1"]
    assert new.min() == 0
    assert new[:, :8].mean() > 3 * new[:, 8:].mean()
    assert plasticity.grow_strategically(module, 10**6, seed=1) == plasticity.possible(module) - 420


def test_strategic_sub_networks_are_alike():
    made = [
        grow_and_prune(SMALL, DIGITS, 300, Training(epochs=4, seed=0), by="strategic", seed_density=density)
        for density in (0.5, 0.6)
    ]
    alike = plasticity.similarity(made[0].module, made[1].module)
    chance = 300 / plasticity.possible(made[0].module)
    assert chance < alike <= 1
    assert plasticity.similarity(made[0].module, made[0].module) == 1


def test_bridges_are_what_a_direct_connection_would_do():
    module = workloads.to_module(SMALL, masked=True)
    samples, positions = Samples(DIGITS, SMALL), DIGITS.train[:50]
    found = bridging(module, "fc1", samples, positions)
    inputs, labels = samples.batch(positions)
    direct = torch.zeros(64, 12, requires_grad=True)
    hidden = torch.relu(module.fc1(inputs))
    scores = module.out(torch.relu(module.fc2(hidden) + inputs @ direct))
    torch.nn.functional.cross_entropy(scores, labels).backward()
    torch.testing.assert_close(found["fc2"], -direct.grad)


def test_a_bridge_lowers_the_loss_more_than_a_unit_by_chance():
    samples, positions = Samples(DIGITS, SMALL), DIGITS.train[:256]
    inputs, labels = samples.batch(positions)

    def loss(module):
        return torch.nn.functional.cross_entropy(module(inputs), labels).item()

    better = 0
    for seed in range(10):
        module = workloads.to_module(SMALL, seed=seed, masked=True)
        mask = torch.ones(20, 64)
        mask[10:] = 0
        module.fc1.put(mask)
        plasticity.drop_orphans(module)
        chance = copy.deepcopy(module)
        before = loss(module)
        draw = np.random.default_rng(seed)
        place = add_bridge(module, "fc1", bridging(module, "fc1", samples, positions), draw)
        assert place == 10
        with torch.no_grad():
            chance.fc1.mask[10], chance.fc2.mask[:, 10] = module.fc1.mask[10], module.fc2.mask[:, 10]
            for weight, own in (
                (chance.fc1.weight[10], module.fc1.weight[10]),
                (chance.fc2.weight[:, 10], module.fc2.weight[:, 10]),
            ):
                weight.copy_(own[torch.from_numpy(draw.permutation(len(own)))] * (own != 0))
        better += before - loss(module) > before - loss(chance)
    assert better >= 8


def test_units_that_bridge_beat_units_that_are_copied():
    keep = LENET.macs // 200
    assert mean(nest, keep) > mean(nest, keep, by="duplication")


def test_rewiring_moves_a_fixed_number_of_connections():
    made = rewired(SMALL, DIGITS, 200, SHORT, rho=1e-3, loss=HybridLoss(Attack(0.1)))
    counts = [phase.network.effectual_macs for phase in made.phases]
    assert set(counts) == {200} == {made.connections}
    masks = [phase.network.mask("fc1") for phase in made.phases]
    assert (masks[0] != masks[1]).any()
    assert {phase.dense_samples for phase in made.phases} == {len(DIGITS.train)}
    plain = rewired(SMALL, DIGITS, 200, SHORT, by="magnitude")
    assert {phase.dense_samples for phase in plain.phases} == {0}
    assert made.fitted.test.accuracy > 0.2  # four epochs, and attacked


def test_momentum_beats_magnitude_where_samples_are_attacked():
    keep, loss = LENET.macs // 100, HybridLoss()
    assert mean(rewired, keep, loss=loss) > mean(rewired, keep, loss=loss, by="magnitude")


def test_attacks_stay_in_their_radius_and_hybrid_loss_withstands_them():
    attack = Attack(0.3, steps=3)
    samples = Samples(DIGITS, SMALL)
    clean, hybrid = (workloads.to_module(SMALL, seed=0) for _ in range(2))
    training = Training(epochs=8, learning_rate=0.01)
    right = fit(clean, DIGITS, training).test.accuracy
    fit(hybrid, DIGITS, training, loss=HybridLoss(attack))
    inputs, labels = samples.batch(DIGITS.test[:20])
    moved = attack(clean, inputs, labels)
    assert 0 < (moved - inputs).abs().max() <= 0.3 + 1e-6
    weak = robustness(clean, samples, DIGITS.test, attack)
    assert weak < right
    assert robustness(hybrid, samples, DIGITS.test, attack) > weak
    assert robustness(clean, samples, DIGITS.test, Attack(0.0)) == right


def test_filters_that_went_leave_a_narrower_network_of_the_same_work():
    network = convolutional(resolution=8, stages=2, width=(8, 12), hidden=6)
    made = cgap(network, DIGITS, 14, Training(epochs=6, learning_rate=0.01))
    assert sum(made.widths.values()) == 14
    assert made.slim.macs == made.network.effectual_macs < network.macs
    filters = Filters(workloads.to_module(network, masked=True))
    filters.put({name: np.arange(len(own)) < 3 for name, own in filters.alive.items()})
    x = torch.rand(4, 1, 8, 8)
    before = filters.module.eval()(x)
    filters.grow({name: np.array([0, 1]) for name in filters.alive}, np.random.default_rng(0), noise=0.0)
    torch.testing.assert_close(filters.module.eval()(x), before)  # copies without noise halve and add up
    assert filters.count == 5 * len(filters.groups)


def test_salient_units_beat_units_by_chance():
    assert mean(cgap, 32) > mean(cgap, 32, by="random") + 0.02


def test_an_update_takes_up_what_arrived_for_less_than_training_anew():
    arrival = arriving(DIGITS, 0.5)
    assert len(np.intersect1d(arrival.before.train, arrival.arrived)) == 0
    assert len(arrival.before.train) + len(arrival.arrived) == len(DIGITS.train)
    network = perceptron(features=64, depth=1, width=(40,))
    made = grow_and_prune(network, arrival.before, 400, Training(epochs=10, learning_rate=0.01))
    before = made.fitted.test.accuracy
    updated = update(made, arrival, Training(epochs=8))
    assert updated.connections <= 400
    assert updated.fitted.test.accuracy > before - 0.02
    again = grow_and_prune(network, arrival.after, 400, Training(epochs=10, learning_rate=0.01))

    def work(phases):
        return sum(
            p.steps * p.batch * p.network.effectual_macs + p.dense_samples * p.network.macs for p in phases
        )

    assert work(updated.phases) < 0.6 * work(again.phases)


def test_early_stop_waits_for_the_last_change():
    hasty = Training(epochs=8, learning_rate=0.03, patience=1)
    made = {
        "prune_alone": prune_alone(SMALL, DIGITS, 150, hasty),
        "grow_and_prune": grow_and_prune(SMALL, DIGITS, 150, hasty),
        "nest": nest(SMALL, DIGITS, 150, hasty),
    }
    small = convolutional(resolution=8, stages=1, width=(8,), hidden=6)
    slim = cgap(small, DIGITS, 6, hasty)
    assert sum(slim.widths.values()) == 6
    arrival = arriving(DIGITS)
    for keep in (None, 40):
        made[f"update {keep}"] = update(made["nest"], arrival, hasty, keep=keep)
    for name, one in made.items():
        assert one.connections <= (40 if "40" in name else 150), name
        assert len({phase.network.fingerprint for phase in one.phases}) > 1, name
    assert plasticity.connections(made["update 40"].module) == made["update 40"].connections


@pytest.mark.parametrize(("scheme", "iterations", "epochs"), [("A", 3, 4), ("B", 1, 3), ("C", 2, 5)])
def test_a_scheme_trains_no_more_epochs_than_it_was_given(scheme, iterations, epochs):
    network = perceptron(features=64, depth=2, width=(20, 12), skip=True) if scheme != "C" else SMALL
    made = scann(scheme, network, DIGITS, 150, Training(epochs=epochs), iterations=iterations)
    assert sum(phase.steps > 0 for phase in made.phases) == epochs


def test_wiring_of_bridges_reaches_every_reader():
    skip = perceptron(features=64, depth=2, width=(12, 8), skip=True)
    module = workloads.to_module(skip, masked=True)
    found = bridging(module, "fc1", Samples(DIGITS, skip), DIGITS.train[:20])
    assert set(found) == {name for name, _ in Wiring(skip).readers("fc1")} == {"fc2", "out"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sparse_from_start(SMALL, DIGITS, 9, start="hope"), "start must be one of synflow, snip"),
        (lambda: sparse_from_start(SMALL, DIGITS, 0), "keep must be 1 to"),
        (lambda: rewired(SMALL, DIGITS, 9, by="hope"), "by must be one of momentum"),
        (lambda: rewired(SMALL, DIGITS, 9, prune=0.0), "prune must be in"),
        (lambda: cgap(SMALL, DIGITS, 9, by="hope"), "by must be one of saliency"),
        (lambda: cgap(SMALL, DIGITS, 1), "units must be 2 to 32"),
        (lambda: cgap(workloads.load("mobilenet_v1"), DIGITS, 99), "is depthwise"),
        (lambda: nest(SMALL, DIGITS, 9, by="hope"), "by must be one of bridging"),
        (lambda: nest(SMALL, DIGITS, 9, Training(epochs=1)), "nest: epochs must be 2 or more"),
        (lambda: cgap(SMALL, DIGITS, 9, Training(epochs=3)), "cgap: epochs must be 4 or more"),
        (lambda: scann("C", SMALL, DIGITS, 9, SHORT, iterations=2), "iterations must be 1 to 1 in 4 epochs"),
        (lambda: nest(SMALL, DIGITS, 9, seed_width=0.0), "seed_width and seed_density"),
        (lambda: Attack(-1.0), "radius must be 0 or more"),
        (lambda: arriving(DIGITS, 1.0), "share must be in"),
        (
            lambda: update(prune_alone(SMALL, DIGITS, 99, SHORT), arriving(DIGITS), Training(epochs=2)),
            "4 or more",
        ),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(WorkloadError, match=said):
        call()
