"""The v0.4 grammar of an architecture: a list of nodes, each inside those before it.

A container fans out what follows it; the spatial loops of a fan-out belong to a level `inter_<name>_spatial`
that stores nothing, as timeloopfe's flattened files have it, so that mappings and ERTs of either fit both.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hwmodels.interop.expressions import ExpressionError, evaluate
from hwmodels.interop.templates import NODE_KEY
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

_LEAF = ("name", "class", "subclass", "attributes", "spatial", "constraints", "sparse_optimizations")
_COMPONENT = (*_LEAF, NODE_KEY, "required_actions", "enabled", "area_scale", "energy_scale")
_CONTAINER = ("name", "attributes", "spatial", "constraints", NODE_KEY)
_GROUPS = ("spatial", "temporal", "dataspace", "utilization")
_NO_EFFECT = ("no_reuse", "no_coalesce", "no_link_transfer", "rmw_first_update")
MOST_NODES = 1000


@dataclass(slots=True)
class _Walk:
    """Where a walk over the nodes is."""

    operands: tuple[str, ...]
    names: dict[str, Any]  # what expressions may name: variables, containers' attributes, components
    inherited: dict[str, Any] = field(default_factory=dict)  # attributes of the containers so far
    mesh_x: int = 1
    mesh_y: int = 1
    components: list[Component] = field(default_factory=list)  # outermost first
    directives: list[Value] = field(default_factory=list)
    sparse: list[Value] = field(default_factory=list)
    spread: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first: str = ""


def read_nodes(
    section: Value,
    variables: Value | None,
    operands: tuple[str, ...],
    known: tuple[str, ...],
    problem: Mapping[str, Any],
) -> Tree:
    """Read a list of nodes.

    Parameters
    ----------
    section
        The `architecture` section, with the key `nodes`.
    variables
        The `variables` section: values that expressions may name, and attributes of everything.
    operands
        Of the problem: `!Parallel` gives each branch those it keeps.
    known
        Attributes that mean something to a model; others are an estimator's, and near misses are refused.
    problem
        Bounds by dimension, `spec.problem.instance` in expressions.

    Raises
    ------
    TimeloopInputError
        If a node is of no known kind, an attribute is misspelt or has no value, or a fan-out is too wide.

    """
    names: dict[str, Any] = {"spec": {"problem": {"instance": dict(problem)}}}
    walk = _Walk(operands=operands, names=names)
    if variables is not None:
        names.update(values_of(variables, names))
        walk.inherited = {k: v for k, v in names.items() if k not in ("spec", "version")}
    _nodes(walk, section.get("nodes"), parallel=False, depth=0, known=known)
    if not walk.components:
        raise section.fail("needs nodes: !Component with a class that stores, and one that computes last")
    *storage, compute = walk.components
    if not any(word in compute.kind for word in COMPUTE_WORDS):
        raise compute.attributes.fail(
            f"the last component must compute (class {', '.join(COMPUTE_WORDS)}), "
            f"but {compute.name} is a {compute.kind}"
        )
    if not storage:
        raise section.fail(f"needs storage (class {', '.join(STORAGE_WORDS)}) before {compute.name}")
    return Tree(
        name=walk.first or "system",
        storage=tuple(reversed(storage)),
        compute=compute,
        directives=tuple(walk.directives),
        sparse=tuple(walk.sparse),
        spread=walk.spread,
        notes=tuple(dict.fromkeys(walk.notes)),
    )


def _nodes(walk: _Walk, nodes: Value, *, parallel: bool, depth: int, known: tuple[str, ...]) -> None:
    for node in nodes.elements():
        if len(walk.components) > MOST_NODES:
            raise node.fail(f"more than {MOST_NODES:,} nodes")
        kind = node.raw.get(NODE_KEY) if isinstance(node.raw, dict) else None
        if kind in ("Parallel", "Hierarchical", "Pipelined"):
            node.only(("nodes", "name", NODE_KEY))
            _nodes(walk, node.get("nodes"), parallel=kind == "Parallel", depth=depth + 1, known=known)
        elif kind == "Nothing":
            continue  # a branch without storage
        elif kind == "Container":
            _container(walk, node, parallel=parallel)
        elif kind == "Component":
            _component(walk, node, parallel=parallel, known=known)
        else:
            raise node.fail(
                f"must be a !Container, !Component, !Parallel or !Hierarchical, got {shown(node.raw)}"
            )


def _named(node: Value) -> str:
    """The name of a node, in which nothing says how many there are."""
    name = node.get("name").text()
    if "[" in name:
        raise node.get("name").fail(
            f"{shown(name)} says how many there are as v0.3 does; write the name alone, and how many as "
            "spatial: {meshX: 4}"
        )
    return name


def _container(walk: _Walk, node: Value, *, parallel: bool) -> None:
    node.only(_CONTAINER)
    name = _named(node)
    walk.first = walk.first or name
    own = _attributes(walk, node)
    walk.names.update(own)
    walk.names[name] = {"attributes": own}
    walk.inherited.update(own)
    _fan_out(walk, node, name, parallel=parallel)
    _directives(walk, node, name, only=("spatial",), parallel=parallel)


def _component(walk: _Walk, node: Value, *, parallel: bool, known: tuple[str, ...]) -> None:
    node.only(_COMPONENT)
    if node.has("enabled") and node.get("enabled").raw is False:
        return
    name = _named(node)
    kinds = [node.get(key).text() for key in ("class", "subclass") if node.has(key) and node.raw[key]]
    kind = " ".join(kinds) or node.get("class").text()
    if any(word in kind for word in NETWORK_WORDS):
        raise node.get("class").fail(f"networks are not supported, got {shown(kind)}")
    if not any(word in kind for word in (*STORAGE_WORDS, *COMPUTE_WORDS)):
        raise node.get("class").fail(
            f"unknown class {shown(kind)}; supported classes hold one of "
            f"{', '.join((*STORAGE_WORDS, *COMPUTE_WORDS))}"
        )
    own = _attributes(walk, node)
    _check_spelling(walk, node, name, own, known)
    _fan_out(walk, node, name, parallel=parallel)
    walk.names[name] = {"attributes": own}
    walk.components.append(
        Component(
            name=name,
            instances=walk.mesh_x * walk.mesh_y,
            mesh_x=walk.mesh_x,
            mesh_y=walk.mesh_y,
            attributes=part(node, f"{node.path}.attributes", {**walk.inherited, **own}),
            kind=kind,
        )
    )
    _directives(walk, node, name, only=_GROUPS, parallel=parallel)
    if node.has("sparse_optimizations"):
        sparse = node.get("sparse_optimizations")
        walk.sparse.append(replace(sparse, raw={**dict(_checked(sparse)), "name": name}))


def _checked(value: Value) -> dict[Any, Any]:
    if not isinstance(value.raw, dict):
        raise value.fail(f"must be a mapping, got {shown(value.raw)}")
    return value.raw


def _attributes(walk: _Walk, node: Value) -> dict[str, Any]:
    """Own attributes, with expressions worked out in the order they stand in."""
    if not node.has("attributes") or node.raw["attributes"] is None:
        return {}
    own: dict[str, Any] = {}
    for key, value in node.get("attributes").items():
        own[key] = worked_out(value, {**walk.names, **walk.inherited, **own})
    return own


def values_of(variables: Value, names: Mapping[str, Any]) -> dict[str, Any]:
    """Variables by name, each worked out with those before it."""
    found: dict[str, Any] = {}
    for key, value in variables.items():
        found[key] = worked_out(value, {**names, **found})
    return found


def worked_out(value: Value, names: Mapping[str, Any]) -> Any:
    """What a value comes to where it is an expression; itself where it is none."""
    if not isinstance(value.raw, str):
        return value.raw
    try:
        found = evaluate(value.raw, names)
    except ExpressionError as error:
        raise value.fail(str(error)) from error
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _check_spelling(
    walk: _Walk, node: Value, name: str, own: Mapping[str, Any], known: tuple[str, ...]
) -> None:
    """Refuse attributes that are nearly one that counts; those of estimators are left out, and noted."""
    others = [key for key in own if key not in known]
    for key in others:
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.8)
        if near:
            raise node.get("attributes").fail(
                f"key {shown(key)} is not supported; did you mean {shown(near[0])}? supported attributes: "
                + ", ".join(difflib.get_close_matches(str(key), known, n=len(known), cutoff=0.3))
            )
    if others:
        walk.notes.append(f"{name}: its attributes {', '.join(map(str, others))} are an estimator's")


def _fan_out(walk: _Walk, node: Value, name: str, *, parallel: bool) -> None:
    """Let a node's `spatial` fan out what follows, below a level of its own."""
    if not node.has("spatial") or not node.raw["spatial"]:
        return
    spatial = node.get("spatial")
    spatial.only(("meshX", "meshY"))
    sizes = []
    for axis in ("meshX", "meshY"):
        value = spatial.get(axis) if spatial.has(axis) else replace(spatial, raw=1)
        found = worked_out(value, {**walk.names, **walk.inherited})
        sizes.append(replace(value, raw=found).integer(most=MOST_INSTANCES))
    across, down = sizes
    if across * down == 1:
        return
    if parallel:
        raise spatial.fail(f"{name} fans out inside a !Parallel, which is not supported")
    if not walk.components:
        raise spatial.fail(f"{name} fans out above the outermost storage, which would be of several chips")
    if walk.mesh_x * across * walk.mesh_y * down > MOST_INSTANCES:
        raise spatial.fail(f"{name} makes more than {MOST_INSTANCES:,} instances")
    level = f"inter_{name}_spatial"
    walk.components.append(
        Component(
            name=level,
            instances=walk.mesh_x * walk.mesh_y,
            mesh_x=walk.mesh_x,
            mesh_y=walk.mesh_y,
            attributes=part(node, f"{node.path}.attributes", {}),
            kind="dummy_storage",
            spreads=True,
        )
    )
    walk.spread[name] = level
    walk.directives += [
        part(node, node.path, {"target": level, "type": "temporal", "factors_only": []}),
        part(node, node.path, {"target": level, "type": "dataspace", "bypass": list(walk.operands)}),
    ]
    walk.mesh_x *= across
    walk.mesh_y *= down


def _directives(walk: _Walk, node: Value, name: str, *, only: tuple[str, ...], parallel: bool) -> None:
    """Constraints of a node as directives that name their target; a branch keeps no one else's operands."""
    groups = node.get("constraints") if node.has("constraints") and node.raw["constraints"] else None
    if groups is not None:
        groups.only(_GROUPS)
    for group in _GROUPS:
        if groups is None or not groups.has(group) or not groups.raw[group]:
            continue
        value = groups.get(group)
        if group not in only:
            raise value.fail(f"{group} constraints of a container, which stores nothing, are not supported")
        raw = dict(_checked(value))
        for key in _NO_EFFECT:
            if raw.pop(key, None):
                walk.notes.append(f"{name}: {key} is left out: operands are reused as the mapping allows")
        if group == "spatial" and name not in walk.spread:
            continue  # nothing fans out here
        target = walk.spread[name] if group == "spatial" else name
        if group == "dataspace" and parallel:
            kept = [o for key in ("keep", "keep_only") for o in _words(value, key)]
            raw = {"keep": kept, "bypass": [o for o in walk.operands if o not in kept]}
        walk.directives.append(replace(value, raw={**raw, "target": target, "type": group}))
    if parallel and not (groups is not None and groups.has("dataspace")):
        raise node.fail(f"{name}, a branch of a !Parallel, needs constraints.dataspace.keep")


def _words(value: Value, key: str) -> list[str]:
    return [word.text() for word in value.get(key).elements()] if value.has(key) else []
