"""The lattice search against brute force on machines with pads, an array and a buffer."""

from contextlib import suppress
from math import inf, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mapping import (
    Architecture,
    Constraints,
    LevelConstraints,
    MappingError,
    Operand,
    Problem,
    StorageLevel,
    convolution,
    evaluate_mappings,
    map_problem,
    matrix_product,
    pack_mappings,
)
from hwmodels.mapping.certificate import Objective
from hwmodels.mapping.lattice import applies
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.rules import Reuse
from hwmodels.mapping.search import search_as_lattice, search_exhaustively
from hwmodels.mapping.uneven import chained_spaces
from tests.mapping.brute import every_mapping
from tests.mapping.test_search import all_rules, brute_force, constraint_sets, small_problems


@st.composite
def arrays(draw: st.DrawFn, further: tuple[int, ...] = (0, 0, 1, 1, 2)) -> Architecture:
    def level(name: str, scale: float, **more: object) -> StorageLevel:
        price = {
            key: scale * draw(st.sampled_from((1.0, 2.0, 3.5))) for key in ("read_pj", "fill_pj", "update_pj")
        }
        return StorageLevel(name=name, **price, **more)  # type: ignore[arg-type]

    pads = [
        level(
            f"pad{i}",
            1.0,
            capacity_words=draw(st.sampled_from((2, 3, 6, 12))),
            instances=4,
            cluster=draw(st.sampled_from((1, 2))),
            block_words=draw(st.sampled_from((1, 1, 2))),
            operands=draw(st.sampled_from((None, frozenset("O"), frozenset("WI"), frozenset("I")))),
        )
        for i in range(draw(st.integers(0, 2)))
    ]
    buffer = level(
        "buffer",
        5.0,
        capacity_words=draw(st.sampled_from((8, 16, 40))),
        block_words=draw(st.sampled_from((1, 2))),
        fanout_x=2,
        fanout_y=draw(st.sampled_from((1, 2))),
        read_words_per_cycle=draw(st.sampled_from((1.0, inf))),
        overlapped=draw(st.booleans()),
    )
    beyond = [
        level(
            f"L{i}",
            8.0 + i,
            capacity_words=draw(st.sampled_from((12, 24, 60))),
            block_words=draw(st.sampled_from((1, 2))),
            write_words_per_cycle=draw(st.sampled_from((0.5, inf))),
            overlapped=draw(st.booleans()),
            operands=draw(st.sampled_from((None, None, frozenset("O"), frozenset("WI")))),
        )
        for i in range(2, 2 + draw(st.sampled_from(further)))
    ]
    memory = level(
        "memory",
        draw(st.sampled_from((10.0, 50.0))),
        block_words=draw(st.sampled_from((1, 4))),
        shared_words_per_cycle=draw(st.sampled_from((0.5, inf))),
    )
    return Architecture(
        name="array",
        levels=(*pads, buffer, *beyond, memory),
        macs=4,
        mac_pj=1.0,
        mac_leakage_w=draw(st.sampled_from((0, 1e-3))),
    )


@st.composite
def layers(draw: st.DrawFn) -> Problem:
    """Products, windows along one axis or two, depth-wise layers, and loops that move nothing."""

    def one_of(*values: int) -> int:
        return draw(st.sampled_from(values))

    kind = draw(st.sampled_from(("product", "rows", "rows", "image", "depthwise", "odd")))
    if kind == "product":
        return matrix_product(m=one_of(1, 4, 6, 8), k=one_of(1, 2, 4, 6), n=one_of(2, 3, 8))
    if kind == "rows":
        window = (("P", one_of(1, 2, 3)), ("R", one_of(1, 2)))
        return Problem(
            name="rows",
            dimensions=("K", "C", "P", "R"),
            bounds=(one_of(1, 2, 4), one_of(1, 2, 3), one_of(2, 3, 4, 8), one_of(1, 2, 3, 4)),
            operands=(
                Operand(name="W", ranks=((("K", 1),), (("C", 1),), (("R", 1),))),
                Operand(name="I", ranks=((("C", 1),), window)),
                Operand(name="O", ranks=((("K", 1),), (("P", 1),)), read_write=True),
            ),
        )
    if kind == "odd":
        return Problem(
            name="odd",
            dimensions=("A", "B", "X", "Y"),
            bounds=(one_of(1, 2, 4), one_of(2, 3), one_of(2, 4), one_of(1, 2, 3)),
            operands=(
                Operand(name="W", ranks=((("A", 1),), (("B", 2),))),
                Operand(name="I", ranks=((("X", one_of(1, 2)), ("Y", 1)),)),
                Operand(name="O", ranks=((("A", 1),), (("X", 1),)), read_write=True),
            ),
        )
    groups = one_of(2, 3) if kind == "depthwise" else 1
    return convolution(
        g=groups,
        k=1 if groups > 1 else one_of(1, 2, 4),
        c=1 if groups > 1 else one_of(1, 2),
        p=one_of(2, 4),
        q=one_of(1, 2, 4),
        r=one_of(2, 3),
        s=one_of(1, 3),
        stride=(one_of(1, 2), one_of(1, 2)),
        dilation=(one_of(1, 2), 1),
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_the_optimum_is_the_exhaustive_searchs(data: st.DataObject, objective: str) -> None:
    problem, machine = data.draw(layers()), data.draw(arrays())
    rules = data.draw(all_rules)
    keep = {
        level.name: data.draw(st.sets(st.sampled_from("WIO"))) & set(level.operands or "WIO")
        for level in machine.levels[:-1]
    }
    constraints = Constraints(
        levels=tuple(
            LevelConstraints(level=name, keep=frozenset(kept), bypass=frozenset("WIO") - kept)
            for name, kept in keep.items()
        )
    )
    space = Mapspace(problem=problem, architecture=machine, constraints=constraints)
    if prod(space.chain_count(d) for d in problem.dimensions) > 100_000 or not applies(space):
        return
    try:
        expected = search_exhaustively(space, objective, rules).evaluation  # type: ignore[arg-type]
    except MappingError:
        with pytest.raises(MappingError):
            map_problem(
                problem,
                machine,
                objective,  # type: ignore[arg-type]
                constraints=constraints,
                storage="even",
                rules=rules,
            )
        return
    result = map_problem(
        problem,
        machine,
        objective,  # type: ignore[arg-type]
        constraints=constraints,
        storage="even",
        rules=rules,
    )
    found = result.evaluation
    name = {"latency": "cycles", "energy": "energy_pj", "edp": "edp_pj_cycles"}[objective]
    assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-12)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_the_optimum_is_brute_forces(data: st.DataObject, objective: str) -> None:
    problem, machine = data.draw(small_problems()), data.draw(arrays())
    rules = data.draw(all_rules)
    space = Mapspace(problem=problem, architecture=machine)
    size = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps())
    if size > 1000 or not applies(space):
        return
    expected, energy_pj = brute_force(space, objective, rules)
    if expected == inf:
        with pytest.raises(MappingError):
            map_problem(problem, machine, objective, storage="even", rules=rules)
        return
    result = map_problem(problem, machine, objective, storage="even", rules=rules)
    found = result.evaluation
    value = {"latency": found.cycles, "energy": found.energy_pj, "edp": found.edp_pj_cycles}[objective]
    assert value == pytest.approx(expected, rel=1e-12)
    assert found.feasible
    certificate = result.certificate
    assert certificate.thriftiest
    if objective == "latency":
        assert found.energy_pj == pytest.approx(energy_pj, rel=1e-12)
    assert min(certificate.pruned.values()) >= 0
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_certificate_counts_what_breaks_a_limit(data: st.DataObject) -> None:
    problem, machine = data.draw(small_problems()), data.draw(arrays())
    space = Mapspace(problem=problem, architecture=machine)
    if prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps()) > 500 or not applies(
        space
    ):
        return
    mappings = every_mapping(space)
    columns = pack_mappings(problem, machine, mappings)
    limits = evaluate_mappings(problem, machine, columns).limit
    fit = {
        (columns.factors[row].tobytes(), columns.keep[row].tobytes())
        for row in range(len(mappings))
        if limits[row] == 0
    }
    if not fit:
        return
    certificate = map_problem(problem, machine, "energy", storage="even").certificate
    orders = prod(space.order_count(level) for level in range(len(machine.levels)))
    broken = certificate.pruned["fanout"] + certificate.pruned["capacity"]
    assert certificate.represented - broken == len(fit) * orders


@settings(max_examples=25, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_uneven_levels_around_an_array_are_searched_as_their_chains(
    data: st.DataObject, objective: Objective
) -> None:
    problem, machine = data.draw(small_problems()), data.draw(arrays())
    rules = data.draw(all_rules)
    space = Mapspace(problem=problem, architecture=machine, constraints=all_kept(machine))
    parts = list(chained_spaces(space))
    size = sum(prod(part.chain_count(d) for d in problem.dimensions) for part in parts)
    if size > 20_000 or not all(applies(part) for part in parts):
        return
    values = []
    for part in parts:
        with suppress(MappingError):
            values.append(search_exhaustively(part, objective, rules).certificate.best)
    arguments = problem, machine, objective
    if not values:
        with pytest.raises(MappingError):
            map_problem(*arguments, constraints=space.constraints, storage="uneven", rules=rules)
        return
    found = map_problem(*arguments, constraints=space.constraints, storage="uneven", rules=rules)
    assert found.certificate.best == pytest.approx(min(values), rel=1e-12)
    assert found.certificate.optimal
    assert found.evaluation.feasible


@settings(max_examples=60, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_constraints_limit_loops_spreads_and_orders(data: st.DataObject, objective: Objective) -> None:
    problem, machine = data.draw(layers()), data.draw(arrays())
    rules, constraints = data.draw(all_rules), data.draw(constraint_sets(problem, machine))
    space = Mapspace(problem=problem, architecture=machine, constraints=constraints)
    windows = any(len(rank) > 1 for operand in problem.operands for rank in operand.ranks)
    tilings = prod(space.chain_count(d) for d in problem.dimensions)
    if tilings > 5_000 or not applies(space) or (windows and rules.reuse is Reuse.NOTHING):
        return
    try:
        expected = search_exhaustively(space, objective, rules).certificate
    except MappingError:
        with pytest.raises(MappingError):
            search_as_lattice(space, objective, rules)
        return
    certificate = search_as_lattice(space, objective, rules).certificate
    assert certificate.best == pytest.approx(expected.best, rel=1e-12)
    assert certificate.optimal
    assert certificate.represented == expected.represented
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented
    assert min(certificate.pruned.values()) >= 0


@settings(max_examples=80, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_levels_on_both_sides_with_any_operands_kept(data: st.DataObject, objective: Objective) -> None:
    """Among them what a level far out keeps alone, and dimensions that move nothing further in."""
    problem, machine = data.draw(layers()), data.draw(arrays(further=(1, 1, 2)))
    rules = data.draw(all_rules)
    levels = []
    for level in machine.levels[:-1]:
        keep = data.draw(st.frozensets(st.sampled_from("WIO"))) & (level.operands or frozenset("WIO"))
        bypass = frozenset("WIO") - keep
        levels.append(LevelConstraints(level=level.name, keep=keep, bypass=bypass))
    constraints = Constraints(levels=tuple(levels))
    space = Mapspace(problem=problem, architecture=machine, constraints=constraints)
    windows = any(len(rank) > 1 for operand in problem.operands for rank in operand.ranks)
    tilings = prod(space.chain_count(d) for d in problem.dimensions)
    if tilings > 30_000 or not applies(space) or (windows and rules.reuse is Reuse.NOTHING):
        return
    try:
        expected = search_exhaustively(space, objective, rules).certificate
    except MappingError:
        with pytest.raises(MappingError):
            search_as_lattice(space, objective, rules)
        return
    certificate = search_as_lattice(space, objective, rules).certificate
    assert certificate.best == pytest.approx(expected.best, rel=1e-12)
    assert certificate.optimal


@pytest.mark.compiled
def test_a_second_level_beyond_the_array_is_certified() -> None:
    """Pad - buffer - L2 - main memory, where every level keeps what it may: each level only helps."""
    problem = convolution(k=8, c=8, p=7, q=7, r=3, s=3)
    pad = StorageLevel(name="pad", capacity_words=12, instances=12, read_pj=1, fill_pj=1, update_pj=1)
    buffer = StorageLevel(
        name="buffer", capacity_words=60, fanout_x=4, fanout_y=3, read_pj=6, fill_pj=6, update_pj=6
    )
    second = StorageLevel(name="L2", capacity_words=400, read_pj=20, fill_pj=20, update_pj=20)
    memory = StorageLevel(name="memory", read_pj=200, fill_pj=200, update_pj=200)
    energies = []
    for levels in ((pad, buffer, memory), (pad, buffer, second, memory)):
        machine = Architecture(name="array", levels=levels, macs=12, mac_pj=1.0)
        result = map_problem(problem, machine, "energy", storage="even")
        assert result.certificate.optimal
        energies.append(result.evaluation.energy_pj)
    assert energies[1] < energies[0]


def all_kept(machine: Architecture) -> Constraints:
    """Every level keeps whatever it may."""
    return Constraints(
        levels=tuple(
            LevelConstraints(level=level.name, keep=frozenset(level.operands or "WIO"))
            for level in machine.levels
        )
    )
