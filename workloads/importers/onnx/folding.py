"""What nodes of constants come to: the shape arithmetic of exported models, and views of weights.

Views (reshapes, transpositions) of constants stay views, so that weights are not copied; everything else is
computed by NumPy as the ONNX operator says: constants that are stored, however big (they are as big as
the file), and those of one number repeated up to `MAX_ELEMENTS` elements.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx

from workloads.importers.onnx.constants import Array, Constant
from workloads.importers.onnx.node import NodeView
from workloads.importers.onnx.views import VIEWS, axes_of

MAX_ELEMENTS = 1 << 24
"""Most elements of a constant that is computed."""

Fold = Callable[[NodeView, list[Any]], list[Array]]
"""Computes a node's outputs from its inputs' values, None standing for inputs left out."""


def can_fold(operator: str) -> bool:
    """Whether nodes of this operator are computed when all their inputs are constants."""
    return operator in VIEWS or operator in _FOLDS


def fold(node: NodeView, inputs: list[Constant | None]) -> list[Constant]:
    """Return a node's outputs, all its inputs being constants (None for those left out)."""
    if node.operator in VIEWS:
        first = inputs[0]
        assert first is not None
        arguments = [None if c is None else _small(node, c) for c in inputs[1:]]
        return [VIEWS[node.operator](node, first, arguments)]
    if node.operator == "ConstantOfShape":
        return [_constant_of_shape(node, inputs)]
    arrays = [None if c is None else _small(node, c) for c in inputs]
    if node.operator in _BROADCASTS:
        wanted = prod(np.broadcast_shapes(*(a.shape for a in arrays if a is not None)))
        if wanted > max(MAX_ELEMENTS, *(a.size for a in arrays if a is not None)):
            node.refuse(f"makes a constant of {wanted} elements, too many")
    with np.errstate(all="ignore"):
        results = _FOLDS[node.operator](node, arrays)
    made = {name: np.asarray(value) for name, value in zip(node.outputs, results, strict=False)}
    filled = all(c is None or c.fill is not None or c.bits for c in inputs)
    return [
        Constant.uniform(name, value.shape, value.reshape(-1)[:1])
        if filled and value.dtype.kind == "f" and value.size > 1 and (value == value.flat[0]).all()
        else Constant.of(name, value)
        for name, value in made.items()
    ]


def reference(node: NodeView, inputs: list[Constant | None]) -> list[Constant]:
    """Return a node's outputs as ONNX's reference implementation computes them from constants.

    For operators that are no shape arithmetic, such as the norm of a weight that is normalised.
    """
    from onnx.reference import ReferenceEvaluator

    arrays = [None if c is None else _small(node, c) for c in inputs]
    if node.operator in ("MatMul", "Gemm"):
        _check_product(node, arrays)
    if node.operator == "MelWeightMatrix":
        bands, points = (int(np.asarray(array).reshape(())) for array in arrays[:2])
        if bands * (points // 2 + 1) > MAX_ELEMENTS:
            node.refuse(f"makes a constant of {bands} by {points // 2 + 1} elements, too many")
    given = {
        name: array for name, array in zip(node.inputs, arrays, strict=True) if name and array is not None
    }
    with np.errstate(all="ignore"):
        results = ReferenceEvaluator(node.proto, opsets={"": node.opset}).run(None, given)
    return [Constant.of(name, np.asarray(value)) for name, value in zip(node.outputs, results, strict=False)]


def _check_product(node: NodeView, arrays: list[Any]) -> None:
    """Refuse an outer product that is much bigger than its operands."""
    first, second = arrays[0], arrays[1]
    inner = max(1, min((*first.shape, *second.shape), default=1))
    wanted = (first.size // inner) * (second.size // inner)
    if wanted > max(MAX_ELEMENTS, first.size, second.size):
        node.refuse(f"makes a constant of up to {wanted} elements, too many")


def _small(node: NodeView, constant: Constant) -> Array:
    if constant.elements > MAX_ELEMENTS and constant.fill is not None:
        node.refuse(
            f"constant {constant.source!r} of {constant.elements} elements is too big to compute with"
        )
    return constant.array()


def _constant_of_shape(node: NodeView, inputs: list[Constant | None]) -> Constant:
    shape = () if inputs[0] is None else tuple(int(length) for length in inputs[0].array().reshape(-1))
    if any(length < 0 for length in shape):
        node.refuse(f"negative length in shape {shape}")
    value = node.attribute("value")
    fill = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
    if fill.size != 1:
        node.refuse(f"value must have one element, got {fill.size}")
    return Constant.uniform(node.outputs[0], shape, np.asarray(fill))


def _each(function: Callable[..., Any]) -> Fold:
    return lambda node, arrays: [function(*arrays)]


def _reduce_all(function: Callable[[Array, Array], Array]) -> Fold:
    def apply(node: NodeView, arrays: list[Any]) -> list[Array]:
        result = arrays[0]
        for other in arrays[1:]:
            result = function(result, other)
        return [result]

    return apply


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        quotient: Array = np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))  # towards zero
        return quotient.astype(a.dtype)
    result: Array = a / b
    return result


def _cast(node: NodeView, arrays: list[Any]) -> list[Array]:
    to = node.integer("to", onnx.TensorProto.FLOAT)
    return [arrays[0].astype(onnx.helper.tensor_dtype_to_np_dtype(to))]


def _concat(node: NodeView, arrays: list[Any]) -> list[Array]:
    return [np.concatenate(arrays, axis=node.integer("axis", 0))]


def _gather(node: NodeView, arrays: list[Any]) -> list[Array]:
    return [np.take(arrays[0], arrays[1].astype(np.int64), axis=node.integer("axis", 0))]


def slices(node: NodeView, shape: tuple[int, ...], arguments: list[Array | None]) -> list[tuple[int, ...]]:
    """Return (axis, start, stop, step) of a Slice, starts and stops clamped to the shape."""
    if node.opset < 10:
        starts, ends, axes = node.integers("starts") or (), node.integers("ends") or (), node.integers("axes")
        steps = None
    else:
        given = [None if a is None else tuple(int(v) for v in a.reshape(-1)) for a in arguments]
        given += [None] * (4 - len(given))
        starts, ends, axes, steps = given[0] or (), given[1] or (), given[2], given[3]
    axes = tuple(range(len(starts))) if axes is None else axes
    steps = (1,) * len(starts) if steps is None else steps
    cuts: list[tuple[int, ...]] = []
    for axis, start, stop, step in zip(axes, starts, ends, steps, strict=True):
        if not -len(shape) <= axis < len(shape) or step == 0:
            node.refuse(f"axis {axis}, step {step} do not cut shape {shape}")
        bounds = slice(start, stop, step).indices(shape[axis])
        cuts.append((axis % len(shape), *bounds))
    return cuts


def _slice(node: NodeView, arrays: list[Any]) -> list[Array]:
    data = arrays[0]
    index = [slice(None)] * data.ndim
    for axis, start, stop, step in slices(node, data.shape, arrays[1:]):
        index[axis] = slice(start, None if step < 0 and stop < 0 else stop, step)
    return [data[tuple(index)]]


def split_lengths(node: NodeView, length: int, argument: Array | None) -> tuple[int, ...]:
    """Return how a Split cuts an axis."""
    if argument is not None:
        return tuple(int(v) for v in argument.reshape(-1))
    given = node.integers("split")
    if given is not None:
        return given
    parts = node.integer("num_outputs", len(node.outputs))
    if parts < 1:
        node.refuse(f"cannot split into {parts} parts")
    each = -(-length // parts)
    return (*(each,) * (parts - 1), length - each * (parts - 1))


def _split(node: NodeView, arrays: list[Any]) -> list[Array]:
    axis = node.integer("axis", 0)
    lengths = split_lengths(node, arrays[0].shape[axis], arrays[1] if len(arrays) > 1 else None)
    return list(np.split(arrays[0], np.cumsum(lengths)[:-1], axis=axis))


def _shape(node: NodeView, arrays: list[Any]) -> list[Array]:
    return [shape_value(node, arrays[0].shape)]


def shape_value(node: NodeView, shape: tuple[int, ...]) -> Array:
    """Return what a Shape node gives for a tensor of a known shape."""
    start = node.integer("start", 0)
    end = node.attribute("end")
    return np.array(shape[slice(start, end)], dtype=np.int64)


def _range(node: NodeView, arrays: list[Any]) -> list[Array]:
    start, limit, delta = (array.reshape(()) for array in arrays)
    if delta == 0 or (limit - start) / delta > MAX_ELEMENTS:
        node.refuse(f"range from {start} to {limit} by {delta} is too long")
    return [np.arange(start, limit, delta, dtype=arrays[0].dtype)]


def _expand(node: NodeView, arrays: list[Any]) -> list[Array]:
    wanted = tuple(int(length) for length in arrays[1].reshape(-1))
    if prod(wanted) > max(MAX_ELEMENTS, arrays[0].size):
        node.refuse(f"makes a constant of {prod(wanted)} elements, too many")
    return [np.broadcast_to(arrays[0], np.broadcast_shapes(arrays[0].shape, wanted))]


def _tile(node: NodeView, arrays: list[Any]) -> list[Array]:
    repeats = [int(r) for r in arrays[1].reshape(-1)]
    if min(repeats, default=0) < 0 or arrays[0].size * prod(repeats) > MAX_ELEMENTS:
        node.refuse(f"repeats {tuple(repeats)} make too big a constant")
    return [np.tile(arrays[0], repeats)]


def _reduction(function: Callable[..., Any]) -> Fold:
    def apply(node: NodeView, arrays: list[Any]) -> list[Array]:
        axes = axes_of(node, arrays[1] if len(arrays) > 1 else None)
        if not axes and node.integer("noop_with_empty_axes", 0):
            return [arrays[0]]
        return [function(arrays[0], axis=axes, keepdims=bool(node.integer("keepdims", 1)))]

    return apply


def _trilu(node: NodeView, arrays: list[Any]) -> list[Array]:
    shift = int(arrays[1].reshape(())) if len(arrays) > 1 else 0
    return [np.triu(arrays[0], shift) if node.integer("upper", 1) else np.tril(arrays[0], shift)]


def _size(node: NodeView, arrays: list[Any]) -> list[Array]:
    return [np.array(arrays[0].size, dtype=np.int64)]


_FOLDS: dict[str, Fold] = {
    "ConstantOfShape": _each(np.array),  # handled before: never computed
    "Add": _each(np.add),
    "Sub": _each(np.subtract),
    "Mul": _each(np.multiply),
    "Div": _each(_divide),
    "Mod": _each(np.mod),
    "Pow": _each(np.power),
    "Neg": _each(np.negative),
    "Abs": _each(np.abs),
    "Sign": _each(np.sign),
    "Floor": _each(np.floor),
    "Ceil": _each(np.ceil),
    "Round": _each(np.round),
    "Sqrt": _each(np.sqrt),
    "Reciprocal": _each(np.reciprocal),
    "Exp": _each(np.exp),
    "Log": _each(np.log),
    "Sin": _each(np.sin),
    "Cos": _each(np.cos),
    "Tanh": _each(np.tanh),
    "Max": _reduce_all(np.maximum),
    "Min": _reduce_all(np.minimum),
    "Sum": _reduce_all(np.add),
    "Equal": _each(np.equal),
    "Less": _each(np.less),
    "LessOrEqual": _each(np.less_equal),
    "Greater": _each(np.greater),
    "GreaterOrEqual": _each(np.greater_equal),
    "And": _each(np.logical_and),
    "Or": _each(np.logical_or),
    "Xor": _each(np.logical_xor),
    "Not": _each(np.logical_not),
    "Where": _each(np.where),
    "IsNaN": _each(np.isnan),
    "Cast": _cast,
    "CastLike": lambda node, arrays: [arrays[0].astype(arrays[1].dtype)],
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Shape": _shape,
    "Size": _size,
    "Range": _range,
    "Expand": _expand,
    "Tile": _tile,
    "Trilu": _trilu,
    "ReduceSum": _reduction(np.sum),
    "ReduceProd": _reduction(np.prod),
    "ReduceMax": _reduction(np.max),
    "ReduceMin": _reduction(np.min),
    "ReduceMean": _reduction(np.mean),
    "NonZero": lambda node, arrays: [np.array(np.nonzero(arrays[0]), dtype=np.int64)],
    "CumSum": lambda node, arrays: [np.cumsum(arrays[0], axis=int(arrays[1].reshape(())))],
}

_BROADCASTS = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Mod", "Pow", "Max", "Min", "Sum", "Where"),
        *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"),
    )
)
"""Operators whose result can be bigger than any operand."""

COMPUTED = frozenset(
    (
        *("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ArgMax", "ArgMin"),
        *(
            "MatMul",
            "Gemm",
            "Softmax",
            "LogSoftmax",
            "LpNormalization",
            "LayerNormalization",
            "PRelu",
            "Gelu",
        ),
        *("BatchNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization"),
        *("GatherElements", "GatherND", "ScatterElements", "ScatterND", "TopK"),
        *("Unique", "NonMaxSuppression", "MelWeightMatrix"),
    )
)
"""Operators that ONNX's reference implementation computes of constants, beside functions of one tensor."""
