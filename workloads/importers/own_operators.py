"""Operators that only their user knows: a rule says which operation a call comes to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from workloads.errors import InputError, ShapeError, WorkloadError, shown
from workloads.operations.base import Operation
from workloads.shapes import Shape, size


@dataclass(frozen=True, slots=True)
class OperatorCall:
    """A node of an unknown operator, as its rule sees it.

    Attributes
    ----------
    name
        What the operation is to be called.
    operator
        "com.acme.Gate" of an ONNX file, "acme.gate" of PyTorch.
    inputs, constants
        Shapes of the tensors that the network computes, and of those that are stored, each in order.
    attributes
        What else it is called with, by name.
    outputs
        Shapes of its results where they are known (PyTorch); empty where they are not (ONNX).

    """

    name: str
    operator: str
    inputs: tuple[Shape, ...]
    constants: tuple[Shape, ...]
    attributes: Mapping[str, Any]
    outputs: tuple[Shape, ...] = ()


OperatorRule = Callable[[OperatorCall], Operation]
"""What an operator costs: the operation that a call of it comes to."""
_Rule = TypeVar("_Rule", bound=OperatorRule)


class _Constant(Protocol):
    """A stored tensor, as either importer has it."""

    @property
    def shape(self) -> Shape:
        """Lengths of its axes."""

    def reshaped(self, shape: Shape) -> Any:
        """The same elements in order under another shape."""


_Held = TypeVar("_Held", bound=_Constant)
OPERATORS: dict[str, OperatorRule] = {}
"""Rules by operator; they go before what is built in."""


def register_operator(operator: str) -> Callable[[_Rule], _Rule]:
    """Let a function say what an operator costs, in `from_onnx` and `from_torch`, before what is built in.

    Parameters
    ----------
    operator
        Domain and name of an ONNX operator ("com.acme.Gate"; the name alone in the standard domain), library
        and name of a PyTorch operator ("acme.gate").

    Returns
    -------
    Callable
        A decorator of a function that takes an `OperatorCall` and returns an operation of
        `workloads.operations` of that name. The stored tensors of the call become the operation's weights:
        each role takes the first that has its shape, or its elements in another layout.

    Raises
    ------
    ValueError
        If the operator is no name. When a model is read: if the rule returns no operation, or its weights
        are not those of the call.

    Examples
    --------
    >>> from workloads.operations import Linear
    >>> @register_operator("com.acme.Gate")
    ... def gate(call):
    ...     return Linear(call.name, call.constants[0][1], bias=False)
    >>> unregister_operator("com.acme.Gate")

    """
    if not isinstance(operator, str) or not operator.strip():
        raise InputError(f"operator must be a name such as 'com.acme.Gate', got {shown(operator)}")

    def register(rule: _Rule) -> _Rule:
        if not callable(rule):
            raise InputError(f"the rule of {shown(operator)} must be a function, got {shown(rule)}")
        OPERATORS[operator] = rule
        return rule

    return register


def unregister_operator(operator: str) -> None:
    """Forget the rule of an operator.

    Raises
    ------
    ValueError
        If it has none.

    """
    if operator not in OPERATORS:
        raise InputError(
            f"no rule of {shown(operator)} is registered; there are {', '.join(OPERATORS) or 'none'}"
        )
    del OPERATORS[operator]


def way_out(operators: Sequence[str], option: str = "") -> str:
    """What to do about unknown operators, in one line; `option` is what the command line has for it."""
    return (
        f"; @workloads.register_operator({operators[0]!r}) says what it costs, "
        f'unknown="movement"{option} costs them as data movement'
    )


def applied(
    call: OperatorCall, held: Sequence[_Held], turned: Callable[[_Held], _Held]
) -> tuple[Operation, dict[str, _Held]]:
    """The operation of a call, and the stored tensor of each of its weights; `turned` transposes a matrix.

    Raises
    ------
    ValueError
        If the rule returns no operation, or weights and stored tensors are not of each other.

    """
    try:
        operation = OPERATORS[call.operator](call)
    except WorkloadError:  # an operation that says itself what is wrong with it
        raise
    except Exception as problem:
        said = " ".join(str(problem).split())
        raise InputError(
            f"the rule of {shown(call.operator)} fails at {shown(call.name)}: "
            f"{type(problem).__name__}: {said}"
        ) from problem
    if not isinstance(operation, Operation) or operation.name != call.name:
        raise InputError(
            f"the rule of {shown(call.operator)} must return an operation called {shown(call.name)}, got "
            f"{shown(operation)}"
        )
    roles, left = operation.weight_shapes(call.inputs), list(held)
    found: dict[str, _Held] = {}
    for role, shape in roles.items():
        same = [one for one in left if tuple(one.shape) == shape]
        fits = same or [one for one in left if size(one.shape) == size(shape)]
        if not fits:
            raise ShapeError(
                f"the rule of {shown(call.operator)} needs a {role} of {shape}; the constants of "
                f"{shown(call.name)} are {', '.join(map(str, call.constants)) or 'none'}"
            )
        left = [one for one in left if one is not fits[0]]
        found[role] = _laid_out(fits[0], shape, turned)
    beyond = [one.shape for one in left if size(one.shape) > 1]
    if beyond:
        raise ShapeError(
            f"the rule of {shown(call.operator)} leaves the constants of {shown(call.name)} with shapes "
            f"{', '.join(map(str, beyond))} without a use"
        )
    return operation, found


def _laid_out(one: _Held, shape: Shape, turned: Callable[[_Held], _Held]) -> _Held:
    """A stored tensor in the layout of a weight: as it is, turned, or its elements in order."""
    if tuple(one.shape) != shape and len(shape) == 2 and tuple(one.shape) == shape[::-1]:
        return turned(one)
    laid_out: _Held = one.reshaped(shape)
    return laid_out
