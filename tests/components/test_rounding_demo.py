"""Learning in fixed point: stochastic rounding learns where rounding to nearest does not."""

import os

import pandas as pd
import pytest

from hwmodels.rounding_demo import train_digits

uncompiled = os.environ.get("NUMBA_DISABLE_JIT") == "1"
pytestmark = [pytest.mark.compiled, pytest.mark.skipif(uncompiled, reason="training uncompiled takes hours")]


@pytest.fixture(scope="module")
def curve() -> pd.DataFrame:
    return train_digits([4, 12]).set_index(["mode", "fl"])["test_accuracy"]


def test_reference_learns(curve: pd.Series) -> None:
    assert curve["float"].iloc[0] > 0.95


def test_stochastic_rounding_learns_with_four_fraction_bits_and_nearest_does_not(curve: pd.Series) -> None:
    assert curve["stochastic", 4] > 0.85
    assert curve["nearest", 4] < 0.5  # updates below half a unit are all lost


def test_with_twelve_fraction_bits_both_reach_the_reference(curve: pd.Series) -> None:
    reference = curve["float"].iloc[0]
    assert curve["stochastic", 12] == pytest.approx(reference, abs=0.02)  # 7 of 360 images
    assert curve["nearest", 12] == pytest.approx(reference, abs=0.02)


def test_same_seed_same_table() -> None:
    first, again, other = (train_digits([6], modes=["stochastic"], epochs=2, seed=s) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert (first["test_accuracy"] != other["test_accuracy"]).any()
