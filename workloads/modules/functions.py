"""Operations without weights, as functions of tensors."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

from workloads.errors import NetworkImportError, shown
from workloads.importers.torch.library import Array, torch
from workloads.operations import (
    Concat,
    Elementwise,
    Expand,
    GlobalPool,
    LocalResponse,
    MatMul,
    Normalisation,
    Pad,
    Pool,
    Reduce,
    Reshape,
    Slice,
    Softmax,
    Split,
    Transpose,
)
from workloads.operations.base import Operation

F: Final = torch.nn.functional

UNARY: Final[dict[str, Callable[..., Array]]] = {
    **{name: getattr(torch, name) for name in ("abs", "neg", "ceil", "floor", "round", "sign", "square")},
    **{
        name: getattr(torch, name)
        for name in ("nan_to_num", "exp", "log", "sqrt", "rsqrt", "reciprocal", "erf", "tanh")
    },
    **{name: getattr(torch, name) for name in ("sigmoid", "sin", "cos", "tan", "asin", "acos", "atan")},
    **{name: getattr(torch, name) for name in ("sinh", "cosh", "asinh", "acosh", "atanh")},
    **{name: getattr(F, name) for name in ("relu", "relu6", "leaky_relu", "softplus", "softsign", "mish")},
    **{name: getattr(F, name) for name in ("elu", "celu", "selu", "silu", "gelu")},
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}
"""Functions of one tensor by their names in `vector_ops.UNARY`, where those say all there is to know."""

BINARY: Final[dict[str, Callable[..., Array]]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "min": torch.minimum,
    "max": torch.maximum,
    "pow": torch.pow,
}
"""Functions of two tensors by their names in `vector_ops.BINARY`."""


def refuse(operation: Operation, why: str = "") -> Any:
    """Say that an operation cannot be trained."""
    raise NetworkImportError(
        f"{operation.kind} {shown(operation.name)} has no trainable counterpart" + (f": {why}" if why else "")
    )


def check_known(operation: Operation) -> None:
    """Refuse an operation without weights that nothing here computes."""
    if type(operation) not in FUNCTIONS:
        refuse(operation)
    if isinstance(operation, Elementwise) and operation.function not in {*UNARY, *BINARY, "mean"}:
        refuse(operation, f"the graph does not say all that {operation.function!r} needs")


def elementwise(operation: Elementwise, operands: Sequence[Array]) -> Array:
    """Apply an element-wise function to tensors and constants, in that order."""
    if operation.function in UNARY and len(operands) == 1:
        return UNARY[operation.function](operands[0])
    if operation.function == "mean":
        return reduce(torch.add, operands) / len(operands)
    if operation.function in BINARY:
        return reduce(BINARY[operation.function], operands)
    return refuse(operation, f"it has {len(operands)} operands")


def matmul(operation: MatMul, a: Array, b: Array) -> Array:
    """Return the product of two tensors, each transposed where it says so."""
    a = a.transpose(-1, -2) if operation.transpose_a else a
    return torch.matmul(a, b.transpose(-1, -2) if operation.transpose_b else b)


def padded(x: Array, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Array:
    """Return a tensor with a border along its last axes."""
    flat = [length for pair in reversed(pads) for length in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def symmetric(pads: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """Return the padding of each axis if it is the same before and after, else None."""
    return tuple(before for before, _ in pads) if all(a == b for a, b in pads) else None


def _pool(operation: Pool, x: Array) -> Array:
    window, rank = operation.window, operation.window.rank
    pads = window.pads(x.shape[2:])
    even = symmetric(pads)
    if operation.mode == "max":
        if even is None:
            x, even = padded(x, pads, -float("inf")), (0,) * rank
        call = getattr(F, f"max_pool{rank}d")
        return call(x, window.kernel, window.stride, even, window.dilation, ceil_mode=operation.ceil_mode)
    if even is None or any(step != 1 for step in window.dilation):
        refuse(operation, "a mean over a window that is padded unevenly or dilated")
    call = getattr(F, f"avg_pool{rank}d")
    return call(
        x,
        window.kernel,
        window.stride,
        even,
        ceil_mode=operation.ceil_mode,
        count_include_pad=operation.count_include_pad,
    )


def _global_pool(operation: GlobalPool, x: Array) -> Array:
    kind = "avg" if operation.mode == "average" else "max"
    return getattr(F, f"adaptive_{kind}_pool{x.dim() - 2}d")(x, 1)


def _reduce(operation: Reduce, x: Array) -> Array:
    axes = tuple(operation.reduced) or tuple(range(x.dim()))
    calls = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}
    if operation.mode not in calls:
        refuse(operation)
    return calls[operation.mode](x, dim=axes, keepdim=operation.keep)


def normalise(operation: Normalisation, x: Array, scale: Array | None, shift: Array | None) -> Array:
    """Apply a layer, RMS or group norm."""
    if operation.groups > 1:
        return F.group_norm(x, operation.groups, scale, shift)
    over = sorted(axis % x.dim() for axis in operation.over)
    if over != list(range(x.dim() - len(over), x.dim())):
        refuse(operation, "its statistics are not over the last axes")
    shape = tuple(x.shape[over[0] :])
    if operation.centred:
        return F.layer_norm(x, shape, scale, shift)
    x = F.rms_norm(x, shape, scale)
    return x if shift is None else x + shift


def _softmax(operation: Softmax, x: Array) -> Array:
    if len(operation.over) != 1:
        refuse(operation, "it is over several axes")
    call = F.log_softmax if operation.logarithm else F.softmax
    return call(x, operation.over[0])


def _slice(operation: Slice, x: Array) -> Array:
    for axis, start, stop, step in operation.cuts:
        if step < 0:
            refuse(operation, "it reads backwards")
        x = x[(slice(None),) * axis + (slice(start, stop, step),)]
    return x


FUNCTIONS: Final[dict[type[Operation], Callable[..., Any]]] = {
    Concat: lambda operation, *xs: torch.cat(xs, operation.axis),
    Elementwise: lambda operation, *xs: elementwise(operation, xs),
    Expand: lambda operation, x: x.expand(operation.shape),
    GlobalPool: _global_pool,
    LocalResponse: lambda operation, x: F.local_response_norm(x, operation.span),
    MatMul: matmul,
    Normalisation: lambda operation, x: normalise(operation, x, None, None),
    Pad: lambda operation, x: padded(x, operation.pads),
    Pool: _pool,
    Reduce: _reduce,
    Reshape: lambda operation, x: x.reshape(operation.shape),
    Slice: _slice,
    Softmax: _softmax,
    Split: lambda operation, x: torch.split(x, operation.lengths, operation.axis),
    Transpose: lambda operation, x: x.permute(operation.order),
}
"""Kind of operation -> what computes it, given the operation and its inputs."""
