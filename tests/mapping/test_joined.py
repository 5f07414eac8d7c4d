"""Dimensions that no operand tells apart, folded into one."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mapping import (
    Architecture,
    LevelMapping,
    Mapping,
    Problem,
    Rules,
    StorageLevel,
    convolution,
    evaluate,
    joined,
    map_problem,
    matrix_product,
)


def two_levels(words: float) -> Architecture:
    costs = {"read_pj": 1.0, "fill_pj": 1.0, "update_pj": 1.0}
    buffer = StorageLevel(name="B", capacity_words=words, **costs)
    memory = StorageLevel(name="D", read_pj=50.0, fill_pj=50.0, update_pj=50.0)
    return Architecture(name="two", levels=(buffer, memory), macs=1)


def in_tiles(problem: Problem, tiles: dict[str, int], outside: str) -> Mapping:
    """Some of each dimension in the buffer, the rest in an order outside."""
    keep = frozenset("WIO")
    inner = tuple((d, n) for d, n in tiles.items() if n > 1)
    outer = tuple((d, -(-problem.extents[d] // tiles.get(d, 1))) for d in outside.split())
    return Mapping(
        levels=(
            LevelMapping(level="B", temporal=inner, keep=keep),
            LevelMapping(level="D", temporal=outer, keep=keep),
        )
    )


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 3),
    p=st.integers(2, 5),
    q=st.integers(2, 4),
    k=st.integers(1, 4),
    c=st.integers(1, 4),
    order=st.permutations(("K", "C", "N P Q")),
    data=st.data(),
)
def test_a_folded_nest_costs_what_its_parts_cost(
    n: int, p: int, q: int, k: int, c: int, order: list[str], data: st.DataObject
) -> None:
    """Whole rows of positions in a tile: the same tile of the folded dimension."""
    layer, machine = convolution(n=n, k=k, c=c, p=p, q=q), two_levels(inf)
    whole = joined(layer)
    assert whole.macs == layer.macs
    rows = data.draw(st.sampled_from([i for i in range(1, p + 1) if p % i == 0]))
    k_tile, c_tile = data.draw(st.integers(1, k)), data.draw(st.integers(1, c))
    apart = in_tiles(layer, {"K": k_tile, "C": c_tile, "P": rows, "Q": q}, " ".join(order))
    at_once = in_tiles(
        whole,
        {"K": k_tile, "C": c_tile, "N·P·Q": rows * q},
        " ".join("N·P·Q" if part == "N P Q" else part for part in order),
    )
    one, other = evaluate(layer, machine, apart), evaluate(whole, machine, at_once)
    assert one == other


def test_only_what_no_operand_tells_apart_folds() -> None:
    product = matrix_product(m=4, k=8, n=2)
    assert joined(product) == product
    strided = convolution(n=2, k=4, c=4, p=8, q=8, stride=(2, 2))
    assert joined(strided) == strided  # until the gaps are closed
    assert joined(Rules().seen(strided)).bounds == (128, 4, 4, 1, 1)
    windows = convolution(n=2, k=4, c=4, p=8, q=8, r=3, s=1)
    assert dict(zip(joined(windows).dimensions, joined(windows).bounds, strict=True)) == {
        "N·Q": 16,
        "K": 4,
        "C": 4,
        "P": 8,
        "R": 3,
        "S": 1,
    }


@pytest.mark.compiled
def test_the_best_folded_mapping_is_no_worse() -> None:
    """7 x 7 positions in tiles of 5 cut across rows, 7 x 1 or 1 x 1 do not fill the buffer."""
    layer, machine = convolution(n=2, k=16, c=16, p=7, q=7), two_levels(200)
    apart, at_once = (
        map_problem(each, machine, "energy", factors="ceil", storage="even").evaluation
        for each in (layer, joined(layer))
    )
    assert at_once.energy_pj <= apart.energy_pj
