"""What must hold of any stress test, whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
from tests.uncertain.small import network, space, spaces

OBJECTIVES = ("latency_s", "energy_j", "area_mm2")


@pytest.fixture(scope="module")
def swept():
    axes = {"buffers.weight.bytes": [512, 1024, 4096], "array.dataflow": ["os", "ws"]}
    return dse.sweep(network(), space(**axes), progress=False)


@settings(max_examples=30, deadline=None)
@given(small=spaces(), seed=st.integers(0, 1000), robust=st.sampled_from(["quantile", "mean"]))
def test_without_uncertainty_the_front_stays(small, seed, robust):
    sweep = dse.sweep(network(), small, progress=False, workers=1)
    got = dse.stress(sweep, 3, seed, {"all": 0}, robust=robust, workers=1)
    assert (got.probability["probability"] == 1.0).all()
    assert (got.probability["standard_error"] == 0.0).all()
    assert set(got.robust.index) == set(got.table.index) == set(sweep.front().frame.index)
    nominal = got.front.frame
    for column in OBJECTIVES:  # bit for bit
        assert (got.table.loc[nominal.index, f"{column} p50"] == nominal[column]).all()


@settings(max_examples=30, deadline=None)
@given(small=spaces(), seed=st.integers(0, 1000), share=st.sampled_from([0.05, 0.3, 0.9]))
def test_probabilities_are_shares_and_add_up_to_the_fronts(small, seed, share):
    sweep = dse.sweep(network(), small, progress=False, workers=1)
    got = dse.stress(sweep, 8, seed, {"all": share}, workers=1)
    p = got.table["probability"]
    assert ((p >= 0) & (p <= 1)).all()
    assert (p * 8).sum() == got.sizes.sum()
    assert (got.sizes >= 1).all()
    assert got.table["standard_error"].to_numpy() == pytest.approx(np.sqrt(p * (1 - p) / 8), rel=1e-12)
    assert len(got.robust) >= 1
    assert list(got.probability.index) == list(got.front.frame.index)


def test_equal_seeds_give_equal_results_on_any_number_of_threads(swept):
    one, other = (dse.stress(swept, 50, 7, workers=n) for n in (1, 3))
    assert one.table.equals(other.table)
    assert one.draws.equals(other.draws)
    assert (one.sizes == other.sizes).all()
    assert not dse.stress(swept, 50, 8).draws.equals(one.draws)


def test_more_samples_begin_with_the_fewer(swept):
    few, many = dse.stress(swept, 10, 1), dse.stress(swept, 40, 1)
    assert (many.sizes[:10] == few.sizes).all()
    assert many.draws.iloc[:10].equals(few.draws)


def test_what_multiplies_an_objective_of_all_designs_changes_nothing(swept):
    """Areas of logic alone grow together where buffers are all alike: here both are uncertain in step."""
    alike = dse.sweep(network(), space(), progress=False)  # every design has the same buffers
    calm = dse.stress(alike, 20, 3, {"all": 0})
    for name in ("logic_area", "buffer_area", "memory_area"):
        got = dse.stress(alike, 20, 3, {"all": 0, name: 0.5})
        assert (got.probability["probability"] == 1.0).all(), name
        assert set(got.robust.index) == set(calm.robust.index)
    got = dse.stress(swept, 20, 3, {"all": 0, "clock": 0.0, "memory_area": 0.5})
    assert (got.probability["probability"] == 1.0).all()


def test_one_objective_in_proportion_to_one_constant_keeps_its_front(swept):
    front = swept.front(("mac_energy_j", "latency_s"))
    got = dse.stress(front, 30, 2, {"all": 0, "mac_energy": 0.8})
    assert (got.probability["probability"] == 1.0).all()
    factors = got.draws["mac_energy"]
    row = got.table.iloc[0]
    nominal = got.front.frame.loc[got.table.index[0], "mac_energy_j"]
    assert row["mac_energy_j p95"] == pytest.approx(nominal * np.quantile(factors, 0.95), rel=1e-12)


def test_a_worse_technology_is_never_better(swept):
    """Draws are common: the same stream at twice the uncertainty spreads every objective further."""
    low, high = (dse.stress(swept, 60, 4, {"all": share}) for share in (0.05, 0.2))
    both = low.table.index.intersection(high.table.index)
    for column in ("energy_j", "area_mm2"):
        assert (low.table.loc[both, f"{column} p05"] >= high.table.loc[both, f"{column} p05"]).all()
        assert (low.table.loc[both, f"{column} p95"] <= high.table.loc[both, f"{column} p95"]).all()


def test_one_constant_does_not_move_anothers_draws(swept):
    some, more = dse.stress(swept, 20, 5), dse.stress(swept, 20, 5, {"mac_energy": 0.5})
    same = [name for name in some.draws if name != "mac_energy"]
    assert some.draws[same].equals(more.draws[same])
    assert not some.draws["mac_energy"].equals(more.draws["mac_energy"])


def test_draws_have_the_declared_spread_and_median():
    from dse.uncertain.draws import Draws
    from dse.uncertain.table import declared

    rows = declared({"mac_energy": 0.3, "buffer_area": ("uniform", 0.4)}, ["hbm2"])
    draws = Draws.of(rows, ["hbm2"], 40_000, 0).frame()
    assert np.median(draws["mac_energy"]) == pytest.approx(1.0, abs=0.01)  # error of 40,000 samples
    assert draws["mac_energy"].std() / draws["mac_energy"].mean() == pytest.approx(0.3, abs=0.01)
    assert draws["buffer_area"].between(0.6, 1.4).all()
    assert draws["buffer_area"].std() == pytest.approx(0.4 / np.sqrt(3), abs=0.01)
    assert draws.corr().abs().where(~np.eye(len(draws.columns), dtype=bool)).max().max() < 0.03


def test_leaving_out_changes_nothing(monkeypatch):
    """With every design followed through every sample the result is the same."""
    from dse.uncertain import stressing

    sweep = dse.sweep(
        network(),
        space(**{"buffers.weight.bytes": [512, 1024, 4096], "array.dataflow": ["os", "ws", "is"]}),
        progress=False,
    )
    for robust in ("quantile", "mean"):
        fast = dse.stress(sweep, 60, 9, robust=robust)
        with monkeypatch.context() as patch:
            patch.setattr(
                stressing, "surviving", lambda trial, designs, *rest: np.arange(len(designs.points))
            )
            slow = dse.stress(sweep, 60, 9, robust=robust)
        assert fast.costed < slow.costed == fast.rivals
        assert fast.table.equals(slow.table)
        assert (fast.sizes == slow.sizes).all()


def test_kept_mappings_are_never_faster_than_mapping_again(swept):
    """Measured for the documentation: what choosing mappings again in every sample would change."""
    import hwmodels
    from dse.strategies.problem import One
    from dse.uncertain.draws import Draws
    from dse.uncertain.table import declared
    from dse.uncertain.trial import Trial, memories_of
    from tests.oracles.uncertain import perturbed

    small = swept.space
    memories = memories_of(small)
    draws = Draws.of(declared({"main_memory_bandwidth": 0.5}, memories), memories, 5, 0)
    work = One(swept.network, swept.layers, swept.layers)
    trial = Trial(small, (work,), None, dse.metrics.objectives_of(OBJECTIVES), "latency", draws)
    index = np.arange(small.size)
    kept = trial.tried(trial.designs(index, None)).latency_s[0]
    for sample in range(5):
        for row in index[::5]:
            machine = small[int(row)]
            code = np.array([memories.index(machine.main_memory.name)])
            one = draws.at(slice(sample, sample + 1))
            configs = perturbed(machine, lambda n, o=one, c=code: float(o.factor(n, c)[0, 0]))
            again = hwmodels.evaluate(swept.layers, configs, "latency").latency_s[0]
            assert again <= kept[row, sample] * (1 + 1e-12)
