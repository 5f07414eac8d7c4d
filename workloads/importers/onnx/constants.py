"""Constants of a model: read when somebody needs their values, and only then."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from workloads.errors import NetworkImportError, shown
from workloads.importers.onnx.files import stored_bits, tensor_array, tensor_shape
from workloads.limits import need_memory
from workloads.shapes import Shape, size
from workloads.tensors import Weight

Array = NDArray[Any]
Order = tuple[int, ...]

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
_CHUNK = 1 << 22
"""Elements examined at a time, so that temporaries stay small."""


@dataclass(frozen=True)
class Constant:
    """A value known before the network runs.

    Attributes
    ----------
    source
        The stored tensor it comes from unchanged but for the order of elements; names the weight it becomes.
    shape
        Its shape.
    load
        Returns its values, of that shape.
    bits
        Bits an element as stored; 0 leaves it to the datapath.
    layout
        How it was transposed and reshaped since it was stored; equal layouts of one source are one weight.
    fill
        Its value if all elements are equal and none is stored, else None.
    zero
        Returns the value that stands for zero (a quantised tensor's zero point); None where it is 0.
    valueless
        Whether only its shape is known.

    """

    source: str
    shape: Shape
    load: Callable[[], Array]
    bits: int = 0
    layout: tuple[object, ...] = ()
    fill: float | None = None
    zero: Callable[[], Array] | None = None
    scale: Callable[[], Array] | None = None
    valueless: bool = False

    @classmethod
    def stored(cls, tensor: Any, folder: Path) -> "Constant":
        """Return a stored tensor."""
        bits = stored_bits(tensor.data_type)
        return cls(tensor.name, tensor_shape(tensor), lambda: tensor_array(tensor, folder), bits)

    @classmethod
    def missing(cls, tensor: Any, *, random: bool) -> "Constant":
        """Return a stored tensor that came without its values: dense, or normal values of a fixed seed."""
        name, shape = tensor.name, tensor_shape(tensor)

        def load() -> Array:
            if not random or tensor.data_type not in _FLOATS:
                hint = "" if tensor.data_type not in _FLOATS else '; weights="random" makes some up'
                raise NetworkImportError(
                    f"tensor {shown(name)}: its values are needed and not in the file{hint}"
                )
            seed = int.from_bytes(name.encode(), "little") % 2**32
            return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

        return cls(name, shape, load, stored_bits(tensor.data_type), valueless=not random)

    @classmethod
    def sparse(cls, tensor: Any, folder: Path) -> "Constant":
        """Return a tensor that is stored as its non-zeros: positions in order, or one row of indices each."""
        shape, name = tensor_shape(tensor), tensor.values.name

        def load() -> Array:
            values = tensor_array(tensor.values, folder).reshape(-1)
            indices = tensor_array(tensor.indices, folder)
            need_memory(f"sparse tensor {shown(name)} of {shown(list(shape))}", size(shape) * values.itemsize)
            places = _places(name, indices, shape)
            if len(places) != len(values):
                raise NetworkImportError(
                    f"sparse tensor {shown(name)}: {len(values):,} values, and indices of {len(places):,}"
                )
            dense = np.zeros(shape, values.dtype)
            dense.reshape(-1)[places] = values
            return dense

        return cls(name, shape, load, stored_bits(tensor.values.data_type))

    @classmethod
    def of(cls, name: str, array: Array) -> "Constant":
        """Return a constant that was computed; integers are kept as wide as they are."""
        bits = 8 * array.dtype.itemsize if array.dtype.kind in "iub" else 0
        return cls(name, array.shape, lambda: array, bits)

    @classmethod
    def uniform(cls, name: str, shape: Shape, fill: Array) -> "Constant":
        """Return a constant whose elements are all `fill`; takes no memory."""
        value = fill.reshape(())
        bits = 8 * fill.dtype.itemsize if fill.dtype.kind in "iub" else 0
        return cls(name, shape, lambda: np.broadcast_to(value, shape), bits, fill=float(value))

    @property
    def elements(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=object)) if self.shape else 1

    def array(self) -> Array:
        """Return the values a quantised constant stands for, or its own."""
        values = self.load()
        if self.scale is not None:
            zero = 0 if self.zero is None else self.zero()
            values = (values.astype(np.float32) - zero) * self.scale()
        return values

    def reordered(self, step: object, shape: Shape, view: Callable[[Array], Array]) -> "Constant":
        """Return this constant seen under another shape or order of axes."""
        layout = _merge(self.layout, step)
        load, zero, scale = self.load, self.zero, self.scale
        return Constant(
            self.source,
            shape,
            lambda: view(load()),
            self.bits,
            layout,
            self.fill,
            None if zero is None else (lambda: view(np.broadcast_to(zero(), self.shape))),
            None if scale is None else (lambda: view(np.broadcast_to(scale(), self.shape))),
            self.valueless,
        )

    def transposed(self, order: Order) -> "Constant":
        """Return this constant with its axes in another order."""
        shape = tuple(self.shape[axis] for axis in order)
        return self.reordered(("transpose", tuple(order)), shape, lambda array: array.transpose(order))

    def reshaped(self, shape: Shape) -> "Constant":
        """Return this constant under another shape."""
        if tuple(shape) == self.shape:
            return self
        return self.reordered(("reshape", tuple(shape)), tuple(shape), lambda array: array.reshape(shape))

    def weight(self, name: str, *, trained: bool) -> Weight:
        """Examine the values and return what a weight keeps of them: non-zeros and the mask.

        Raises
        ------
        NetworkImportError
            If a value is not a number.

        """
        if self.valueless:
            return Weight(name, self.shape, self.bits, trained=trained)
        if self.fill is not None and self.zero is None:
            if np.isnan(self.fill):
                raise NetworkImportError(f"weight {shown(self.source)} holds NaN")
            nonzeros, packed = (0 if self.fill == 0 else self.elements), None
        else:
            zero = None if self.zero is None else self.zero()
            nonzeros, packed = examine(self.load(), zero, self.source)
        kept = packed if 0 < nonzeros < self.elements else None
        return Weight(
            name,
            self.shape,
            self.bits,
            nonzeros=nonzeros,
            packed=kept,
            trained=trained,
            known="measured",
            values=self.load if self.zero is None else None,
        )


def examine(values: Array, zero: Array | None, source: str) -> tuple[int, NDArray[np.uint8]]:
    """Count the elements that differ from zero (or from a zero point) and pack where they are.

    Values that lie in C order are gone through a chunk at a time, so that temporaries stay small.
    """
    if zero is not None or not values.flags.c_contiguous:
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise NetworkImportError(f"weight {shown(source)} holds NaN")
        differs = values != (0 if zero is None else np.broadcast_to(zero, values.shape))
        return int(np.count_nonzero(differs)), np.packbits(differs)
    flat, total = values.reshape(-1), 0
    packed = np.empty(-(-values.size // 8), dtype=np.uint8)
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK]
        if chunk.dtype.kind == "f" and np.isnan(chunk).any():
            raise NetworkImportError(f"weight {shown(source)} holds NaN")
        differs = chunk != 0
        total += int(np.count_nonzero(differs))
        packed[start // 8 : -(-(start + chunk.size) // 8)] = np.packbits(differs)
    return total, packed


def _merge(layout: tuple[object, ...], step: object) -> tuple[object, ...]:
    """Append a step; two transpositions are one, and one that changes nothing is none."""
    if not (isinstance(step, tuple) and step[0] == "transpose"):
        return (*layout, step)
    order = step[1]
    if layout and isinstance(layout[-1], tuple) and layout[-1][0] == "transpose":
        earlier = layout[-1][1]
        order = tuple(earlier[axis] for axis in order)
        layout = layout[:-1]
    return layout if list(order) == list(range(len(order))) else (*layout, ("transpose", order))


def _places(name: str, indices: Array, shape: Shape) -> Array:
    """Positions of a sparse tensor's non-zeros, which ONNX wants ascending, from either form."""
    forms = ((), (len(shape),)) if shape else ()
    if indices.dtype.kind not in "iu" or not indices.ndim or indices.shape[1:] not in forms:
        raise NetworkImportError(
            f"sparse tensor {shown(name)}: its indices must be positions, or rows of {len(shape)} whole "
            f"numbers, got {shown(list(indices.shape))} of {indices.dtype}"
        )
    inside = size(shape) if indices.ndim == 1 else np.array(shape, dtype=np.int64)
    if ((indices < 0) | (indices >= inside)).any():
        raise NetworkImportError(f"sparse tensor {shown(name)}: an index lies outside its shape {shape}")
    places = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), shape)
    if (np.diff(places) <= 0).any():
        raise NetworkImportError(f"sparse tensor {shown(name)}: its indices must ascend, each once")
    return np.asarray(places)
