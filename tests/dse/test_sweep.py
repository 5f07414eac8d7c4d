"""A sweep equals costing its points one by one, whatever runs it and however it is cut."""

import tracemalloc
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

import dse
import hwmodels.batch
from dse.metrics import columns
from dse.pareto.front import nondominated
from dse.run import gather, task
from dse.run import sweep as sweeping
from dse.space.sampling import evenly, spread
from dse.views.text import assumptions
from tests.dse import tiny
from workloads import deduplicate, load

OBJECTIVES = ["latency_s", "energy_j", "area_mm2"]


class OneAtATime(Executor):
    """Runs a task when it is submitted, in the caller."""

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        future.set_result(function(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def swept():
    return dse.sweep(tiny.network(), tiny.space(), chunk=37)


def test_every_row_equals_its_accelerator_alone(swept):
    frame, space = swept.frame, swept.space
    assert frame.index.tolist() == list(range(space.size))
    for i in range(0, space.size, 5):
        row = frame.loc[i]
        if space.violated(np.array([i]))[0] >= 0:
            assert not row["feasible"]
            assert row["limit"] == "array.cols <= 2 * array.rows"
            assert np.isnan(row["latency_s"])
        else:
            alone = dse.evaluate(tiny.network(), space[i]).totals
            assert {name: row[name] for name in columns()} == {name: alone[name] for name in columns()}


def test_frame_holds_the_configuration(swept):
    table = swept.space.table()
    for field in swept.space.fields:
        assert swept.frame[field].tolist() == table[field].tolist()


@pytest.mark.parametrize("chunk", [1, 64, 10_000])
def test_how_it_is_cut_changes_nothing(swept, chunk):
    pd.testing.assert_frame_equal(dse.sweep(tiny.network(), tiny.space(), chunk=chunk).frame, swept.frame)


def test_what_runs_it_changes_nothing(swept):
    pools = [
        OneAtATime(),
        ThreadPoolExecutor(3),
        ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    ]
    for pool in pools:
        with pool:
            again = dse.sweep(tiny.network(), tiny.space(), chunk=40, executor=pool)
        pd.testing.assert_frame_equal(again.frame, swept.frame)
        pd.testing.assert_frame_equal(again.front().frame, swept.front().frame)


def test_its_front_is_the_front_of_its_frame(swept):
    for objectives in (OBJECTIVES, ["energy_j", "area_mm2"], ["latency_s", "-utilisation"], ["edp_js"]):
        front = swept.front(objectives)
        expected = swept.frame[nondominated(swept.frame, objectives)]
        assert sorted(front.frame.index) == expected.index.tolist()
        for name in columns():
            assert front.frame[name].sort_index().tolist() == expected[name].tolist()


def test_keeping_only_the_front_finds_the_same_front(swept):
    lean = dse.sweep(tiny.network(), tiny.space(), keep="front", chunk=32, objectives=OBJECTIVES)
    pd.testing.assert_frame_equal(lean.front().frame, swept.front(OBJECTIVES).frame)
    assert (lean.evaluated, lean.feasible) == (swept.evaluated, swept.feasible)
    assert lean.limits().to_dict() == swept.limits().to_dict()
    with pytest.raises(ValueError, match="kept only the front of latency_s, energy_j, area_mm2"):
        lean.front(["edp_js"])


def test_keeping_only_the_front_keeps_few_rows(monkeypatch):
    monkeypatch.setattr(sweeping, "_SAMPLE", 20)
    lean = dse.sweep(tiny.network(), tiny.space(), keep="front", chunk=32)
    every = dse.sweep(tiny.network(), tiny.space(), chunk=32)
    assert len(lean.frame) < len(every.frame) / 2
    pd.testing.assert_frame_equal(lean.frame, every.frame.loc[lean.frame.index])


def test_keeping_only_the_front_drops_the_fronts_of_ranges(swept, monkeypatch, tmp_path):
    monkeypatch.setattr(sweeping, "_SAMPLE", 20)
    monkeypatch.setattr(gather, "_PIECES", 3)
    options = {"keep": "front", "chunk": 8, "objectives": OBJECTIVES}
    lean = dse.sweep(tiny.network(), tiny.space(), **options)
    sample = np.flatnonzero(spread(np.arange(144), 20 / 144))
    wanted = sorted({*sample.tolist(), *swept.front(OBJECTIVES).frame.index})
    assert lean.frame.index.tolist() == wanted
    stored = dse.sweep(tiny.network(), tiny.space(), store=tmp_path, **options)
    pd.testing.assert_frame_equal(stored.frame, lean.frame)


class Interrupted(OneAtATime):
    """Ctrl-C after so many tasks."""

    def __init__(self, tasks):
        self.left = tasks

    def submit(self, function, /, *args, **kwargs):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().submit(function, *args, **kwargs)


@pytest.mark.compiled
@pytest.mark.parametrize("stored", [False, True])
def test_a_space_of_billions_of_points_takes_little_memory(tmp_path, stored):
    axes = dict.fromkeys(["array.rows", "array.cols", "vector_lanes"], range(2, 42))
    sizes = {f"buffers.{name}.bytes": range(2**12, 2**12 + 40) for name in ("weight", "input", "output")}
    space = dse.Space("edge_16x16", {**axes, **sizes})
    assert space.size == 40**6
    options = {"keep": "front", "chunk": 4, "store": tmp_path if stored else None}
    tracemalloc.start()
    try:
        for tasks in (30, 60) if stored else (60,):
            with pytest.raises(KeyboardInterrupt, match=r"stopped after \d+ of 4,096,000,000"):
                dse.sweep(tiny.network(), space, executor=Interrupted(tasks), **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 2**20


def test_metric_constraints_exclude_after_costing(swept):
    middle = float(swept.frame["area_mm2"].median())
    bound = dse.sweep(tiny.network(), tiny.space(constraints=[f"area_mm2 <= {middle}"]))
    frame = bound.frame
    assert (frame["feasible"] == (frame["area_mm2"] <= middle)).all()
    assert bound.limits().to_dict() == {f"area_mm2 <= {middle}": int((~frame["feasible"]).sum())}
    assert (bound.front(["latency_s"]).frame["area_mm2"] <= middle).all()


def test_metrics_can_be_bound_relative_to_the_base():
    relative = dse.sweep(tiny.network(), tiny.space(constraints=["energy_j <= 0.9 * base.energy_j"]))
    base = dse.evaluate(tiny.network(), "edge_16x16").totals["energy_j"]
    assert 0 < relative.feasible < relative.evaluated
    assert (relative.frame["feasible"] == (relative.frame["energy_j"] <= 0.9 * base)).all()


@pytest.mark.filterwarnings("ignore:invalid value")  # of kernels run uncompiled: 0 / 0 in an infeasible row
def test_a_limit_of_the_models_is_named():
    space = tiny.space(axes={"buffers.input.bytes": [1, "64 KiB"]})
    swept = dse.sweep(tiny.network(), space)
    tight = swept.frame[swept.frame["buffers.input.bytes"] == 1]
    assert not tight["feasible"].any()
    assert set(tight["limit"]) == {"buffers.input.bytes", "array.cols <= 2 * array.rows"}
    assert tight["latency_s"].isna().all()


def test_an_infeasible_space_names_the_limit_that_excludes_most():
    swept = dse.sweep(tiny.network(), tiny.space(constraints=["area_mm2 <= 1e-9", "array.rows > 4"]))
    message = r"none of its 144 configurations is feasible on tiny; 'area_mm2 <= 1e-9' excludes 96 \(67%\), "
    with pytest.raises(dse.InfeasibleSpaceError, match=message):
        swept.front()


def test_a_metric_that_is_not_finite_never_enters_a_front_or_a_store(monkeypatch, tmp_path):
    honest = hwmodels.batch.evaluate

    def broken(*args, **kwargs):
        table = honest(*args, **kwargs)
        table.energy_j[-1] = np.nan
        return table

    monkeypatch.setattr(hwmodels.batch, "evaluate", broken)
    for store, keep in (
        (None, "all"),
        (None, "front"),
        (tmp_path / "all", "all"),
        (tmp_path / "few", "front"),
    ):
        with pytest.raises(ValueError, match=r"energy_j \(configuration \d+\) of feasible point"):
            dse.sweep(tiny.network(), tiny.space(), store=store, keep=keep)
        assert store is None or not list(store.glob("parts/*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": "some"}, 'keep must be "all" or "front", got \'some\''),
        ({"chunk": 0}, "chunk must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"objectives": ["speed"]}, "unknown objective 'speed'"),
        ({"mapping_objective": "joy"}, "mapping objective must be one of"),
    ],
)
def test_refused_arguments(options, message):
    with pytest.raises((ValueError, KeyError), match=message):
        dse.sweep(tiny.network(), tiny.space(), **options)


@pytest.mark.parametrize("size", [1, 5, 250, 155_520, 2**40])
def test_points_looked_at_lie_evenly_over_any_space(size):
    some = evenly(size, 256)
    assert (np.diff(some) > 0).all()
    assert some[0] >= 0
    assert some[-1] < size
    assert len(some) == size if size < 100 else len(some) > 150
    gaps = np.diff([-1, *some.tolist(), size])
    assert gaps.max() <= max(1, 3 * size / 256) + 1  # multiples of the golden ratio leave three lengths


def test_a_chunk_holds_fewer_points_the_longer_one_takes():
    small, _ = deduplicate(tiny.network().table())
    large, _ = deduplicate(load("resnet50").table())
    systolic, skipping = dse.named_space("systolic"), dse.named_space("sparse")
    rarely_costed = systolic.replace(constraints=["array.rows >= 64"])
    assert sweeping.chunk_size(small, tiny.space()) == tiny.space().size
    assert sweeping.chunk_size(small, dse.named_space("software_defined")) == 64_000
    assert 1000 < sweeping.chunk_size(large, systolic) < sweeping.chunk_size(small, systolic)
    assert sweeping.chunk_size(large, skipping) < sweeping.chunk_size(large, systolic)
    assert sweeping.chunk_size(large, systolic) < sweeping.chunk_size(large, rarely_costed)
    assert sweeping.chunk_size(large, systolic) == sweeping.chunk_size(large, systolic)


def test_templates_are_swept(tmp_path):
    space = dse.named_space("software_defined").replace(
        {"loop_order": ["of_if_xy"], "tile_of": [16, 64], "tile_if": [16], "groups": [8, 16]},
        ["area_mm2 <= 3"],
    )
    swept = dse.sweep(tiny.network(), space, store=tmp_path, chunk=1000)
    found = task.cost_index(swept.layers, space, np.arange(space.size))
    assert swept.frame["energy_j"].tolist() == pytest.approx(found["energy_j"].tolist(), rel=0, nan_ok=True)
    assert 0 < swept.feasible == found["feasible"].sum() < space.size
    assert len(swept.front()) > 1
    assert "assumed" in assumptions(swept.front())


def test_progress_is_silent_where_nobody_watches(capfd):
    dse.sweep(tiny.network(), tiny.space())
    assert capfd.readouterr() == ("", "")
    dse.sweep(tiny.network(), tiny.space(), progress=True)
    shown = capfd.readouterr().err
    assert "/s" in shown
    assert "left" in shown
    assert "front" in shown
    assert "128/128" in shown  # points that are costed; 16 are excluded before
