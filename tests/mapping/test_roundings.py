"""Sizes that no divisor spreads over the array: rounded up to its edges, cut at the true ones."""

from dataclasses import replace
from itertools import product
from math import inf, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.mapping import (
    Architecture,
    Constraints,
    LevelConstraints,
    MappingError,
    StorageLevel,
    map_problem,
)
from hwmodels.mapping.engine import evaluate
from hwmodels.mapping.evaluation import Evaluation
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import pack_architecture
from hwmodels.mapping.problem import Problem, convolution, matrix_product
from hwmodels.mapping.roundings import NEAR, Axis, axes_of, least_cycles, roundings, sizes
from hwmodels.mapping.rules import Drain, FirstTouch, Rules
from tests.mapping.brute import every_mapping
from tests.mapping.strategies import machine, mappings

OBJECTIVE = st.sampled_from(("latency", "energy", "edp"))


def product_of(rows: int, inputs: int, outputs: int) -> Problem:
    """A product as machines take it: a convolution of one position."""
    return convolution(k=outputs, c=inputs, p=rows, q=1)


@given(bound=st.integers(1, 60), widths=st.lists(st.integers(2, 9), min_size=1, max_size=2))
def test_a_size_is_rounded_where_no_divisor_spreads_as_well(bound: int, widths: list[int]) -> None:
    """Every choice of axes, every divisor on each."""
    found = sizes(bound, 0, tuple(Axis(width, (width,)) for width in widths))
    expected: dict[int, bool] = {bound: False}
    for mine in [widths, *([width] for width in widths)]:
        whole = prod(mine)
        if whole >= bound or bound % whole == 0:
            continue
        spreads = [
            prod(each) for each in product(*(range(1, w + 1) for w in mine)) if bound % prod(each) == 0
        ]
        steps, needed = bound // max(spreads), -(-bound // whole)
        if steps > needed:
            size = needed * whole
            expected[size] = expected.get(size, False) or steps >= 2 * needed
    assert found == expected


def test_what_is_rounded() -> None:
    """Divisors that spread as well are left alone; what saves no steps is left out."""
    buffer = StorageLevel(name="buffer", fanout_x=16, fanout_y=16)
    machine = Architecture(name="small", levels=(buffer, StorageLevel(name="DRAM")), macs=256)

    def of(m: int, k: int, n: int) -> list[tuple[tuple[int, ...], bool]]:
        nests = roundings(matrix_product(m=m, k=k, n=n), machine, Constraints())
        return [(nest.bounds, saves) for nest, saves in nests]

    assert of(56, 64, 1) == []  # 14 of 56 takes four steps, as 16 of 64 does
    assert of(1, 2048, 1000) == []  # 1008 saves no steps: 2048 fills both edges
    assert of(8, 257, 1) == [((8, 272, 1), True)]
    assert of(8, 2048, 257) == [((8, 2048, 272), False)]  # hard to spread


# By brute force


@st.composite
def machines(draw: st.DrawFn) -> Architecture:
    """One fanout or two, edges that are no powers of two, a small buffer."""
    price = st.sampled_from((0.0, 1.0, 3.0))
    across, down, further = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))

    def level(name: str, instances: int, x: int, y: int, **more: float) -> StorageLevel:
        return StorageLevel(
            name=name,
            fanout_x=x,
            fanout_y=y,
            instances=instances,
            read_pj=draw(price),
            fill_pj=draw(price),
            update_pj=draw(price),
            **more,  # type: ignore[arg-type]
        )

    return Architecture(
        name="small",
        levels=(
            level("inner", further, across, down),
            level("buffer", 1, further, 1, capacity_words=draw(st.sampled_from((6, 20, inf)))),
            level("DRAM", 1, 1, 1, shared_words_per_cycle=draw(st.sampled_from((0.5, 4.0, inf)))),
        ),
        macs=across * down * further,
        mac_pj=draw(price),
    )


KEPT = Constraints(
    levels=(
        LevelConstraints(level="inner", bypass=frozenset("WIO")),
        *(LevelConstraints(level=name, keep=frozenset("WIO")) for name in ("buffer", "DRAM")),
    )
)


def value(objective: str, found: Evaluation) -> float:
    return {"latency": float(found.cycles), "energy": found.energy_pj, "edp": found.edp_pj_cycles}[objective]


def least(space: Mapspace, objective: str) -> tuple[float, list[Mapping]]:
    """The best there is, and every mapping that is as good."""
    costed = []
    for mapping in every_mapping(space):
        found = evaluate(space.problem, space.architecture, mapping)
        if found.feasible:
            costed.append((value(objective, found), mapping))
    best = min((cost for cost, _ in costed), default=inf)
    return best, [mapping for cost, mapping in costed if cost <= best * (1 + 1e-12)]


@settings(max_examples=12, deadline=None)
@given(
    machine=machines(),
    sizes=st.tuples(st.integers(1, 2), st.sampled_from((2, 3)), st.sampled_from((3, 5, 7))),
    objective=OBJECTIVE,
)
def test_the_best_is_brute_forces(machine: Architecture, sizes: tuple[int, int, int], objective: str) -> None:
    """The best of the nest, or the best of its best rounding with its tiles cut, whichever is better."""
    rows, inputs, outputs = sizes
    problem = matrix_product(m=rows, k=inputs, n=outputs)
    own = Mapspace(problem=problem, architecture=machine, constraints=KEPT)
    price, best = least(own, objective)
    axes = axes_of(problem, machine, KEPT)
    rates = pack_architecture(machine).rates[-1:]
    limit = NEAR * float(least_cycles(problem, axes, rates)[0])
    cycles = [evaluate(problem, machine, mapping).cycles for mapping in best]
    alternatives: list[Mapping] = []
    for rounding, saves in roundings(problem, machine, KEPT):
        if not saves and best and min(cycles) <= limit:
            if max(cycles) > limit:
                return  # it depends on which of the equals is at hand
            continue
        cost, mappings = least(Mapspace(problem=rounding, architecture=machine, constraints=KEPT), objective)
        share = 1.0 if objective == "latency" else problem.macs / rounding.macs
        if abs(cost * share / price - 1) < 1e-9 and price < inf:
            alternatives += mappings
        elif cost * share < price:
            price, alternatives = cost * share, mappings
    try:
        result = map_problem(
            problem,
            machine,
            objective,
            constraints=KEPT,
            factors="aligned",
            storage="even",  # type: ignore[arg-type]
        )
    except MappingError:
        assert not best
        assert not alternatives
        return
    found = value(objective, result.evaluation)
    mine = least(own, objective)[0]
    cut = [value(objective, evaluate(problem, machine, mapping)) for mapping in alternatives]
    assert result.evaluation.feasible
    assert found <= mine * (1 + 1e-12)
    assert any(found == pytest.approx(min(mine, each), rel=1e-12) for each in [mine, *cut])
    if cut:
        assert found <= min(mine, max(cut)) * (1 + 1e-12)
    certificate = result.certificate
    assert certificate.optimal
    assert certificate.best == pytest.approx(found, rel=1e-12)
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented
    assert "aligned factors" in str(certificate)


# Laws


@st.composite
def padded_products(draw: st.DrawFn) -> tuple[Problem, Problem, Architecture, Mapping]:
    """A product, one that is smaller by less than half, a machine, and a mapping of the first."""
    padded = matrix_product(**{size: draw(st.integers(1, 8)) for size in "mkn"})
    true = replace(padded, bounds=tuple(draw(st.integers(bound // 2 + 1, bound)) for bound in padded.bounds))
    levels = draw(st.integers(1, 3))
    rate, block = st.sampled_from((0.5, 1.0, inf)), st.sampled_from((1, 4))
    priced = [
        replace(
            level,
            read_pj=1.0,
            fill_pj=2.0,
            update_pj=4.0,
            read_words_per_cycle=draw(rate),
            shared_words_per_cycle=draw(rate),
            block_words=draw(block),
        )
        for level in machine(levels).levels
    ]
    architecture = replace(machine(levels), levels=tuple(priced), mac_pj=1.0)
    return padded, true, architecture, draw(mappings(padded, levels, perfect=True))


@settings(max_examples=100, deadline=None)
@given(
    drawn=padded_products(),
    rules=st.builds(Rules, first_touch=st.sampled_from(FirstTouch), drain=st.sampled_from(Drain)),
)
def test_products_lose_nothing_where_they_are_cut(
    drawn: tuple[Problem, Problem, Architecture, Mapping], rules: Rules
) -> None:
    """No word, cycle or joule more than with padding."""
    padded, true, architecture, mapping = drawn
    most, cut = (evaluate(problem, architecture, mapping, rules) for problem in (padded, true))
    assert cut.macs == true.macs
    assert cut.cycles <= most.cycles
    assert cut.energy_pj <= most.energy_pj * (1 + 1e-12)
    for mine, theirs in zip(cut.counts, most.counts, strict=True):
        for kind in ("reads", "fills", "updates", "tile_words", "instances"):
            assert 0 <= getattr(mine, kind) <= getattr(theirs, kind), (mine.level, mine.operand, kind)


def test_windows_spread_with_their_kernel_lose_their_diagonal_where_they_are_cut() -> None:
    """Five taps beside 32 positions share 36 inputs; of 17 positions, 16 and one, every tap reads its own."""
    buffer = StorageLevel(name="buffer", fanout_x=32, fanout_y=5)
    architecture = Architecture(name="small", levels=(buffer,), macs=160)
    spread = LevelMapping(
        level="buffer", spatial_x=(("P", 32),), spatial_y=(("R", 5),), keep=frozenset("WIO")
    )
    reads = []
    for positions in (32, 17):
        found = evaluate(
            convolution(k=1, c=1, p=positions, q=1, r=5), architecture, Mapping(levels=(spread,))
        )
        reads += [counts.reads for counts in found.counts if counts.operand == "I"]
    assert reads == [36, 17 * 5]


MACHINES = {
    "tpu_v4": (128, 128),
    "tpu_v4i": (128, 128),
    "gemmini": (16, 16),
    "edge_levels": (16, 16),
    "simba_like": (8, 8),
    "nvdla_like": (64, 16),
    "tpu_v1": (256, 256),
}


def up(size: int, edge: int) -> int:
    return -(-size // edge) * edge


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "nest"),
    [
        *((name, (3, 257, 257)) for name in MACHINES if name != "tpu_v4i"),
        *((name, (8, 131, 523)) for name in MACHINES if name != "tpu_v4i"),
        ("tpu_v4i", (16, 256, 1009)),
    ],
)
def test_a_prime_takes_no_longer_than_the_next_multiple_of_the_edge(
    name: str, nest: tuple[int, int, int]
) -> None:
    """Finite, no worse than perfect factors, no faster than the MACs, no slower than padding is."""
    machine = hwmodels.load(name)
    rows, inputs, outputs = nest
    edges = MACHINES[name]

    def best(problem: Problem, factors: str) -> Evaluation:
        return map_problem(
            problem, machine.architecture, "latency", constraints=machine.mapspace,
            factors=factors, rules=machine.rules,  # type: ignore[arg-type]
        ).evaluation  # fmt: skip

    problem = product_of(*nest)
    found = best(problem, "aligned")
    padded = best(product_of(rows, up(inputs, edges[1]), up(outputs, edges[0])), "aligned")
    assert found.macs == problem.macs
    assert found.feasible
    assert problem.macs / machine.macs <= found.cycles <= padded.cycles
    assert found.cycles <= best(problem, "perfect").cycles
