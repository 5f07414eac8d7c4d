"""Activations and weights: shapes, bits, densities and where the zeros are."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.shapes import Shape, size, text

DATAPATH_BITS = 0
"""Bits of a tensor that is stored however the accelerator's datapath stores it."""


def check_shape(what: str, shape: Shape) -> Shape:
    """Return the shape as a tuple of Python integers, or say which dimension is not a positive integer."""
    if not isinstance(shape, Sequence | np.ndarray) or isinstance(shape, str | bytes):
        raise WorkloadError(f"{what}: shape must be whole numbers, got {shown(shape)}")
    for axis, length in enumerate(shape):
        if isinstance(length, bool) or not isinstance(length, (int, np.integer)) or length < 1:
            raise WorkloadError(f"{what}: dimension {axis} must be a positive integer, got {shown(length)}")
    return tuple(int(length) for length in shape)


def _check_density(what: str, density: float) -> None:
    if not 0.0 < density <= 1.0:
        raise WorkloadError(f"{what}: density must be in (0, 1], got {shown(density)}")


@dataclass(frozen=True, slots=True)
class Tensor:
    """An activation that flows from one operation to others: an edge of the graph.

    Attributes
    ----------
    name
        Unique in its graph.
    shape
        Elements along each axis, batch included.
    bits
        Bits an element; 0 leaves it to the datapath.
    density
        Fraction of non-zero elements, in (0, 1].
    profile
        Density of each channel along `profile_axis`, or None where only the mean is known.
    profile_axis
        The axis `profile` runs along.
    known
        Where the density comes from: "dense" (nothing was said), "assumed" or "measured".
    spread
        Standard deviation of the density from sample to sample, where it was measured; else 0.
    batch_axis
        For a network's input: the axis that is the batch, None where there is none.

    """

    name: str
    shape: Shape
    bits: int = DATAPATH_BITS
    density: float = 1.0
    profile: tuple[float, ...] | None = None
    profile_axis: int = 1
    known: str = "dense"
    batch_axis: int | None = None
    spread: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", check_shape(f"tensor {self.name!r}", self.shape))
        if self.bits < 0:
            raise WorkloadError(f"tensor {shown(self.name)}: bits must be 0 or more, got {shown(self.bits)}")
        _check_density(f"tensor {self.name!r}", self.density)
        if self.profile is not None:
            if not 0 <= self.profile_axis < len(self.shape):
                raise WorkloadError(
                    f"tensor {shown(self.name)}: profile_axis {self.profile_axis} is outside "
                    f"{text(self.shape)}"
                )
            if len(self.profile) != self.shape[self.profile_axis]:
                raise WorkloadError(
                    f"tensor {shown(self.name)}: profile has {len(self.profile)} channels, "
                    f"axis {self.profile_axis} has {self.shape[self.profile_axis]}"
                )

    @property
    def elements(self) -> int:
        """Number of elements."""
        return size(self.shape)


@dataclass(frozen=True, eq=False)
class Weight:
    """A constant operand: what it is called, how big it is and where its zeros are.

    Two weights are equal when name, shape, bits, non-zeros and mask are, whatever their values.

    Attributes
    ----------
    name
        Unique in its graph. Operations that name the same weight share it; it is counted once.
    shape
        (out, in) for a linear operation, (out, in / groups, rows, columns) for a convolution,
        (in, out / groups, rows, columns) for a transposed convolution.
    bits
        Bits an element; 0 leaves it to the datapath.
    nonzeros
        Elements that are not zero; all of them where nothing is said.
    packed
        The mask, eight elements a byte (`numpy.packbits` of the C-ordered mask); None where the zeros' places
        are unknown or there are none.
    trained
        Whether it counts as a parameter (statistics and constants do not).
    fixed
        Elements of a trained one beyond the parameters that it is made of (a key's bias held at zero beside
        those of query and value); negative where it is made of more (a direction and its length).
    known
        Where the zeros come from: "dense", "assumed" or "measured".
    values
        What an importer keeps of the values, for schemes that rank them: an array, a PyTorch tensor (the
        module's own, not a copy), or a function that reads one. None where there are none; they stay behind
        when a network is pickled.

    """

    name: str
    shape: Shape
    bits: int = DATAPATH_BITS
    nonzeros: int = -1
    packed: NDArray[np.uint8] | None = None
    trained: bool = True
    known: str = "dense"
    values: Any = field(default=None, repr=False)
    fixed: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", check_shape(f"weight {self.name!r}", self.shape))
        if self.bits < 0:
            raise WorkloadError(f"weight {shown(self.name)}: bits must be 0 or more, got {shown(self.bits)}")
        if self.nonzeros == -1:
            object.__setattr__(self, "nonzeros", self.size)
        if not 0 <= self.nonzeros <= self.size:
            raise WorkloadError(
                f"weight {shown(self.name)}: {self.nonzeros} non-zeros in {self.size} elements"
            )
        if self.packed is not None and self.packed.size != -(-self.size // 8):
            raise WorkloadError(
                f"weight {shown(self.name)}: a mask of {self.packed.size} bytes for {self.size} elements"
            )

    @cached_property
    def size(self) -> int:
        """Number of elements."""
        return size(self.shape)

    @property
    def density(self) -> float:
        """Fraction of elements that are not zero, in [0, 1]."""
        return self.nonzeros / self.size

    @property
    def located(self) -> bool:
        """Whether it is known where the zeros are, if there are any."""
        return self.packed is not None or self.nonzeros in (0, self.size)

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """The mask as booleans of this weight's shape; None where the zeros' places are unknown."""
        if self.packed is None:
            return np.full(self.shape, self.nonzeros > 0) if self.located else None
        bits = np.unpackbits(self.packed, count=self.size)
        return bits.view(np.bool_).reshape(self.shape)

    @property
    def array(self) -> NDArray[np.floating] | None:
        """The kept values in this weight's shape, 0 where the mask is; None where none are kept."""
        if self.values is None:
            return None
        held = self.values() if callable(self.values) else self.values
        if hasattr(held, "detach"):
            held = held.detach().cpu().double().numpy()
        values: NDArray[np.floating] = np.asarray(held).reshape(self.shape)
        mask = None if self.packed is None else self.mask
        return values if mask is None else np.where(mask, values, 0)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"values": None}

    def counts(self, axis: int) -> NDArray[np.int64]:
        """Count the non-zeros of every slice along one axis; needs a mask.

        Returns
        -------
        int array of shape (self.shape[axis],)

        """
        mask = self.mask
        if mask is None:
            raise WorkloadError(
                f"weight {shown(self.name)}: a density says how many zeros there are, not where"
            )
        others = tuple(a for a in range(len(self.shape)) if a != axis)
        counts: NDArray[np.int64] = mask.sum(axis=others, dtype=np.int64)
        return counts

    def with_mask(self, mask: NDArray[Any]) -> "Weight":
        """Return this weight with zeros where `mask` is 0.

        Raises
        ------
        WorkloadError
            If the mask has another shape or holds anything but 0 and 1.

        """
        if mask.shape != self.shape:
            raise WorkloadError(
                f"weight {shown(self.name)}: shape {text(self.shape)}, mask {text(mask.shape)}"
            )
        ones = mask.astype(np.bool_)
        if mask.dtype != np.bool_ and not np.array_equal(ones, mask):
            raise WorkloadError(f"weight {shown(self.name)}: a mask holds 0 and 1 only")
        nonzeros = int(np.count_nonzero(ones))
        packed = None if nonzeros == self.size else np.packbits(ones)
        return replace(self, nonzeros=nonzeros, packed=packed, known="measured")

    def with_density(self, density: float) -> "Weight":
        """Return this weight with round(density * size) non-zeros in unknown places, marked as assumed."""
        _check_density(f"weight {self.name!r}", density)
        return replace(self, nonzeros=max(1, round(density * self.size)), packed=None, known="assumed")

    @property
    def parameters(self) -> int:
        """Elements that count as parameters."""
        return self.size - self.fixed if self.trained else 0

    @cached_property
    def digest(self) -> str:
        """A hash of everything this weight says, the same in every process."""
        head = (
            self.name,
            self.shape,
            self.bits,
            self.nonzeros,
            self.trained,
            *([self.fixed] * (self.fixed != 0)),
        )
        return content_hash([repr(head).encode(), b"" if self.packed is None else self.packed.tobytes()])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weight) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def content_hash(parts: Iterable[bytes]) -> str:
    """Hash byte strings in order, lengths included, to 32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.hexdigest()
