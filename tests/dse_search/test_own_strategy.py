"""Strategies and machines from outside, and the checks that hold them to their promises."""

import numpy as np
import pytest

import dse
import hwmodels
from dse.strategies import register_strategy
from dse.testing import check_machine, check_strategy
from tests.dse import tiny


class InOrder:
    """Costs admissible points in the order of their indices."""

    certificate = None

    def __init__(self, plan):
        space = plan.problem.space
        every = np.arange(space.size)
        self._left = every[space.violated(every) < 0][: plan.budget]

    def ask(self):
        asked, self._left = self._left[:5], self._left[5:]
        return asked

    def tell(self, index, values, feasible):
        pass


def in_order(name, plan):
    return InOrder(plan)


def twice(name, plan):
    """Breaks a promise: what it asks for depends on what was searched before."""
    made = InOrder(plan)
    twice.calls = getattr(twice, "calls", 0) + 1
    made._left = made._left[twice.calls :]
    return made


@pytest.mark.compiled
def test_a_function_is_a_strategy():
    found = dse.search(tiny.network(), tiny.space(), strategy=in_order, budget=10, progress=False)
    assert found.strategy == "in_order"
    assert found.evaluated == 10
    register_strategy("by_index", in_order)
    named = dse.search(tiny.network(), tiny.space(), strategy="by_index", budget=10, progress=False)
    assert named.trace["index"].tolist() == found.trace["index"].tolist()


@pytest.mark.compiled
def test_promises_are_checked():
    check_strategy(in_order)
    with pytest.raises(AssertionError, match="broken promise: equal seeds give equal searches"):
        check_strategy(twice)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["edge_16x16", "scnn", "template", "nvdla_like"])
def test_machines_keep_theirs(name):
    check_machine(hwmodels.load(name))


def test_bad_input():
    with pytest.raises(ValueError, match="'nsga2' is taken"):
        register_strategy("nsga2", in_order)
    with pytest.raises(TypeError, match=r"start must be start\(name, plan\)"):
        register_strategy("mine", 7)
    with pytest.raises(AssertionError, match="broken promise: has name"):
        check_machine(7)
