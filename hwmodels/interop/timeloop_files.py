"""Sections of Timeloop's and Accelergy's files, grammars v0.1 to v0.4, over all files of a project."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwmodels.interop.templates import Templates
from workloads.errors import shown
from workloads.file_kinds import advice
from workloads.values import ForeignFileError, Value, read_text

TimeloopInputError = ForeignFileError
"""A file that is no Timeloop input this program understands; the message names the file and the key."""

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
    "arch",
    "shape",
    "variables",
    "globals",
    "constraints",
    "extra_mapping_constraints",
)
_SYNONYMS = {"compound_components": "components", "extra_mapping_constraints": "constraints"}
_LISTS = {"components": "classes", "constraints": "targets"}  # sections whose lists several files may share


def read_sections(
    files: Sequence[str | Path], values: Mapping[str, object] | None = None
) -> tuple[dict[str, Value], dict[str, str]]:
    """Read YAML files and collect their top-level sections.

    Parameters
    ----------
    files
        Paths, in any order. A path ending in `.txt` is a mapping as Timeloop prints it.
    values
        What names in templates (v0.4 files may be Jinja) stand for.

    Returns
    -------
    sections : dict
        Section name to value. Lists of component classes are merged over files, as Accelergy does; any other
        section may be given once.
    texts : dict
        Path to text of the `.txt` files.

    Raises
    ------
    TimeloopInputError
        If a file is missing, is no YAML, or holds a section that is unknown or already given.

    """
    sections: dict[str, Value] = {}
    texts: dict[str, str] = {}
    templates = Templates(values or {})
    for name in map(str, files):
        if name.endswith(".txt"):
            texts[name] = read_text(name)
            continue
        try:
            document = templates.document(name)
        except ForeignFileError as error:
            raise _named(name, error) from error
        if not isinstance(document, dict):
            other = advice(name, "timeloop", "accelergy")
            raise TimeloopInputError(
                f"{name}: {other}"
                if other
                else f"{name}: must be a mapping of sections such as {', '.join(SECTIONS[:3])}"
            )
        for key, raw in document.items():
            if isinstance(key, str) and (key.endswith("_ignore") or key == "dumped_by_timeloop_front_end"):
                continue  # a place for anchors, and a mark that timeloopfe leaves
            if not isinstance(key, str) or key not in SECTIONS:
                other = advice(name, "timeloop", "accelergy")
                raise TimeloopInputError(
                    f"{name}: {other}"
                    if other
                    else f"{name}: key {shown(key)} is not supported; "
                    f"supported sections: {', '.join(SECTIONS)}"
                )
            _collect(sections, _SYNONYMS.get(key, key), Value(name, key, raw))
    return sections, texts


def _named(name: str, error: ForeignFileError) -> ForeignFileError:
    """What is wrong with a file that is no YAML: that it is another tool's, if it is."""
    other = advice(name, "timeloop", "accelergy") if str(error).startswith(f"{name}: is no YAML") else ""
    return ForeignFileError(f"{name}: {other}") if other else error


def _collect(sections: dict[str, Value], key: str, value: Value) -> None:
    known = sections.get(key)
    if known is None:
        sections[key] = value
        return
    shared = _LISTS.get(key)
    if shared is None:
        raise TimeloopInputError(
            f"{value.file}: section {shown(value.path)} was already given by {known.file}"
        )
    merged: list[Any] = [entry.raw for part in (known, value) for entry in _entries(part, shared)]
    _check_names(key, known, value, shared)
    sections[key] = Value(known.file, known.path, {**known.raw, shared: merged})


def _check_names(key: str, known: Value, value: Value, shared: str) -> None:
    """Refuse a class that two files define differently."""
    if key != "components":
        return
    before = {entry.get("name").text(): entry.raw for entry in _entries(known, shared)}
    for entry in _entries(value, shared):
        name = entry.get("name").text()
        if name in before and before[name] != entry.raw:
            raise entry.fail(f"class {shown(name)} is already defined otherwise in the files before")


def _entries(section: Value, shared: str) -> list[Value]:
    if not section.has(shared):
        return []
    found = section.get(shared).elements()
    for entry in found:
        if not isinstance(entry.raw, dict):
            raise entry.fail(f"must be a mapping, got {shown(entry.raw)}")
    return found
