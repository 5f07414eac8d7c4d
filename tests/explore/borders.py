"""What people hand over, as files and words, with mutants that keep most of its structure.

A border makes a case, which is bytes that can be kept, and takes one in. To take it in well is to answer, or
to refuse it in one line of the family of errors, soon.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import helper

import hwmodels
import workloads
from tests.dse.breaking import Borders, twisted
from tests.explore.commands import command_mutant, command_taken
from tests.interop import test_machines_of_others as others
from tests.interop import test_timeloop_input as timeloop_files
from tests.workloads import models, test_other_tools
from workloads.errors import LONGEST, SpringboardError

SLOW_S = 5.0
NUMBERS = (0, -1, 1, 2, 3, 7, 1 << 31, 1 << 40, -(1 << 62))
OPERATORS = (
    "Conv",
    "Gemm",
    "MatMul",
    "Relu",
    "Concat",
    "Softmax",
    "MaxPool",
    "Reshape",
    "LSTM",
    "Cast",
    "Add",
)


class Border(NamedTuple):
    """Where cases come in."""

    make: Callable[[random.Random], bytes]
    take: Callable[[bytes, Path], object]


def text_border(text, read, name="file.yaml"):
    """A border of text files: pieces cut, doubled and replaced, or one number made another."""

    def make(chance):
        if chance.random() < 0.5:
            return others.mutant(text, chance).encode()
        words = text.split(" ")
        at = chance.randrange(len(words))
        words[at] = str(chance.choice([*NUMBERS, "x", "", "[]", "{}", "1e400", "nan", words[at - 1]]))
        return " ".join(words).encode()

    def take(case, folder):
        (folder / name).write_bytes(case)
        return read(folder / name)

    return Border(make, take)


def timeloop(path):
    """A whole project in one file."""
    from hwmodels.interop.timeloop import load, model

    return model(load([path]))


def seed_models():
    """ONNX models of the kinds that there are: convolutions, products, recurrence."""
    image, rows = models.tensor("x", (1, 3, 8, 8)), models.tensor("x", (2, 6))
    yield models.model(
        [
            models.node("Conv", ["x", "w"], ["a"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
            models.node("Relu", ["a"], ["b"]),
            models.node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
            models.node("Flatten", ["c"], ["d"], axis=1),
            models.node("Gemm", ["d", "f"], ["y"], transB=1, alpha=1.0),
        ],
        [image],
        [models.tensor("y", None)],
        [models.random("w", 4, 3, 3, 3), models.random("f", 5, 16)],
    )
    yield models.model(
        [
            models.node("MatMul", ["x", "w"], ["a"]),
            models.node("Softmax", ["a"], ["b"], axis=-1),
            models.node("Concat", ["b", "x"], ["c"], axis=1),
            models.node("Transpose", ["c"], ["y"], perm=[1, 0]),
        ],
        [rows],
        [models.tensor("y", None)],
        [models.random("w", 6, 6)],
    )
    yield models.model(
        [models.node("LSTM", ["x", "w", "r"], ["y"], hidden_size=4)],
        [models.tensor("x", (5, 2, 3))],
        [models.tensor("y", None)],
        [models.random("w", 1, 16, 3), models.random("r", 1, 16, 4)],
    )


@cache
def seeds():
    return tuple(seed_models())


def onnx_mutant(chance):
    """A model with one to three of its attributes, operands, shapes or operators changed."""
    model = onnx.ModelProto()
    model.CopyFrom(chance.choice(seeds()))
    for _ in range(chance.randint(1, 3)):
        changed(model, chance)
    return model.SerializeToString()


def attribute_changed(node, chance):
    place = chance.randrange(len(node.attribute))
    one = node.attribute[place]
    match chance.randrange(3):
        case 0:
            one.name = chance.choice([one.name[1:], one.name + "s", "axis", "group", "dilations"])
        case 1 if one.ints:
            one.ints[chance.randrange(len(one.ints))] = chance.choice(NUMBERS)
        case 1:
            one.i = chance.choice(NUMBERS)
        case _:
            del node.attribute[place]


def changed(model, chance):
    graph = model.graph
    node = chance.choice(list(graph.node))
    match chance.randrange(10):
        case 0 | 1 | 2 if node.attribute:
            attribute_changed(node, chance)
        case 3 if node.input:
            del node.input[chance.randrange(len(node.input))]
        case 4:
            node.input.append(chance.choice(["x", "w", "", "nobody"]))
        case 5:
            node.op_type = chance.choice([*OPERATORS, node.op_type[1:]])
        case 6:
            for side in (*graph.input, *graph.output):
                for dim in side.type.tensor_type.shape.dim:
                    if chance.random() < 0.3:
                        dim.dim_value = chance.choice(NUMBERS)
        case 7 if graph.initializer:
            stored = chance.choice(list(graph.initializer))
            stored.dims[chance.randrange(len(stored.dims))] = chance.choice(NUMBERS)
        case 8:
            model.opset_import[0].version = chance.choice([0, 1, 6, 12, 99])
        case _:
            node.attribute.append(helper.make_attribute(chance.choice(["axis", "stride", "to"]), 1))


def onnx_taken(case, folder):
    (folder / "model.onnx").write_bytes(case)
    return workloads.from_onnx(folder / "model.onnx").table()


LAYERS = {
    "Conv2d": {"in_channels": 3, "out_channels": 6, "kernel_size": 3, "stride": 1, "padding": 1, "groups": 1},
    "Linear": {"in_features": 8, "out_features": 5},
    "LSTM": {"input_size": 8, "hidden_size": 4, "num_layers": 1},
    "MaxPool2d": {"kernel_size": 2, "stride": 2},
    "BatchNorm2d": {"num_features": 3},
    "GELU": {},
    "Flatten": {"start_dim": 1},
}


def module_mutant(chance):
    """A sequence of layers by their arguments, some of them changed."""
    made = []
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(sorted(LAYERS))
        arguments = dict(LAYERS[name])
        if arguments and chance.random() < 0.5:
            arguments[chance.choice(sorted(arguments))] = chance.choice([0, 1, 2, 3, 8, -1])
        made.append([name, arguments])
    shape = [chance.choice([1, 2, 0]), 3, 8, 8]
    return json.dumps({"layers": made, "shape": shape[: chance.choice([4, 4, 4, 3, 2])]}).encode()


def module_taken(case, folder):
    import torch

    given = json.loads(case)
    try:
        layers = [getattr(torch.nn, name)(**arguments) for name, arguments in given["layers"]]
        module, x = torch.nn.Sequential(*layers).eval(), torch.rand(given["shape"])
        module(x)
    except Exception:  # no module, or none that takes this: PyTorch says so itself
        return None
    return workloads.from_torch(module, (x,)).table()


@cache
def said():
    """The borders of words: constraints, axes, options, `replace`, definitions."""
    return Borders(Path(tempfile.mkdtemp()))


def words_border(kind):
    """A border that draws its case from a number."""

    def make(chance):
        return f"{kind} {chance.randrange(1 << 32)}".encode()

    def take(case, folder):
        return getattr(said(), kind)(random.Random(int(case.split()[1])))

    return Border(make, take)


def machine_mutant(chance):
    """A machine file with leaves and keys changed."""
    return json.dumps(twisted(chance.choice(said().machines), chance), default=str).encode()


def machine_taken(case, folder):
    (folder / "machine.yaml").write_bytes(case)
    return hwmodels.load(str(folder / "machine.yaml"))


PROJECT = timeloop_files.ARCHITECTURE + timeloop_files.PROBLEM + timeloop_files.MAPPING

BORDERS = {
    "onnx": Border(onnx_mutant, onnx_taken),
    "machine": Border(machine_mutant, machine_taken),
    "timeloop": text_border(PROJECT, timeloop),
    "timeloop_v4": text_border(others.TWO_FANS, hwmodels.from_timeloop),
    "scalesim": text_border(others.CFG, hwmodels.from_scalesim, "file.cfg"),
    "zigzag": text_border(others.ZIGZAG, hwmodels.from_zigzag),
    "maestro": text_border(others.MAESTRO, hwmodels.from_maestro, "file.m"),
    **{
        kind: text_border(text, workloads.from_file, "file.txt")
        for kind, text in test_other_tools.FILES.items()
    },
    **{kind: words_border(kind) for kind in ("constraint", "axis", "option", "replace", "stored")},
    "torch": Border(module_mutant, module_taken),
    "command": Border(command_mutant, command_taken),
}


def wrong(name: str, case: bytes, again: bool = True) -> str:
    """What is wrong with how a border took a case; "" where nothing is. The first may wait for a compiler."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            BORDERS[name].take(case, Path(folder))
        except SpringboardError as refusal:
            line = str(refusal)
            if "\n" in line or len(line) > LONGEST:
                return f"a refusal of {len(line)} characters: {line[:80]!r}"
        except OSError as refusal:  # what the system says of a file
            return "" if refusal.errno else f"OSError: {refusal}"
        except Exception as fault:
            return f"{type(fault).__name__}: {str(fault)[:200]}"
    spent = time.process_time() - begun
    if spent <= SLOW_S:
        return ""
    return wrong(name, case, again=False) if again else f"took {spent:.0f} CPU-s"


def reduced(name: str, case: bytes, tries: int = 200) -> bytes:
    """A smaller case that is taken wrong in the same way, by leaving out ever smaller pieces."""
    kind = wrong(name, case).partition(":")[0]
    size = len(case) // 2
    while size and tries > 0:
        for start in range(0, len(case), size):
            less = case[:start] + case[start + size :]
            tries -= 1
            if wrong(name, less).partition(":")[0] == kind:
                case = less
                break
            if tries <= 0:
                break
        else:
            size //= 2
    return case
