"""Caches that grow in place: what is there stays, what is new is written behind it or into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from workloads.operations.base import Operation, Site, movement
from workloads.operations.views import Concat
from workloads.rows import Row
from workloads.shapes import Shape
from workloads.tensors import Tensor


@dataclass(frozen=True)
class Append(Concat):
    """New tensors written behind a cache, the first input, along one axis; nothing of the cache moves.

    Attributes
    ----------
    placed
        Whether what makes the new tensors writes them there; if not they are written once more, on the way to
        the readers of the cache, who read them as part of it.

    """

    placed: bool = False

    arity: ClassVar[tuple[int, int]] = (2, 4096)

    def lower(self, site: Site) -> list[Row]:
        """Return one row that writes what is new."""
        new = 0 if self.placed else sum(tensor.elements for tensor in site.inputs[1:])
        return [movement(site, read=0, write=new, note="in place: the cache stays where it is")]


@dataclass(frozen=True)
class Update(Operation):
    """New elements written over some of a cache, which stays where it is otherwise.

    Attributes
    ----------
    shape
        Of the cache.
    stored
        Whether the cache is a tensor of the module itself; if not it is the first input.
    placed
        Whether what makes the new elements writes them there; see `Append`.

    Notes
    -----
    The inputs behind the cache are the new elements, and their places if those are computed.

    """

    shape: Shape
    stored: bool = False
    placed: bool = False

    arity: ClassVar[tuple[int, int]] = (1, 3)

    def infer(self, inputs: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the cache's shape."""
        if not self.stored and inputs[0] != self.shape:
            self.refuse(f"the cache has shape {inputs[0]}, expected {self.shape}")
        return (self.shape,)

    def densities(self, inputs: Sequence[Tensor]) -> float:
        """Return the first input's density."""
        return inputs[0].density

    def lower(self, site: Site) -> list[Row]:
        """Return one row that writes what is new; its few places are addresses."""
        new = 0 if self.placed else site.inputs[0 if self.stored else 1].elements
        return [movement(site, read=0, write=new, note="in place: the cache stays where it is")]
