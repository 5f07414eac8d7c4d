"""One door: everything above takes whatever is a machine, and asks no machine of which kind it is."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest

import dse
import hwmodels
import workloads
from dse.views.text import assumptions
from tests.dse import tiny

MACHINES = ("edge_16x16", "eyeriss_v1", "simba_like", "nvdla_like", "tpu_v1", "template")
ROOT = Path(__file__).resolve().parents[2]


def machines():
    return [hwmodels.load(name) for name in MACHINES]


def space_of(machine):
    """Four points around any machine: two clocks, two memories."""
    return dse.Space(
        machine,
        axes={"clock_hz": [machine.clock_hz, machine.clock_hz / 2], "main_memory": ["lpddr4", "hbm2"]},
    )


@pytest.mark.compiled
@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_is_evaluated_with_totals_operations_bottlenecks_and_tiers(name):
    result = dse.evaluate(tiny.network(), name)
    assert result.feasible
    operations = result.operations
    repeats = operations["repeats"].to_numpy()
    for column in ("latency_s", "energy_j", "dram_read_bytes", "mac_energy_j"):
        assert result.totals[column] == pytest.approx(repeats @ operations[column].to_numpy(), rel=1e-9)
    assert result.bottlenecks()["latency_share"].sum() == pytest.approx(1.0)
    assert result.tiers()["area_mm2"].sum() > 0
    assert name in repr(result)
    assert "<table" in result._repr_html_()


@pytest.mark.compiled
@pytest.mark.parametrize("name", MACHINES)
def test_every_machine_is_swept_explained_and_kept(name, tmp_path):
    space = space_of(hwmodels.load(name))
    sweep = dse.sweep(tiny.network(), space, store=tmp_path, progress=False)
    frame = sweep.frame
    assert frame["feasible"].all()
    for index in range(space.size):
        alone = dse.evaluate(tiny.network(), space[index]).totals
        assert frame.loc[index, "latency_s"] == alone["latency_s"]
        assert frame.loc[index, "energy_j"] == alone["energy_j"]
    front = sweep.front(("latency_s", "energy_j"))
    explained = dse.explain(front)
    assert len(explained.bottlenecks) == len(front)
    assert "main memory" in assumptions(front)
    again = dse.sweep(tiny.network(), space, store=tmp_path, progress=False)
    assert again.frame.equals(frame)
    opened = dse.open(tmp_path)
    assert opened.space.fingerprint() == space.fingerprint()
    assert opened.frame.equals(frame)


@pytest.mark.compiled
def test_stores_of_levels_and_edges_open_by_themselves(tmp_path):
    axes = {"array.rows": [6, 12], "levels.psums.bytes": ["64 KiB", "84 KiB"], "array.cols": [14]}
    space = dse.Space("eyeriss_v1", axes)
    frame = dse.sweep(tiny.network(), space, store=tmp_path, progress=False).frame
    opened = dse.open(tmp_path)
    assert opened.space.fingerprint() == space.fingerprint()
    assert opened.frame.equals(frame)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["edge_16x16", "eyeriss_v1", "simba_like", "nvdla_like", "tpu_v1"])
def test_machines_with_levels_are_stressed_like_those_with_buffers(name):
    front = dse.sweep(tiny.network(), space_of(hwmodels.load(name)), progress=False).front(
        ("latency_s", "energy_j")
    )
    stressed = dse.stress(front, samples=8, progress=False)
    shares = stressed.probability.to_numpy()
    assert 0 <= shares.min() <= shares.max() <= 1


@pytest.mark.compiled
def test_levels_are_axes_with_units_and_constraints():
    space = dse.Space(
        "eyeriss_v1",
        axes={"levels.ifmaps.bytes": ["8 KiB", "16 KiB"], "array.cols": [7, 14], "clock_hz": ["100 MHz"]},
        constraints=["array.cols * levels.ifmaps.bytes <= 14 * 8192", "area_mm2 <= base.area_mm2"],
    )
    frame = dse.sweep(tiny.network(), space, progress=False).frame
    assert (frame["limit"] != "").sum() >= 1
    kept = frame[frame["feasible"]]
    assert ((kept["array.cols"] * kept["levels.ifmaps.bytes"]) <= 14 * 8192).all()


@pytest.mark.compiled
def test_machines_travel_to_other_processes():
    for machine in machines():
        again = pickle.loads(pickle.dumps(machine))
        assert again == machine
        assert again.fingerprint() == machine.fingerprint()


def test_no_machine_has_two_names_and_every_name_one_machine():
    prints = [hwmodels.load(name).fingerprint() for name in hwmodels.names()]
    assert len(set(prints)) == len(prints)


def test_nothing_above_the_door_asks_for_a_kind():
    """`dse` names no class of machine in an isinstance."""
    kinds = {"Accelerator", "LevelMachine", "Template", "ConfigTable", "TemplateTable", "LevelTable"}
    for path in (ROOT / "dse").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
                named = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                assert not named & kinds, path


def test_a_model_without_bounds_or_parts_is_refused_by_name():
    with pytest.raises(ValueError, match=r"certified: space .* has no lower bounds; its model \(template\)"):
        dse.search(tiny.network(), space_of(hwmodels.load("template")), strategy="certified")


@pytest.mark.compiled
@pytest.mark.parametrize("strategy", ["exhaustive", "certified"])
def test_a_front_of_machines_of_levels_is_proved(strategy):
    space = space_of(hwmodels.load("eyeriss_v1"))
    objectives = ("latency_s", "energy_j")
    options = {"objectives": objectives, "strategy": strategy, "progress": False}
    found = dse.search(tiny.network(), space, **options)
    assert found.certificate.complete
    front = dse.sweep(tiny.network(), space, progress=False).front(objectives)
    assert found.frame.index.tolist() == front.frame.index.tolist()


@pytest.mark.parametrize("value", [None, 7, workloads])
def test_what_is_no_machine_is_one_line(value):
    with pytest.raises(TypeError, match="accelerator must be a machine, its name, or"):
        dse.evaluate(tiny.network(), value)
    with pytest.raises(TypeError, match="base must be a machine, its name, or"):
        dse.Space(value, axes={})


@pytest.mark.compiled
def test_mappings_may_be_given_and_searches_cut_short():
    network = tiny.network()
    best = dse.evaluate(network, "eyeriss_v1", mapping_objective="energy")
    name = best.operations.loc[best.operations["kind"] == "nest", "operation"].iloc[0]
    with pytest.raises(KeyError, match="there is no operation 'nothing'"):
        dse.evaluate(network, "eyeriss_v1", mappings={"nothing": None})
    with pytest.raises(ValueError, match="limit_s is for machines of levels"):
        dse.evaluate(network, "edge_16x16", limit_s=1.0)
    short = dse.evaluate(network, "eyeriss_v1", mapping_objective="energy", limit_s=3600.0)
    assert short.totals["energy_j"] == best.totals["energy_j"]
    assert short.operations["optimal"].all()
    assert name in set(short.operations["operation"])


class Ideal:
    """A machine from outside: whatever it runs takes a picosecond a MAC."""

    name, source, assumptions = "ideal", "a test", ()

    def __init__(self, clock_hz=1e12):
        self.clock_hz = clock_hz
        self.main_memory = hwmodels.main_memory("lpddr4")

    @property
    def model(self):
        return IdealModel()

    def paths(self):
        return {"clock_hz": self.clock_hz}

    def replace(self, changes):
        return Ideal(**changes)

    def fingerprint(self):
        return f"ideal {self.clock_hz}"


class IdealModel:
    name, columns = "ideal", ("latency_s", "energy_j", "area_mm2")
    bounded = perturbable = tells = maps = searches = False
    switches = ()

    def limits(self, machine):
        return ("",)

    def bounds(self, machine):
        return ("compute",)

    def pack(self, base, axes=None, size=1):
        clock = np.full(size, base.clock_hz)
        for values, codes in (axes or {}).values():
            clock = np.array(values)[codes]
        return Clocks(clock)

    def evaluate(self, layers, configs, objective="edp", effort=None):
        seconds = float(layers.macs @ layers.repeats) / configs.clock_hz
        found = {"latency_s": seconds, "energy_j": seconds, "area_mm2": 1.0, "feasible": 1}
        return hwmodels.machine.metric_table(found, configs.size)

    def seconds_a_point(self, layers, configs):
        return 1e-6

    def premises(self, machine, layers, swept):
        return ["nothing is real"]


class Clocks(tuple):
    def __new__(cls, clock_hz):
        return super().__new__(cls, (clock_hz,))

    @property
    def clock_hz(self):
        return self[0]

    @property
    def size(self):
        return len(self[0])


def test_a_machine_from_outside_goes_through_the_door():
    network = tiny.network()
    macs = float(network.table().macs.sum())
    assert dse.evaluate(network, Ideal()).totals["latency_s"] == pytest.approx(macs / 1e12)
    space = dse.Space(Ideal(), axes={"clock_hz": [1e9, 2e9, 4e9]})
    front = dse.sweep(network, space, progress=False).front(("latency_s", "area_mm2"))
    assert front.frame["clock_hz"].tolist() == [4e9]
    assert "nothing is real" in assumptions(front)
