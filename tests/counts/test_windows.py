"""Count sets of sliding windows: against every mapping walked one by one, and against the uneven search."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import workloads
from hwmodels.counts.form import form_of
from hwmodels.counts.sets import best_mapping, covered
from hwmodels.mapping import (
    Architecture,
    Drain,
    FirstTouch,
    MappingError,
    Problem,
    Reuse,
    Rules,
    StorageLevel,
    convolution,
    map_problem,
)
from hwmodels.models.nest import NEST
from hwmodels.models.nest_counts import space_of, uncovered
from tests.counts.test_sets import PRICES, keeping, row_of_pes
from tests.counts.test_sweep import AXES, pad_buffer_memory, whole
from tests.oracles.counts import Prices
from tests.oracles.slid import least_energy
from workloads.table import Kind, take_rows

HALOS = pytest.mark.parametrize("reuse", [Reuse.OVERLAP, Reuse.NOTHING])


@HALOS
@pytest.mark.parametrize(
    ("problem", "lanes"),
    [
        (convolution(k=2, c=2, p=2, q=1, r=3), 2),
        (convolution(k=1, c=1, p=2, q=2, r=2, s=3), 1),
        (convolution(k=2, c=1, p=4, q=1, r=3, stride=(2, 1)), 2),
    ],
)
@pytest.mark.compiled
def test_sets_of_windows_equal_every_uneven_mapping(problem: Problem, lanes: int, reuse: Reuse) -> None:
    rules = Rules(reuse=reuse, drain=Drain.FREE)
    prices = Prices(pad=0.5, buffer=1.0, memory=7.0)
    for pad, buffer in ((4, 9), (7, 20)):
        architecture = row_of_pes(lanes, pad, buffer, prices)
        kept = keeping(architecture)
        result = best_mapping(problem, architecture, "energy", kept, "perfect", rules)
        halos = reuse is Reuse.NOTHING
        least = least_energy(rules.seen(problem), lanes, (pad, buffer), prices, halos=halos)
        assert (inf if result is None else result.evaluation.energy_pj) == pytest.approx(least, rel=1e-12)


@st.composite
def windows(draw: st.DrawFn) -> Problem:
    """Convolutions whose windows slide, some of them grouped."""
    few = st.integers(1, 3)
    return convolution(
        g=draw(st.integers(1, 2)), k=draw(st.integers(1, 2)), c=draw(st.integers(1, 2)),
        p=draw(st.integers(2, 4)), q=draw(st.integers(1, 2)), r=draw(few), s=draw(st.integers(1, 2)),
        stride=(draw(few), 1),
    )  # fmt: skip


@pytest.mark.compiled
@settings(max_examples=4, deadline=None)
@given(
    problem=windows(),
    room=st.tuples(st.integers(3, 24), st.integers(8, 80)),
    edges=st.sampled_from(((1, 1), (2, 1), (2, 2))),
    prices=st.lists(PRICES, min_size=9, max_size=9),
    rate=st.sampled_from((inf, 1.0)),
    rules=st.builds(
        Rules,
        reuse=st.sampled_from((Reuse.OVERLAP, Reuse.NOTHING)),
        first_touch=st.sampled_from(FirstTouch),
        drain=st.sampled_from(Drain),
    ),
    objective=st.sampled_from(("latency", "energy", "edp")),
)
def test_sets_of_windows_equal_the_search(
    problem: Problem,
    room: tuple[int, int],
    edges: tuple[int, int],
    prices: list[float],
    rate: float,
    rules: Rules,
    objective: str,
) -> None:
    """The best vector is the best uneven mapping, and the engine counts of its mapping what it says."""
    lanes = edges[0] * edges[1]
    names = (("pad", room[0]), ("buffer", room[1]), ("memory", inf))
    levels = tuple(
        StorageLevel(
            name=name, capacity_words=size, read_pj=prices[3 * i], fill_pj=prices[3 * i + 1],
            update_pj=prices[3 * i + 2], read_words_per_cycle=rate, instances=lanes if i == 0 else 1,
            fanout_x=edges[0] if i == 1 else 1, fanout_y=edges[1] if i == 1 else 1,
        )
        for i, (name, size) in enumerate(names)
    )  # fmt: skip
    machine = Architecture(name="any", levels=levels, macs=lanes, mac_pj=1.0, mac_leakage_w=1e-3)
    kept = keeping(machine)
    form = form_of(machine, kept, "perfect", rules)
    assert form is not None
    if not covered(problem, rules, form):
        return
    result = best_mapping(problem, machine, objective, kept, "perfect", rules)  # type: ignore[arg-type]
    try:
        searched = map_problem(
            problem,
            machine,
            objective,  # type: ignore[arg-type]
            constraints=kept,
            rules=rules,
            storage="uneven",
        )
    except MappingError:
        assert result is None
        return
    assert result is not None
    assert result.evaluation.feasible
    assert result.certificate.best == pytest.approx(searched.certificate.best, rel=1e-12)


@pytest.mark.compiled
def test_a_sweep_by_sets_of_windows_equals_machine_after_machine() -> None:
    """A depthwise layer of 7 x 7 outputs."""
    table = workloads.load("mobilenet_v2").table()
    windows = np.flatnonzero((table.kind == Kind.NEST) & (table.g == 960))
    layers = take_rows(table, windows[:1])
    space = dse.Space(pad_buffer_memory().replace({"factors": "perfect"}), axes=AXES)  # of 8 x 8: too many
    index = space.sample(2, "sobol", 1)
    packed = space.pack(index)
    served = space_of(packed.machine)
    assert served is not None
    assert uncovered(layers, served) == 0
    got, want = NEST.evaluate(layers, packed, "edp"), NEST.evaluate(layers, whole(space, index), "edp")
    for name in got._fields:
        assert getattr(got, name) == pytest.approx(getattr(want, name), rel=1e-12, nan_ok=True), name
