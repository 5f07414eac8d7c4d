"""Certified equals exhaustive on small subspaces of every named space, whatever is asked of them."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
import workloads
from dse.errors import InfeasibleSpaceError
from dse.strategies.bounds import OfBest
from dse.strategies.problem import work_of
from dse.strategies.tables import Tables
from tests.dse import tiny
from tests.dse_search.test_bounds import spread
from workloads import Graph, Network
from workloads.networks.transformer import add, joint_projection, layer_norm, perceptron
from workloads.operations import Attention

MOST = 48  # points of a subspace
SAMPLE = (4, 8, 16)  # costed first, so that most points are left to the bounds

SPACES = {name: dse.named_space(name) for name in ("systolic", "edge", "datacentre", "sparse", "spring")}

MORE_AXES = {
    "buffers.double_buffered": [True, False],
    "buffers.input.port_bits": [0, 16, 64],
    "buffers.shared.bytes": ["1 KiB", "64 KiB"],
    "technology.voltage": [0.6, 0.8],
    "vector_lanes": [1, 16],
    "stacking.temperature_limit_c": [0.0, 50.0, 105.0],
}
"""What no named space moves by itself; a voltage only where no axis moves it already."""


def transformer():
    """One block of one small transformer."""
    graph = Graph("transformer")
    x = graph.input("tokens", (1, 12, 16))
    y = graph.add(
        Attention("attention", heads=2), *joint_projection(graph, "qkv", layer_norm(graph, "norm", x))
    )
    perceptron(graph, "mlp", add(graph, "sum", y, x), 32, "gelu")
    return Network(graph)


@cache
def network(name):
    """Networks from kilo- to mega-MACs, dense and sparse."""
    match name:
        case "transformer":
            return transformer()
        case "sparse":
            return tiny.network().sparsify("uniform", density=0.2)
        case "sparse lenet5":
            return workloads.load("lenet5").sparsify("erk", density=0.1)
    return workloads.load(name)


NETWORKS = ("lenet5", "sparse", "sparse lenet5", "mlp_pen", "transformer")


@st.composite
def works(draw):
    """One network, or several."""
    chosen = draw(st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=3, unique=True))
    if {"lenet5", "sparse lenet5"} <= {*chosen}:
        chosen.remove("lenet5")  # they bear one name
    networks = [network(name) for name in chosen]
    if len(networks) == 1:
        return work_of(networks[0])
    weights = draw(st.lists(st.integers(1, 9), min_size=len(networks), max_size=len(networks)))
    return dse.several(networks, draw(st.sampled_from(["geomean", "worst", "weighted"])), weights)


@st.composite
def subspaces(draw):
    """At most `MOST` points of a named space, without its constraints, and now and then an axis more."""
    space = SPACES[draw(st.sampled_from(sorted(SPACES)))]
    added = draw(st.sampled_from([None, *MORE_AXES]))
    if added and added not in space.fields:
        space = dse.Space(space.base, {**axes_of(space), added: MORE_AXES[added]}, name=space.name)
    number = 1
    kept = {}
    for axis in draw(st.permutations(range(len(space.axes)))):
        length = len(space.axes[axis])
        most = max(1, min(length, 4, MOST // number))
        codes = st.lists(st.integers(0, length - 1), min_size=min(2, most), max_size=most, unique=True)
        kept[axis] = draw(codes)
        number *= len(kept[axis])
    return dse.Space(space.base, axes_of(space, kept), name=space.name)


def axes_of(space, kept=None):
    """Axes as `dse.Space` takes them, of each the codes that are kept."""
    return {
        axis.name: [
            axis.values[code][0] if axis.fields == (axis.name,) else axis.changes(code)
            for code in (kept[number] if kept else range(len(axis)))
        ]
        for number, axis in enumerate(space.axes)
    }


@st.composite
def constraints(draw, found):
    """Limits that some of the costed points break."""
    texts = []
    for _ in range(draw(st.integers(0, 2))):
        metric = draw(st.sampled_from(LIMITED))
        known = found[metric][np.isfinite(found[metric])]
        sense = draw(st.sampled_from(["<=", ">=", "<"]))
        share = draw(st.floats(0.0, 1.0))
        value = float(np.quantile(known, share, method="nearest")) if len(known) else 1.0
        relative = f"{draw(st.sampled_from([0.2, 1.0, 1.5]))!r} * base.{metric}"
        bound = draw(st.sampled_from([repr(value), relative]))
        texts.append(draw(st.sampled_from([f"{metric} {sense} {bound}", f"{bound} {sense} {metric}"])))
    return texts


LIMITED = (
    "area_mm2",
    "power_w",
    "latency_s",
    "energy_j",
    "edp_js",
    "utilisation",
    "temperature_c",
    "footprint_mm2",
)


def front(work, space, strategy, **options):
    try:
        return dse.search(work, space, strategy=strategy, progress=False, workers=1, **options)
    except InfeasibleSpaceError:
        return None


@pytest.mark.compiled
@given(data=st.data())
@settings(max_examples=30)
def test_the_certified_front_is_the_exhaustive_one(data):
    work, space = data.draw(works()), data.draw(subspaces())
    mapping_objective = data.draw(st.sampled_from(hwmodels.OBJECTIVES))
    found = work.cost(space, np.arange(space.size), mapping_objective)
    blocks_are_bounded(data.draw(st.integers(0, 999)), work, space, found)

    space = space.replace(constraints=data.draw(constraints(found)))
    objectives = data.draw(st.lists(st.sampled_from(work.boundable), min_size=1, max_size=3, unique=True))
    options = {"objectives": objectives, "mapping_objective": mapping_objective}
    every = front(work, space, "exhaustive", **options)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OfBest, "sample", SAMPLE)
        proved = front(work, space, "certified", **options)
    assert (every is None) == (proved is None)
    if proved is not None:
        assert sorted(proved.frame.index) == sorted(every.frame.index)
        assert proved.certificate.complete
        assert proved.certificate.points == every.evaluated


def blocks_are_bounded(seed, work, space, found):
    """No point of a block is below its bound, and none runs where the bound is infinite."""
    rng = np.random.default_rng(seed)
    tables = Tables(space, spread)
    shape = np.array(space.shape)
    low = rng.integers(0, shape, (16, len(shape)))
    high = rng.integers(low + 1, shape + 1)
    fixed = list(tables.fixed_axes)
    high[:, fixed] = low[:, fixed] + 1
    least = work.least(space.model, tables.best(low, high))
    codes = space.codes(np.arange(space.size)).T
    inside = ((low[:, None] <= codes) & (codes < high[:, None])).all(axis=2) & found["feasible"]
    for metric in work.boundable:
        assert not np.isnan(least[metric]).any(), metric
        below = inside & (found[metric] < least[metric][:, None])
        assert not below.any(), metric
