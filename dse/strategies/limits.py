"""What a space's constraints say about whole boxes of it."""

import ast
from dataclasses import dataclass

import numpy as np

from dse.run.task import base_metrics
from dse.space.space import Space, fields_read
from dse.strategies import boxes
from dse.strategies.problem import LEAST, One, Problem
from dse.strategies.protocol import BoolArray, FloatArray, IndexArray
from dse.strategies.tables import Table, table_of
from workloads.grammar.constraints import BASE, Constraint


class Admission:
    """How many points of a box no architecture constraint excludes."""

    def __init__(self, space: Space) -> None:
        read = fields_read(constraint for _, constraint in space.architecture_constraints)
        self._axes = tuple(
            number
            for number, axis in enumerate(space.axes)
            if any(name == field or name.startswith(field + ".") for field in axis.fields for name in read)
        )
        index, shape = table_of(space, self._axes)
        self._table = Table((space.violated(index) < 0).astype(np.float64), self._axes, shape)

    def points(self, low: IndexArray, high: IndexArray) -> IndexArray:
        """Admissible points of each box, shape (n,)."""
        admitted = self._table.over(boxes.total, low, high).astype(np.int64)
        others = np.delete(high - low, list(self._axes), axis=1).prod(axis=1)
        counted: IndexArray = admitted * others
        return counted


@dataclass(frozen=True)
class Ceiling:
    """A constraint that a larger metric can only break: metric <= number, or <= a share of the base's."""

    metric: str
    constraint: Constraint

    def broken(self, least: FloatArray, values: dict[str, float]) -> BoolArray:
        """Say where a lower bound breaks it already."""
        return ~self.constraint.holds({**values, self.metric: least}, len(least))


class Ceilings:
    """The constraints of a problem that a lower bound may break."""

    def __init__(self, problem: Problem) -> None:
        self._column = problem.work.ceiling_column
        base = isinstance(problem.work, One)
        self._ceilings = [
            ceiling
            for _, constraint in problem.space.metric_constraints
            for ceiling in _ceilings(constraint.tree, constraint.text)
            if base or not any(name.startswith(BASE) for name in ceiling.constraint.names)
        ]
        self._values: dict[str, float] = {}
        names = {name for ceiling in self._ceilings for name in ceiling.constraint.names}
        if isinstance(problem.work, One) and any(name.startswith(BASE) for name in names):
            work = problem.work
            found = base_metrics(work.layers, problem.space, problem.mapping_objective, work.schedule)
            self._values = {
                name: float(getattr(found, name.removeprefix(BASE))[0])
                for name in names
                if name.startswith(BASE)
            }

    def broken(self, least: dict[str, FloatArray], count: int) -> BoolArray:
        """Say which boxes a constraint excludes, given lower bounds of shape (count,)."""
        broken = np.zeros(count, dtype=bool)
        for ceiling in self._ceilings:
            broken |= ceiling.broken(least[self._column(ceiling.metric)], self._values)
        return broken


def _ceilings(tree: ast.expr, text: str) -> list[Ceiling]:
    """Ceilings that a constraint implies: itself, or those of the parts that `and` joins."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return [ceiling for part in tree.values for ceiling in _ceilings(part, text)]
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return []
    small, large = tree.left, tree.comparators[0]
    if isinstance(tree.ops[0], ast.Gt | ast.GtE):
        small, large = large, small
    elif not isinstance(tree.ops[0], ast.Lt | ast.LtE):
        return []
    names = {ast.unparse(node) for node in ast.walk(large) if isinstance(node, ast.Attribute | ast.Name)}
    fixed = {name for name in names if name.startswith(BASE)}
    if not isinstance(small, ast.Name) or small.id not in LEAST or names - fixed - {"base", *_calls(large)}:
        return []
    return [Ceiling(small.id, Constraint(text, (small.id, *sorted(fixed)), tree))]


def _calls(tree: ast.expr) -> set[str]:
    """Names of the functions that an expression calls."""
    return {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
