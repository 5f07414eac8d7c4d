"""The lattice search against brute force on machines with pads, an array and a buffer."""

from math import inf, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mapping import Architecture, FirstTouch, MappingError, Reuse, Rules, StorageLevel, map_problem
from hwmodels.mapping.lattice import applies
from hwmodels.mapping.mapspace import Mapspace
from tests.mapping.test_search import brute_force, small_problems


@st.composite
def arrays(draw: st.DrawFn) -> Architecture:
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
    memory = level(
        "memory",
        draw(st.sampled_from((10.0, 50.0))),
        block_words=draw(st.sampled_from((1, 4))),
        shared_words_per_cycle=draw(st.sampled_from((0.5, inf))),
    )
    return Architecture(
        name="array",
        levels=(*pads, buffer, memory),
        macs=4,
        mac_pj=1.0,
        mac_leakage_w=draw(st.sampled_from((0, 1e-3))),
    )


@settings(max_examples=80, deadline=None)
@given(data=st.data(), objective=st.sampled_from(("latency", "energy", "edp")))
def test_the_optimum_is_brute_forces(data: st.DataObject, objective: str) -> None:
    problem, machine = data.draw(small_problems()), data.draw(arrays())
    rules = Rules(reuse=data.draw(st.sampled_from(Reuse)), first_touch=data.draw(st.sampled_from(FirstTouch)))
    space = Mapspace(problem=problem, architecture=machine)
    size = prod(space.chain_count(d) for d in problem.dimensions) * len(space.keeps())
    if size > 1000 or not applies(space):
        return
    expected = brute_force(space, objective, rules)
    if expected == inf:
        with pytest.raises(MappingError):
            map_problem(problem, machine, objective, rules=rules)
        return
    result = map_problem(problem, machine, objective, rules=rules)
    found = result.evaluation
    value = {"latency": found.cycles, "energy": found.energy_pj, "edp": found.edp_pj_cycles}[objective]
    assert value == pytest.approx(expected, rel=1e-12)
    assert found.feasible
    certificate = result.certificate
    assert min(certificate.pruned.values()) >= 0
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented
