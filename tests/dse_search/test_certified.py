"""The certified front is the exhaustive one, and its certificate accounts for every point."""

from dataclasses import replace

import numpy as np
import pytest

import dse
import hwmodels
from dse.strategies.problem import One
from tests.dse import tiny
from tests.dse_search import spaces


def both(space, **options):
    runs = [
        dse.search(tiny.network(), space, strategy=strategy, progress=False, **options)
        for strategy in ("exhaustive", "certified")
    ]
    return runs


@pytest.mark.compiled
@pytest.mark.parametrize("mapping_objective", ["edp", "latency", "energy"])
@pytest.mark.parametrize("name", sorted(spaces.ALL))
def test_the_front_is_exhaustive_search_s(name, mapping_objective):
    exhaustive, certified = both(spaces.ALL[name], mapping_objective=mapping_objective)
    assert sorted(certified.frame.index) == sorted(exhaustive.frame.index)
    certificate = certified.certificate
    assert certificate.complete
    assert certificate.points == exhaustive.evaluated
    assert certificate.costed == certified.evaluated <= exhaustive.evaluated
    assert certificate.tightest >= 1.0


@pytest.mark.compiled
@pytest.mark.parametrize(
    "objectives",
    [
        ["latency_s"],
        ["edp_js", "area_mm2"],
        ["energy_j", "latency_s"],
        ["area_mm2"],
        ["footprint_mm2", "edp_js"],
    ],
)
def test_other_objectives(objectives):
    exhaustive, certified = both(spaces.voltage(), objectives=objectives)
    assert sorted(certified.frame.index) == sorted(exhaustive.frame.index)


def large():
    """Large enough that most of it is left out: 3,840 admissible points."""
    return tiny.space(
        axes={
            "buffers.weight.bytes": dse.powers_of_two(512, "16 KiB"),
            "buffers.output.bytes": dse.powers_of_two(512, "8 KiB"),
            "clock_hz": ["200 MHz", "400 MHz", "800 MHz", "1 GHz"],
        }
    )


@pytest.mark.compiled
def test_most_of_a_large_space_is_left_out():
    exhaustive, certified = both(large())
    assert sorted(certified.frame.index) == sorted(exhaustive.frame.index)
    assert certified.certificate.share_costed < 0.25
    assert certified.certificate.dominated > 0


@pytest.mark.compiled
@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_constraints_leave_out_blocks_too(share):
    table = dse.search(tiny.network(), large(), strategy="exhaustive", progress=False).evaluations
    limits = [f"{name} <= {float(table[name].quantile(share))!r}" for name in ("area_mm2", "latency_s")]
    exhaustive, certified = both(large().replace(constraints=[*limits, "power_w <= 10"]))
    assert sorted(certified.frame.index) == sorted(exhaustive.frame.index)
    assert certified.certificate.complete
    assert (certified.certificate.infeasible > 0) == (share < 1.0)


def test_a_base_relative_constraint():
    exhaustive, certified = both(large().replace(constraints=["energy_j <= 0.9 * base.energy_j"]))
    assert sorted(certified.frame.index) == sorted(exhaustive.frame.index)
    assert certified.certificate.infeasible > 0


def test_a_budget_that_ends_first_is_no_proof():
    found = dse.search(tiny.network(), large(), strategy="certified", budget=100, progress=False)
    assert found.evaluated == 100
    assert not found.certificate.complete
    assert found.certificate.open > 0
    assert any("the budget ended before the proof" in note for note in found.notes)


@pytest.mark.parametrize("objective", ["power_w", "-latency_s", "-utilisation"])
def test_objectives_without_a_bound_are_refused(objective):
    refusal = (
        f"certified: there is no lower bound of {objective}; minimise latency_s, energy_j, edp_js, area_mm2, "
        "footprint_mm2, or search with exhaustive or nsga2"
    )
    with pytest.raises(ValueError, match=f"^{refusal}$"):
        dse.search(tiny.network(), tiny.space(), strategy="certified", objectives=[objective])


def test_a_bound_that_does_not_hold_is_noticed(monkeypatch):
    least = One.least

    def wrong(self, model, configs):
        return {name: 3.0 * column for name, column in least(self, model, configs).items()}

    monkeypatch.setattr(One, "least", wrong)
    with pytest.raises(ArithmeticError, match="lower bound; the model does not bound what"):
        dse.search(tiny.network(), large(), strategy="certified", progress=False)


def test_the_certificate_speaks():
    found = both(tiny.space())[1].certificate
    assert str(found).startswith("exact front: of 128 points")
    assert "not complete, 10 points left open" in str(replace(found, points=found.points + 10))
    assert found.share_costed == found.costed / 128
    assert np.isfinite(found.share_worked)


@pytest.mark.parametrize(
    "constraint", ["array.cols <= 64", "array.cols >= 128", "array.cols <= base.array.cols"]
)
def test_edges_that_follow_from_the_wiring_are_counted(constraint):
    """Rows and columns of an unrolled array follow from axes that the constraint does not name."""
    wired = {"array.interconnect": "unrolled", "array.dataflow": "os"}
    wired.update({f"array.unroll.{loop}": length for loop, length in zip("kcpq", (8, 16, 2, 4), strict=True)})
    base = hwmodels.load("edge_16x16").replace(wired)
    axes = {"array.unroll.k": [4, 8, 16], "array.unroll.c": [8, 16], "array.unroll.p": [1, 2, 4]}
    space = dse.Space(base, axes, [constraint], name="wired")
    proved = dse.search(tiny.network(), space, strategy="certified", progress=False)
    swept = dse.sweep(tiny.network(), space)
    assert 0 < space.admissible() < space.size
    assert proved.certificate.points == space.admissible() == swept.evaluated
    assert proved.certificate.complete
    assert sorted(proved.frame.index) == sorted(swept.front().frame.index)
