"""The tree of an architecture in the grammars v0.1 (`arch`), v0.2, v0.3, and as timeloopfe flattens v0.4."""

import re
from dataclasses import replace
from typing import Any

from hwmodels.interop.timeloop_tree import (
    COMPUTE_WORDS,
    MOST_INSTANCES,
    NETWORK_WORDS,
    STORAGE_WORDS,
    Component,
    Tree,
    part,
)
from workloads.errors import shown
from workloads.values import Value

_VERSIONS = ("0.2", "0.3", "0.4")
_ENTRY = ("name", "class", "subclass", "attributes", "required_actions", "enabled", "area_scale")
_INHERITED = ("technology", "global_cycle_seconds")  # a node's own attributes that parts below it share


def read_subtree(section: Value, storage_keys: tuple[str, ...], compute_keys: tuple[str, ...]) -> Tree:
    """Read a tree of subtrees, or the flat list of v0.1.

    Parameters
    ----------
    section
        `architecture`, or `arch`.
    storage_keys, compute_keys
        Attributes that are known.

    Raises
    ------
    TimeloopInputError
        If it does not follow the grammar.

    """
    if section.has("storage") or section.has("arithmetic"):
        section = _subtree_of_list(section)
    section.only(("version", "subtree", "name", "attributes", "local", "nodes"))
    version = str(section.get("version").text()) if section.has("version") else "0.3"
    if version not in _VERSIONS:
        raise section.get("version").fail(
            f"unknown version {shown(section.raw['version'])}; supported: {', '.join(_VERSIONS)}"
        )
    storage: list[Component] = []
    compute: Component | None = None
    inherited: dict[str, Any] = {}
    node, copies = section, 1
    name = section.get("subtree").elements()[0].get("name").text() if _has_one(section) else "system"
    while node.has("subtree"):
        children = node.get("subtree").elements()
        if len(children) != 1:
            raise node.get("subtree").fail(f"needs exactly one subtree at each level, got {len(children)}")
        node = children[0]
        node.only(("name", "attributes", "local", "subtree", "class"))
        copies = _times(node, copies, _copies(node.get("name"))[1])
        inherited |= _shared(node)
        here: list[Component] = []
        for entry in node.get("local").elements() if node.has("local") else []:
            found = _entry(entry, copies, inherited, (storage_keys, compute_keys), version)
            if found is None:
                continue
            if _stores(found.kind):
                here.append(found)
            else:
                compute = found
        storage = [*reversed(here), *storage]
    if compute is None or not storage:
        raise section.fail(
            f"needs storage (class {', '.join(STORAGE_WORDS)}) and one of {', '.join(COMPUTE_WORDS)}"
        )
    return Tree(name=name, storage=tuple(storage), compute=compute)


def _has_one(section: Value) -> bool:
    return section.has("subtree") and len(section.get("subtree").elements()) > 0


def _shared(node: Value) -> dict[str, Any]:
    given = node.raw.get("attributes")
    return {key: given[key] for key in _INHERITED if key in given} if isinstance(given, dict) else {}


def _stores(kind: str) -> bool:
    """A class is told by the words in it, as Timeloop does."""
    return any(word in kind for word in STORAGE_WORDS)


def _entry(
    entry: Value,
    copies: int,
    inherited: dict[str, Any],
    keys: tuple[tuple[str, ...], tuple[str, ...]],
    version: str,
) -> Component | None:
    """A component of a node; None where it neither stores nor computes."""
    entry.only(_ENTRY)
    if entry.has("enabled") and entry.get("enabled").raw is False:
        return None
    kind = entry.get("class").text()
    name, count = _copies(entry.get("name"))
    if _stores(kind):
        known = keys[0]
    elif any(word in kind for word in COMPUTE_WORDS):
        known = keys[1]
    elif any(word in kind for word in NETWORK_WORDS):
        raise entry.get("class").fail(
            f"networks are not supported, got {shown(kind)}; supported classes hold one of "
            f"{', '.join((*STORAGE_WORDS, *COMPUTE_WORDS))}"
        )
    else:
        return None
    found = _component(entry, name, _times(entry, copies, count), kind)
    if version != "0.4":  # timeloopfe passes on what v0.4 lets a file say to its own estimators
        found.attributes.only(known, "attributes")
    return replace(
        found, attributes=part(found.attributes, found.attributes.path, inherited | found.attributes.raw)
    )


def _times(value: Value, copies: int, count: int) -> int:
    if copies * count > MOST_INSTANCES:
        raise value.get("name").fail(f"makes more than {MOST_INSTANCES:,} instances")
    return copies * count


def _copies(name: Value) -> tuple[str, int]:
    """Split `PE[0..167]` into its name and its number."""
    match = re.fullmatch(r"([^\[\s]+)\s*(?:\[\s*(\d{1,10})\s*\.\.\s*(\d{1,10})\s*\])?", name.text().strip())
    if match is None:
        return name.text(), 1
    number = int(match[3]) - int(match[2]) + 1 if match[2] else 1
    if number < 1:
        raise name.fail(f"counts backwards in {shown(name.raw)}")
    return match[1], number


def _component(entry: Value, name: str, instances: int, kind: str) -> Component:
    attributes = (
        entry.get("attributes") if entry.has("attributes") else part(entry, f"{entry.path}.{name}", {})
    )
    if not isinstance(attributes.raw, dict):
        raise attributes.fail(f"must be a mapping, got {shown(attributes.raw)}")
    given = attributes.first("instances")
    if given is not None:
        instances = given.integer(most=MOST_INSTANCES)
    x, y = attributes.first("meshX"), attributes.first("meshY")
    mesh_x = x.integer() if x is not None else instances // (y.integer() if y is not None else 1)
    if mesh_x < 1 or instances % mesh_x or (y is not None and mesh_x * y.integer() != instances):
        raise attributes.fail(f"{name}: meshX and meshY do not multiply to its {instances} instances")
    return Component(
        name=name,
        instances=instances,
        mesh_x=mesh_x,
        mesh_y=instances // mesh_x,
        attributes=attributes,
        kind=kind,
        spreads="dummy" in kind,
    )


def _subtree_of_list(section: Value) -> Value:
    """The v0.1 grammar, storage innermost first and arithmetic, as the tree it stands for."""
    section.only(("arithmetic", "storage", "version"))
    local: list[dict[str, Any]] = []
    for entry in reversed(section.get("storage").elements()):
        entry.get("name")
        attributes = {key: value for key, value in entry.raw.items() if key != "name"}
        kind = "DRAM" if "DRAM" in str(attributes.get("technology", entry.raw["name"]))[:60] else "SRAM"
        local.append({"name": entry.raw["name"], "class": kind, "attributes": attributes})
    arithmetic = section.get("arithmetic")
    attributes = {key.replace("word_bits", "word-bits"): value.raw for key, value in arithmetic.items()}
    name = attributes.pop("name", "MAC")
    local.append({"name": name, "class": "intmac", "attributes": attributes})
    return part(section, section.path, {"subtree": [{"name": "system", "local": local}]})
