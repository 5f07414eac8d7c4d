"""The mapper against brute force: every mapping of small spaces costed one by one, no pruning at all."""

from math import inf, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.kernels.nest.columns import ACROSS, DOWN, MappingColumns
from hwmodels.kernels.nest.floors import floor_of
from hwmodels.kernels.nest.search import objective_of, place_chain
from hwmodels.levels import LevelMachine
from hwmodels.mapping import (
    Architecture,
    Drain,
    FirstTouch,
    Gaps,
    MappingError,
    Problem,
    Reuse,
    Rules,
    StorageLevel,
    convolution,
    evaluate_mappings,
    matrix_product,
    pack_mappings,
)
from hwmodels.mapping.certificate import OBJECTIVES, Objective
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints
from hwmodels.mapping.exhaustive import ExhaustiveSearch
from hwmodels.mapping.mapspace import Mapspace, balanced, divisors
from hwmodels.mapping.problem import Operand
from hwmodels.mapping.search import map_problem
from tests.mapping.brute import every_mapping

all_rules = st.builds(
    Rules,
    reuse=st.sampled_from(Reuse),
    first_touch=st.sampled_from(FirstTouch),
    drain=st.sampled_from(Drain),
    gaps=st.sampled_from(Gaps),
)


@st.composite
def small_problems(draw: st.DrawFn) -> Problem:
    bounds = tuple(draw(st.sampled_from((1, 2, 3, 4))) for _ in range(3))
    if draw(st.booleans()):
        return matrix_product(m=bounds[0], k=bounds[1], n=bounds[2])
    return Problem(
        name="windows",
        dimensions=("K", "P", "R"),
        bounds=bounds,
        operands=(
            Operand(name="W", ranks=((("K", 1),), (("R", 1),))),
            Operand(name="I", ranks=((("P", draw(st.integers(1, 2))), ("R", 1)),)),
            Operand(name="O", ranks=((("K", 1),), (("P", 1),)), read_write=True),
        ),
    )


@st.composite
def small_machines(draw: st.DrawFn) -> Architecture:
    def level(name: str, scale: float, **more: float) -> StorageLevel:
        price = {
            key: scale * draw(st.sampled_from((1.0, 2.0, 3.5))) for key in ("read_pj", "fill_pj", "update_pj")
        }
        return StorageLevel(name=name, **price, **more)  # type: ignore[arg-type]

    inner = level(
        "inner",
        1.0,
        capacity_words=draw(st.sampled_from((3, 4, 6, 9, 20))),
        fanout_x=draw(st.sampled_from((1, 2))),
        instances=4,
        cluster=draw(st.sampled_from((1, 2))),
        write_words_per_cycle=draw(st.sampled_from((0.7, inf))),
    )
    middle = level(
        "middle",
        5.0,
        capacity_words=draw(st.sampled_from((8, 16, 40))),
        fanout_x=2,
        fanout_y=draw(st.sampled_from((1, 2))),
        block_words=draw(st.sampled_from((1, 2))),
        read_words_per_cycle=draw(st.sampled_from((1.0, 2.0, inf))),
        overlapped=draw(st.booleans()),
    )
    outer = level(
        "outer",
        50.0,
        write_words_per_cycle=draw(st.sampled_from((0.5, inf))),
        shared_words_per_cycle=draw(st.sampled_from((0.3, inf))),
    )
    levels = draw(st.sampled_from(((inner, outer), (inner, middle, outer))))
    return Architecture(
        name="small", levels=levels, macs=8, mac_pj=1.0, mac_leakage_w=draw(st.sampled_from((0, 1e-3)))
    )


def brute_force(space: Mapspace, objective: str, rules: Rules) -> tuple[float, float]:
    """Return the least cost, and the least energy at that cost."""
    columns = pack_mappings(space.problem, space.architecture, every_mapping(space))
    costs = evaluate_mappings(space.problem, space.architecture, columns, rules)
    value = {"latency": costs.cycles, "energy": costs.energy_pj, "edp": costs.cycles * costs.energy_pj}[
        objective
    ]
    lanes = columns.factors[:, :, (ACROSS, DOWN)].prod(axis=(1, 2, 3))
    fits = (costs.limit == 0) & (lanes >= space.constraints.min_parallelism * space.architecture.macs)
    if not fits.any():
        return inf, inf
    least = float(value[fits].min())
    return least, float(costs.energy_pj[fits & (value <= least * (1 + 1e-12))].min())


@st.composite
def constraint_sets(draw: st.DrawFn, problem: Problem, architecture: Architecture) -> Constraints:
    dims = problem.dimensions
    levels = []
    for level in architecture.levels:
        innermost = tuple(draw(st.permutations(dims)))[: draw(st.integers(0, 3))]
        greatest = {
            d: draw(st.integers(1, 4)) for d in draw(st.lists(st.sampled_from(dims), unique=True, max_size=1))
        }
        kept = draw(st.lists(st.sampled_from([o.name for o in problem.operands]), unique=True))
        outermost = level is architecture.levels[-1]
        bypass = (
            frozenset()
            if outermost
            else frozenset(draw(st.lists(st.sampled_from(kept), unique=True)) if kept else ())
        )
        levels.append(
            LevelConstraints(
                level=level.name,
                temporal=Factors() if outermost else Factors(greatest=greatest),
                innermost=innermost,
                spatial_x=draw(st.sampled_from((None, frozenset(dims[:2])))),
                keep=frozenset(kept) - bypass,
                bypass=bypass,
            )
        )
    return Constraints(levels=tuple(levels), min_parallelism=draw(st.sampled_from((0.0, 0.0, 0.25))))


@settings(max_examples=80, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_the_optimum_is_brute_forces(data: st.DataObject, objective: str) -> None:
    problem = data.draw(small_problems())
    machine = data.draw(small_machines())
    constraints = data.draw(constraint_sets(problem, machine))
    factors = data.draw(st.sampled_from(("perfect", "ceil")))
    rules = data.draw(all_rules)
    space = Mapspace(problem=problem, architecture=machine, constraints=constraints, factors=factors)
    try:
        size = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps())
    except MappingError:
        size = 0
    if size > 300:
        return
    try:
        expected, energy_pj = brute_force(space, objective, rules)
    except MappingError:
        expected = inf
    if expected == inf:
        with pytest.raises(MappingError):
            map_problem(problem, machine, objective, constraints=constraints, factors=factors, rules=rules)
        return
    result = map_problem(
        problem, machine, objective, constraints=constraints, factors=factors, storage="even", rules=rules
    )
    found = result.evaluation
    value = {"latency": found.cycles, "energy": found.energy_pj, "edp": found.edp_pj_cycles}[objective]
    assert value == pytest.approx(expected, rel=1e-12)
    assert found.feasible
    if objective == "latency":  # of those as quick the one that takes the least energy
        assert found.energy_pj == pytest.approx(energy_pj, rel=1e-12)
    certificate = result.certificate
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


@settings(max_examples=40)
@given(st.data())
def test_no_mapping_costs_less_than_the_bound_of_what_is_laid_out(data: st.DataObject) -> None:
    """Whichever of its dimensions are laid out first: cycles of slow ports and of exposed ones among it."""
    problem, machine, rules = data.draw(small_problems()), data.draw(small_machines()), data.draw(all_rules)
    objective: Objective = data.draw(st.sampled_from(("latency", "energy", "edp")))
    space = Mapspace(problem=rules.seen(problem), architecture=machine)
    chosen = data.draw(st.lists(st.integers(0, 10**6), min_size=8, max_size=8))
    keeps = space.keeps()
    tables = [space.chains(dimension) for dimension in problem.dimensions]
    search = ExhaustiveSearch(space, OBJECTIVES[objective], rules)
    for number in chosen:
        keep = keeps[number % len(keeps)]
        laid = [table[number // (7**d) % len(table)] for d, table in enumerate(tables)]
        orders = np.tile(np.arange(len(tables), dtype=np.int8), (1, search.depth, 1))
        columns = MappingColumns(
            np.ascontiguousarray(np.stack(laid, axis=2)[None]).astype(np.int32), orders, keep[None]
        )
        found = evaluate_mappings(problem, machine, columns, rules)
        if found.limit[0] != 0:
            continue
        cost = objective_of(float(OBJECTIVES[objective]), float(found.cycles[0]), float(found.energy_pj[0]))
        costing, chains = search._tables(keep)
        facts = chains.floor_facts.prod(axis=0)
        for depth, d in enumerate(search.sequence):
            at = int(np.flatnonzero((search.chains[d] == laid[d]).all(axis=(1, 2)))[0])
            chain = int(search.chain_start[d]) + at
            place_chain(chains.table, chain, d, costing.mapping.factors, costing.work.nest)
            facts = facts / chains.floor_facts[d] * chains.facts[chain]
            assert floor_of(costing, chains, search.sure, depth, facts) <= cost * (1 + 1e-12)


def test_more_capacity_never_costs_more() -> None:
    problem = matrix_product(m=8, k=8, n=8)
    energies = []
    for words in (3, 6, 12, 48, 192):
        register = StorageLevel(name="register", capacity_words=words, read_pj=1, fill_pj=1, update_pj=1)
        dram = StorageLevel(name="DRAM", read_pj=100, fill_pj=100, update_pj=100)
        machine = Architecture(name="small", levels=(register, dram), macs=1)
        energies.append(map_problem(problem, machine, "energy").evaluation.energy_pj)
    assert energies == sorted(energies, reverse=True)
    # All three matrices at once: each word moves once, and the register serves 512 MACs and lets 64 sums go.
    moved, filled = 3 * 64 * 100, 2 * 64
    assert energies[-1] == moved + filled + 3 * 512 + 512


def test_why_not_names_level_operand_bytes_and_what_would_do() -> None:
    register = StorageLevel(name="register", capacity_words=2, word_bits=16)
    machine = Architecture(name="small", levels=(register, StorageLevel(name="DRAM")), macs=1)
    keep_all = LevelConstraints(
        level="register", keep=frozenset({"W", "I", "O"}), temporal=Factors(fixed={"K": 4})
    )
    with pytest.raises(MappingError) as caught:
        map_problem(matrix_product(m=2, k=4, n=2), machine, constraints=Constraints(levels=(keep_all,)))
    assert str(caught.value) == (
        "matrix_product: no mapping fits register: W alone needs 8 bytes and all operands there 18, "
        "but 4 can be used; a capacity of 18 bytes would do"
    )
    enough = StorageLevel(name="register", capacity_words=9, word_bits=16)  # the 18 bytes it asked for
    bigger = Architecture(name="small", levels=(enough, StorageLevel(name="DRAM")), macs=1)
    map_problem(matrix_product(m=2, k=4, n=2), bigger, constraints=Constraints(levels=(keep_all,)))


def test_impossible_constraints_are_named() -> None:
    machine = Architecture(
        name="small", levels=(StorageLevel(name="buffer"), StorageLevel(name="DRAM")), macs=1
    )
    problem = matrix_product(m=2, k=4, n=2)

    def attempt(**limits: object) -> None:
        entry = LevelConstraints(level="buffer", **limits)  # type: ignore[arg-type]
        map_problem(problem, machine, constraints=Constraints(levels=(entry,)))

    with pytest.raises(MappingError, match="constraints on K leave no way to split its bound 4"):
        attempt(temporal=Factors(fixed={"K": 3}))
    with pytest.raises(MappingError, match=r"in the way is buffer: temporal K = 3$"):
        attempt(temporal=Factors(fixed={"K": 3}, greatest={"N": 1}))
    with pytest.raises(MappingError, match="unknown dimension 'Z'"):
        attempt(innermost=("Z",))
    with pytest.raises(MappingError, match="W is both kept and bypassed"):
        attempt(keep=frozenset({"W"}), bypass=frozenset({"W"}))
    nowhere = Constraints(
        levels=tuple(LevelConstraints(level=name, bypass=frozenset("W")) for name in ("buffer", "DRAM"))
    )
    with pytest.raises(MappingError, match="W is kept at no level: buffer is told to bypass it, DRAM is"):
        map_problem(problem, machine, constraints=nowhere)
    with pytest.raises(MappingError, match=r"occupies 0\.5 MACs|occupies 1\.5 MACs"):
        map_problem(problem, machine, constraints=Constraints(min_parallelism=1.5))
    with pytest.raises(MappingError, match="objective must be one of latency, energy, edp"):
        map_problem(problem, machine, "speed")  # type: ignore[arg-type]


def test_large_and_prime_bounds_are_split_by_their_divisors() -> None:
    product = matrix_product(m=2_147_483_647, k=3, n=1)  # a Mersenne prime
    buffer = StorageLevel(name="buffer", capacity_words=64, read_pj=1, fill_pj=1, update_pj=1)
    memory = StorageLevel(name="memory", read_pj=10, fill_pj=10, update_pj=10)
    machine = Architecture(name="small", levels=(buffer, memory), macs=1)
    for factors in ("perfect", "ceil"):
        if factors == "ceil":
            product = matrix_product(m=9_973, k=3, n=1)
        result = map_problem(product, machine, "energy", factors=factors)  # type: ignore[arg-type]
        assert result.evaluation.feasible
    with pytest.raises(MappingError, match=r"M must be at most 2147483647, got 2147483648"):
        map_problem(matrix_product(m=2**31, k=1, n=1), machine)
    with pytest.raises(MappingError, match="could pass 2\\*\\*53"):
        map_problem(matrix_product(m=2**30, k=2**20, n=2**20), machine)


def test_balanced_sizes_are_all_sizes_of_even_splits() -> None:
    for number in range(1, 200):
        assert balanced(number) == sorted({-(-number // tiles) for tiles in range(1, number + 1)})
        assert divisors(number) == [i for i in range(1, number + 1) if number % i == 0]


def test_two_arrays_are_proved_where_every_multiplier_is_busy() -> None:
    """Four arrays of 128 x 128, each axis a fanout: no mapping has fewer steps than MACs over multipliers."""
    machine = hwmodels.load("tpu_v4i")
    layer = convolution(k=128, c=128, p=28, q=28, r=3, s=3)
    found = map_problem(
        layer, machine.architecture, "latency", constraints=machine.mapspace, rules=machine.rules
    )
    assert found.certificate.optimal
    assert found.evaluation.cycles == prod(layer.bounds) / machine.architecture.macs == 1764


@pytest.mark.parametrize("objective", ["latency", "energy", "edp"])
def test_where_a_port_takes_longest_few_mappings_are_costed(objective: Objective) -> None:
    """Every word of a matrix-vector product crosses once: no mapping takes fewer cycles than that."""
    machine: LevelMachine = hwmodels.load("simba_like")
    product_ = convolution(k=64, c=512, p=1, q=1)
    result = map_problem(
        product_, machine.architecture, objective, constraints=machine.mapspace, rules=machine.rules
    )
    assert "port" in result.evaluation.bound
    assert result.evaluation.cycles > 2 * result.evaluation.compute_cycles
    assert result.certificate.optimal
    assert result.certificate.costed < 1_000
