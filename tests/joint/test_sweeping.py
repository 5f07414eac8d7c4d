"""Networks as an axis of a sweep: every pair, own metrics, stores, fronts and tables over them."""

import numpy as np
import pytest

import dse
import workloads
from dse.pareto.front import nondominated

SAID = {"mlp_pen": 0.97, "mlp_letter": 0.9}
MACHINES = dse.Space("edge_16x16", {"array.rows": [4, 8], "array.cols": [4, 8]}, ["array.rows <= array.cols"])
NETS = workloads.NetworkSpace("perceptron", {"depth": [1, 2], "width.layer1": [8, 16, 32]})


def said(network):
    return SAID[network.name]


def by_array(network, machine):
    """Falls with the array's rows, and fails on the largest array."""
    if machine.array.rows == machine.array.cols == 8:
        raise RuntimeError("too large")
    return said(network) - machine.array.rows / 100, 0.01


def swept(nets=tuple(SAID), **options):
    return dse.sweep(list(nets), MACHINES, progress=False, **options)


def test_every_pair_is_there_and_costs_what_it_costs_alone():
    found = swept(accuracy=said)
    assert list(found.frame.columns[:3]) == ["network", "machine", "accuracy"]
    assert len(found.frame) == 2 * MACHINES.size
    for name in SAID:
        alone = dse.sweep(name, MACHINES, progress=False).frame
        mine = found.frame[found.frame["network"] == name].set_index("machine")
        np.testing.assert_array_equal(mine["latency_s"], alone["latency_s"])
        assert (mine["accuracy"] == SAID[name]).all()
        assert found[name].frame.equals(alone)
    assert found.evaluated == found.feasible == 6


def test_fronts_mix_own_metrics_with_the_machines():
    found = swept(accuracy=said, metrics={"rows": lambda network, machine: machine.array.rows})
    wanted = ["-accuracy", "energy_j", "rows"]
    front = found.front(wanted)
    pairs = found.frame[found.frame["feasible"]]
    expected = pairs[nondominated(pairs, wanted)]
    assert set(zip(front.frame["network"], front.frame["machine"], strict=True)) == set(
        zip(expected["network"], expected["machine"], strict=True)
    )
    assert [str(one) for one in found.front().objectives] == [
        "-accuracy",
        "latency_s",
        "energy_j",
        "area_mm2",
    ]
    row = front.frame.iloc[0]
    assert front.network(0).name == row["network"]
    assert front.accelerator(0).array.rows == row["rows"] == row["array.rows"]
    table = found.iso_accuracy([0.95, 0.5, 0.99], "energy_j")
    reached = pairs[pairs["accuracy"] >= 0.95]
    assert table.loc[0.95, "energy_j"] == reached["energy_j"].min()
    assert table.loc[0.5, "energy_j"] == pairs["energy_j"].min()
    assert table.loc[0.99].isna().all()
    assert front.plot().get_ylabel() == "Accuracy (%)"
    assert found.front(["latency_s", "energy_j"]).plot().get_ylabel().startswith("Energy")


def test_a_metric_that_fails_on_some_pairs_is_on_no_front():
    found = swept(metrics={"accuracy": by_array, "margin": lambda network: (0.5, 0.1)})
    assert found.frame["accuracy"][found.frame["feasible"]].isna().sum() == 2
    assert (found.frame["margin_error"] == 0.1).all()
    assert found.notes == ["accuracy failed for 2 of 6; the first: mlp_pen: RuntimeError: too large"]
    assert not (found.front().frame["array.rows"] == 8).any()
    with pytest.raises(dse.InfeasibleSpaceError, match=r"accuracy failed for 6 of 6; .*: returned nan"):
        swept(accuracy=lambda network, machine: float("nan")).front()


def test_a_call_is_an_objective():
    def shyness(network):
        return 1.0 / network.parameters

    found = swept(objectives=[shyness, "latency_s"])
    assert [str(one) for one in found.objectives] == ["shyness", "latency_s"]
    assert found.frame["shyness"].nunique() == 2
    text = swept(accuracy=said, objectives="-accuracy, energy_j")
    assert [str(one) for one in text.objectives] == ["-accuracy", "energy_j"]
    alone = dse.sweep("mlp_pen", MACHINES, metrics={"worth": lambda network: 2.0}, progress=False)
    assert (alone.frame["worth"] == 2.0).all()


def test_a_store_resumes_and_opens_without_being_told(tmp_path):
    calls = []

    def counted(network):
        calls.append(network.name)
        return said(network) / 3, 1 / 7

    first = swept(accuracy=counted, store=tmp_path)
    again = swept(accuracy=counted, store=tmp_path)
    assert sorted(calls) == sorted(SAID)
    opened = dse.open(tmp_path)
    for one in (again, opened):
        assert one.frame.equals(first.frame)
        assert one.front().frame.equals(first.front().frame)
    with pytest.raises(ValueError, match="holds no networks"):
        opened.front().network(0)
    (tmp_path / "networks.json").write_text("{}")
    with pytest.raises(dse.StoreError, match=r"networks\.json is damaged"):
        dse.open(tmp_path)
    with pytest.raises(dse.StoreError, match="holds several networks"):
        dse.resume(tmp_path)
    dse.sweep("mlp_pen", MACHINES, store=tmp_path / "one", progress=False)
    with pytest.raises(dse.StoreError, match="holds the sweep of one network"):
        swept(store=tmp_path / "one")


def test_a_space_of_networks_is_swept_whole_or_by_a_sample():
    whole = dse.sweep(NETS, MACHINES, accuracy=lambda network: 0.5, progress=False)
    assert list(whole.sweeps) == list(range(6))
    assert (whole.frame["net.width.layer1"][whole.frame["network"] == 2] == 32).all()
    assert whole.front(["-accuracy", "energy_j"]).network(0).fingerprint in {
        n.fingerprint for n in map(NETS.__getitem__, range(6))
    }
    some = dse.sweep(NETS, MACHINES, sample=2, progress=False)
    assert len(some.sweeps) == 2
    assert len(some.frame) == 8


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dse.sweep([], MACHINES), "the list is empty"),
        (lambda: dse.sweep(["mlp_pen", 3], MACHINES), "holds networks or their names, got int"),
        (lambda: dse.sweep("mlp_pen", MACHINES, sample=3), "sample: is of a NetworkSpace"),
        (lambda: swept(metrics={"energy_j": said}), "'energy_j' is a column of the machine's"),
        (lambda: swept(metrics={"accuracy": said}, accuracy=said), "is in metrics already"),
        (lambda: swept(accuracy=by_array, keep="front"), 'keep: "front" drops machines'),
        (lambda: swept(objectives=["-robustness"]), "unknown objective 'robustness'"),
        (lambda: swept(metrics={"far": 3}), "far must be a callable"),
        (lambda: swept(metrics={"": said}), "'' is no name for a column"),
        (lambda: swept(metrics={"-far": said}), "'-far' is no name for a column"),
        (lambda: swept(accuracy=said).iso_accuracy(0.8), "iso_accuracy: levels must be numbers, got 0.8"),
        (lambda: swept(accuracy=said).iso_accuracy("a"), "iso_accuracy: levels must be numbers, got 'a'"),
        (lambda: swept(accuracy=said).front(3), "front: objectives must be names of columns"),
        (lambda: swept().front(["-accuracy"]), "unknown objective 'accuracy'"),
        (lambda: swept()["mlp"], "no network of this sweep; there are mlp_pen, mlp_letter"),
        (lambda: swept(accuracy=said).iso_accuracy([0.5], "energy"), "unknown column 'energy'"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises((ValueError, TypeError, KeyError), match=said):
        call()
