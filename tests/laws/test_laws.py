"""A few pairs of each law in every run; `python -m tests.benchmarks laws` draws thousands."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.spec import Accelerator
from tests.laws import laws, pairs

SMALL = pairs.networks(most=1, largest=6, widest=7)
PAIRS = {
    "two_level": (pairs.networks(), pairs.two_level()),
    "levels": (SMALL, pairs.levelled()),
    "template": (pairs.networks(), pairs.templates()),
}
OBJECTIVES = st.sampled_from(["latency", "energy", "edp"])
DENSITY = st.sampled_from([0.03, 0.3, 0.5, 0.77, 0.99, 1.0])


@st.composite
def pair(draw, kind):
    networks, machines = PAIRS[kind]
    return draw(networks), draw(machines)


@st.composite
def raises(draw, kind):
    network, machine = draw(pair(kind))
    return (
        network,
        machine,
        draw(st.sampled_from(laws.resources(machine))),
        draw(st.sampled_from([1.25, 2, 3, 10])),
    )


@st.composite
def fronts(draw):
    axes = {
        "array.rows": draw(st.lists(st.integers(1, 64), min_size=1, max_size=3, unique=True)),
        "buffers.weight.bytes": draw(st.lists(st.integers(64, 60_000), min_size=1, max_size=3, unique=True)),
    }
    path, some = draw(
        st.sampled_from(
            [
                ("array.cols", st.integers(1, 64)),
                ("buffers.input.bytes", st.integers(64, 60_000)),
                ("main_memory.bandwidth_bytes_per_s", st.sampled_from([1e8, 1e9, 1e10, 1e11])),
            ]
        )
    )
    values = draw(st.lists(some, min_size=2, max_size=4, unique=True))
    return draw(pairs.networks()), draw(pairs.two_level(names=())), axes, path, values, draw(OBJECTIVES)


DRAWN = (
    {("batches", kind): st.tuples(pair(kind), OBJECTIVES, st.integers(2, 9)) for kind in PAIRS}
    | {("more_is_never_slower", kind): raises(kind) for kind in PAIRS}
    | {(law, kind): st.tuples(pair(kind), OBJECTIVES) for law in ("rooflines", "parts_sum") for kind in PAIRS}
    | {
        ("zeros_never_slow", kind): st.tuples(pair(kind), DENSITY, DENSITY)
        for kind in ("two_level", "levels")
    }
    | {
        ("schedules_never_worse", "levels"): st.tuples(
            st.tuples(pairs.networks(most=3, largest=6, widest=7), pairs.levelled()), OBJECTIVES
        ),
        ("added_values_change_no_front", "two_level"): fronts(),
    }
)
"""Law and kind of machine -> what it takes; a pair may come first."""


def hold(law, drawn):
    """Hold what was drawn to a law."""
    flat = [*drawn[0], *drawn[1:]] if isinstance(drawn[0], tuple) else list(drawn)
    try:
        getattr(laws, law)(*flat)
    except AssertionError as broken:
        raise AssertionError(f"{broken}\n{told(*flat[:2])}") from broken


def told(network, machine):
    """What a case needs to be written down: shapes, operations, and fields unlike a known machine's."""
    shapes = [tensor.shape for tensor in network.graph.inputs()]
    base = hwmodels.load("edge_16x16" if isinstance(machine, Accelerator) else "template").paths()
    parts = {
        path: value
        for path, value in machine.paths().items()
        if not dataclasses.is_dataclass(value) and value != base.get(path)
    }
    return "\n".join([f"inputs {shapes}", *map(str, network.operations), str(parts)])


@pytest.mark.compiled
@pytest.mark.parametrize(("law", "kind"), DRAWN)
def test_a_law_holds(law, kind):
    examples = {"added_values_change_no_front": 2, "schedules_never_worse": 6}.get(
        law, 8 if kind == "levels" else 15
    )
    settings(max_examples=examples, deadline=None)(given(DRAWN[law, kind])(lambda drawn: hold(law, drawn)))()
