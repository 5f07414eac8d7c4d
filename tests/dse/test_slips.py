"""A value of a wrong type, wherever it is given: one line that names the argument and what would do."""

import dataclasses
import inspect

import pytest

import dse
import hwmodels
import workloads
from tests.dse import tiny
from workloads.errors import WrongTypeError

WRONG = [None, 3, 3.5, object(), b"x", {}, [None]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: dse.evaluate("lenet5", None),
            "accelerator must be a machine, its name, or the path of",
        ),
        (
            lambda: dse.evaluate(None, "edge_16x16"),
            "network must be a network, its name, the path",
        ),
        (
            lambda: dse.evaluate("lenet5", "edge_16x16", batch="8"),
            "batch must be a whole number or None",
        ),
        (lambda: dse.evaluate("lenet5", "edge_16x16", limit_s="soon"), "limit_s must be a number or None"),
        (lambda: dse.sweep("lenet5", 8), "space must be a dse.Space or the name of one, got 8"),
        (lambda: dse.sweep([None], tiny.space()), "network: a list holds networks or their names"),
        (lambda: dse.sweep("lenet5", tiny.space(), objectives=[lambda row: 1]), "has no name to be a column"),
        (lambda: dse.sweep("lenet5", tiny.space(), store=3), "store must be a path or None, got 3"),
        (lambda: dse.search("lenet5", None), "space must be a dse.Space or the name of one, got None"),
        (lambda: dse.search(None, tiny.space()), "search: network must be a network"),
        (lambda: dse.search("lenet5", tiny.space(), seed="one"), "seed must be a whole number"),
        (lambda: dse.stress(None), "subject must be a front, a sweep or what a search found"),
        (lambda: dse.explain([]), "subject must be a front, a sweep or what a search found"),
        (lambda: dse.several([None]), "network must be a network"),
        (lambda: dse.open(None), "path must be a path, got None"),
        (lambda: dse.named_space(7), "name must be a text, got 7"),
        (lambda: dse.Space(None, {}), "Space: base must be a machine"),
        (lambda: dse.Space("edge_16x16", ["array.rows"]), "axes must be a mapping"),
        (
            lambda: dse.Space("edge_16x16", {"array.rows": [8]}, [8]),
            "constraints must be comparisons",
        ),
        (lambda: tiny.space()["knee"], "an index must be a whole number, got 'knee'"),
        (lambda: hwmodels.load(None), "load: name must be a name, or the path of a file, got None"),
        (
            lambda: hwmodels.load("edge_16x16").replace("array.rows"),
            "changes must be a mapping",
        ),
        (lambda: hwmodels.mapspace(None, hwmodels.load("edge_16x16")), "layers must be a layer table"),
        (lambda: hwmodels.pack("edge_16x16"), "base must be a machine of two levels"),
        (lambda: workloads.load(3), "name must be a name, or the path of a file, got 3"),
        (lambda: workloads.load("lenet5").mask(0), "operation must be a text, got 0"),
    ],
)
def test_a_type_slip_is_one_line(call, said):
    with pytest.raises((ValueError, TypeError)) as refusal:
        call()
    line = str(refusal.value)
    assert "\n" not in line
    assert said in line


@pytest.mark.parametrize(
    "function", ["evaluate", "sweep", "search", "stress", "explain", "several", "open", "resume"]
)
def test_every_door_refuses_every_wrong_first_argument(function):
    door = getattr(dse, function)
    rest = {"evaluate": ["edge_16x16"], "sweep": [tiny.space()], "search": [tiny.space()]}.get(function, [])
    for wrong in WRONG:
        with pytest.raises((ValueError, TypeError)) as refusal:
            door(wrong, *rest)
        assert "\n" not in str(refusal.value)
        assert len(str(refusal.value)) < 300


def test_it_is_both_a_type_error_and_bad_input():
    assert issubclass(WrongTypeError, TypeError)
    assert issubclass(WrongTypeError, workloads.SpringboardError)


def test_checked_functions_keep_their_signature_and_words():
    assert list(inspect.signature(dse.evaluate).parameters)[:3] == ["network", "accelerator", "batch"]
    assert dse.evaluate.__doc__.startswith("Cost a network on an accelerator")


def test_an_argument_that_no_function_has_is_named_with_the_function():
    with pytest.raises(TypeError, match=r"sweep: got an unexpected .*'executer'; did you mean 'executor'"):
        dse.sweep("lenet5", tiny.space(), executer=1)
    with pytest.raises(TypeError, match="replace: missing a required argument: 'changes'"):
        hwmodels.load("edge_16x16").replace()


def test_an_axis_by_its_last_name_is_found():
    with pytest.raises(ValueError, match=r"unknown axis 'rows'; did you mean 'array\.rows'"):
        dse.Space("edge_16x16", {"rows": [8, 16]})
    with pytest.raises(ValueError, match=r"did you mean 'buffers\.\w+\.bytes'"):
        dse.Space("edge_16x16", {"bytes": [8, 16]})


@pytest.mark.parametrize("package", [dse, hwmodels, workloads])
def test_dir_lists_the_public_names_and_nothing_else(package):
    assert dir(package) == sorted(package.__all__)
    for name in dir(package):
        assert getattr(package, name) is not None


def test_spaces_are_counted_alike_and_their_bases_load():
    from dse.cli import main

    for name in dse.space_names():
        space = dse.named_space(name)
        assert hwmodels.load(space.base.name).name == space.base.name
        if space.architecture_constraints and space.size < 1 << 20:
            assert f"{space.size:,} points" in repr(space)
            assert f"{space.admissible():,} of them admissible" in repr(space)
    assert main(["--version"]) == 0


def test_a_shell_completes_names(monkeypatch, capsys):
    """What the script that --show-completion prints asks for at every press of the tabulator."""
    import os
    import subprocess
    import sys

    asked = {
        "_SPRINGBOARD_COMPLETE": "complete_bash",
        "COMP_WORDS": "springboard evaluate resnet50 edge_",
        "COMP_CWORD": "3",
    }
    command = [sys.executable, "-m", "dse.cli"]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["edge_16x16", "edge_32x32", "edge_lanes", "edge_levels"]


WRONGS = [None, True, "text", [1], float("nan"), {"a": 1}, object(), -1, b"x"]
"""What a new user passes where something else was meant."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """Name -> a function, and arguments that it takes."""
    place = tmp_path_factory.mktemp("doors")
    space, net = tiny.space(), tiny.network()
    front = dse.sweep(net, space, progress=False).front()
    found = dse.search(net, space, budget=20, strategy="random", seed=1, progress=False)
    result = dse.evaluate(net, "edge_16x16")
    machine, levels = hwmodels.load("edge_16x16"), hwmodels.load("eyeriss_v1")
    why, layers, lenet = front.explain(), result.layers, workloads.load("lenet5")
    built = {
        part: (type(one), {field.name: getattr(one, field.name) for field in dataclasses.fields(one)})
        for part, one in {
            "Accelerator": machine,
            "Array": machine.array,
            "Buffers": machine.buffers,
            "MainMemory": machine.main_memory,
            "Sparsity": machine.sparsity,
            "Technology": machine.technology,
            "LevelMachine": levels,
            "Level": levels.levels[0],
        }.items()
    }
    size = {"m": 4, "k": 4, "n": 4, "rows": 4, "cols": 4, "dataflow": "ws"}
    return {
        **built,
        "lifetime_years": (dse.lifetime_years, {"result": result, "wear_levelling": 1.0}),
        "nondominated": (dse.nondominated, {"points": [[1.0, 2.0]], "objectives": None}),
        "overlay": (
            dse.overlay,
            {"fronts": [front, front], "labels": None, "ax": None, "x": None, "y": None},
        ),
        "style": (dse.style, {"name": "ieee"}),
        "uncertainties": (dse.uncertainties, {"memories": ()}),
        "Space.codes": (space.codes, {"index": [0, 1]}),
        "Space.labels": (space.labels, {"index": [0, 1]}),
        "Space.pack": (space.pack, {"index": [0, 1]}),
        "Space.table": (space.table, {"start": 0, "stop": 2}),
        "Front.plot": (front.plot, {"what": "front", "x": None, "y": None, "bands": None, "ax": None}),
        "Front.to_latex": (front.to_latex, {"columns": None, "names": None, "caption": "", "digits": 3}),
        "Front.save": (front.save, {"folder": place / "front"}),
        "Front.mark": (front.mark, {"design": {"latency_s": 1e-3}, "label": "x"}),
        "Found.history_on": (found.history_on, {"scale": found.scale}),
        "Result.plot": (result.plot, {"what": "energy", "ax": None, "width": "column"}),
        "Result.breakdown": (result.breakdown, {"by": ("component",)}),
        "Explanation.save": (why.save, {"folder": place / "why"}),
        "hwmodels.paths": (hwmodels.paths, {"part": machine, "prefix": ""}),
        "hwmodels.fingerprint": (hwmodels.fingerprint, {"machine": machine}),
        "hwmodels.systolic_cycles": (hwmodels.systolic_cycles, size),
        "from_timeloop": (hwmodels.from_timeloop, {"paths": "none.yaml", "values": None}),
        "from_scalesim": (hwmodels.from_scalesim, {"path": place / "none.cfg", "clock_hz": 1e9}),
        "from_zigzag": (hwmodels.from_zigzag, {"path": place / "none.yaml", "mapping": None}),
        "LevelMachine.level": (levels.level, {"name": "ifmaps"}),
        "deduplicate": (workloads.deduplicate, {"table": layers}),
        "from_file": (workloads.from_file, {"path": place / "none.onnx", "dims": None, "batch": None}),
        "Network.assume": (lenet.assume, {"weights": 0.5, "activations": 0.5}),
        "Network.sparsify": (lenet.sparsify, {"scheme": "erk", "density": 0.5}),
        "Network.storage_bytes": (lenet.storage_bytes, {"format": "bitmask"}),
        "NetworkSpace": (
            workloads.NetworkSpace,
            {"builder": "mobilenet_v2", "axes": {"width": [0.5, 1.0]}, "constraints": []},
        ),
        "Tensor": (workloads.Tensor, {"name": "x", "shape": (1,)}),
    }


def test_a_wrong_value_in_any_place_is_one_line(doors, monkeypatch, tmp_path):
    """Nothing but refusals of ours, of one line; what takes a value does so in silence."""
    monkeypatch.chdir(tmp_path)
    slips = []
    for name, (door, right) in doors.items():
        for place in right:
            for wrong in WRONGS:
                try:
                    door(**{**right, place: wrong})
                except (workloads.SpringboardError, OSError) as refusal:
                    if "\n" in str(refusal) or len(str(refusal)) > 400:
                        slips.append((name, place, wrong, "long"))
                except Exception as slip:
                    slips.append((name, place, wrong, repr(slip)))
    assert not slips
