"""Axes that are followed through changes of order and shape: which axis of one tensor is which of another.

An axis is a sequence of atoms, outermost first; an atom is a number that stands for a run of indices. A
reshape joins the atoms of several axes, or splits one atom in two.
"""

from collections.abc import Iterable, Sequence
from math import prod

from workloads.shapes import Shape

Axis = tuple[int, ...]
Axes = tuple[Axis, ...]


class Atoms:
    """The atoms of one search, their lengths, and what they were split into."""

    def __init__(self) -> None:
        self._lengths: list[int] = []
        self._parts: dict[int, tuple[int, int]] = {}

    def new(self, length: int) -> Axis:
        """Return an axis of one atom."""
        self._lengths.append(length)
        return (len(self._lengths) - 1,)

    def length(self, atom: int) -> int:
        """Length of an atom."""
        return self._lengths[atom]

    def size(self, atoms: Iterable[int]) -> int:
        """Length of an axis."""
        return prod(self._lengths[atom] for atom in atoms)

    def fine(self, atoms: Iterable[int]) -> Axis:
        """Return the same axis, every atom that was split as its parts."""
        found: list[int] = []
        for atom in atoms:
            found += self.fine(self._parts[atom]) if atom in self._parts else (atom,)
        return tuple(found)

    def flat(self, axes: Axes) -> Axis:
        """Return all atoms of a tensor in order, parts in the places of those that were split."""
        return self.fine(atom for axis in axes for atom in axis)

    def long(self, axes: Axes) -> Axis:
        """Return all atoms of a tensor but those of length 1."""
        return tuple(atom for atom in self.flat(axes) if self._lengths[atom] > 1)

    def reshaped(self, axes: Axes, shape: Sequence[int]) -> Axes | None:
        """Return the axes of a tensor under another shape; None where an axis of it is no whole part.

        Examples
        --------
        >>> atoms = Atoms()
        >>> axes = (atoms.new(6), atoms.new(5))
        >>> made = atoms.reshaped(axes, (2, 3, 5))
        >>> made, atoms.reshaped(made, (6, 1, 5)), atoms.flat(axes)
        (((2,), (3,), (1,)), ((2, 3), (), (1,)), (2, 3, 1))

        """
        rest = [atom for atom in self.flat(axes) if self._lengths[atom] > 1]
        made: list[Axis] = []
        for length in shape:
            taken: list[int] = []
            while (have := self.size(taken)) < length:
                if not rest or length % have:
                    return None
                first, wanted = rest.pop(0), length // have
                if self._lengths[first] > wanted:
                    if self._lengths[first] % wanted:
                        return None
                    first, inner = self.split(first, wanted)
                    rest.insert(0, inner)
                taken.append(first)
            if self.size(taken) != length:
                return None
            made.append(tuple(taken))
        return tuple(made)

    def split(self, atom: int, outer: int) -> tuple[int, int]:
        """Split an atom in an outer one of a length and an inner one."""
        inner = self._lengths[atom] // outer
        (first,), (second,) = self.new(outer), self.new(inner)
        self._parts[atom] = first, second
        return first, second

    @property
    def splits(self) -> int:
        """How many atoms were split so far."""
        return len(self._parts)

    def join(self, splits: int) -> None:
        """Undo the last splits, until there are so many."""
        while len(self._parts) > splits:
            self._parts.popitem()

    def shape(self, atoms: Iterable[int]) -> Shape:
        """Return the shape of a tensor with an axis an atom."""
        return tuple(self._lengths[atom] for atom in atoms)


def turned(axes: Axes, order: Sequence[int]) -> Axes:
    """Return the axes of a transposed tensor."""
    return tuple(axes[axis] for axis in order)


def turned_back(axes: Axes, order: Sequence[int]) -> Axes:
    """Return the axes of a tensor whose transposition has these.

    Examples
    --------
    >>> turned_back(turned(((0,), (1,), (2,)), (2, 0, 1)), (2, 0, 1))
    ((0,), (1,), (2,))

    """
    found: dict[int, Axis] = {place: axes[i] for i, place in enumerate(order)}
    return tuple(found[place] for place in range(len(order)))
