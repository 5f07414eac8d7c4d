"""Commands with one to three of their words made odd: each sub-command, and each of its options by itself."""

import contextlib
import io
import json
import os
from functools import cache
from pathlib import Path

from dse.cli import main
from dse.cli.app import build
from workloads.errors import LONGEST

NET, ACC, SMALL = "lenet_300_100", "edge_16x16", ["--axis", "array.rows=8,16", "--axis", "array.cols=8"]
SWEPT = [NET, "--space", "systolic", "--constraint", "array.rows <= 16", *SMALL]
BASES = {
    "accelerators": [ACC],
    "codesign": ["digits", "--out", "out"],
    "components": ["--node", "22"],
    "convert": ["file.cfg", "--to", "mine.yaml"],
    "evaluate": [NET, ACC, "--batch", "2"],
    "explain": [*SWEPT, "--out", "out"],
    "front": [*SWEPT, "--out", "out"],
    "networks": [NET],
    "reproduce": ["run.yaml"],
    "search": [*SWEPT, "--out", "out"],
    "spaces": ["systolic"],
    "store verify": ["stored"],
    "store repair": ["stored"],
    "stress": [*SWEPT, "--out", "out", "--samples", "2"],
    "sweep": [*SWEPT, "--store", "stored"],
    "timeloop map": ["file.yaml"],
    "timeloop model": ["file.yaml"],
    "together": [NET, "--area-mm2", "1"],
    "validate": [],
    "worth": [NET],
}
"""Sub-command -> words."""

NOBODY = {
    "codesign": "--networks",
    "explain": "--schedule",
    "front": "--schedule",
    "search": "--strategy",
    "stress": "--schedule",
    "sweep": "--schedule",
    "timeloop map": "--objective",
    "together": "--axis",
    "validate": "--case",
    "worth": "--machine",
}
"""Sub-command that may cost much -> option whose last value is refused, after all that is read before it."""

ODD = (
    "", " ", "nobody", "-1", "0", "1e400", "nan", "inf", "x" * 5000, "a\nb", "\x00", "\ud800", "é", "[]",
    "{}", "a=b=c", "=", "array.rows=", "array.rows=1..", "array.rows=true", ",", ",,", "1,2,,3", "(" * 500,
    "folder", "empty", "/dev/null", ".", "latency_s", "latency_s,latency_s", "area_mm2 <= 1", "%s%n",
    "-h", "None", "--", "--json", "file.yaml", "file.cfg", "run.yaml", "1.5", "2**64", "9" * 400,
)  # fmt: skip


@cache
def options():
    """Sub-command -> its options, and whether each takes a value."""
    found = {}
    for name, waiting in build().commands.items():
        command = waiting.load()
        for sub, inner in getattr(command, "commands", {"": command}).items():
            known = [one for one in inner.params if one.param_type_name == "option"]
            found[f"{name} {sub}".strip()] = [
                (word, not one.is_flag) for one in known for word in (*one.opts, *one.secondary_opts)
            ]
    return found


def command_mutant(chance):
    """A command's words, as JSON."""
    name = chance.choice(sorted(options()))
    words = list(BASES[name])
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(words) + 1)
        match chance.randrange(5):
            case 0 if at < len(words):
                words[at] = chance.choice(ODD)
            case 1 if at < len(words):
                del words[at]
            case 2:
                words.insert(at, chance.choice(ODD))
            case _:
                option, takes = chance.choice([one for one in options()[name] if one[0] != "--progress"])
                words += [option, chance.choice(ODD)] if takes else [option]
    words += [NOBODY[name], "nobody"] if name in NOBODY else []
    return json.dumps([*name.split(), *words]).encode()


def command_taken(case, folder):
    """Run it in a folder of its own; what it may say is some output and status 0 or 1, or one line and 2."""
    (folder / "folder").mkdir()
    for name, content in (
        ("empty", ""),
        ("file.yaml", "a: 1\n"),
        ("file.cfg", "[x]\n"),
        ("run.yaml", "a: b"),
    ):
        (folder / name).write_text(content)
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(json.loads(case))
    finally:
        os.chdir(before)
    said = err.getvalue().splitlines()
    assert status in (0, 1, 2), f"status {status}: {err.getvalue()[-200:]!r}"
    assert all(len(line) <= LONGEST for line in said), f"a line of {max(map(len, said))} characters"
    assert status != 2 or sum(line.startswith("springboard: ") for line in said) >= 1, f"said {said[:3]}"
    if status == 2:
        left = {path.name for path in folder.iterdir()} - {
            "folder",
            "empty",
            "file.yaml",
            "file.cfg",
            "run.yaml",
        }
        assert not left, f"refused, and left {sorted(left)}"
