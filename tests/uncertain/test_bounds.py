"""Bounds from nominal totals hold in every sample."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.metrics import objectives_of
from dse.strategies.problem import work_of
from dse.uncertain.designs import latency_bounds
from dse.uncertain.draws import Draws
from dse.uncertain.table import declared
from dse.uncertain.trial import Trial, memories_of
from tests.uncertain.small import network, spaces

COLUMNS = ("latency_s", "energy_j", "power_w", "edp_js", "-utilisation", "temperature_c")


def trial_of(space, samples, seed, changes):
    memories = memories_of(space)
    draws = Draws.of(declared(changes, memories), memories, samples, seed)
    return Trial(space, (work_of(network().table()),), None, objectives_of(COLUMNS), "edp", draws)


@settings(max_examples=40, deadline=None)
@given(space=spaces(), seed=st.integers(0, 10**6), share=st.sampled_from([0.05, 0.4, 0.9]))
def test_latency_and_objectives_lie_within_their_bounds(space, seed, share):
    trial = trial_of(space, 20, seed, {"all": share})
    designs = trial.designs(np.arange(space.size), None)
    designs = designs.take(np.flatnonzero(np.isfinite(designs.nominal[0]["latency_s"])))
    tried = trial.tried(designs)
    low, high = latency_bounds(designs, 0, trial.draws)
    assert (low <= tried.latency_s[0]).all()
    assert (high >= tried.latency_s[0]).all()
    assert (low > 0.5 * tried.latency_s[0]).mean() > 0.5  # and say something
    assert (trial.least(designs) <= trial.values(tried)).all()


@settings(max_examples=20, deadline=None)
@given(space=spaces(), seed=st.integers(0, 10**6))
def test_without_uncertainty_bounds_meet(space, seed):
    trial = trial_of(space, 1, seed, {"all": 0})
    designs = trial.designs(np.arange(space.size), None)
    designs = designs.take(np.flatnonzero(np.isfinite(designs.nominal[0]["latency_s"])))
    values = trial.values(trial.tried(designs))
    np.testing.assert_allclose(trial.least(designs), values, rtol=1e-11)  # the bounds' own slack


@settings(max_examples=25, deadline=None)
@given(space=spaces(), seed=st.integers(0, 10**6), share=st.sampled_from([0.05, 0.4, 0.9]))
def test_rough_bounds_hold_too_and_are_no_better(space, seed, share):
    trial = trial_of(space, 20, seed, {"all": share, "clock": share})
    trial = dataclasses.replace(
        trial, objectives=objectives_of(("latency_s", "energy_j", "edp_js", "area_mm2"))
    )
    designs = trial.designs(np.arange(space.size), None)
    designs = designs.take(np.flatnonzero(np.isfinite(designs.nominal[0]["latency_s"])))
    nominal = np.stack([designs.nominal[0][o.column] for o in trial.objectives], axis=1)
    rough = trial.rough(designs.memory, nominal)
    assert (rough <= trial.values(trial.tried(designs))).all()
    assert (rough <= trial.least(designs) * (1 + 1e-11)).mean() > 0.9
    maximised = dataclasses.replace(trial, objectives=objectives_of(("-utilisation",)))
    assert maximised.rough(designs.memory, nominal[:, :1]) is None
