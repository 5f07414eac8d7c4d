"""Schedules of training: their work is their phases' work, sample by sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.training.networks import plain
from workloads.errors import WorkloadError
from workloads.training import Phase, saving, schedule_cost


def test_a_phase_costs_its_samples_steps():
    network = plain()
    cost = schedule_cost(network, [Phase("all", 3, 10), Phase("half", 0.5, 10)])
    step = network.training(1)
    assert cost.macs.tolist() == [30 * step.macs, 5 * step.macs]
    assert cost.effectual_macs.tolist() == [30 * step.macs, 5 * step.macs]
    assert cost.samples.tolist() == [30, 5]
    assert cost.density.tolist() == [1.0, 1.0]


@settings(max_examples=20, deadline=None)
@given(density=st.floats(0.05, 1.0), gradients=st.sampled_from(["kept", "all"]))
def test_effectual_work_is_counted_on_the_weights_that_are_there(density, gradients):
    network = plain(padding=1)
    cost = schedule_cost(network, [Phase("sparse", 1, 1, density, gradients)])
    want, stem = 0.0, 0
    for name, macs in (("stem", 2 * 3 * 4 * 36), ("conv", 2 * 4 * 6 * 9 * 36), ("fc", 2 * 216 * 5)):
        weight = network.weight(name)
        kept = max(1, round(density * weight.size)) / weight.size
        passes = [kept, kept if gradients == "kept" else 1.0, kept if name != "stem" else 0.0]
        want += macs // 2 * sum(passes)
        stem = stem or macs // 2
    assert cost.effectual_macs["sparse"] == pytest.approx(want, abs=1.0)  # a network's count is rounded
    assert cost.macs["sparse"] == 3 * network.macs // 2 - stem


def test_masks_and_densities_by_operation():
    network = plain()
    mask = np.zeros(network.weight("conv").shape, dtype=bool)
    mask[0] = True
    cost = schedule_cost(network, [Phase("masked", 1, 1, {"conv": mask, "fc": 0.5})])
    kept = mask.sum() + 240 + network.weight("stem").size
    assert network.weight("fc").size == 480
    assert cost.density["masked"] == kept / (mask.size + 480 + network.weight("stem").size)


def test_what_a_schedule_saves():
    network = plain()
    scratch = schedule_cost(network, [Phase("scratch", 10, 100)])
    little = schedule_cost(network, [Phase("grow", 1, 20, None, "all"), Phase("train", 5, 20)])
    assert saving(little, scratch) == pytest.approx(1 - 6 * 20 / 1000, rel=1e-12)
    assert saving(scratch, scratch) == 0.0


# arXiv 1905.10952, abstract: cost of an update by growing and pruning, saved against training from scratch
# and against fine-tuning a network that was grown and pruned before; and against growing and pruning from
# scratch.
PUBLISHED_SAVINGS = {
    "lenet_300_100": (0.64, 0.63, 0.69),
    "lenet5": (0.67, 0.63, 0.73),
    "resnet18": (0.64, 0.60, 0.72),
}


@pytest.mark.published
@pytest.mark.parametrize("name", PUBLISHED_SAVINGS)
def test_published_savings_ask_for_fewer_epochs_not_only_fewer_weights(name):
    """The epochs behind the published savings are not printed, so nothing is fitted to them.

    Data arrives in ten parts; a tenth of the weights stays. From scratch every update trains densely on all
    data; incrementally it grows and prunes on the new part and on all data. With equal epochs on all data the
    sparse phases save more than was published, so published updates spend part of what sparsity gives on
    growth.
    """
    network = workloads.load(name)
    scratch = schedule_cost(network, [Phase("scratch", 10, 60_000)])
    phases = [
        Phase("grow on new", 1, 6_000, None, "all"),
        Phase("train on new", 10, 6_000),
        Phase("train on all", 10, 60_000, 0.1),
    ]
    saved = saving(schedule_cost(network, phases), scratch)
    assert saved > PUBLISHED_SAVINGS[name][0]
    dense = saving(schedule_cost(network, phases), scratch, "macs")
    assert dense < 0  # without skipping zeros the same phases cost more than training from scratch


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ({"epochs": -1.0}, r"phase 'x': epochs must be 0 or more, got -1.0"),
        ({"epochs": float("nan")}, r"phase 'x': epochs must be 0 or more, got nan"),
        ({"samples": 0}, r"phase 'x': samples must be a positive integer, got 0"),
        ({"weight_gradients": "no"}, r"phase 'x': weight_gradients must be one of kept, all, got 'no'"),
    ],
)
def test_bad_phases_are_refused(phase, words):
    with pytest.raises(WorkloadError, match=words):
        Phase(**({"name": "x", "epochs": 1.0, "samples": 1} | phase))


def test_bad_densities_are_refused():
    with pytest.raises(WorkloadError, match=r"has no nest with a weight called bn, flat"):
        schedule_cost(plain(), [Phase("x", 1, 1, {"bn": 0.5, "flat": 0.5, "conv": 0.5})])
    with pytest.raises(WorkloadError, match=r"density must be in \(0, 1\], got 1.5"):
        schedule_cost(plain(), [Phase("x", 1, 1, 1.5)])
    empty = schedule_cost(plain(), [Phase("x", 0, 1)])
    with pytest.raises(WorkloadError, match=r"nothing can be saved"):
        saving(empty, empty)
