"""Uneven storage: against the walk, against brute force over every mapping, and against published fronts."""

import csv
from dataclasses import replace
from itertools import pairwise, product
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.mapping import (
    Architecture,
    Constraints,
    Drain,
    FirstTouch,
    Gaps,
    LevelConstraints,
    LevelMapping,
    Mapping,
    MappingError,
    Operand,
    Problem,
    Reuse,
    Rules,
    StorageLevel,
    check,
    evaluate,
    map_problem,
    matrix_product,
)
from tests.mapping.brute import prime_loops, sequences
from tests.mapping.strategies import machine, mappings, problems
from tests.oracles.nest import walk

FRONTS = Path("../shared/reference/data/frontier/fused_matmul_chain_capacity_vs_dram.csv")
ALL = frozenset("WIO")


def one_buffer(words: float, buffer_pj: float = 0.0) -> Architecture:
    """One buffer, one MAC, main memory 1 pJ a word."""
    buffer = StorageLevel(
        name="B", capacity_words=words, read_pj=buffer_pj, fill_pj=buffer_pj, update_pj=buffer_pj
    )
    memory = StorageLevel(name="D", read_pj=1, fill_pj=1, update_pj=1)
    return Architecture(name="a", macs=1, levels=(buffer, memory))


KEPT = Constraints(levels=(LevelConstraints(level="B", keep=ALL),))


@st.composite
def uneven_nests(draw: st.DrawFn, *, perfect: bool) -> tuple[Problem, Architecture, Mapping]:
    """Nests with loops split within a level and operands stored at any of them."""
    problem, depth = draw(problems()), draw(st.integers(2, 3))
    levels = []
    for level in draw(mappings(problem, depth, perfect=perfect)).levels:
        loops = []
        for dimension, count in level.temporal:
            halves = perfect and count == 4 and draw(st.booleans())
            loops += [(dimension, 2), (dimension, 2)] if halves else [(dimension, count)]
        temporal = tuple(draw(st.permutations(loops)))
        depths = () if level.level == f"L{depth - 1}" else sorted(level.keep)
        levels.append(
            replace(
                level,
                temporal=temporal,
                depths=tuple((name, draw(st.integers(0, len(temporal)))) for name in depths),
            )
        )
    mapping = Mapping(levels=tuple(levels))
    try:
        check(problem, machine(depth), mapping)
    except MappingError:  # halves of a loop with nothing stored between
        assume(False)
    return problem, machine(depth), mapping


@pytest.mark.parametrize("perfect", [True, False])
@settings(max_examples=150, deadline=None)
@given(data=st.data(), touch=st.sampled_from(FirstTouch))
def test_uneven_counts_equal_the_walk(perfect: bool, data: st.DataObject, touch: FirstTouch) -> None:
    problem, architecture, mapping = data.draw(uneven_nests(perfect=perfect))
    rules = Rules(
        first_touch=touch,
        drain=data.draw(st.sampled_from(Drain)),
        reuse=data.draw(st.sampled_from((Reuse.OVERLAP, Reuse.NOTHING))),
        gaps=Gaps.FETCHED,
    )
    got, seen = evaluate(problem, architecture, mapping, rules), walk(problem, architecture, mapping, rules)
    assert got.compute_cycles == seen.steps
    for level, loops in enumerate(mapping.levels):
        for name in loops.keep:
            found = got.at(loops.level, name)
            assert found.instances == len(seen.used[level])
            assert found.tile_words == seen.largest[level, name]
            for kind in ("reads", "fills", "updates"):
                assert getattr(found, kind) == seen.counts[kind, level, name], (kind, loops.level, name)


def test_one_memory_has_one_capacity_one_port_and_one_area() -> None:
    problem = matrix_product(m=4, k=4, n=4)
    buffer = StorageLevel(
        name="B", capacity_words=20, read_words_per_cycle=2.0, leakage_w=1e-3, area_um2=5.0, read_pj=1.0
    )
    architecture = Architecture(name="a", macs=1, levels=(buffer, StorageLevel(name="D")))
    inner = LevelMapping(
        level="B", temporal=(("K", 4), ("M", 4), ("N", 4)), keep=ALL, depths=(("W", 1), ("I", 2))
    )
    mapping = Mapping(levels=(inner, LevelMapping(level="D", keep=ALL)))
    got = evaluate(problem, architecture, mapping)
    assert [got.at("B", name).tile_words for name in "WIO"] == [4, 1, 16]
    assert got.limit == "B capacity"  # 21 words
    wider = replace(architecture, levels=(replace(buffer, capacity_words=21), StorageLevel(name="D")))
    assert evaluate(problem, wider, mapping).feasible
    # 64 reads of W and of I, 48 of O, and 16 as they leave, through one port of two words a cycle.
    assert (got.bound, got.cycles, got.port_cycles) == ("B read port", 96, {"B read port": 96.0})
    assert got.energy_by_component_pj == {"B": 64 + 64 + 64, "D": 0.0, "mac": 0.0, "leakage": 96.0}
    assert [got.at("D", name).reads for name in "WIO"] == [16, 16, 0]
    assert mapping.render(problem).splitlines() == [
        "D [ W:16 I:16 O:16 ]",
        "B [ O:16 ]",
        "| for K in [0:4)",
        "B [ W:4 ]",
        "|   for M in [0:4)",
        "B [ I:1 ]",
        "|     for N in [0:4)",
    ]


def exact_front(problem: Problem) -> dict[int, int]:
    """Least words to main memory by capacity, every operand kept in one buffer: every uneven mapping.

    A mapping is a sequence of prime loops and, by operand, how many of them lie outside its storage; none of
    the engine's or the search's ideas is used.
    """
    best: dict[int, int] = {}
    for loops in sequences(prime_loops(problem)):
        held, moved = [], []
        for operand in problem.operands:
            words, traffic = [], []
            for depth in range(len(loops) + 1):
                moving = [d in operand.dimensions for d, _ in loops[:depth]]
                last = max((i for i, moves in enumerate(moving) if moves), default=-1)
                tile = np.prod([n for d, n in loops[depth:] if d in operand.dimensions], dtype=int)
                fetched = int(tile) * int(np.prod([n for _, n in loops[: last + 1]], dtype=int))
                size = int(np.prod([problem.extents[d] for d in operand.dimensions]))
                words.append(int(tile))
                traffic.append(2 * fetched - size if operand.read_write else fetched)
            held.append(np.array(words))
            moved.append(np.array(traffic))
        capacity = (held[0][:, None, None] + held[1][:, None] + held[2]).ravel()
        total = (moved[0][:, None, None] + moved[1][:, None] + moved[2]).ravel()
        for words in np.unique(capacity):
            least = int(total[capacity == words].min())
            best[int(words)] = min(best.get(int(words), least), least)
    front: dict[int, int] = {}
    for words in sorted(best):
        if not front or best[words] < min(front.values()):
            front[words] = best[words]
    return front


@pytest.mark.parametrize("bounds", [(8, 8, 8), (6, 4, 8), (3, 8, 5), (8, 1, 6), (2, 7, 4)])
def test_the_optimum_is_that_of_all_uneven_mappings(bounds: tuple[int, int, int]) -> None:
    m, k, n = bounds
    problem = matrix_product(m=m, k=k, n=n)
    front = exact_front(problem)
    for words, least in front.items():
        for capacity in (words, words + 1):
            if capacity in front and capacity != words:
                continue
            result = map_problem(problem, one_buffer(capacity), "energy", constraints=KEPT)
            assert result.evaluation.energy_pj == least, capacity
            certificate = result.certificate
            assert certificate.storage == "uneven"
            assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented
            free = map_problem(problem, one_buffer(capacity), "energy")
            assert free.evaluation.energy_pj <= least
    with pytest.raises(MappingError, match=r"no mapping fits B: .* alone needs 2 bytes and all operands"):
        map_problem(problem, one_buffer(min(front) - 1), "energy", constraints=KEPT)


@st.composite
def windows(draw: st.DrawFn) -> Problem:
    return Problem(
        name="windows",
        dimensions=("K", "P", "R"),
        bounds=(draw(st.sampled_from((1, 2, 3))), draw(st.sampled_from((2, 3, 4))), draw(st.integers(1, 3))),
        operands=(
            Operand(name="W", ranks=((("K", 1),), (("R", 1),))),
            Operand(name="I", ranks=((("P", draw(st.integers(1, 2))), ("R", draw(st.integers(1, 2)))),)),
            Operand(name="O", ranks=((("K", 1),), (("P", 1),)), read_write=True),
        ),
    )


def every_uneven_mapping(problem: Problem) -> list[Mapping]:
    """Every uneven mapping that keeps everything in one buffer, all loops walked there."""
    found = []
    for loops in sequences(prime_loops(problem)):
        for depths in product(range(len(loops) + 1), repeat=3):
            cuts = {0, *depths, len(loops)}
            merged: list[tuple[str, int]] = []
            places = {0: 0}
            for i, (dimension, count) in enumerate(loops):
                if merged and merged[-1][0] == dimension and i not in cuts:
                    merged[-1] = (dimension, merged[-1][1] * count)
                else:
                    merged.append((dimension, count))
                places[i + 1] = len(merged)
            inner = LevelMapping(
                level="B",
                temporal=tuple(merged),
                keep=ALL,
                depths=tuple((name, places[depth]) for name, depth in zip("WIO", depths, strict=True)),
            )
            mapping = Mapping(levels=(inner, LevelMapping(level="D", keep=ALL)))
            try:
                check(problem, one_buffer(1), mapping)
            except MappingError:  # the same dimension twice with nothing stored between: another one's copy
                continue
            found.append(mapping)
    return found


@settings(max_examples=12, deadline=None)
@given(problem=windows(), data=st.data())
def test_windows_too_are_certified(problem: Problem, data: st.DataObject) -> None:
    rules = Rules(
        first_touch=data.draw(st.sampled_from(FirstTouch)),
        drain=data.draw(st.sampled_from(Drain)),
        reuse=data.draw(st.sampled_from((Reuse.OVERLAP, Reuse.NOTHING))),
    )
    objective = data.draw(st.sampled_from(("energy", "edp")))
    words = data.draw(st.integers(3, 14))
    architecture = replace(
        one_buffer(words, buffer_pj=0.25), mac_leakage_w=data.draw(st.sampled_from((0.0, 1e-3)))
    )
    slow = replace(architecture.levels[1], shared_words_per_cycle=data.draw(st.sampled_from((0.3, inf))))
    ported = replace(architecture.levels[0], read_words_per_cycle=data.draw(st.sampled_from((1.0, inf))))
    architecture = replace(architecture, levels=(ported, slow))
    costs = (evaluate(problem, architecture, each, rules) for each in every_uneven_mapping(problem))
    fitting = [(e.energy_pj, e.edp_pj_cycles) for e in costs if e.feasible]
    arguments = problem, architecture, objective
    found = map_problem(*arguments, constraints=KEPT, rules=rules, storage="uneven").evaluation
    least = min(pair[objective == "edp"] for pair in fitting)
    value = found.energy_pj if objective == "energy" else found.edp_pj_cycles
    assert value == pytest.approx(least, rel=1e-12)
    assert found.feasible


def points(count: str = "1", fused: str = "0") -> list[dict[str, str]]:
    if not FRONTS.exists():
        pytest.skip(f"no reference data at {FRONTS}")
    with FRONTS.open() as file:
        return [r for r in csv.DictReader(file) if (r["n_matmuls"], r["fused"]) == (count, fused)]


@pytest.mark.compiled
@pytest.mark.parametrize("size", ["16", "64", "4096"])
def test_published_fronts_of_products_are_met(size: str) -> None:
    """AccelForge's exact fronts of one product, even and uneven, every operand kept in the buffer."""
    for row in [row for row in points() if row["M"] == size][: 9 if size == "4096" else None]:
        m, kn, words = int(row["M"]), int(row["K_and_N"]), int(row["capacity_words"])
        problem, storage = matrix_product(m=m, k=kn, n=kn), row["storage_placement"]
        kept = map_problem(problem, one_buffer(words), "energy", constraints=KEPT, storage=storage)  # type: ignore[arg-type]
        assert kept.evaluation.energy_pj == int(row["dram_words"]), row
        free = map_problem(problem, one_buffer(words), "energy", storage=storage)  # type: ignore[arg-type]
        assert free.evaluation.energy_pj <= int(row["dram_words"])
        assert kept.certificate.optimal
        assert kept.certificate.storage == storage


@pytest.mark.compiled
@pytest.mark.parametrize("count", ["2", "3"])
def test_published_fronts_of_unfused_chains_are_sums_of_products(count: str) -> None:
    """AccelForge's unfused fronts of two and three equal products: every product at its best, one by one."""
    for row in points(count=count, fused="0"):
        m, kn, words = int(row["M"]), int(row["K_and_N"]), int(row["capacity_words"])
        problem, storage = matrix_product(m=m, k=kn, n=kn), row["storage_placement"]
        kept = map_problem(problem, one_buffer(words), "energy", constraints=KEPT, storage=storage)  # type: ignore[arg-type]
        assert int(count) * kept.evaluation.energy_pj == int(row["dram_words"]), row
        free = map_problem(problem, one_buffer(words), "energy", storage=storage)  # type: ignore[arg-type]
        assert free.evaluation.energy_pj <= kept.evaluation.energy_pj


def test_more_freedom_never_costs_more() -> None:
    problem = matrix_product(m=6, k=8, n=4)
    energies = {}
    for storage in ("even", "uneven"):
        energies[storage] = [
            map_problem(problem, one_buffer(words), "energy", storage=storage).evaluation.energy_pj  # type: ignore[arg-type]
            for words in (1, 3, 9, 20, 60)
        ]
        assert all(more >= less for more, less in pairwise(energies[storage]))
    assert all(u <= e for u, e in zip(energies["uneven"], energies["even"], strict=True))


def test_levels_with_constrained_loops_store_evenly() -> None:
    problem = matrix_product(m=4, k=4, n=4)
    bound = Constraints(levels=(LevelConstraints(level="B", keep=ALL, innermost=("N",)),))
    result = map_problem(problem, one_buffer(27), "energy", constraints=bound, storage="uneven")
    assert result.mapping.levels[0].depths == ()


def test_depths_are_checked() -> None:
    problem = matrix_product(m=2, k=2, n=2)
    loops = (("M", 2), ("K", 2), ("N", 2))

    def attempt(level: LevelMapping, outer: LevelMapping | None = None) -> None:
        evaluate(
            problem,
            one_buffer(99),
            Mapping(levels=(level, outer or LevelMapping(level="D", keep=ALL))),
        )

    with pytest.raises(MappingError, match="depths of B: W is not kept here, so it has no depth"):
        attempt(LevelMapping(level="B", temporal=loops, keep=frozenset("IO"), depths=(("W", 1),)))
    with pytest.raises(MappingError, match="depths of B: W must lie under 0 to 3 loops, got 4"):
        attempt(LevelMapping(level="B", temporal=loops, keep=ALL, depths=(("W", 4),)))
    with pytest.raises(MappingError, match="depths of B: need one depth an operand"):
        attempt(LevelMapping(level="B", temporal=loops, keep=ALL, depths=(("W", 1), ("W", 2))))
    with pytest.raises(MappingError, match="depths of D: the outermost level holds all of W"):
        attempt(
            LevelMapping(level="B", keep=ALL),
            LevelMapping(level="D", temporal=loops, keep=ALL, depths=(("W", 1),)),
        )
    with pytest.raises(MappingError, match="storage must be 'even' or 'uneven', got 'odd'"):
        map_problem(problem, one_buffer(9), storage="odd")  # type: ignore[arg-type]
