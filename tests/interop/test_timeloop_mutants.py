"""Every piece of every file, taken out or replaced: an answer, or one line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hwmodels.interop.timeloop import TimeloopInputError, load, model
from hwmodels.mapping import MappingError
from tests.interop.test_timeloop_input import ARCHITECTURE, MAPPING, PROBLEM

CONSTRAINTS = """
architecture_constraints:
  targets:
  - {target: buffer, type: spatial, factors: C=4, permutation: C, split: 1}
  - {target: buffer, type: datatype, keep: [Weights], bypass: [Outputs]}
"""
TEXTS = {"arch": ARCHITECTURE, "prob": PROBLEM, "map": MAPPING, "con": CONSTRAINTS}
INSTEAD = [
    "absent",
    None,
    -1,
    0,
    1.5,
    float("nan"),
    "x",
    "a\nb",
    "K=-4",
    [],
    [None],
    {},
    {"x": 1},
    True,
    10**30,
]


def places(document: dict[Any, Any] | list[Any], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all keys and elements."""
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def mutant(text: str, path: tuple[Any, ...], value: object) -> str:
    document = yaml.safe_load(text)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if value == "absent":
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return str(yaml.safe_dump(document))


@pytest.mark.parametrize("section", TEXTS)
@pytest.mark.parametrize("value", INSTEAD, ids=repr)
def test_an_answer_or_one_line(tmp_path: Path, section: str, value: object) -> None:
    refused: list[str] = []
    files = {name: tmp_path / f"{name}.yaml" for name in TEXTS}
    for name, text in TEXTS.items():
        files[name].write_text(text)
    for path in places(yaml.safe_load(TEXTS[section])):
        files[section].write_text(mutant(TEXTS[section], path, value))
        try:
            model(load(list(files.values())))
        except (TimeloopInputError, MappingError) as error:
            refused.append(str(error))
    assert refused  # some pieces are needed
    assert [message for message in refused if len(message.splitlines()) != 1] == []
