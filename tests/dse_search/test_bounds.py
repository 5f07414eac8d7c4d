"""Lower bounds hold: for every point of any block, whatever mapping is best for it."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from dse.metrics import objectives_of
from dse.strategies import tables as module
from dse.strategies.limits import Admission, Ceilings
from dse.strategies.monotone import AREAS, LESS, MORE
from dse.strategies.problem import LEAST, Problem, work_of
from dse.strategies.tables import Tables
from hwmodels.columns import ConfigTable
from tests.dse import tiny
from tests.dse_search import spaces
from tests.oracles import boxes as oracle
from workloads.table import take_rows


def spread(function, pieces):
    with ThreadPoolExecutor(2) as executor:
        return list(executor.map(function, pieces))


WORK = work_of(tiny.network())


@cache
def tables(name):
    return Tables(spaces.ALL[name], spread)


@cache
def costs(name, mapping_objective):
    space = spaces.ALL[name]
    every = np.arange(space.size)
    return WORK.cost(space, every, mapping_objective)


@st.composite
def blocks(draw):
    name = draw(st.sampled_from(sorted(spaces.ALL)))
    space = spaces.ALL[name]
    low, high = [], []
    for axis, length in enumerate(space.shape):
        a = draw(st.integers(0, length - 1))
        b = a + 1 if axis in tables(name).fixed_axes else draw(st.integers(a + 1, length))
        low.append(a)
        high.append(b)
    return name, np.array([low]), np.array([high])


def points(space, low, high):
    return space.index_of(np.array(oracle.codes(low[0], high[0])).T)


@pytest.mark.compiled
@given(block=blocks(), mapping_objective=st.sampled_from(hwmodels.OBJECTIVES))
@settings(max_examples=150, deadline=None)
def test_no_point_of_a_block_is_below_its_bound(block, mapping_objective):
    name, low, high = block
    least = WORK.least(spaces.ALL[name].model, tables(name).best(low, high))
    found = costs(name, mapping_objective)
    inside = points(spaces.ALL[name], low, high)
    feasible = inside[found["feasible"][inside]]
    for metric in LEAST:
        assert (found[metric][feasible] >= least[metric][0]).all(), metric
    if np.isinf(least["latency_s"][0]):
        assert not len(feasible)


@pytest.mark.compiled
@pytest.mark.parametrize("name", sorted(spaces.ALL))
def test_the_bound_of_a_point_is_its_own_best_mapping(name):
    space = spaces.ALL[name]
    index = np.flatnonzero(space.violated(np.arange(space.size)) < 0)[::7]
    low = space.codes(index).T
    best, own = tables(name).best(low, low + 1), space.pack(index)
    for field in ConfigTable._fields:
        np.testing.assert_array_equal(getattr(best, field), getattr(own, field))


@pytest.mark.compiled
@given(
    name=st.sampled_from(sorted(spaces.ALL)),
    row=st.integers(0, 10**6),
    column=st.sampled_from(sorted({*LESS, *MORE})),
    factor=st.floats(1.01, 8.0),
)
@settings(max_examples=200, deadline=None)
def test_no_column_is_better_where_it_is_declared_worse(name, row, column, factor):
    """Latency and energy of the best mapping do not fall when a single column gets worse."""
    space = spaces.ALL[name]
    good = space.pack(np.array([row % space.size]))
    worse = getattr(good, column) * factor if column in LESS else np.floor(getattr(good, column) / factor)
    if column in MORE and (worse == 0).any():
        return
    bad = good._replace(**{column: worse})
    before, after = (WORK.least(space.model, take_rows(config, slice(0, 1))) for config in (good, bad))
    for metric in LEAST:
        assert after[metric][0] >= before[metric][0] * (1 - 1e-12)


def test_every_column_has_a_direction_or_is_fixed():
    named = {*LESS, *MORE, *AREAS}
    assert named <= set(ConfigTable._fields)


def test_a_dependence_that_probing_misses_is_found_by_the_proof(monkeypatch):
    probe = module._probe
    space = spaces.voltage()

    def blind(space, pack):
        found = probe(space, pack)
        found["leakage_w"] = set()
        found["buffer_area_mm2"] -= {4}
        return found

    monkeypatch.setattr(module, "_probe", blind)
    repaired = Tables(space, spread)
    monkeypatch.setattr(module, "_probe", probe)
    assert {name: table.axes for name, table in repaired.columns.items()} == {
        name: table.axes for name, table in tables("voltage").columns.items()
    }


def test_tables_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    with pytest.raises(ValueError, match=r"certified: space voltage needs tables of .* entries, 10 are kept"):
        Tables(spaces.voltage(), spread)


@given(block=blocks())
@settings(max_examples=60, deadline=None)
def test_admissible_points_of_a_block_are_counted(block):
    name, low, high = block
    space = spaces.ALL[name]
    inside = points(space, low, high)
    assert Admission(space).points(low, high).tolist() == [int((space.violated(inside) < 0).sum())]


@pytest.mark.parametrize(
    ("constraint", "broken"),
    [
        ("area_mm2 <= 2", [False, False, True]),
        ("area_mm2 < 2 and clock_hz > 1", [False, True, True]),
        ("2 >= area_mm2", [False, False, True]),
        ("area_mm2 <= min(2, 5) * 1", [False, False, True]),
        ("area_mm2 >= 2", [False] * 3),
        ("area_mm2 <= 2 or clock_hz > 1", [False] * 3),
        ("area_mm2 <= clock_hz", [False] * 3),
        ("power_w <= 1", [False] * 3),
        ("area_mm2 <= 0.1 * base.area_mm2", [True] * 3),
        ("area_mm2 * 2 <= 3", [False] * 3),
    ],
)
def test_which_constraints_a_lower_bound_can_break(constraint, broken):
    space = tiny.space(constraints=[constraint])
    problem = Problem(space, WORK, objectives_of(["latency_s"]))
    least = {name: np.array([1.0, 2.0, 3.0]) for name in LEAST}
    assert Ceilings(problem).broken(least, 3).tolist() == broken
