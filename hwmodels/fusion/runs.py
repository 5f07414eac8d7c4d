"""Runs of a group: what steps go through shared loops together, and the points that these loops pass.

A point gives the extents that the loops so far have left of every dimension. It is kept as exponents, one
for each prime of each dimension, so that all points of a run form a box, and a loop of a prime is a step
along one of its axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from hwmodels.fusion.group import Group, output_of
from hwmodels.mapping.lattice import prime_powers
from hwmodels.mapping.problem import Operand, Problem

Axis = tuple[str, int, int]  # dimension, prime, greatest exponent


@dataclass(frozen=True)
class Held:
    """An operand of a step that is stored once on the way down: words held and moved at each point."""

    step: int
    name: str
    held: NDArray[np.int64]  # (n_points,)
    moved: NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Steps `first` to `last` of a group, which share loops if they are several."""

    group: Group
    first: int
    last: int

    @property
    def steps(self) -> tuple[Problem, ...]:
        """The steps."""
        return self.group.steps[self.first : self.last + 1]

    @property
    def alone(self) -> bool:
        """Whether it is one step, whose loops are its own."""
        return self.first == self.last

    @cached_property
    def inside(self) -> frozenset[str]:
        """Tensors that are written and for the last time read within the run."""
        return frozenset(
            name
            for name, reader in self.group.last_readers.items()
            if self.first <= self.group.writers[name]
            and reader <= self.last
            and name not in self.group.leaving
        )

    @cached_property
    def handed(self) -> frozenset[str]:
        """Tensors that one step of the run writes and another reads."""
        read = {o.name for step in self.steps for o in step.operands if not o.read_write}
        return frozenset(read & {output_of(step).name for step in self.steps})

    @property
    def linked(self) -> bool:
        """Whether at every cut of the run some tensor is handed on across it."""
        return all(
            any(
                self.group.writers[name] < cut
                and any(o.name == name for s in self.group.steps[cut : self.last + 1] for o in s.operands)
                for name in self.handed
            )
            for cut in range(self.first + 1, self.last + 1)
        )

    @cached_property
    def joined(self) -> tuple[str, ...]:
        """Dimensions of the run's loops: every step and every tensor handed on has them."""
        shared = [set(step.dimensions) for step in self.steps]
        shared += [set(self.group.ranks[tensor]) for tensor in self.handed]
        return tuple(name for name in self.steps[0].dimensions if all(name in others for others in shared))

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Axes of the box of points."""
        return tuple(
            (name, prime, exponent)
            for name in self.joined
            for prime, exponent in prime_powers(self.group.sizes[name])
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(exponent + 1 for _, _, exponent in self.axes)

    @property
    def points(self) -> int:
        """Number of points; the last has every extent whole."""
        return prod(self.shape)

    @cached_property
    def extents(self) -> dict[str, NDArray[np.int64]]:
        """Extent of each dimension of the run at each point."""
        grid = np.indices(self.shape).reshape(len(self.axes), self.points)
        found = {
            name: np.full(self.points, size, dtype=np.int64)
            for step in self.steps
            for name, size in step.extents.items()
        }
        for name in self.joined:
            found[name][:] = 1
        for (name, prime, _), exponents in zip(self.axes, grid, strict=True):
            found[name] *= np.int64(prime) ** exponents
        return found

    def size(self, tensor: str, *, whole: bool) -> NDArray[np.int64]:
        """Words that a tensor's tile takes at each point: dense until the tile is `whole`, packed then."""
        return self._held(tensor) if whole else self._product(self.group.ranks[tensor])

    @cached_property
    def operands(self) -> tuple[Held, ...]:
        """Operands that are stored on the way down: all but the tensors inside."""
        return tuple(
            self._operand(self.first + i, step, operand)
            for i, step in enumerate(self.steps)
            for operand in step.operands
            if operand.name not in self.inside
        )

    def _operand(self, index: int, step: Problem, operand: Operand) -> Held:
        elements, name = self._product(operand.dimensions), operand.name
        trips = step.macs // self._product(frozenset(step.dimensions) - operand.dimensions) // elements
        packed = self.group.packed.get(name)
        words = elements if packed is None else packed.moved(self._tiles(name))
        if not operand.read_write:
            return Held(index, name, self._held(name), trips * words)
        tiles = self.group.elements(name) // elements  # every partial sum comes back, but for the first touch
        return Held(index, name, elements, 2 * (trips - tiles) * elements + tiles * words)

    def _held(self, tensor: str) -> NDArray[np.int64]:
        packed = self.group.packed.get(tensor)
        if packed is None:
            return self._product(self.group.ranks[tensor])
        return packed.held(self._tiles(tensor))

    def _tiles(self, tensor: str) -> NDArray[np.int64]:
        """Extents of a tensor's tile at each point, shape (n_points, rank)."""
        return np.stack([self.extents[name] for name in self.group.axes[tensor]], axis=1)

    def _product(self, dimensions: frozenset[str]) -> NDArray[np.int64]:
        found = np.ones(self.points, dtype=np.int64)
        for name in sorted(dimensions):
            found *= self.extents[name]
        return found

    @cached_property
    def below(self) -> tuple[NDArray[np.int64], ...]:
        """For each axis, the point one step further down, -1 where there is none; arrays (n_points,)."""
        grid = np.arange(self.points).reshape(self.shape)
        found = []
        for axis in range(len(self.shape)):
            down = np.full(self.shape, -1, dtype=np.int64)
            above = [slice(None)] * len(self.shape)
            lower = list(above)
            above[axis], lower[axis] = slice(1, None), slice(None, -1)
            down[tuple(above)] = grid[tuple(lower)]
            found.append(down.reshape(-1))
        return tuple(found)

    def seen_from(self, outer: "Run") -> NDArray[np.int64]:
        """Point for each point of a run around it, shape (outer.points,): others are whole there."""
        grid = np.indices(outer.shape).reshape(len(outer.axes), outer.points)
        given = {axis[:2]: exponents for axis, exponents in zip(outer.axes, grid, strict=True)}
        index = np.zeros(outer.points, dtype=np.int64)
        for name, prime, exponent in self.axes:
            index = index * (exponent + 1) + given.get((name, prime), exponent)
        return index

    @cached_property
    def signature(self) -> tuple[object, ...]:
        """What its mappings depend on, names apart."""
        names: dict[str, int] = {}

        def number(name: str) -> int:
            return names.setdefault(name, len(names))

        return tuple(
            (
                tuple((number(name), size) for name, size in step.extents.items()),
                tuple(
                    (
                        number(f"tensor {o.name}"),
                        o.read_write,
                        o.name in self.inside,
                        o.name in self.handed,
                        *sorted(number(name) for name in o.dimensions),
                        *self._packing(o.name, number),
                    )
                    for o in step.operands
                ),
            )
            for step in self.steps
        )

    def _packing(self, tensor: str, number: Callable[[str], int]) -> tuple[object, ...]:
        """What its zeros add to a tensor's part of the signature."""
        packed = self.group.packed.get(tensor)
        return () if packed is None else (packed, tuple(number(name) for name in self.group.axes[tensor]))
