"""Fronts of capacity against traffic: against brute force, loops that run, and published ones."""

import csv
from dataclasses import replace
from itertools import pairwise
from math import prod
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.fusion import Group, Packed, capacity_front, product_chain
from hwmodels.mapping.problem import MappingError, Operand, Problem
from tests.oracles import fused
from workloads.sparsity.density import Uniform
from workloads.sparsity.formats import Format, Storage

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


densities = st.sampled_from([None, 0.0, 0.125, 0.5, 1.0])


def masks(shapes, found):
    """Tensors of these shapes with zeros scattered evenly, a bit an element."""
    bitmask = Storage(format=Format.BITMASK)
    return {
        name: Packed(Uniform(shapes[name], round(density * prod(shapes[name]))), bitmask)
        for name, density in found.items()
        if density is not None
    }


@given(st.tuples(*[st.sampled_from([1, 2, 4, 8])] * 4), st.tuples(*[densities] * 5))
@settings(deadline=None, max_examples=12)
def test_two_products_with_zeros_are_brute_force(sizes, found):
    """Every tile in its format, before anything is dominated; of partial sums all words."""
    m, k, n, p = sizes
    assume(m * k * n <= 64 and m * n * p <= 64)
    shapes = {"T0": (m, k), "W0": (k, n), "T1": (m, n), "W1": (n, p), "T2": (m, p)}
    packed = masks(shapes, dict(zip(shapes, found, strict=True)))
    a, b, between, c, d = (packed[name].model.density if name in packed else None for name in shapes)
    every = fused.two_products(m, k, n, p, ({"in": a, "weight": b}, {"weight": c, "out": d}), between)
    front = capacity_front(product_chain(m, (k, n, p), packed))
    assert rows(front) == fused.front(every)
    assert front.represented == every.total() == front.kept + front.dominated


def test_zeros_save_room_and_traffic_and_none_is_dense_bit_for_bit():
    chain = (16, (16, 16, 16))
    dense = capacity_front(product_chain(*chain))
    shapes = {"T0": (16, 16), "W0": (16, 16), "T1": (16, 16), "W1": (16, 16), "T2": (16, 16)}
    none = {
        name: Packed(Uniform.at(shape, 0.5), Storage(format=Format.DENSE)) for name, shape in shapes.items()
    }
    same = capacity_front(product_chain(*chain, none))
    assert rows(same) == rows(dense)
    assert (same.represented, same.dominated) == (dense.represented, dense.dominated)
    half = capacity_front(product_chain(*chain, masks(shapes, dict.fromkeys(shapes, 0.25))))
    assert half.moved_words[-1] == 4 * (64 + 32)  # what enters and leaves once, a bit an element beside it
    assert half.moved(137) < dense.moved(137)
    assert half.represented == dense.represented
    sure = {
        name: replace(one, confidence=1.0) for name, one in masks(shapes, dict.fromkeys(shapes, 0.25)).items()
    }
    certain = capacity_front(product_chain(*chain, sure))
    assert certain.moved_words[-1] == half.moved_words[-1]
    assert certain.moved(137) >= half.moved(137)


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


def test_bad_zeros():
    half = Packed(Uniform.at((2, 2), 0.5), Storage(format=Format.BITMASK))
    with pytest.raises(MappingError, match="there is no tensor 'T9', there are T0, T1, W0"):
        product_chain(2, (2, 2), {"T9": half})
    with pytest.raises(MappingError, match=r"T0 is \(4, 2\), its zeros are of \(2, 2\)"):
        product_chain(4, (2, 2), {"T0": half})
    with pytest.raises(MappingError, match=r"tiles are stored as dense, bitmask, .*, got 'block'"):
        Packed(Uniform.at((2, 2), 0.5), Storage(format=Format.BLOCK, block=(1, 2)))
    with pytest.raises(MappingError, match=r"confidence must be in \(0, 1\], got 2"):
        replace(half, confidence=2)
    with pytest.raises(MappingError, match="even tiles are counted dense; T0 has zeros"):
        capacity_front(product_chain(2, (2, 2), {"T0": half}), storage="even")


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
