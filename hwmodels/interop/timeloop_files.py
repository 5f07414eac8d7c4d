"""YAML in the v0.3 grammar of Timeloop and Accelergy: values that know the file and key they came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from pathlib import Path
from typing import Any

import yaml

from workloads.errors import InputError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TimeloopInputError(InputError):
    """A file that is no Timeloop input this program understands; the message names the file and the key."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # names in a file may hold line breaks


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of a YAML file and where it stands."""

    file: str
    path: str
    raw: Any

    def fail(self, message: str) -> TimeloopInputError:
        """An error about this value."""
        return TimeloopInputError(f"{self.file}: {self.path}: {message}")

    def has(self, key: str) -> bool:
        """Whether a mapping holds a key."""
        return isinstance(self.raw, dict) and key in self.raw

    def get(self, key: str) -> "Value":
        """The value of a key that must be there."""
        if not self.has(key):
            raise self.fail(f"needs the key {key!r}")
        return Value(self.file, f"{self.path}.{key}", self.raw[key])

    def first(self, *keys: str) -> "Value | None":
        """The value of the first of several synonyms that is there."""
        return next((self.get(key) for key in keys if self.has(key)), None)

    def items(self) -> "Iterator[tuple[str, Value]]":
        """Keys and values of a mapping."""
        if not isinstance(self.raw, dict):
            raise self.fail(f"must be a mapping, got {self.raw!r}")
        for key in self.raw:
            yield str(key), Value(self.file, f"{self.path}.{key}", self.raw[key])

    def elements(self) -> "list[Value]":
        """Elements of a list."""
        if not isinstance(self.raw, list):
            raise self.fail(f"must be a list, got {self.raw!r}")
        return [Value(self.file, f"{self.path}[{i}]", element) for i, element in enumerate(self.raw)]

    def text(self) -> str:
        """A string."""
        if isinstance(self.raw, (dict, list)) or self.raw is None:
            raise self.fail(f"must be a word, got {self.raw!r}")
        return str(self.raw)

    def number(self) -> float:
        """A finite number that is not negative."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, (int, float)) or not 0 <= self.raw < inf:
            raise self.fail(f"must be a number of at least 0, got {self.raw!r}")
        return float(self.raw)

    def integer(self, least: int = 1) -> int:
        """A whole number."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, int) or self.raw < least:
            raise self.fail(f"must be a whole number of at least {least}, got {self.raw!r}")
        return self.raw

    def only(self, supported: Sequence[str], what: str = "keys") -> None:
        """Refuse keys that are not supported."""
        for key, value in self.items():
            if key not in supported:
                near = get_close_matches(str(key), supported)
                first = [*near, *(other for other in supported if other not in near)]
                raise TimeloopInputError(
                    f"{value.file}: key {value.path!r} is not supported; supported {what}: {', '.join(first)}"
                )


def _first_problem(error: yaml.YAMLError) -> str:
    """What a YAML reader found wrong first, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error).splitlines()[0]
    return f"line {mark.line + 1}: {getattr(error, 'problem', None) or 'unreadable'}"


SECTIONS = (
    "architecture",
    "compound_components",
    "components",
    "architecture_constraints",
    "mapspace_constraints",
    "mapspace",
    "problem",
    "mapper",
    "mapping",
    "ERT",
    "ART",
    "sparse_optimizations",
)


def read_sections(files: Sequence[str | Path]) -> tuple[dict[str, Value], dict[str, str]]:
    """Read YAML files and collect their top-level sections.

    Parameters
    ----------
    files
        Paths, in any order. A path ending in `.txt` is a mapping as Timeloop prints it.

    Returns
    -------
    sections : dict
        Section name to value; a section may be given once.
    texts : dict
        Path to text of the `.txt` files.

    Raises
    ------
    TimeloopInputError
        If a file is missing, is no YAML, or holds a section that is unknown or already given.

    """
    sections: dict[str, Value] = {}
    texts: dict[str, str] = {}
    for name in map(str, files):
        try:
            text = Path(name).read_text()
        except OSError as error:
            raise TimeloopInputError(f"{name}: cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise TimeloopInputError(f"{name}: is no text (byte {error.start} is not UTF-8)") from error
        if name.endswith(".txt"):
            texts[name] = text
            continue
        try:
            document = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise TimeloopInputError(f"{name}: is no YAML ({_first_problem(error)})") from error
        if not isinstance(document, dict):
            raise TimeloopInputError(
                f"{name}: must be a mapping of sections such as {', '.join(SECTIONS[:3])}"
            )
        for key, raw in document.items():
            if key not in SECTIONS:
                raise TimeloopInputError(
                    f"{name}: key {key!r} is not supported; supported sections: {', '.join(SECTIONS)}"
                )
            if key in sections:
                raise TimeloopInputError(f"{name}: section {key!r} was already given by {sections[key].file}")
            sections[key] = Value(name, key, raw)
    return sections, texts
