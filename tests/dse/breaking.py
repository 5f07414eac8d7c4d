"""What tries to break a store and the borders, as often as it is told: shared by tests and `reliability`."""

import copy
import json
import math
import random
import resource
import shutil
import time
import warnings
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

import dse
import hwmodels
from dse.cli import ending
from dse.cli.options import axis_values
from dse.run.definition import read_definition
from hwmodels.machine_file import machine_from
from hwmodels.written import machine_data
from tests.dse import tiny
from workloads import errors
from workloads.grammar.constraints import parse_constraint

SLOW_S, LARGE_MIB = 5.0, 2048


def contents(folder):
    """Bytes of everything but the lock, which says who held it."""
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file() and file.name != "lock")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def fill(folder, **options):
    return dse.sweep(tiny.network(), tiny.space(), store=folder, chunk=16, workers=1, **options)


def mended(folder, whole, file):
    """Resume a store whose file was spoilt; fail unless it ends as it was and one line named the file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fill(folder)
    lines = [str(warning.message) for warning in caught if warning.category is dse.StoreWarning]
    assert len(lines) == 1, (file, lines)
    assert file in lines[0]
    assert len(ending.one_line(lines[0])) <= errors.LONGEST
    assert contents(folder) == whole


def flips(folder, count, chance):
    """Flip single bits of any file of a store, one after another."""
    fill(folder)
    whole = contents(folder)
    for _ in range(count):
        file = folder / chance.choice(sorted(whole))
        spoilt = bytearray(file.read_bytes())
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        file.write_bytes(spoilt)
        mended(folder, whole, file.name)


def others(folder):
    """Stores of other sweeps: of another space, network, objective, and with fewer rows kept."""
    made = {
        "space": (tiny.network(), tiny.space(axes={"array.rows": [4, 8, 32]}), {}),
        "network": ("lenet_300_100", tiny.space(), {}),
        "objective": (tiny.network(), tiny.space(), {"mapping_objective": "latency"}),
        "kept": (tiny.network(), tiny.space(), {"keep": "front"}),
    }
    for name, (network, space, options) in made.items():
        dse.sweep(network, space, store=folder / name, chunk=16, **options)
    return sorted(folder.glob("*/parts/*.parquet"))


def edited(part, chance):
    """Change a number of a part and write it with pandas."""
    frame = pd.read_parquet(part)
    column = chance.choice(["latency_s", "energy_j", "area_mm2"])
    frame.loc[chance.randrange(len(frame)), column] *= chance.uniform(0.5, 1.5)
    frame.to_parquet(part)


def foreign(folder, count, chance):
    """Put parts of other sweeps and ranges in place, or edit them."""
    elsewhere = others(folder / "others")
    store = folder / "store"
    fill(store)
    whole = contents(store)
    own = sorted((store / "parts").iterdir())
    for _ in range(count):
        part = chance.choice(own)
        kind = chance.randrange(4)
        if kind == 0:
            edited(part, chance)
        elif kind == 1:
            shutil.copy(chance.choice([one for one in own if one != part]), part)
        elif kind == 2:
            part.write_bytes(part.read_bytes()[: chance.randrange(part.stat().st_size)])
        else:
            shutil.copy(chance.choice(elsewhere), part)
        mended(store, whole, part.name)


def kills(forge, folder, count, chance):
    """Kill processes that sweep or search at random moments, until each store is done; return the kills."""
    from tests.dse import victims

    wholes = {}
    for kind in victims.KINDS:
        victims.work(folder / "undisturbed" / kind, kind)
        wholes[kind] = contents(folder / "undisturbed" / kind)
    deaths = stores = 0
    while deaths < count:
        kind, store = chance.choice(victims.KINDS), folder / str(stores)
        stores += 1
        for attempt in range(13):
            child = forge.start(store, kind, slow=0.01)
            if attempt < 12 and deaths < count:
                time.sleep(chance.uniform(0.0, 0.08))
                forge.kill(child)
            status = forge.status()
            if status == 0:
                break
            deaths += status == -9
        assert contents(store) == wholes[kind], store
        shutil.rmtree(store)
    return deaths, stores


TOKENS = [
    *[
        "1e400",
        "1e9999999",
        "1e-9999999",
        "9" * 400,
        "0x10",
        "1_000",
        "-1",
        "0",
        "nan",
        "inf",
        "-inf",
        "1e308",
    ],
    *[
        "2 KiB",
        "3 parsecs",
        "400 MHz",
        "64 KB",
        "true",
        "no",
        "None",
        "''",
        '"ws"',
        "\x00",
        "\u202e",
        "é",
        "(",
        ")",
    ],
    *[
        "[",
        "]",
        "{",
        "}",
        "and",
        "or",
        "not ",
        "<=",
        "==",
        "**",
        "//",
        "%",
        ",",
        "..",
        ":",
        "lambda: 0",
        "@",
        "'",
    ],
    *[
        "array.rows",
        "base.area_mm2",
        "area_mm2",
        "main_memory",
        "buffers",
        "__import__('os')",
        ".",
        "=",
        ";",
        "\n",
    ],
]
SEEDS = [
    "array.cols <= 4 * array.rows",
    "area_mm2 <= 50 and power_w <= 5",
    "energy_j <= 1.2 * base.energy_j",
    "buffers.weight.bytes <= 2 MiB or not area_mm2 > 5",
    "min(array.rows, array.cols) ** 2 // 10 >= 7",
    "8, 16, 32",
    "64 KiB..1 MiB",
    "400..800 MHz:100 MHz",
    "true,false",
    "os,ws",
    "lpddr4,hbm2",
]
ODD = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2**63,
    10**400,
    1.5,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "no",
    "true",
    [],
    {},
]
ODD += ["1e400", "x" * 10_000, [[]], {"rows": 1}, b"8", object(), ["8", None], 3 + 4j, "8 B", "\x00"]


def text(chance):
    """A text near one that means something."""
    words = chance.choice(SEEDS)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at = chance.randrange(len(words) + 1)
        match chance.choice([0, 0, 0, 1, 1, 1, 2, 2, 3, 4]):
            case 0:
                words = words[:at] + chance.choice(TOKENS) + words[at:]
            case 1:
                words = words[:at] + words[at + chance.randrange(1, 6) :]
            case 2:
                words = words[:at] + chance.choice(SEEDS) + words[at:]
            case 3:
                words = (chance.choice(["not ", "(", "-", "1 + "]) * chance.choice([2, 50, 500])) + words
            case _:
                words = words * chance.choice([1, 1, 2, 200])
        words = words[:50_000]
    return words


def twisted(data, chance):
    """Plain data with one or more of its leaves or keys changed."""
    data = copy.deepcopy(data)
    for _ in range(chance.randrange(1, 4)):
        owner = data
        while True:
            keys = list(owner) if isinstance(owner, dict) else range(len(owner))
            if not keys:
                break
            key = chance.choice(list(keys))
            inner = owner[key]
            if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
                owner = inner
                continue
            if isinstance(owner, dict) and chance.random() < 0.3:
                owner[chance.choice([str(key) + "s", "", "rows", str(key)[1:]])] = owner.pop(key)
            else:
                owner[key] = copy.deepcopy(chance.choice(ODD)) if chance.random() < 0.7 else text(chance)
            break
    return data


class Borders:
    """Everything that takes what a person wrote."""

    def __init__(self, folder):
        self.machine = hwmodels.load("edge_16x16")
        self.paths = sorted(self.machine.paths())
        space = tiny.space()
        self.known, self.texts = space._vocabulary()
        fill(folder / "store")
        self.definition = json.loads((folder / "store" / "definition.json").read_text())["content"]
        self.machines = [machine_data(hwmodels.load(name)) for name in ("edge_16x16", "spring", "eyeriss_v1")]

    def constraint(self, chance):
        constraint = parse_constraint(text(chance), self.known, self.texts)
        given = [0.0, -1.5, 7, 2**62, math.inf, math.nan]
        words = np.array(["os", "ws", "is", "", "os", "none"], dtype=object)
        values = {name: words if name in self.texts else np.array(given) for name in constraint.names}
        assert constraint.holds(values, len(given)).dtype == bool

    def axis(self, chance):
        path = chance.choice([*self.paths, text(chance)])
        values = chance.choice([text(chance), [text(chance)], chance.choice(ODD), [chance.choice(ODD), 8]])
        dse.Space(self.machine, {path: values})

    def option(self, chance):
        words = text(chance)
        dse.Space(self.machine, {"array.rows": axis_values("array.rows", words)})

    def replace(self, chance):
        value = chance.choice([text(chance), chance.choice(ODD)])
        self.machine.replace({chance.choice([*self.paths, text(chance)]): value})

    def machine_file(self, chance):
        machine_from(twisted(chance.choice(self.machines), chance))

    def stored(self, chance):
        data = json.dumps(twisted(self.definition, chance), default=str)
        content = json.dumps(json.loads(data))
        digest = sha256(content.encode()).hexdigest()
        read_definition(f'{{"sha256": "{digest}", "content": {content}}}'.encode(), "store")


def mutants(folder, count, chance):
    """Give every border mutants; fail on all but an answer or one short line, soon; count the refusals."""
    borders = Borders(folder)
    kinds = ["constraint", "axis", "option", "replace", "machine_file", "stored"]
    refused = Counter()
    at_most_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all that this process ran before
    for number in range(count):
        kind = kinds[number % len(kinds)]
        begun = time.process_time()
        problem = None
        try:
            getattr(borders, kind)(chance)
        except Exception as caught:
            problem = caught
        if problem is not None:
            theirs = isinstance(problem, dse.SpringboardError | ValueError | OSError)
            assert theirs, (kind, number, type(problem), str(problem)[:200])
            assert len(ending.one_line(ending.sentence(problem))) <= errors.LONGEST
            refused[kind] += 1
        assert time.process_time() - begun < SLOW_S, (kind, number)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_most_kib
    assert grown_kib / 1024 < LARGE_MIB
    return refused


def fresh():
    """A source of chance that is new every day, and its seed."""
    seed = random.SystemRandom().randrange(1 << 32)
    return random.Random(seed), seed
