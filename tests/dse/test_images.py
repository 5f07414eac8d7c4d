"""Figures look as they did when somebody looked at them: thumbnails, with a tolerance for fonts' edges."""

import pytest

from tests.dse import drawn

MEAN, MOST = 0.1, 5
"""Of sixteen grey levels; a legend that is gone moves twice as many in the mean."""


@pytest.fixture(scope="module")
def goldens():
    return drawn.goldens()


@pytest.mark.parametrize("name", drawn.FIGURES)
def test_it_looks_as_it_did(goldens, name):
    rows, levels = drawn.thumbnail(drawn.FIGURES[name]())
    assert rows == goldens[name][0], "another shape"
    mean, most = drawn.difference(levels, goldens[name][1])
    assert mean <= MEAN, f"{name} looks otherwise: python -m tests.dse.drawn, and look"
    assert most <= MOST


def test_faults_are_seen(goldens):
    """A legend that is gone, bars without hatches in grey, and another figure's data."""
    bare = drawn.draw_breakdown(drawn.operations())
    bare.get_legend().remove()
    plain = drawn.draw_levels(drawn.levels())
    for bar in plain.patches:
        bar.set_facecolor("#a0a0a0")
    other = drawn.draw_levels(drawn.levels()._replace(energy_j=drawn.levels().energy_j[:, ::-1]))
    for name, figure in (("energy", bare), ("levels", plain), ("levels", other)):
        rows, levels = drawn.thumbnail(figure)
        if rows == goldens[name][0]:
            mean, most = drawn.difference(levels, goldens[name][1])
            assert mean > MEAN or most > MOST


def test_every_golden_is_of_a_figure(goldens):
    assert list(goldens) == list(drawn.FIGURES)
