"""Pieces of other tools' YAML files that know where they stand, read within bounds.

A file can be small and what it stands for large: aliases of aliases, numbers of a thousand digits, brackets
in brackets. Everything is bounded before it is expanded, and shown shortened.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from workloads.errors import InputError, shown
from workloads.plain_files import read_plain

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MOST_BYTES = 1 << 26  # of a file: the largest energy table seen is 2 MB
MOST_DEPTH = 100  # of brackets in brackets
MOST_PIECES = 2_000_000  # of a document, each alias counted as what it stands for
LARGEST = 1e30  # of any number: the square of it is still one
MOST_INTEGER = 1 << 52  # exact as a float, and products of two are bounded where they are made
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class ForeignFileError(InputError):
    """A file of another tool that this program does not understand; one line names the file and the key."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # names in a file may hold line breaks


_MOST_NAMED = 8


def _nearest(key: str, known: Sequence[str]) -> str:
    """All of a few names; of many the nearest to a key."""
    if len(known) <= _MOST_NAMED:
        return ", ".join(known)
    near = difflib.get_close_matches(key, known, n=_MOST_NAMED // 2, cutoff=0.0)
    return f"{', '.join(near)} and {len(known) - len(near)} more"


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of a YAML file and where it stands."""

    file: str
    path: str
    raw: Any

    def fail(self, message: str) -> ForeignFileError:
        """An error about this value."""
        return ForeignFileError(f"{self.file}: {self.path}: {message}")

    def has(self, key: str) -> bool:
        """Whether a mapping holds a key."""
        return isinstance(self.raw, dict) and key in self.raw

    def get(self, key: str) -> "Value":
        """The value of a key that must be there."""
        if not self.has(key):
            raise self.fail(f"needs the key {shown(key)}")
        return Value(self.file, f"{self.path}.{key}", self.raw[key])

    def first(self, *keys: str) -> "Value | None":
        """The value of the first of several synonyms that is there."""
        return next((self.get(key) for key in keys if self.has(key)), None)

    def items(self) -> "Iterator[tuple[str, Value]]":
        """Keys and values of a mapping."""
        if not isinstance(self.raw, dict):
            raise self.fail(f"must be a mapping, got {shown(self.raw)}")
        for key in self.raw:
            yield str(key), Value(self.file, f"{self.path}.{str(key)[:60]}", self.raw[key])

    def elements(self) -> "list[Value]":
        """Elements of a list."""
        if not isinstance(self.raw, list):
            raise self.fail(f"must be a list, got {shown(self.raw)}")
        return [Value(self.file, f"{self.path}[{i}]", element) for i, element in enumerate(self.raw)]

    def text(self) -> str:
        """A string."""
        if isinstance(self.raw, (dict, list)) or self.raw is None or not shorter(self.raw):
            raise self.fail(f"must be a word, got {shown(self.raw)}")
        return str(self.raw)

    def number(self) -> float:
        """A finite number that is not negative; 1e-9 is one, though YAML takes it for a word."""
        raw = self.raw
        if isinstance(raw, str) and len(raw) < 40 and _NUMBER.fullmatch(raw):
            raw = float(raw)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= LARGEST:
            most = "" if not isinstance(raw, (int, float)) or raw != raw or raw < 0 else " and at most 1e30"
            raise self.fail(f"must be a number of at least 0{most}, got {shown(self.raw)}")
        return float(raw)

    def integer(self, least: int = 1, most: int = MOST_INTEGER) -> int:
        """A whole number."""
        if isinstance(self.raw, bool) or not isinstance(self.raw, int) or self.raw < least:
            raise self.fail(f"must be a whole number of at least {least}, got {shown(self.raw)}")
        if self.raw > most:
            raise self.fail(f"must be at most {most:,}, got {shown(self.raw)}")
        return self.raw

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.raw, bool):
            raise self.fail(f"must be true or false, got {shown(self.raw)}")
        return self.raw

    def only(self, supported: Sequence[str], what: str = "keys") -> None:
        """Refuse keys that are not supported."""
        for key, value in self.items():
            if key not in supported:
                raise ForeignFileError(
                    f"{value.file}: key {shown(value.path)} is not supported; "
                    f"supported {what}: {_nearest(str(key), supported)}"
                )

    def one_of(self, names: Sequence[str]) -> str:
        """A word that must be one of these."""
        name = self.text()
        if name not in names:
            raise self.fail(f"unknown name {shown(name)}; supported: {', '.join(names)}")
        return name


def shorter(raw: object, length: int = 10_000) -> bool:
    """Whether a scalar can be written in so many characters."""
    if isinstance(raw, int):
        return raw.bit_length() < 3 * length
    return not isinstance(raw, str) or len(raw) < length


def read_text(name: str) -> str:
    """Text of a file of at most `MOST_BYTES`.

    Raises
    ------
    ForeignFileError
        If it is missing, is no text, or is longer.

    """
    try:
        content = read_plain(name, MOST_BYTES + 1)
    except OSError as error:
        raise ForeignFileError(f"{name}: cannot be read ({error.strerror})") from error
    if len(content) > MOST_BYTES:
        raise ForeignFileError(f"{name}: holds more than {MOST_BYTES >> 20} MB, which no such file does")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ForeignFileError(f"{name}: is no text (byte {error.start} is not UTF-8)") from error


def read_yaml(name: str, text: str, tags: Mapping[str, str] | None = None) -> Any:
    """Read one YAML document within bounds.

    Parameters
    ----------
    name
        What messages call the file.
    text
        Its content.
    tags
        YAML tag -> key that holds the tag's name in the mapping it stands before; other tags are refused.

    Raises
    ------
    ForeignFileError
        If it is no YAML, or more than the bounds above allow.

    """

    class Loader(_Base):  # type: ignore[misc]
        pass

    for tag, key in (tags or {}).items():
        Loader.add_constructor(tag, _tagged(tag, key))
    try:
        _check_depth(name, text)
        document = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        raise ForeignFileError(f"{name}: is no YAML ({_first_problem(error)})") from error
    except (ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, ForeignFileError):
            raise
        raise ForeignFileError(f"{name}: is no YAML (a value cannot be read: {str(error)[:80]})") from error
    if _pieces(document, {}) > MOST_PIECES:
        raise ForeignFileError(f"{name}: its aliases stand for more than {MOST_PIECES:,} values")
    return document


def _tagged(tag: str, key: str) -> Any:
    def construct(loader: Any, node: Any) -> Any:
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, f"{tag} needs a mapping", node.start_mark)
        return {key: tag.lstrip("!"), **loader.construct_mapping(node, deep=True)}

    return construct


def _check_depth(name: str, text: str) -> None:
    """Refuse brackets too deep for a reader that calls itself."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > MOST_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ForeignFileError(f"{name}: line {line}: lists and mappings are more than 100 deep")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _pieces(document: Any, known: dict[int, int]) -> int:
    """Values of a document with every alias counted as what it stands for; an alias of itself is endless."""
    if not isinstance(document, (dict, list)):
        return 1
    if id(document) not in known:
        known[id(document)] = MOST_PIECES + 1  # while it is counted: met again, it holds itself
        inside = document.values() if isinstance(document, dict) else document
        known[id(document)] = 1 + sum(_pieces(value, known) for value in inside)
    return known[id(document)]


def _first_problem(error: yaml.YAMLError) -> str:
    """What a YAML reader found wrong first, and where."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return (str(error).splitlines() or ["unreadable"])[0][:120]
    return f"line {mark.line + 1}: {str(getattr(error, 'problem', None) or 'unreadable')[:120]}"
