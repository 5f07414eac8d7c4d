"""Budgets shared among layers: totals kept, bounds held, order respected."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads.sparsity.allocation import erdos_renyi_kernel, proportional, uniform
from workloads.sparsity.checks import SparsityError

quick = settings(max_examples=100, deadline=None)
shapes = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.one_of(
        st.tuples(st.integers(1, 64), st.integers(1, 64)),
        st.tuples(st.integers(1, 64), st.integers(1, 64), st.just(3), st.just(3)),
    ),
    min_size=1,
    max_size=8,
)


@quick
@given(shapes=shapes, percent=st.integers(1, 100), data=st.data())
def test_erk_spends_its_budget_in_proportion(
    shapes: dict[str, tuple[int, ...]], percent: int, data: st.DataObject
) -> None:
    dense = data.draw(st.sets(st.sampled_from(sorted(shapes))))
    share = erdos_renyi_kernel(shapes, percent / 100, dense)
    pruned = [name for name in shapes if name not in dense]
    assert all(share[name] == 1.0 for name in dense)
    assert all(0.0 < share[name] <= 1.0 for name in pruned)
    # The budget: what is left when each layer gives up its zeros, rounded down.
    budget = sum(prod(shapes[name]) - (100 - percent) * prod(shapes[name]) // 100 for name in pruned)
    spent = sum(share[name] * prod(shapes[name]) for name in pruned)
    assert spent == pytest.approx(budget)
    raw = {name: Fraction(sum(shapes[name]), prod(shapes[name])) for name in pruned}
    scaled = [share[name] / float(raw[name]) for name in pruned if share[name] < 1.0]
    assert scaled == pytest.approx([scaled[0]] * len(scaled)) if scaled else True
    for name in pruned:  # only what deserves at least as much as the rest is dense
        if share[name] == 1.0 and scaled:
            assert float(raw[name]) * scaled[0] >= 1.0 - 1e-9


def even_fill(shares: list[int], sizes: list[int], total: int) -> list[Fraction]:
    """Pour in proportion, a little at a time, in exact fractions: what a full layer cannot take flows on."""
    given = [Fraction(0)] * len(sizes)
    while (left := total - sum(given)) > 0:
        open_ = [i for i in range(len(sizes)) if given[i] < sizes[i] and shares[i]]
        weight = {i: Fraction(shares[i]) for i in open_}
        if not open_:
            open_ = [i for i in range(len(sizes)) if given[i] < sizes[i]]
            weight = {i: sizes[i] - given[i] for i in open_}
        whole = sum(weight.values())
        step = min([Fraction(left) / whole] + [(sizes[i] - given[i]) / weight[i] for i in open_])
        for i in open_:
            given[i] += step * weight[i]
    return given


@quick
@given(data=st.data(), layers=st.integers(1, 6))
def test_rewiring_conserves_the_total(data: st.DataObject, layers: int) -> None:
    sizes = data.draw(st.lists(st.integers(0, 40), min_size=layers, max_size=layers))
    shares = data.draw(st.lists(st.integers(0, 9), min_size=layers, max_size=layers))
    total = data.draw(st.integers(0, sum(sizes)))
    got = proportional(shares, sizes, total)
    assert int(got.sum()) == total
    assert (got >= 0).all()
    assert (got <= sizes).all()
    exact = even_fill(shares, sizes, total)
    assert all(abs(one - other) < 1 for one, other in zip(got.tolist(), exact, strict=True))


def test_uniform_leaves_named_layers_alone() -> None:
    assert uniform({"a": (2, 2), "b": (3, 3)}, 0.5, ["b"]) == {"a": 0.5, "b": 1.0}


def test_nonsense_is_refused_by_name() -> None:
    with pytest.raises(SparsityError, match=r"a: density must be in \(0, 1\], got 0"):
        uniform({"a": (2, 2)}, 0)
    with pytest.raises(SparsityError, match=r"erk: density must be in \(0, 1\], got 1.01"):
        erdos_renyi_kernel({"a": (2, 2)}, 1.01)
    with pytest.raises(SparsityError, match=r"dense: there is no layer 'conv9'"):
        erdos_renyi_kernel({"a": (2, 2)}, 0.5, ["conv9"])
    with pytest.raises(SparsityError, match=r"proportional: 5 elements cannot hold 6 non-zeros"):
        proportional([1, 1], [2, 3], 6)
    with pytest.raises(SparsityError, match=r"proportional: needs one share for each size"):
        proportional([1, -1], [2, 3], 4)
    with pytest.raises(SparsityError, match=r"proportional: needs one share for each size"):
        proportional(np.ones(3), [2, 3], 4)
