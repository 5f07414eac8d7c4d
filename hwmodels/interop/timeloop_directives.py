"""Directives of mappings and constraints: a target, a type, and factors, an order or operands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.problem import Problem
from workloads.errors import shown
from workloads.values import Value

_FACTOR = re.compile(r"([A-Za-z]\w*?)\s*(<=|>=|=|<|>)?\s*(\d{1,10})(?!\d)(?:\s*,\s*\d{1,10}(?!\d))?")
_WORD = re.compile(r"\w+")
KEYS = (
    "target", "name", "type", "factors", "permutation", "split", "keep", "bypass", "min",
    "default_max_factor", "default_min_factor", "stream", "factors_only", "keep_only", "bypass_only",
    "no_iteration_over_dataspaces", "must_iterate_over_dataspaces", "maximize_dims", "maximize_dims_capacity",
    "no_link_transfer",  # true of every operand here: neighbours hand each other nothing
)  # fmt: skip
LOOPS = ("temporal", "spatial")
KEEPING = ("datatype", "dataspace", "bypass", "bypassing")
AMOUNTS = ("utilization", "parallelism")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What directives are about: a problem, an architecture, and containers whose loops a level carries."""

    problem: Problem
    architecture: Architecture
    spread: Mapping[str, str]
    folded: Mapping[str, str]

    def level(self, directive: Value) -> str:
        """The level a directive is about; "" for one about a component that stores nothing."""
        value = directive.first("target", "name")
        if value is None:
            raise directive.fail("needs the key 'target'")
        name = value.text()
        if name in self.spread and directive.raw.get("type") == "spatial":
            return self.spread[name]
        if name in self.folded:
            if directive.raw.get("type") == "spatial":
                return self.folded[name]
            if any(count != 1 for _, sign, count in self.factors(directive) if sign == "="):
                raise value.fail(f"{shown(name)} stores nothing, so it has no loops over time")
            return ""
        names = [level.name for level in self.architecture.levels]
        if name not in names:
            raise value.fail(f"unknown level {shown(name)}; this architecture has {', '.join(names)}")
        return name

    def operands(self, directive: Value, key: str) -> set[str]:
        """Operands that a key lists; `*` is all."""
        if not directive.has(key) or directive.raw[key] is None:
            return set()
        known = [operand.name for operand in self.problem.operands]
        names: set[str] = set()
        for value in directive.get(key).elements():
            name = value.text()
            if name == "*":
                names.update(known)
            elif name in known:
                names.add(name)
            else:
                raise value.fail(f"unknown operand {shown(name)}; {self.problem.name} has {', '.join(known)}")
        return names

    def kept(self, directive: Value) -> tuple[set[str], set[str]]:
        """Operands that a directive keeps and bypasses."""
        keep, bypass = self.operands(directive, "keep"), self.operands(directive, "bypass")
        every = {operand.name for operand in self.problem.operands}
        if directive.has("keep_only"):
            only = self.operands(directive, "keep_only")
            keep, bypass = keep | only, bypass | (every - only)
        if directive.has("bypass_only"):
            only = self.operands(directive, "bypass_only")
            keep, bypass = keep | (every - only), bypass | only
        for both in sorted(keep & bypass):
            raise directive.fail(f"{both} is both kept and bypassed")
        return keep, bypass

    def factors(self, directive: Value) -> list[tuple[str, str, int]]:
        """Factors as (dimension, sign, count), the sign one of = <= >=."""
        found = self._listed(directive, "factors") + self._listed(directive, "factors_only")
        fixed = {dimension for dimension, _, _ in found}
        stay: set[str] = set()
        if directive.has("factors_only") and directive.raw["factors_only"] is not None:
            stay |= set(self.problem.dimensions) - fixed
        moved = [self.problem.operand(o) for o in self.operands(directive, "no_iteration_over_dataspaces")]
        stay |= {d for operand in moved for d in operand.dimensions}
        must = [self.problem.operand(o) for o in self.operands(directive, "must_iterate_over_dataspaces")]
        if must:
            stay |= set(self.problem.dimensions) - {d for operand in must for d in operand.dimensions}
        return found + [(d, "=", 1) for d in self.problem.dimensions if d in stay and d not in fixed]

    def _listed(self, directive: Value, key: str) -> list[tuple[str, str, int]]:
        if not directive.has(key) or directive.raw[key] is None:
            return []
        value = directive.get(key)
        text = (
            ",".join(e.text() for e in value.elements())
            if isinstance(value.raw, list)
            else value.text().split("#")[0]
        )
        rest = _FACTOR.sub(" ", text).replace(",", " ").split()
        if rest:
            raise value.fail(
                f"{shown(rest[0])} is no factor; supported: a dimension, =, <= or >=, and a count of at "
                "least 0, such as K=4 C<=16"
            )
        found = []
        for dimension, sign, digits in _FACTOR.findall(text):
            self._check_dimension(value, dimension)
            count = int(digits) + {"<": -1, ">": 1}.get(sign, 0)
            found.append((dimension, {"": "=", "<": "<=", ">": ">="}.get(sign, sign), max(count, 0)))
        return found

    def _check_dimension(self, value: Value, name: str) -> None:
        if name not in self.problem.dimensions:
            raise value.fail(
                f"unknown dimension {shown(name)}; {self.problem.name} has "
                f"{', '.join(self.problem.dimensions)}"
            )

    def order(self, directive: Value) -> tuple[list[str], list[str]]:
        """Dimensions from the inside, and those from the outside after a `_`."""
        if not directive.has("permutation") or directive.raw["permutation"] is None:
            return [], []
        value = directive.get("permutation")
        if isinstance(value.raw, list):
            words = [element.text() for element in value.elements()]
        else:
            text = value.text().split("#")[0]
            longer = any(len(dimension) > 1 for dimension in self.problem.dimensions)
            words = _WORD.findall(text) if longer else [letter for letter in text if letter not in " ,"]
        for word in words:
            if word != "_":
                self._check_dimension(value, word)
        twice = next((word for word in words if words.count(word) > 1), None)
        if twice is not None:
            raise value.fail(f"names {shown(twice)} twice")
        if "_" in words:
            cut = words.index("_")
            return words[:cut], words[cut + 1 :]
        return words, []
