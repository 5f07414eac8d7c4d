"""The mapping search over zeros: against every mapping of small nests, each costed as a given one."""

from dataclasses import replace
from math import inf, prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwmodels.interop.timeloop import TimeloopProject, map_project, model
from hwmodels.mapping import (
    Architecture,
    Constraints,
    MappingError,
    StorageLevel,
    convolution,
    matrix_product,
)
from hwmodels.mapping.constraints import Factors, LevelConstraints
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.watch import Watch
from hwmodels.zeros.density import Density
from hwmodels.zeros.section import Metadata
from tests.mapping.brute import every_mapping
from workloads.values import Value

LEVELS = ("pad", "buffer", "main")
ACTIONS = {
    "metadata_read": 0.3,
    "metadata_write": 0.4,
    "gated_read": 0.1,
    "gated_write": 0.2,
    "skipped_read": 0.05,
    "gated_metadata_read": 0.02,
    "decompression_count": 0.03,
    "compression_count": 0.07,
}
PRICES = ((1.0, 1.5, 1.25), (4.0, 5.0, 6.0), (32.0, 40.0, 36.0))

MOST = 120  # tilings and choices of operands kept: each is costed by the slow way round
small = st.sampled_from((1, 2, 3, 4, 6, 8))


@st.composite
def formats(draw, operand, dimensions):
    """A format of one to three ranks; those inside a level further out are not fewer, mostly."""
    kinds = st.sampled_from(("UOP", "B", "CP", "RLE", "UB"))
    flattened = draw(st.sampled_from((True, True, False)))
    ranks = []
    for _ in range(draw(st.integers(1, 3))):
        rank = {"format": draw(kinds), "metadata-word-bits": draw(st.sampled_from((1, 3, 4)))}
        if flattened:
            some = draw(st.sampled_from((False, False, False, True)))
            rank["flattened-rankIDs"] = [list(dimensions[: 2 if some else None])]
        ranks.append(rank)
    order = draw(st.sampled_from(("inner-to-outer", "outer-to-inner")))
    return {"name": operand, "rank-application-order": order, "ranks": ranks}


def kept_somewhere(draw, level, names):
    """Operands that a level must or must not keep; some may go either way."""
    how = {name: draw(st.sampled_from(("keep", "keep", "bypass", "free"))) for name in names}
    keep, bypass = (
        frozenset(name for name, what in how.items() if what == wanted) for wanted in ("keep", "bypass")
    )
    return LevelConstraints(level=level, keep=keep, bypass=bypass)


@st.composite
def projects(draw):
    """A small sparse project: two or three levels, formats, gating and skipping, drawn zeros or not."""
    if draw(st.booleans()):
        problem = matrix_product(m=draw(small), k=draw(small), n=draw(st.sampled_from((1, 2, 4))))
    else:
        problem = convolution(k=draw(st.sampled_from((1, 2))), c=1, p=draw(small), q=1, r=draw(small))
    names = [operand.name for operand in problem.operands]
    depth = draw(st.integers(2, 3))
    fan = draw(st.sampled_from((1, 1, 2, 4)))
    levels = []
    for i, name in enumerate(LEVELS[3 - depth :]):
        read, fill, update = PRICES[i + 3 - depth]
        levels.append(
            StorageLevel(
                name=name,
                capacity_words=inf if i == depth - 1 else draw(st.sampled_from((3, 8, 20, 64))),
                word_bits=8,
                block_words=draw(st.sampled_from((1, 1, 4))),
                fanout_x=fan if i == depth - 1 else 1,
                instances=1 if i == depth - 1 else fan,
                read_words_per_cycle=draw(st.sampled_from((inf, 1.0, 2.0))),
                shared_words_per_cycle=draw(st.sampled_from((inf, 2.0))),
                read_pj=read,
                fill_pj=fill,
                update_pj=update,
            )
        )
    machine = Architecture(name="small", levels=tuple(levels), macs=fan, mac_pj=0.5)
    limits = tuple(kept_somewhere(draw, level.name, names) for level in levels[:-1])
    constraints = Constraints(levels=(*limits, LevelConstraints(level="main", keep=frozenset(names))))
    space = Mapspace(problem=problem, architecture=machine, constraints=constraints)
    assume(len(space.keeps()) * prod(len(space.chains(d)) for d in problem.dimensions) <= MOST)
    share = st.sampled_from((1.0, 0.75, 0.5, 0.3, 0.1))
    kind = st.sampled_from(("fixed-structured", "hypergeometric"))
    targets = []
    for level in levels:
        target = {"name": level.name}
        stored = [
            draw(formats(o.name, sorted(o.dimensions))) for o in problem.operands if draw(st.booleans())
        ]
        if stored:
            target["representation-format"] = {"data-spaces": stored}
        if level is levels[0] and draw(st.booleans()):
            savings = draw(st.sampled_from(("gating", "skipping")))
            chosen = draw(st.permutations(names))
            target["action-optimization"] = [
                {"type": savings, "options": [{"target": chosen[0], "condition-on": [chosen[1]]}]}
            ]
        targets.append(target)
    if draw(st.booleans()):
        compute = draw(st.sampled_from(("gating", "skipping")))
        targets.append({"name": "mac", "compute-optimization": [{"type": compute}]})
    metadata = Metadata(bits=4, width_bits=draw(st.sampled_from((0, 4, 12))))
    return TimeloopProject(
        problem=problem,
        architecture=machine,
        mapping=None,
        streamed=(),
        constraints=constraints,
        densities={name: Density(value=draw(share), distribution=draw(kind)) for name in names},
        metadata={level.name: metadata for level in levels},
        actions={**{level.name: ACTIONS for level in levels}, "mac": {"mac_gated": 0.1, "mac_skipped": 0.0}},
        sparse=Value("sparse.yaml", "sparse_optimizations", {"targets": targets}),
        notes=(),
        mapper={},
    )


def given_costs(project):
    """Cycles and energy of every mapping that the given-mapping path takes; and how many there are."""
    found = []
    space = Mapspace(
        problem=project.problem, architecture=project.architecture, constraints=project.constraints
    )
    mappings = every_mapping(space)
    for mapping in mappings:
        try:
            result = model(replace(project, mapping=mapping))
        except MappingError:
            continue
        found.append((result.cycles, result.evaluation.energy_pj))
    return found, len(mappings)


@settings(max_examples=40, deadline=None)
@given(project=projects())
def test_the_optimum_is_that_of_all_mappings_given_one_by_one(project):
    costs, _ = given_costs(project)
    for objective, value in (
        ("latency", lambda cycles, energy: cycles),
        ("energy", lambda cycles, energy: energy),
        ("edp", lambda cycles, energy: cycles * energy),
    ):
        if not costs:
            with pytest.raises(MappingError):
                map_project(project, objective)
            continue
        result, certificate = map_project(project, objective)
        least = min(value(*cost) for cost in costs)
        assert value(result.cycles, result.evaluation.energy_pj) == pytest.approx(least, rel=1e-9)
        assert certificate.best == pytest.approx(least, rel=1e-9)
        if objective == "latency":  # of the fastest, the one with the least energy
            equal = [energy for cycles, energy in costs if cycles == least]
            assert result.evaluation.energy_pj == pytest.approx(min(equal), rel=1e-9)
        assert certificate.optimal
        assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


CANDIDATES = {"main.W": ("none", "UOP-CP", "B", "UOP-UOP-RLE"), "main.I": ("none", "UOP-B")}


@settings(max_examples=10, deadline=None)
@given(project=projects())
def test_the_best_formats_are_those_of_every_combination_mapped_alone(project):
    assume(project.metadata["main"].width_bits > 0)
    found = []
    for weights in CANDIDATES["main.W"]:
        for inputs in CANDIDATES["main.I"]:
            one = {"main.W": (weights,), "main.I": (inputs,)}
            try:
                result, certificate = map_project(project, "edp", formats=one)
            except MappingError:
                continue
            found.append((certificate.best, certificate.represented, result.formats))
    if not found:
        with pytest.raises(MappingError):
            map_project(project, "edp", formats=CANDIDATES)
        return
    result, certificate = map_project(project, "edp", formats=CANDIDATES)
    assert certificate.best == min(best for best, _, _ in found)
    assert result.formats in [formats for best, _, formats in found if best == certificate.best]
    assert certificate.represented == 8 * found[0][1]
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


def small_project(**changes):
    """A product on a buffer and main memory, its weights compressed in main memory."""
    machine = Architecture(
        name="two",
        levels=(
            StorageLevel(name="buffer", capacity_words=16, read_pj=1, fill_pj=1, update_pj=1),
            StorageLevel(name="main", read_pj=32, fill_pj=32, update_pj=32),
        ),
        macs=1,
    )
    problem = matrix_product(m=4, k=8, n=2)
    stored = [{"name": "W", "ranks": [{"format": "UOP", "flattened-rankIDs": [["K", "N"]]}] * 2}]
    targets = [{"name": "main", "representation-format": {"data-spaces": stored}}]
    given = TimeloopProject(
        problem=problem,
        architecture=machine,
        mapping=None,
        streamed=(),
        constraints=Constraints(),
        densities={name: Density(value=0.25) for name in "WIO"},
        metadata={"buffer": Metadata(), "main": Metadata(bits=4, width_bits=8)},
        actions={"buffer": {}, "main": {"metadata_read": 4.0}, "mac": {}},
        sparse=Value("sparse.yaml", "sparse_optimizations", {"targets": targets}),
        notes=(),
        mapper={},
    )
    return replace(given, **changes)


def test_leaving_zeros_out_of_main_memory_pays():
    best, certificate = map_project(
        small_project(), "energy", formats={"main.W": ["none", "UOP-B"], "main.I": ["none", "UOP-CP"]}
    )
    assert best.formats == {"main.W": "UOP-B", "main.I": "UOP-CP"}
    dense, _ = map_project(small_project(), "energy", formats={"main.W": ["none"]})
    assert best.energy_uj < dense.energy_uj
    assert certificate.optimal


def test_the_bound_of_an_ended_search_is_below_the_optimum(monkeypatch):
    whole, certificate = map_project(small_project(), "energy")
    assert certificate.optimal
    monkeypatch.setattr("hwmodels.zeros.search._CHUNK", 256.0)
    some, ended = map_project(small_project(), "energy", watch=Watch(seconds=0.0))
    assert not ended.optimal
    assert 0.0 < ended.bound <= certificate.best * (1.0 + 1e-12)
    assert some.energy_uj >= whole.energy_uj


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ({"main.W": ["CSR"]}, r"formats of main\.W: unknown format 'CSR'; supported: none, or ranks UOP"),
        ({"W": ["none"]}, r"need LEVEL\.OPERAND, such as DRAM\.Inputs, got 'W'"),
        ({"cache.W": ["none"]}, "level 'cache' is unknown, two has buffer, main"),
        ({"main.X": ["none"]}, "operand 'X' is unknown"),
        ({"buffer.W": ["none", "B"]}, r"buffer has no memory for metadata .*, so it cannot hold W in B"),
        ({"main.W": []}, r"formats of main\.W: need at least one"),
        ({"main.W": "UOP-CP"}, r"formats of main\.W must be a list of texts, .*, got 'UOP-CP'"),
        ({"main.W": [None]}, r"formats of main\.W must be a list of texts, .*, got \[None\]"),
        ({3: ["none"]}, r"need LEVEL\.OPERAND, such as DRAM\.Inputs, got 3"),
        (["main.W"], r"formats must be a mapping, such as .*, got \['main\.W'\]"),
    ],
)
def test_a_format_that_is_none_or_that_a_level_cannot_hold_is_one_line(formats, message):
    with pytest.raises(MappingError, match=message) as raised:
        map_project(small_project(), formats=formats)
    assert "\n" not in str(raised.value)


def test_where_nothing_is_left_the_line_says_what_is_in_the_way():
    tiny = replace(small_project().architecture.levels[0], capacity_words=2)
    machine = replace(small_project().architecture, levels=(tiny, small_project().architecture.levels[1]))
    everything = Constraints(levels=(LevelConstraints(level="buffer", keep=frozenset("WIO")),))
    with pytest.raises(MappingError, match="no mapping fits buffer: W alone needs 2 bytes"):
        map_project(small_project(architecture=machine, constraints=everything))
    one = LevelConstraints(level="buffer", temporal=Factors(fixed={"N": 2, "K": 2}))
    outer = LevelConstraints(level="main", temporal=Factors(fixed={"K": 2}))
    with pytest.raises(MappingError, match="the constraints on K leave no way to split its bound 8"):
        map_project(small_project(constraints=Constraints(levels=(one, outer))))
    inner = LevelConstraints(level="buffer", temporal=Factors(fixed={"K": 2}), keep=frozenset("W"))
    held = Constraints(levels=(inner, LevelConstraints(level="main", temporal=Factors(fixed={"K": 4}))))
    split = small_project(constraints=held)
    with pytest.raises(MappingError, match=r"costs none of .* it says: W at main: 1 ranks are too few"):
        map_project(split, formats={"main.W": ["B"]})
