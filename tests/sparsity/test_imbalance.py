"""Load imbalance: by hand, by law, and on published masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sparsity.masks import CYCLES, pair
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.imbalance import Order, dispersion, expected_imbalance, imbalance, row_probabilities

PES = 16
works = st.lists(st.integers(0, 50), min_size=1, max_size=40)


def waited(work: list[int], pes: int, order: str) -> float:
    """Give out rows one by one and let everyone wait."""
    rows = list(work) if order in ("natural", "interleaved") else sorted(work)
    if order == "interleaved":
        rows = [sum(rows[pe::pes]) for pe in range(min(pes, len(rows)))]
    if order == "paired":
        pairs = []
        while len(rows) > 1:
            pairs.append(rows.pop(0) + rows.pop())
        rows = pairs + rows
    spent = ideal = 0.0
    while rows:
        group, rows = rows[:pes], rows[pes:]
        spent += max(group)
        ideal += sum(group) / len(group)
    return spent / ideal if ideal else 1.0


@settings(max_examples=100, deadline=None)
@given(work=works, pes=st.integers(1, 9), order=st.sampled_from([str(order) for order in Order]))
def test_imbalance_is_what_waiting_gives(work: list[int], pes: int, order: str) -> None:
    got = imbalance(work, pes, order)
    assert got == pytest.approx(waited(work, pes, order), rel=1e-12)
    assert 1.0 - 1e-12 <= got <= pes + 1e-12


@settings(max_examples=50, deadline=None)
@given(work=works, pes=st.integers(1, 9), times=st.integers(2, 5))
def test_scale_and_equal_rows_change_nothing(work: list[int], pes: int, times: int) -> None:
    assert imbalance(np.multiply(work, times), pes) == pytest.approx(imbalance(work, pes), rel=1e-12)
    assert imbalance([7] * len(work), pes) == 1.0


@given(rows=st.integers(1, 6), pes=st.integers(1, 5), seed=st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_sorting_never_waits_longer_in_full_groups(rows: int, pes: int, seed: int) -> None:
    work = np.random.default_rng(seed).integers(1, 50, rows * pes)
    assert imbalance(work, pes, "sorted") <= imbalance(work, pes) + 1e-12


@pytest.mark.parametrize("spread", [1.0, 4.0, 16.0])
def test_rows_keep_their_mean_and_show_the_dispersion_asked_for(spread: float) -> None:
    chance = row_probabilities(64, 0.3, spread)
    hits = np.arange(65)
    mean = chance @ hits
    assert chance.sum() == pytest.approx(1.0)
    assert mean == pytest.approx(0.3 * 64, rel=1e-9)
    assert chance @ (hits - mean) ** 2 == pytest.approx(spread * 64 * 0.3 * 0.7, rel=1e-9)


@pytest.mark.parametrize("spread", [1.0, 8.0])
def test_expected_imbalance_is_that_of_drawn_rows(spread: float) -> None:
    rng = np.random.default_rng(5)
    if spread == 1.0:
        rows = rng.binomial(100, 0.2, 160_000)
    else:
        strength = 99 / (spread - 1) - 1
        rows = rng.binomial(100, rng.beta(0.2 * strength, 0.8 * strength, 160_000))
    # 10,000 groups: the mean of the maxima is known to about 0.3 %, here within five times that.
    assert imbalance(rows, PES) == pytest.approx(expected_imbalance(100, 0.2, PES, spread), rel=0.015)
    assert dispersion(rows, 100) == pytest.approx(spread, rel=0.03)


def test_imbalance_grows_with_pes_and_dispersion_and_ends_at_one_over_density() -> None:
    by_pes = [expected_imbalance(64, 0.3, pes, 4.0) for pes in (1, 2, 8, 64, 4096)]
    assert by_pes[0] == pytest.approx(1.0)
    assert by_pes == sorted(by_pes)
    by_spread = [expected_imbalance(64, 0.3, PES, spread) for spread in (0.5, 1.0, 2.0, 8.0, 32.0, 1e9)]
    assert by_spread == sorted(by_spread)
    assert max(by_pes + by_spread) <= 1 / 0.3 + 1e-9
    assert expected_imbalance(64, 1.0, PES) == 1.0


# sparse_networks.md 4.3, worked out on the published masks: one output channel a PE, 16 PEs, natural order.
MEASURED = {
    #        sd/binomial: filters, channels, activations | weights | binomial | effectual | sorted
    "L07": (4.8, 2.5, 25.9, 1.72, 1.21, 1.74, 1.15),
    "L09": (4.0, 1.7, 12.2, 1.21, 1.10, 1.20, 1.04),
    "L13": (2.7, 3.0, 5.9, 1.29, 1.11, 1.28, 1.03),
    "L19": (1.8, 2.6, 6.3, 1.14, 1.10, 1.17, 1.02),
}


@pytest.mark.published
@pytest.mark.parametrize("layer", list(CYCLES))
def test_real_masks_are_far_less_even_than_binomial_rows(layer: str) -> None:
    weight, inputs = pair(layer)
    filters, channels, activations, of_weights, of_binomial, of_work, of_sorted = MEASURED[layer]
    rows, live = weight.sum(axis=1), inputs.sum(axis=0)
    work = weight @ live
    for counts, most, ratio in (
        (rows, weight.shape[1], filters),
        (weight.sum(axis=0), weight.shape[0], channels),
        (live, len(inputs), activations),
    ):
        assert np.sqrt(dispersion(counts, most)) == pytest.approx(ratio, abs=0.051)  # printed to one digit
    for got, printed in (
        (imbalance(rows, PES), of_weights),
        (expected_imbalance(weight.shape[1], weight.mean(), PES), of_binomial),
        (imbalance(work, PES), of_work),
        (imbalance(work, PES, "sorted"), of_sorted),
    ):
        assert got == pytest.approx(printed, abs=0.0051)  # printed to two digits


@pytest.mark.published
@pytest.mark.parametrize("layer", list(CYCLES))
def test_a_fitted_dispersion_predicts_the_imbalance_that_the_binomial_misses(layer: str) -> None:
    weight, inputs = pair(layer)
    live = inputs.sum(axis=0)
    for work, most in ((weight.sum(axis=1), weight.shape[1]), (weight @ live, int(live.sum()))):
        spread = dispersion(work, most)
        density = float(np.mean(work)) / most
        for pes in (8, 16, 32):
            measured = imbalance(work, pes)
            fitted = expected_imbalance(most, density, pes, spread)
            assert fitted == pytest.approx(
                measured, rel=0.08
            )  # two moments of 64 to 256 rows, not their shape
            binomial = expected_imbalance(weight.shape[1], weight.mean(), pes)
            assert abs(fitted - measured) < abs(binomial - measured)


def test_nonsense_is_refused_by_name() -> None:
    with pytest.raises(SparsityError, match=r"imbalance: pes must be at least 1, got 0"):
        imbalance([1, 2], 0)
    with pytest.raises(SparsityError, match=r"imbalance: work must be a list of non-negative amounts"):
        imbalance([-1, 2], 2)
    with pytest.raises(SparsityError, match=r"expected_imbalance: density must be in \(0, 1\], got 0.0"):
        expected_imbalance(10, 0.0, 2)
    with pytest.raises(ValueError, match="random"):
        imbalance([1, 2], 2, "random")
