"""Values known before the network runs: parameters, buffers, and what is computed of them alone."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from workloads.errors import NetworkImportError, shown
from workloads.importers.torch.library import Array, integer_bits, torch
from workloads.shapes import Shape
from workloads.tensors import Weight

_CHUNK = 1 << 22
"""Elements examined at a time, so that temporaries stay small."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor whose values are known.

    Attributes
    ----------
    value
        The values; one element broadcast, where they are all the same and none is stored.
    trained
        Whether a parameter is part of it.
    bits
        Bits an element as stored; 0 leaves it to the datapath.
    root
        The parameter whose elements these are, picked, repeated or only looked at another way; None for the
        parameter itself and for what is computed.
    repeated
        Whether elements were repeated to other lengths (a class token for every sample), if only once.
    sources
        Places of the parameters it was computed of; empty where it is made of their elements.
    code_bits
        Bits of the integers that it is decoded from, all together; 0 where it is not.
    numbers
        Floating-point numbers stored behind it; 0 where they are its own.

    """

    value: Array
    trained: bool = False
    bits: int = 0
    root: "Constant | None" = None
    repeated: bool = False
    sources: frozenset[Hashable] = frozenset()
    code_bits: int = 0
    numbers: int = 0

    @classmethod
    def of(cls, value: Array, *, trained: bool = False) -> "Constant":
        """Return a tensor as a constant; integers are kept as wide as they are."""
        return cls(value, trained, integer_bits(value.dtype))

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(int(length) for length in self.value.shape)

    @property
    def elements(self) -> int:
        """Number of elements."""
        return int(self.value.numel())

    @property
    def storage(self) -> Hashable:
        """Tells which stored numbers it is made of: views of one tensor agree in this."""
        return int(self.value.untyped_storage()._cdata)

    @property
    def place(self) -> Hashable:
        """Tells whether two constants are the same numbers laid out the same way."""
        value = self.value
        return (self.storage, value.storage_offset(), tuple(value.shape), tuple(value.stride()), value.dtype)

    @property
    def picks(self) -> bool:
        """Whether it is made of some of a parameter's elements, or of some more than once."""
        if self.root is None or not self.trained:
            return False
        return self.elements != self.root.elements or self.repeated

    def narrowed(self) -> "Constant":
        """Return one of each run of repeated elements: what broadcasts to this."""
        if not self.repeated:
            return self
        value = self.value
        for axis, stride in enumerate(value.stride()):
            if stride == 0:
                value = value.narrow(axis, 0, 1)
        return replace(self, value=value, repeated=False)

    def transposed(self) -> "Constant":
        """Return a matrix with its axes exchanged; a view."""
        return Constant(self.value.transpose(-1, -2), self.trained, self.bits, sources=self.made_of)

    def reshaped(self, shape: Shape) -> "Constant":
        """Return the same elements in order under another shape; a view where that can be."""
        if shape == self.shape:
            return self
        return Constant(self.value.reshape(shape), self.trained, self.bits, sources=self.made_of)

    @property
    def made_of(self) -> frozenset[Hashable]:
        """Places of the parameters that it is computed of, or that it has more elements than."""
        repeats = self.root is not None and self.trained and self.elements > self.root.elements
        return frozenset((self.root.place,)) if repeats and self.root else self.sources

    @property
    def origins(self) -> frozenset[Hashable]:
        """Places of the parameters behind it; a view of a whole parameter is that parameter."""
        whole = self.root is not None and self.root.elements == self.elements
        return self.sources or frozenset((self.root.place if whole and self.root else self.place,))

    def weight(self, name: str, *, trained: bool) -> Weight:
        """Examine the values and return what a weight keeps of them: non-zeros and the mask.

        Raises
        ------
        NetworkImportError
            If a value is not a number.

        """
        if self.value.is_meta:  # a module without values: shapes are all there is
            return Weight(name, self.shape, self.bits, trained=trained)
        nonzeros, packed = _examine(self.value, name)
        kept = packed if 0 < nonzeros < self.elements else None
        return Weight(
            name,
            self.shape,
            self.bits,
            nonzeros=nonzeros,
            packed=kept,
            trained=trained,
            known="measured",
            values=self.value.detach(),
        )


def _examine(value: Array, name: str) -> tuple[int, "np.typing.NDArray[np.uint8]"]:
    """Count the elements that are not zero and pack where they are, a chunk at a time."""
    flat, total = value.detach().reshape(-1), 0
    packed = np.empty(-(-flat.numel() // 8), dtype=np.uint8)
    for start in range(0, flat.numel(), _CHUNK):
        chunk = flat[start : start + _CHUNK]
        if bool(torch.isnan(chunk).any()):
            raise NetworkImportError(f"weight {shown(name)} holds NaN")
        differs = (chunk != 0).cpu().numpy()
        total += int(np.count_nonzero(differs))
        packed[start // 8 : -(-(start + differs.size) // 8)] = np.packbits(differs)
    return total, packed
