"""What an `architecture` section is once its grammar is behind it: components in order, and the rest."""

from dataclasses import dataclass, field, replace
from typing import Any

from workloads.values import Value

STORAGE_WORDS = ("DRAM", "SRAM", "regfile", "smartbuffer", "storage")  # in a class name: it stores
COMPUTE_WORDS = ("mac", "compute")  # in a class name: it computes
NETWORK_WORDS = ("XY_NoC", "Legacy", "ReductionTree", "SimpleMulticast")
MOST_INSTANCES = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A storage or compute component of the tree."""

    name: str
    instances: int
    mesh_x: int
    mesh_y: int
    attributes: Value
    kind: str  # its class, and its subclass where it has one
    spreads: bool = False  # it stores nothing: it stands where containers fan out twice in a row

    @property
    def is_dram(self) -> bool:
        """Whether accesses leave the chip."""
        technology = self.attributes.raw.get("technology")
        return "DRAM" in self.kind or (isinstance(technology, str) and "DRAM" in technology)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Components of an architecture, and the directives that v0.4 writes beside them."""

    name: str
    storage: tuple[Component, ...]  # innermost first
    compute: Component
    directives: tuple[Value, ...] = ()  # constraints, each with its target
    sparse: tuple[Value, ...] = ()  # sparse optimisations, each with its level's name
    spread: dict[str, str] = field(default_factory=dict)  # container -> level that its spatial loops are of
    folded: dict[str, str] = field(default_factory=dict)  # component that only spreads -> level outside it
    notes: tuple[str, ...] = ()


def part(value: Value, path: str, raw: Any) -> Value:
    """Another value beside this one in its file."""
    return replace(value, path=path, raw=raw)


def folded(tree: Tree) -> Tree:
    """Let the level outside carry a fan-out of its own, instead of a component that stores nothing.

    Where two fan-outs follow each other the component stays: its level may spread other loops than the first.
    """
    kept: list[Component] = []  # outermost first
    gone: dict[str, str] = {}
    for component in reversed(tree.storage):
        outer = kept[-1] if kept else None
        if component.spreads and outer is not None and not outer.spreads and _same_mesh(outer, component):
            gone[component.name] = outer.name
        else:
            kept.append(component)
    spread = {container: gone.get(level, level) for container, level in tree.spread.items()}
    return replace(tree, storage=tuple(reversed(kept)), spread=spread, folded=gone)


def _same_mesh(outer: Component, inner: Component) -> bool:
    return (outer.mesh_x, outer.mesh_y) == (inner.mesh_x, inner.mesh_y)
