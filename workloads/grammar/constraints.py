"""Constraints: comparisons over axes and metrics, in a small safe grammar.

An expression is parsed into Python's own syntax tree and only a short list of nodes is accepted: nothing is
ever executed as Python. It reads names of axes and other fields of the accelerator ("array.cols"), metrics
("area_mm2"), metrics of the space's base design ("base.area_mm2"), numbers, quantities with units (2 MiB),
texts ("ws"), arithmetic, comparisons, and / or / not, and a few functions.
"""

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import shown
from workloads.grammar.errors import ConstraintError, nearest
from workloads.grammar.quantities import NUMBER_WITH_UNIT, UNITS, dimension_of, own_unit_of, parse

_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SIGNS: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: np.logical_not,
}
_FUNCTIONS: Final[dict[str, tuple[int, Callable[..., Any]]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "log2": (1, np.log2),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
BASE: Final = "base."
"""Before a metric's name: the same metric of the space's base design."""

_TRUTHS: Final = {"true": True, "false": False}
"""What fields that are true or false compare with."""
_LONGEST: Final = 20_000
"""Characters of a constraint at most."""
_DEEPEST: Final = 100
"""Nodes from the root of an expression to a leaf at most: each takes a few calls to walk."""


@dataclass(frozen=True)
class Constraint:
    """A parsed constraint: `text` as the user wrote it, and the names it reads."""

    text: str
    names: tuple[str, ...] = field(compare=False)
    tree: ast.expr = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    def holds(self, values: Mapping[str, Any], size: int) -> NDArray[np.bool_]:
        """Say where the constraint holds.

        Parameters
        ----------
        values
            Name -> scalar or array of shape (size,), for every name it reads.
        size
            Number of configurations.

        Returns
        -------
        bool array of shape (size,)
            False where a value is not a number.

        """
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(_value(self.tree, values), dtype=bool), (size,))


def parse_constraint(
    text: str,
    known: Collection[str],
    texts: Collection[str] = (),
    fixed: Mapping[str, float | str] | None = None,
) -> Constraint:
    """Parse one constraint.

    Parameters
    ----------
    text
        For example "array.cols <= 4 * array.rows" or "area_mm2 <= 50 and power_w <= 5".
    known
        Names that mean something: axes, fields, metrics.
    texts
        Those of them that hold text, such as the name of a dataflow; only == and != apply to these.
    fixed
        Names that stand for a value.

    Returns
    -------
    Constraint

    Raises
    ------
    ConstraintError
        If it does not parse, uses something outside the grammar, reads an unknown name or none at all,
        compares text with numbers or compares nothing.

    Examples
    --------
    >>> constraint = parse_constraint("array.cols <= 4 * array.rows", ["array.rows", "array.cols"])
    >>> constraint.holds({"array.rows": np.array([8, 8]), "array.cols": np.array([32, 64])}, 2)
    array([ True, False])

    """
    text, tree, names = _parsed(text, "constraint", "a comparison such as 'area_mm2 <= 50'", fixed)
    try:
        _known(names, known, texts)
        if _kind(tree, texts) != "truth":
            raise _NotAllowedError("it compares nothing; write a comparison such as 'area_mm2 <= 50'")
        if not names:
            raise _NotAllowedError("it reads no axis and no metric")
    except _NotAllowedError as refusal:
        raise ConstraintError(f"constraint {shown(text)}: {refusal}") from None
    return Constraint(text, names, tree)


@dataclass(frozen=True)
class Formula:
    """A parsed formula: a number from names, in the grammar of constraints."""

    text: str
    names: tuple[str, ...] = field(compare=False)
    tree: ast.expr = field(compare=False, repr=False)

    def value(self, values: Mapping[str, Any]) -> Any:
        """Evaluate it; arrays broadcast, and what is no number is NaN or infinite."""
        with np.errstate(all="ignore"):
            return _value(self.tree, values)


def parse_formula(text: str, known: Collection[str]) -> Formula:
    """Parse a formula of numbers.

    Parameters
    ----------
    text
        For example "energy_j * latency_s ** 2".
    known
        Names that mean something.

    Returns
    -------
    Formula

    Raises
    ------
    ConstraintError
        As `parse_constraint`, or if it compares something.

    Examples
    --------
    >>> parse_formula("energy_j * latency_s ** 2", ["energy_j", "latency_s"]).names
    ('energy_j', 'latency_s')

    """
    text, tree, names = _parsed(text, "formula", "one such as 'energy_j * latency_s ** 2'", None)
    try:
        _known(names, known, ())
        if _kind(tree, ()) != "number":
            raise _NotAllowedError("it is no number")
        if not names:
            raise _NotAllowedError("it reads no metric")
    except _NotAllowedError as refusal:
        raise ConstraintError(f"formula {shown(text)}: {refusal}") from None
    return Formula(text, names, tree)


def _known(names: Collection[str], known: Collection[str], texts: Collection[str]) -> None:
    """Refuse a name that means nothing."""
    for name in names:
        if name not in known:
            quote = f"; a text stands in quotes: '{name}'" if any(one in texts for one in names) else ""
            raise _NotAllowedError(f"unknown name {shown(name)}{quote or nearest(name, known)}")


def _parsed(
    text: str, what: str, such: str, fixed: Mapping[str, float | str] | None
) -> tuple[str, ast.expr, tuple[str, ...]]:
    """Parse an expression of the grammar: its text, tree and names."""
    if not isinstance(text, str) or not text.strip():
        raise ConstraintError(f"{what} {shown(text)}: empty; write {such}")
    text = text.strip()
    called = f"{what} {shown(text)}"
    if len(text) > _LONGEST:
        raise ConstraintError(f"{called}: longer than {_LONGEST:,} characters; split it into several")
    try:
        source = NUMBER_WITH_UNIT.sub(lambda found: repr(parse(found.group())), text)
    except ValueError as refusal:
        raise ConstraintError(f"{called}: {refusal}") from None
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = _where(source, error) if isinstance(error, SyntaxError) else "too deep or not text"
        raise ConstraintError(f"{called} does not parse: {reason}") from None
    if (depth := _depth(tree)) > _DEEPEST:  # before anything walks it by calling itself
        raise ConstraintError(
            f"{called}: nested {depth:,} deep, at most {_DEEPEST} will do; split it into several"
        )
    if "@" in text:  # it stands between a number and what its unit measures
        raise ConstraintError(f"{called}: '@' is not allowed")
    try:
        tree = ast.parse(NUMBER_WITH_UNIT.sub(_with_unit, text), mode="eval").body
    except SyntaxError:  # of a unit that something sticks to, as in "64 KiB."
        raise ConstraintError(f"{called} does not parse: a unit stands alone") from None
    tree = _Fixing({**_TRUTHS, **(fixed or {})}).visit(tree)
    names: dict[str, None] = {}
    try:
        _check(tree, names)
        _measure(tree)
    except _NotAllowedError as refusal:
        raise ConstraintError(f"{called}: {refusal}") from None
    return text, tree, tuple(names)


def _depth(tree: ast.AST) -> int:
    """Longest chain of nodes from the root down, counted level by level."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _with_unit(found: re.Match[str]) -> str:
    """A quantity as `_Fixing` reads it: a number in the base unit, and what it measures."""
    sign, number = ("", found.group()) if found.group()[0] not in "+-" else (found[0][0], found[0][1:])
    return f"{sign}({parse(number)!r} @ {UNITS[found[2]][1]!r})"


class _Fixing(ast.NodeTransformer):
    """Puts values in the place of the names that stand for them, and numbers in that of quantities."""

    def __init__(self, fixed: Mapping[str, float | str]) -> None:
        self._fixed = fixed

    def visit(self, node: ast.AST) -> Any:
        name = _dotted(node) if isinstance(node, ast.expr) else None
        if name is not None and name in self._fixed:
            return ast.Constant(self._fixed[name])
        match node:
            case ast.BinOp(
                left=ast.Constant(value=number), op=ast.MatMult(), right=ast.Constant(value=str() as unit)
            ):
                return ast.Constant(number, kind=unit)
        return self.generic_visit(node)


def _measured(node: ast.expr) -> str | None:
    """What an expression measures, "" for a number without a unit, None where that is not known."""
    name = _dotted(node)
    if name is not None:
        # A field says it by its name. Metrics of one's own may be called anything.
        return dimension_of(name) or own_unit_of(name) or ("" if "." in name else None)
    match node:
        case ast.Constant(kind=str() as unit):
            return unit
        case ast.UnaryOp(operand=operand):
            return _measured(operand)
        case ast.BinOp(left=one, op=ast.Add() | ast.Sub(), right=other):
            return _measured(one) or _measured(other)
        case ast.BinOp(left=ast.Constant(kind=None), op=ast.Mult(), right=operand):
            return _measured(operand)
        case ast.BinOp(left=operand, op=ast.Mult() | ast.Div(), right=ast.Constant(kind=None)):
            return _measured(operand)
    return None


def _measure(tree: ast.expr) -> None:
    """Refuse a quantity beside something that measures something else."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
            case ast.BinOp(left=one, op=ast.Add() | ast.Sub(), right=other):
                sides = [one, other]
            case ast.Call(func=ast.Name(id="min" | "max"), args=sides):
                pass
            case _:
                continue
        sides = [side.operand if isinstance(side, ast.UnaryOp) else side for side in sides]
        units = {side.kind for side in sides if isinstance(side, ast.Constant) and side.kind}
        for side in sides:
            found = None if isinstance(side, ast.Constant) and not side.kind else _measured(side)
            if found is not None and units - {found}:
                wrong = ", ".join(sorted(units - {found}))
                is_in = f"is in {found}" if found else "has no unit"
                raise _NotAllowedError(f"{shown(ast.unparse(side))} {is_in}, and stands beside {wrong}")


class _NotAllowedError(Exception):
    """Part of an expression that the grammar does not have."""


def _where(source: str, error: SyntaxError) -> str:
    """The part of the text at which parsing stopped, and Python's reason where it gives one."""
    rest = source[error.offset - 1 :].strip() if error.offset else ""
    place = f"at {rest[:20]!r}" if rest else "it ends too early"
    return place if error.msg == "invalid syntax" else f"{place} ({error.msg.partition(' (')[0]})"


def _dotted(node: ast.expr) -> str | None:
    """`a.b.c` as a text, None for any other attribute."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else None
    return None


def _check(node: ast.expr, names: dict[str, None]) -> None:
    """Refuse what is not in the grammar and collect the names, in order of appearance."""
    name = _dotted(node)
    if name is not None:
        names[name] = None
        return
    match node:
        case ast.Constant(value=int() | float() as number):
            if abs(number) > 1e300:
                raise _NotAllowedError(f"{shown(ast.unparse(node))} is too large")
            return
        case ast.Constant(value=str()):
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            parts = [left, right]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
            parts = [operand]
        case ast.BoolOp(values=values):
            parts = values
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _COMPARISONS for op in ops
        ):
            parts = [left, *others]
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]) if function in _FUNCTIONS:
            wanted = _FUNCTIONS[function][0]
            if len(arguments) != wanted:
                raise _NotAllowedError(
                    f"{function} takes {wanted} value{'s' * (wanted > 1)}, got {len(arguments)}"
                )
            parts = arguments
        case ast.Call():
            raise _NotAllowedError(
                f"{shown(ast.unparse(node))} is not allowed; functions are {', '.join(sorted(_FUNCTIONS))}"
            )
        case _:
            raise _NotAllowedError(f"{shown(ast.unparse(node))} is not allowed")
    for part in parts:
        _check(part, names)


def _kind(node: ast.expr, texts: Collection[str]) -> str:
    """Whether an expression is a "number", a "text" or a "truth"; refuses mixtures that mean nothing."""
    name = _dotted(node)
    if name is not None:
        return "text" if name in texts else "number"
    match node:
        case ast.Constant(value=str()):
            return "text"
        case ast.Constant():
            return "number"
        case ast.BoolOp(values=parts) | ast.UnaryOp(op=ast.Not(), operand=ast.expr() as parts):
            for part in parts if isinstance(parts, list) else [parts]:
                if _kind(part, texts) != "truth":
                    raise _NotAllowedError(f"{shown(ast.unparse(part))} compares nothing")
            return "truth"
        case ast.Compare(left=left, ops=ops, comparators=others):
            kinds = {_kind(part, texts) for part in (left, *others)}
            if len(kinds) > 1 or "truth" in kinds:
                raise _NotAllowedError(f"{shown(ast.unparse(node))} compares a text with a number")
            if kinds == {"text"} and not all(isinstance(op, ast.Eq | ast.NotEq) for op in ops):
                raise _NotAllowedError(f"{shown(ast.unparse(node))}: texts are compared with == and !=")
            return "truth"
        case ast.BinOp(left=left, right=right):
            operands = [left, right]
        case ast.UnaryOp(operand=operand):
            operands = [operand]
        case ast.Call(args=operands):
            pass
        case _:
            raise AssertionError(ast.unparse(node))
    if any(_kind(part, texts) != "number" for part in operands):
        raise _NotAllowedError(f"{shown(ast.unparse(node))} calculates with something that is no number")
    return "number"


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """Evaluate a checked expression; arrays broadcast."""
    name = _dotted(node)
    if name is not None:
        return values[name]
    match node:
        case ast.Constant(value=constant):
            return constant
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](*_as_floats(_value(left, values), _value(right, values)))
        case ast.UnaryOp(op=sign, operand=operand):
            return _SIGNS[type(sign)](_value(operand, values))
        case ast.BoolOp(op=op, values=parts):
            combine = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return combine.reduce(np.broadcast_arrays(*(_value(part, values) for part in parts)))
        case ast.Compare(left=left, ops=ops, comparators=others):
            operands = [_value(part, values) for part in (left, *others)]
            pairs = zip(ops, operands, operands[1:], strict=False)
            links = [np.asarray(_COMPARISONS[type(op)](a, b)) for op, a, b in pairs]
            return np.logical_and.reduce(np.broadcast_arrays(*links))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return _FUNCTIONS[function][1](*(_value(argument, values) for argument in arguments))
    raise AssertionError(ast.unparse(node))


def _as_floats(*operands: Any) -> tuple[Any, ...]:
    """Arithmetic in float64: integer products would wrap and integer powers of negatives fail."""
    return tuple(np.asarray(operand, dtype=np.float64) for operand in operands)
