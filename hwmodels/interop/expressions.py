"""Arithmetic in attributes of Timeloop v0.4 files, `ceil(log2(depth)) * 2`, worked out without running code.

Numbers, the operators of arithmetic and comparison, conditional expressions, a few functions, names of other
attributes, and `name.attributes["key"]`. Nothing else is an expression; a word that is none stays a word.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from workloads.errors import InputError, shown
from workloads.values import LARGEST

MOST_CHARACTERS = 500
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
MOST_CHOICES = 64  # of a factorial or a binomial coefficient, and the largest exponent


def _power(base: Any, exponent: Any) -> Any:
    """A power of a bounded exponent."""
    if abs(exponent) > MOST_CHOICES:
        raise InputError("an exponent beyond 64")
    return base**exponent


def _bounded(function: Callable[..., int]) -> Callable[..., int]:
    """A function of whole numbers that grows fast, of small ones only."""

    def of(*numbers: int) -> int:
        if any(number > MOST_CHOICES for number in numbers):
            raise InputError("a number beyond 64")
        return function(*numbers)

    return of


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "pow": _power,
    "comb": _bounded(math.comb),
    "factorial": _bounded(math.factorial),
    "perm": _bounded(math.perm),
    "prod": math.prod,
    "sum": sum,
    "bool": bool,
    "str": str,
    **{
        name: getattr(math, name)
        for name in (
            *(
                "fabs",
                "fmod",
                "gcd",
                "trunc",
                "isqrt",
                "copysign",
                "hypot",
                "dist",
                "remainder",
                "modf",
                "fsum",
            ),
            *("exp2", "expm1", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh"),
            *("tanh", "asinh", "acosh", "atanh", "erf", "erfc", "gamma", "degrees", "radians", "isclose"),
        )
    },
    "ceil": math.ceil,
    "floor": math.floor,
    "log2": math.log2,
    "log10": math.log10,
    "log": math.log,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "int": int,
    "float": float,
    "len": len,
}
_CONSTANTS: dict[str, Any] = {"pi": math.pi, "e": math.e, "tau": math.tau}


class ExpressionError(InputError):
    """What is written is an expression, but it has no value."""


class _UnknownError(Exception):
    """A name that stands for nothing, or a form that is no arithmetic: the text is a word."""


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an expression; the text itself where it is none.

    Parameters
    ----------
    text
        As a file has it.
    names
        Values, or mappings for names followed by a dot or a bracket.

    Raises
    ------
    ExpressionError
        If it divides by zero, leaves the domain of a function or grows beyond 1e30.

    Examples
    --------
    >>> evaluate("max(1, ceil(log2(depth))) * 2", {"depth": 100})
    14
    >>> evaluate("45nm", {}), evaluate("LPDDR4", {})
    ('45nm', 'LPDDR4')

    """
    if len(text) > MOST_CHARACTERS:
        return text
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return _value(tree, names)
    except (SyntaxError, _UnknownError, RecursionError, MemoryError):
        return text
    except (ArithmeticError, TypeError, ValueError, KeyError, IndexError) as error:
        raise ExpressionError(f"{shown(text)} has no value ({str(error)[:80]})") from error


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    found = _FORMS.get(type(node), _unknown)(node, names)
    if isinstance(found, (int, float)) and not abs(found) <= LARGEST:
        raise InputError("beyond 1e30")
    return found


def _unknown(node: Any, names: Mapping[str, Any]) -> Any:
    raise _UnknownError


def _constant(node: ast.Constant, names: Mapping[str, Any]) -> Any:
    if not isinstance(node.value, (int, float, str)):
        raise _UnknownError
    return node.value


def _name(node: ast.Name, names: Mapping[str, Any]) -> Any:
    if node.id in names:
        return names[node.id]
    if node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    raise _UnknownError


def _binary(node: ast.BinOp, names: Mapping[str, Any]) -> Any:
    left, right = _value(node.left, names), _value(node.right, names)
    if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:MOST_CHARACTERS]
    if type(node.op) not in _BINARY or not (_is_number(left) and _is_number(right)):
        raise _UnknownError
    if isinstance(node.op, ast.Pow | ast.LShift):
        _power(2, right)  # no exponent beyond what is allowed
    return _BINARY[type(node.op)](left, right)


def _unary(node: ast.UnaryOp, names: Mapping[str, Any]) -> Any:
    value = _value(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not value
    if not _is_number(value):
        raise _UnknownError
    if isinstance(node.op, ast.Invert):
        return ~value
    return -value if isinstance(node.op, ast.USub) else +value


def _compare(node: ast.Compare, names: Mapping[str, Any]) -> bool:
    left = _value(node.left, names)
    for sign, other in zip(node.ops, node.comparators, strict=True):
        if type(sign) not in _COMPARE:
            raise _UnknownError
        right = _value(other, names)
        if not _COMPARE[type(sign)](left, right):
            return False
        left = right
    return True


def _all_or_any(node: ast.BoolOp, names: Mapping[str, Any]) -> Any:
    found: Any = None
    for part in node.values:
        found = _value(part, names)
        if bool(found) is isinstance(node.op, ast.Or):
            break
    return found


def _elements(node: ast.List | ast.Tuple, names: Mapping[str, Any]) -> list[Any]:
    return [_value(part, names) for part in node.elts]


def _choice(node: ast.IfExp, names: Mapping[str, Any]) -> Any:
    return _value(node.body if _value(node.test, names) else node.orelse, names)


def _call(node: ast.Call, names: Mapping[str, Any]) -> Any:
    if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords:
        raise _UnknownError
    return _FUNCTIONS[node.func.id](*(_value(argument, names) for argument in node.args))


def _member(node: ast.Attribute, names: Mapping[str, Any]) -> Any:
    owner = _value(node.value, names)
    if not isinstance(owner, Mapping):
        raise _UnknownError
    return owner[node.attr]


def _item(node: ast.Subscript, names: Mapping[str, Any]) -> Any:
    owner = _value(node.value, names)
    if not isinstance(owner, (Mapping, list)):
        raise _UnknownError
    return owner[_value(node.slice, names)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


_FORMS: dict[type[ast.expr], Callable[[Any, Mapping[str, Any]], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _all_or_any,
    ast.List: _elements,
    ast.Tuple: _elements,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Attribute: _member,
    ast.Subscript: _item,
}
