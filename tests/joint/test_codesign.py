"""Joint searches: against exhaustion on small spaces, equal seeds, failures, and being killed."""

import os
import subprocess
import sys

import numpy as np
import pandas
import pytest

import dse
import workloads
from dse.errors import InfeasibleSpaceError, UnknownNameError
from dse.joint.accuracy import Measured
from dse.joint.flat import _crowding, _ranks
from dse.joint.search import _STRATEGIES, PAIRS
from dse.pareto.front import nondominated
from tests.joint.calls import killed_after, layered, with_machine

NETS = workloads.NetworkSpace(
    "perceptron",
    {"depth": [1, 2], "width.layer1": [8, 16, 32, 64, 128], "width.layer2": [16, 64]},
    ["macs <= 14_000"],
)
MACHINES = dse.Space(
    "edge_16x16", {"array.rows": [4, 8, 16], "array.cols": [4, 8, 16], "clock_hz": ["400 MHz", "800 MHz"]}
)


def every_pair():
    """The front of all networks that do not fail on all machines, by costing each pair."""
    rows = []
    for index in range(NETS.size):
        if not NETS.allows(index):
            continue
        try:
            accuracy = layered(NETS[index])
        except RuntimeError:
            continue
        frame = dse.sweep(NETS[index], MACHINES, progress=False).frame
        rows.append(frame.assign(network=index, accuracy=accuracy).reset_index(names="machine"))
    import pandas

    pairs = pandas.concat(rows, ignore_index=True)
    return pairs[nondominated(pairs, ["-accuracy", "latency_s", "energy_j"])]


def found_by(strategy, budget=20, rounds=2):
    return dse.codesign(NETS, MACHINES, accuracy=layered, budget=budget, strategy=strategy, rounds=rounds)


def test_nested_search_with_every_network_finds_the_front_of_all_pairs():
    found = found_by("nested", 40)
    wanted = every_pair()
    assert set(zip(found.frame.network, found.frame.machine, strict=True)) == set(
        zip(wanted.network, wanted.machine, strict=True)
    )
    np.testing.assert_allclose(sorted(found.frame.energy_j), sorted(wanted.energy_j))
    assert found.trainings["failed"].str.contains("too thin").any()
    assert "trainings failed; the first: RuntimeError: too thin" in found.notes[0]
    row = found.frame.iloc[3]
    alone = dse.evaluate(found.network(3), found.accelerator(3))
    assert alone.totals["energy_j"] == pytest.approx(row["energy_j"])


@pytest.mark.parametrize("strategy", sorted([*_STRATEGIES, PAIRS]))
def test_every_strategy_keeps_its_budget_and_its_seed(strategy, monkeypatch):
    monkeypatch.setattr("dse.joint.flat._GENERATIONS", 2)
    found = found_by(strategy, 7, 1)
    assert len(found.trainings) <= 7
    assert found.trainings["network"].is_unique or strategy == PAIRS
    assert nondominated(found.frame, ["-accuracy", "latency_s", "energy_j"]).all()
    again = found_by(strategy, 7, 1)
    assert found.frame.equals(again.frame)
    assert found.evaluations == again.evaluations
    scale = found.scale(again)
    assert found.hypervolume(scale) == again.hypervolume(scale) > 0
    assert str(found).endswith(f"{strategy}, seed 0")


def test_joint_search_dominates_more_than_sequential():
    joint, sequential = found_by("nested", 9), found_by("sequential", 9)
    scale = joint.scale(sequential)
    assert joint.hypervolume(scale) > sequential.hypervolume(scale)
    levels = [0.5, 0.6, float(sequential.frame.accuracy.max()) - 0.05]
    ours, theirs = (one.iso_accuracy(levels, "energy_j") for one in (joint, sequential))
    assert (ours.energy_j.iloc[:2] <= theirs.energy_j.iloc[:2]).all()
    assert joint.iso_accuracy([2.0]).isna().all(axis=None)


def test_a_schedule_is_taken_from_networks_to_fronts():
    space = dse.Space("edge_16x16", {"array.rows": [8, 16], "buffers.input.resident": [True]})
    found = dse.codesign(NETS, space, accuracy=layered, budget=4, rounds=1, schedule="resident")
    alone = dse.evaluate(found.network(0), found.accelerator(0), schedule="resident")
    apart = dse.evaluate(found.network(0), found.accelerator(0))
    assert found.frame["energy_j"].iloc[0] == pytest.approx(alone.totals["energy_j"])
    assert alone.totals["energy_j"] < apart.totals["energy_j"]
    assert found.provenance["schedule"] == "resident"


def test_networks_below_the_floor_are_on_no_front():
    found = dse.codesign(NETS, MACHINES, accuracy=layered, budget=9, rounds=2, floor=0.9)
    free = found_by("nested", 9)
    assert found.frame.accuracy.min() >= 0.9 > free.frame.accuracy.min()
    assert len(found.trainings) == 9


def test_confirmation_trains_the_front_again():
    def lucky(network, *, seed=0):
        return layered(network) - (0.1 if seed else 0.0) - 0.001 * (seed % 3)

    found = dse.codesign(NETS, MACHINES, accuracy=lucky, budget=6, rounds=1, confirm=3)
    np.testing.assert_allclose(found.frame.accuracy - found.frame.confirmed, 0.101, atol=2e-3)
    np.testing.assert_allclose(found.frame.confirmed_spread, 0.001, rtol=1e-6)
    assert "10.1 points worse" in found.notes[-1]


def test_what_was_trained_and_costed_before_a_kill_is_not_done_again(tmp_path, monkeypatch):
    code = (
        "import dse\nfrom tests.joint.calls import killed_after\n"
        "from tests.joint.test_codesign import MACHINES, NETS\n"
        "found = dse.codesign(NETS, MACHINES, accuracy=killed_after, budget=9, rounds=2, "
        f"store={str(tmp_path / 'run')!r})\n"
        "print(len(found))"
    )
    counted = tmp_path / "count"
    environment = {**os.environ, "COUNTED": str(counted), "KILLED_AT": "7"}
    first = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert first.returncode == 9
    kept = tmp_path / "run" / "trainings"
    assert len(list(kept.glob("*.json"))) == 6
    monkeypatch.setenv("COUNTED", str(counted))
    monkeypatch.setenv("KILLED_AT", "1000")
    dse.codesign(NETS, MACHINES, accuracy=killed_after, budget=9, rounds=2, store=tmp_path / "run")
    assert int(counted.read_text()) == len(list(kept.glob("*.json"))) + 1  # the one that was killed


def test_a_list_of_networks_and_other_objectives():
    nets = [workloads.load("mlp_pen"), workloads.load("mlp_letter")]
    found = dse.codesign(
        nets, MACHINES, accuracy=layered, budget=5, objectives=("-accuracy", "edp_js"), confirm=0
    )
    assert set(found.frame["net.network"]) <= {"mlp_pen", "mlp_letter"}
    assert found.quality is None
    assert len(found.trainings) == 2


def test_files_and_figure(tmp_path):
    found = found_by("nested", 6)
    files = found.save(tmp_path / "out")
    assert [os.path.basename(file) for file in files] == [
        "codesign.parquet",
        "pairs.parquet",
        "trainings.parquet",
        "codesign.csv",
        "trainings.csv",
        "codesign.pdf",
        "codesign.png",
    ]
    again = dse.open(tmp_path / "out")
    for name in ("frame", "pairs", "trainings"):
        pandas.testing.assert_frame_equal(getattr(again, name), getattr(found, name), check_dtype=False)
    assert repr(again) == repr(found)
    assert again.accelerator(0) == found.accelerator(0)
    assert len(again.plot().collections) == len(found.plot().collections)
    with pytest.raises(ValueError, match="what was opened holds no networks"):
        again.network(0)
    (tmp_path / "out" / "pairs.parquet").write_bytes(b"x")
    with pytest.raises(dse.StoreError, match=r"pairs\.parquet: is damaged"):
        dse.open(tmp_path / "out" / "codesign.parquet")
    axes = found.plot(others=[found])
    entries = [text.get_text() for text in axes.get_legend().get_texts()]
    assert entries == [f"front ({len(found)})", f"nested ({len(found)})"]
    assert axes.get_ylabel() == "Accuracy (%)"
    with pytest.raises(ValueError, match="different objectives"):
        found.plot(
            others=[
                dse.codesign(NETS, MACHINES, accuracy=layered, budget=2, objectives=("-accuracy", "energy_j"))
            ]
        )


def rounded(network, machine):
    """Fewer rows of the array get more right, on which machines without accuracy would never end."""
    return layered(network) - machine.array.rows / 100


def test_accuracy_of_a_network_on_a_machine_is_measured_of_pairs():
    found = dse.codesign(NETS, MACHINES, accuracy=rounded, budget=12, rounds=2)
    assert found.strategy == "pairs"
    assert len(found.trainings) <= 12
    for row in range(len(found)):
        said = rounded(found.network(row), found.accelerator(row))
        assert found.frame["accuracy"].iloc[row] == said
    assert nondominated(found.frame, ["-accuracy", "latency_s", "energy_j"]).all()
    drawn = dse.codesign(NETS, MACHINES, accuracy=rounded, budget=6, rounds=1)
    assert found.hypervolume(found.scale(drawn)) > 0
    pair = [workloads.load("mlp_pen"), workloads.load("mlp_letter")]
    whole = dse.search(pair, MACHINES, accuracy=rounded, progress=False)
    assert len(whole.pairs) == 2 * MACHINES.size
    assert set(whole.frame["network"]) <= {"mlp_pen", "mlp_letter"}
    with pytest.raises(ValueError, match="budget: say how many pairs"):
        dse.search(NETS, MACHINES, accuracy=rounded, rounds=3)


def test_ranks_and_crowding_by_hand():
    values = np.array([[0.0, 3], [1, 1], [3, 0], [2, 2], [np.inf, 0], [0.5, 2]])
    assert _ranks(values).tolist() == [0, 0, 0, 1, 6, 0]
    finite = values[[0, 1, 2, 5]]
    crowding = _crowding(finite, np.zeros(4, dtype=int))
    assert np.isinf(crowding[[0, 2]]).all()
    np.testing.assert_allclose(crowding[[1, 3]], [2.5 / 3 + 2 / 3, 1 / 3 + 2 / 3])


@pytest.mark.parametrize("nets", [["mlp_pen", "mlp_letter"], "mlp_pen", workloads.load("mlp_pen")])
def test_networks_may_be_named_and_one_is_a_list_of_one(nets):
    found = dse.codesign(nets, MACHINES, accuracy=layered, budget=2)
    assert set(found.trainings["network"]) == ({*nets} if isinstance(nets, list) else {"mlp_pen"})


@pytest.mark.parametrize("strategy", [*_STRATEGIES])
def test_a_first_sample_that_fails_whole_does_not_end_the_search(strategy):
    calls = []

    def late(network):
        calls.append(network)
        if len(calls) <= 2:
            raise RuntimeError("too early")
        return 0.6

    found = dse.codesign(NETS, MACHINES, accuracy=late, budget=6, strategy=strategy, rounds=4)
    assert (found.trainings["failed"] != "").tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("strategy", [*_STRATEGIES, PAIRS])
def test_where_every_training_fails_the_first_is_told(strategy):
    def never(network):
        raise RuntimeError(f"no: {network.name}")

    with pytest.raises(InfeasibleSpaceError, match="all 5 trainings failed; the first: RuntimeError: no"):
        dse.codesign(NETS, MACHINES, accuracy=never, budget=5, strategy=strategy)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"budget": 0}, ValueError, "budget must be a whole number of trainings"),
        ({"budget": True}, ValueError, "budget"),
        ({"strategy": "neste"}, UnknownNameError, "did you mean 'nested'"),
        ({"predictor": "trees"}, UnknownNameError, "unknown predictor 'trees'"),
        ({"objectives": ("latency_s", "energy_j")}, ValueError, "-accuracy is missing"),
        ({"objectives": ("-accuracy",)}, ValueError, "name a cost of the machine"),
        ({"objectives": ("-accuracy", "latency")}, UnknownNameError, "did you mean 'latency_s'"),
        ({"floor": 0.99}, InfeasibleSpaceError, "no network reaches floor = 0.99; the best of those"),
        ({"floor": float("nan")}, ValueError, "floor must be an accuracy"),
        ({"floor": "0.8"}, TypeError, "codesign: floor must be a number, got '0.8'"),
        ({"rounds": 1.5}, TypeError, "rounds must be a whole number of at least 1, got 1.5"),
        ({"seed": -1}, ValueError, "seed must be a whole number of at least 0, got -1"),
        ({"confirm": "a"}, TypeError, "confirm must be a whole number of at least 0, got 'a'"),
        ({"limit_s": 0}, ValueError, "limit_s must be positive, got 0"),
        ({"store": 3}, TypeError, "store must be a path or None, got 3"),
        ({"objectives": None}, TypeError, "objectives must be a text or a sequence, got None"),
        ({"schedule": "kept"}, ValueError, "schedule must be one of layers, resident, reordered, fused"),
        ({"schedule": "fused"}, ValueError, "edge_16x16 names no level at which operations hand on"),
        ({"accuracy": with_machine, "strategy": "nested"}, ValueError, "this accuracy takes the machine"),
        ({"accuracy": lambda network: float("nan")}, InfeasibleSpaceError, "all 2 trainings failed; .*nan"),
    ],
)
def test_bad_input_is_named(options, error, said):
    given = {"accuracy": layered, "budget": 2, **options}
    with pytest.raises(error, match=said):
        dse.codesign(NETS, MACHINES, **given)


@pytest.mark.parametrize(
    ("nets", "error", "said"),
    [
        ([], ValueError, "network: the list is empty"),
        (3, TypeError, "expected networks or a NetworkSpace, got 3"),
        ([None], TypeError, "a list holds networks or their names, got NoneType"),
        (["lenet6"], KeyError, "lenet5"),
    ],
)
def test_what_are_no_networks_is_named(nets, error, said):
    with pytest.raises(error, match=said):
        dse.codesign(nets, MACHINES, accuracy=layered)


def test_what_is_no_space_of_machines_is_named():
    with pytest.raises(TypeError, match=r"codesign: space must be a dse.Space or the name of one, got 8"):
        dse.codesign(NETS, 8, accuracy=layered)


def test_machines_that_can_run_nothing_are_named():
    tiny = dse.Space("edge_16x16", {"array.rows": [4]}, ["area_mm2 <= 1e-9"])
    with pytest.raises(InfeasibleSpaceError, match="no machine can run any of the 2 trained networks"):
        dse.codesign(NETS, tiny, accuracy=Measured(lambda network: 0.5), budget=2)
