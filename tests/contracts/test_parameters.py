"""No function takes more than eight parameters by position. Commands are apart: theirs are options."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 8
COMMANDS = "dse/cli/commands/"


def by_position(node):
    """Parameters that a call may give by position, without the object or class itself."""
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_function_takes_more_than_eight_parameters_by_position():
    found = {}
    for package in ("dse", "hwmodels", "workloads"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                if function and by_position(node) > MOST and not name.startswith(COMMANDS):
                    found.setdefault(name, set()).add(node.name)
    assert not found
