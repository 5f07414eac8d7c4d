"""Fronts of capacity against traffic: against brute force, loops that run, and published ones."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.fusion import Group, capacity_front, product_chain
from hwmodels.mapping.problem import MappingError, Operand, Problem
from tests.oracles import fused

FRONTS = Path("../shared/reference/data/frontier/fused_matmul_chain_capacity_vs_dram.csv")
small = st.integers(1, 8)


def rows(front):
    return list(zip(front.capacity_words.tolist(), front.moved_words.tolist(), strict=True))


@given(small, small, small)
@settings(deadline=None, max_examples=15)
def test_one_product_is_brute_force(m, k, n):
    found = capacity_front(product_chain(m, (k, n)))
    every = fused.one_product({"m": m, "k": k, "n": n})
    assert rows(found) == fused.front(every)
    assert found.represented == every.total() == found.kept + found.dominated


@given(small, small, small, small)
@settings(deadline=None, max_examples=12)
def test_two_products_are_brute_force(m, k, n, p):
    assume(m * k * n <= 128 and m * n * p <= 128)
    found = capacity_front(product_chain(m, (k, n, p)))
    every = fused.two_products(m, k, n, p)
    assert rows(found) == fused.front(every)
    assert found.represented == every.total() == found.kept + found.dominated


@pytest.mark.parametrize(
    "sizes", [(2, 2, 2, 1), (2, 1, 2, 2), (4, 2, 1, 1), (1, 2, 4, 1), (3, 1, 2, 2), (2, 1, 1, 4)]
)
def test_loops_that_run_hold_and_move_no_less(sizes):
    """Every tree of loops, run on real indices: its own unfused mappings apart, none beats the front."""
    m, k, n, p = sizes
    front = capacity_front(product_chain(m, (k, n, p)))
    ran = [
        fused.Buffer(k).run(tree, {"m": m, "k": k, "n": n, "p": p}) for tree in fused.fused_trees(m, k, n, p)
    ]
    apart = rows(capacity_front(product_chain(m, (k, n, p)), fused=False))
    assert rows(front) == fused.front([*ran, *apart])


@given(st.integers(1, 24), st.lists(st.integers(1, 24), min_size=3, max_size=4))
@settings(deadline=None, max_examples=15)
def test_fused_is_never_worse_and_uneven_no_worse_than_even(m, widths):
    group = product_chain(m, widths)
    apart, together = capacity_front(group, fused=False), capacity_front(group)
    even = capacity_front(group, storage="even")
    for capacity, moved in rows(apart):
        assert together.moved(capacity) <= moved
    for capacity, moved in rows(even):
        assert together.moved(capacity) <= moved
    least = m * widths[0] + m * widths[-1] + sum(a * b for a, b in pairwise(widths))
    assert together.moved_words[-1] == least


@given(small, st.lists(small, min_size=3, max_size=4))
@settings(deadline=None, max_examples=15)
def test_turned_round_it_is_the_same_chain(m, widths):
    """(A B) C turned is C' (B' A'): a second operand read from the tensor between, not a first one."""
    assume(len(widths) == 3)
    k, n, p = widths

    def tensor(name, ranks, written=False):
        return Operand(name=name, ranks=tuple(((d, 1),) for d in ranks), read_write=written)

    turned = Group(
        (
            Problem(
                name="a",
                dimensions=("n", "k", "m"),
                bounds=(n, k, m),
                operands=(tensor("B", "nk"), tensor("A", "km"), tensor("T", "nm", True)),
            ),
            Problem(
                name="b",
                dimensions=("p", "n", "m"),
                bounds=(p, n, m),
                operands=(tensor("C", "pn"), tensor("T", "nm"), tensor("O", "pm", True)),
            ),
        )
    )
    assert rows(capacity_front(turned)) == rows(capacity_front(product_chain(m, (k, n, p))))


# AccelForge 1.0.467 on one buffer and main memory (`snowcat`), all operands kept: products, rows, width,
# fused, storage, then capacity and words moved.
GOLDEN = [
    (1, 64, 64, False, "even", {44: 102400, 2144: 16384}),
    (1, 4096, 4096, False, "uneven", {21: 34376515584, 137: 12901679104}),
    (2, 64, 16, True, "even", {152: 6144, 280: 5632, 544: 2560}),
    (2, 64, 64, True, "uneven", {73: 139264, 1041: 40960, 4161: 16384}),
    (3, 16, 16, True, "even", {288: 1792, 512: 1536, 544: 1280}),
]


@pytest.mark.published
@pytest.mark.parametrize(("products", "m", "width", "together", "storage", "points"), GOLDEN)
def test_published_points(products, m, width, together, storage, points):
    front = dict(
        rows(capacity_front(product_chain(m, (width,) * (products + 1)), fused=together, storage=storage))
    )
    assert {capacity: front.get(capacity) for capacity in points} == points


@pytest.mark.published
def test_every_published_point():
    if not FRONTS.exists():
        pytest.skip("the reference data are not here")
    cases = {}
    with FRONTS.open() as file:
        for row in csv.DictReader(file):
            key = (int(row["n_matmuls"]), int(row["M"]), int(row["K_and_N"]), bool(int(row["fused"])))
            points = cases.setdefault((*key, row["storage_placement"]), {})
            points[int(row["capacity_words"])] = int(row["dram_words"])
    for (products, m, width, together, storage), points in cases.items():
        front = capacity_front(product_chain(m, (width,) * (products + 1)), fused=together, storage=storage)
        found = dict(rows(front))
        assert {capacity: found.get(capacity) for capacity in points} == points


def test_bad_input():
    with pytest.raises(MappingError, match="storage must be one of uneven, even, got 'ragged'"):
        capacity_front(product_chain(2, (2, 2)), storage="ragged")
    with pytest.raises(MappingError, match="no mapping fits 2; the smallest needs 3"):
        capacity_front(product_chain(4, (4, 4))).moved(2)
    with pytest.raises(MappingError, match="has 2305843009213693952 iterations"):
        product_chain(2**21, (2**20, 2**20))
    one, other = product_chain(2, (2, 2)).steps[0], product_chain(4, (2, 2)).steps[0]
    with pytest.raises(MappingError, match="m is 4 in product 0 and 2 before it"):
        Group((one, other))
    with pytest.raises(MappingError, match="T1 is written by product 0, too late or twice"):
        Group((one, one))
    with pytest.raises(MappingError, match="need at least one operation"):
        Group(())
