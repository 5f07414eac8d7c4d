"""The trial of a space's designs: any design's objectives in every sample, exactly or bounded from below."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Final, NamedTuple

import numpy as np

import hwmodels
from dse import metrics
from dse.metrics import Objective, to_minimise
from dse.run.columns import Columns
from dse.run.schedule import effort_of
from dse.space.space import Space
from dse.strategies.problem import One
from dse.strategies.together import Several
from dse.uncertain.designs import (
    FALLING,
    PARTS,
    BoolArray,
    Designs,
    latency_bounds,
    stressed,
)
from dse.uncertain.draws import Draws, FloatArray, IntArray
from hwmodels.columns import ConfigTable
from hwmodels.repriced import CONSTANTS, clock_power
from hwmodels.times import latency_at
from workloads.grammar.constraints import BASE
from workloads.table import take_rows

_METRIC: Final = re.compile(r"(?:\w+\()?(\w+)")
"""The metric in `latency_s`, `geomean(latency_s)` and `latency_s[vgg16]`."""


class Tried(NamedTuple):
    """Designs with their latency on each network in every sample, arrays of shape (n, n_samples)."""

    designs: Designs
    latency_s: tuple[FloatArray, ...]

    def take(self, rows: IntArray | slice) -> "Tried":
        """Some of the designs."""
        return Tried(self.designs.take(rows), tuple(one[rows] for one in self.latency_s))

    @classmethod
    def join(cls, parts: "Sequence[Tried]") -> "Tried":
        """All designs of several batches."""
        latencies = zip(*(part.latency_s for part in parts), strict=True)
        return cls(Designs.join([part.designs for part in parts]), tuple(map(np.concatenate, latencies)))


@dataclass(frozen=True, eq=False)
class Trial:
    """A space, the networks, the objectives and the samples.

    Attributes
    ----------
    several
        How metrics of several networks are put together; None for one network.

    """

    space: Space
    members: tuple[One, ...]
    several: Several | None
    objectives: tuple[Objective, ...]
    mapping_objective: str
    draws: Draws

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Metrics of a network that objectives read."""
        names = (_METRIC.match(objective.column) for objective in self.objectives)
        return frozenset(name[1] for name in names if name)

    @property
    def kept(self) -> tuple[str, ...]:
        """Nominal metrics that a trial needs of every design."""
        read = {name for _, constraint in self.space.metric_constraints for name in constraint.names}
        every = {metric.column.name for metric in metrics.own_metrics()} & (self.wanted | read)
        known = [name for name in metrics.columns() if every or name in self.wanted | read]
        return tuple(dict.fromkeys([*PARTS, *known]))

    def designs(self, index: IntArray, nominal: Columns | None) -> Designs:
        """Take designs apart; those whose nominal metrics are not given, or not known, are costed."""
        configs, memory = self.space.pack(index), memory_codes(self.space, index, self.draws.memories)
        if nominal is None:
            return self._designs(index, memory, configs, None)
        blank = np.flatnonzero(np.isnan(nominal["latency_s"]))  # a stack's limit was broken
        if len(blank):
            costed = self._designs(index[blank], memory[blank], take_rows(configs, blank), None).nominal[0]
            nominal = {name: column.copy() for name, column in nominal.items()}
            for name, column in costed.items():
                nominal[name][blank] = column
        return self._designs(index, memory, configs, (nominal,))

    def _designs(
        self, index: IntArray, memory: IntArray, configs: ConfigTable, nominal: tuple[Columns, ...] | None
    ) -> Designs:
        unlimited = configs._replace(temperature_limit_c=np.zeros(len(index)))  # checked in every sample
        costed = nominal or tuple(
            self.space.model.evaluate(
                member.layers, unlimited, self.mapping_objective, effort_of(member.schedule)
            )._asdict()
            for member in self.members
        )
        return Designs(index, memory, configs, tuple({n: one[n] for n in self.kept} for one in costed))

    @cached_property
    def base(self) -> Tried:
        """The space's base design, for constraints that compare with it."""
        memory = self.draws.memories.index(self.space.base.main_memory.name)
        configs = self.space.model.pack(self.space.base)
        return self.tried(self._designs(np.zeros(1, np.int64), np.array([memory]), configs, None))

    def tried(self, designs: Designs) -> Tried:
        """Find the latency of designs on every network in every sample."""
        draws = self.draws
        slow = 1.0 / draws.factors["clock"][0], 1.0 / draws.factors["main_memory_bandwidth"]
        latencies = []
        for member in self.members:
            effort = effort_of(member.schedule)
            times = self.space.model.times(member.layers, designs.configs, self.mapping_objective, effort)
            latencies.append(latency_at(member.layers, designs.configs, times, *slow, designs.memory))
        return Tried(designs, tuple(latencies))

    def values(self, tried: Tried, samples: slice = slice(None)) -> FloatArray:
        """Objectives to minimise, shape (n_designs, n_samples, n_objectives)."""
        return self._values(
            tried.designs, [one[:, samples] for one in tried.latency_s], self.draws.at(samples)
        )

    def least(self, designs: Designs) -> FloatArray:
        """Lower bounds of `values`, from nominal metrics alone.

        Every metric is monotone in the latency, so that the lesser of its values at the latency's two bounds
        is a bound.
        """
        bounds = [latency_bounds(designs, i, self.draws) for i in range(len(self.members))]
        found = self._values(designs, [low for low, _ in bounds], self.draws)
        if self.wanted & set(FALLING) or any(objective.maximise for objective in self.objectives):
            other = self._values(designs, [high for _, high in bounds], self.draws)
            found = np.minimum(found, other)
        return found - np.abs(found) * _SLACK

    def rough(self, memory: IntArray, values: FloatArray) -> FloatArray | None:
        """Lower bounds of `values` from nominal objectives alone; None where one of them is not boundable so.

        A latency is at least the nominal one times the least slowing of any of its parts, and likewise an
        energy and an area; every combination of networks' metrics scales with them.

        Parameters
        ----------
        memory
            Which main memory each design has, shape (n_designs,).
        values
            Nominal objectives to minimise, shape (n_designs, n_objectives).

        """
        draws = self.draws

        def least(*quantities: str) -> FloatArray:
            return reduce(np.minimum, [draws.factor(quantity, memory) for quantity in quantities])

        latency = 1.0 / np.maximum(
            draws.factor("clock", memory), draws.factor("main_memory_bandwidth", memory)
        )
        leaks = least("logic_leakage", "buffer_leakage", "main_memory_background")
        standing = np.minimum(leaks, clock_power(draws.of_designs(memory))) * latency
        energy = np.minimum(least(*CONSTANTS.values()), standing)
        floors = {
            "latency_s": latency,
            "energy_j": energy,
            "edp_js": energy * latency,
            "area_mm2": least("logic_area", "buffer_area"),
        }
        found = np.empty((len(memory), draws.samples, len(self.objectives)))
        for position, objective in enumerate(self.objectives):
            name = _METRIC.match(objective.column)
            if objective.maximise or name is None or name[1] not in floors:
                return None
            found[:, :, position] = values[:, position, None] * floors[name[1]] * (1.0 - _SLACK)
        return found

    def _values(self, designs: Designs, latency_s: Sequence[FloatArray], draws: Draws) -> FloatArray:
        shape = latency_s[0].shape
        own = [
            stressed(designs, network, draws, latency, self.wanted)
            for network, latency in enumerate(latency_s)
        ]
        flat = {
            name: [np.broadcast_to(one[name], shape).ravel() for one in own] for name in sorted(self.wanted)
        }
        if self.several is None:
            columns = {name: parts[0] for name, parts in flat.items()}
        else:
            columns = {
                **{name: parts[0] for name, parts in flat.items()},
                **self.several.combined_metrics(flat),
            }
        values = to_minimise([columns[o.column] for o in self.objectives], self.objectives)
        return values.reshape(*shape, len(self.objectives))

    def feasible(self, tried: Tried, samples: slice = slice(None)) -> BoolArray:
        """Where designs satisfy the space's constraints and their stacks' limits, (n_designs, n_samples)."""
        designs, draws = tried.designs, self.draws.at(samples)
        count = len(designs.points)
        held = np.ones((count, draws.samples), dtype=bool)
        checks = [constraint for _, constraint in self.space.metric_constraints]
        limited = bool((designs.configs.temperature_limit_c > 0).any())
        if not checks and not limited:
            return held
        read = {name for constraint in checks for name in constraint.names}
        own = {name for name in read if name in metrics.columns()}
        based = {name.removeprefix(BASE) for name in read if name.startswith(BASE)}
        fixed = self.space.constraint_values(designs.points)
        for network, whole in enumerate(tried.latency_s):
            latency = whole[:, samples]
            found = stressed(designs, network, draws, latency, own | {"feasible"} if limited else own)
            base: dict[str, FloatArray] = {}
            if based:
                base_s = self.base.latency_s[network][:, samples]
                base = stressed(self.base.designs, network, draws, base_s, based)
            if limited:
                held &= found["feasible"] == 1
            for sample in range(draws.samples):
                values = {name: np.broadcast_to(found[name], held.shape)[:, sample] for name in own}
                values |= {
                    BASE + n: np.broadcast_to(v, (1, draws.samples))[0, sample] for n, v in base.items()
                }
                for constraint in checks:
                    held[:, sample] &= constraint.holds({**fixed, **values}, count)
        return held


_SLACK: Final = 1e-12
"""Relative slack of the bounds for rounding."""


def memories_of(space: Space) -> tuple[str, ...]:
    """Names of the main memories of a space's designs, in the order of their axis; the base design's last."""
    found = [value.name for _, values in _memory_axes(space) for value in values]
    return tuple(dict.fromkeys([*found, space.base.main_memory.name]))


def memory_codes(space: Space, index: IntArray, memories: Sequence[str]) -> IntArray:
    """Position among `memories` of the main memory of each design."""
    known = {name: code for code, name in enumerate(memories)}
    for axis, values in _memory_axes(space):
        codes = np.array([known[value.name] for value in values])
        return np.asarray(codes[space.codes(index)[axis]], dtype=np.int64)
    return np.full(len(index), known[space.base.main_memory.name], dtype=np.int64)


def _memory_axes(space: Space) -> list[tuple[int, list[hwmodels.MainMemory]]]:
    """The axis that replaces the main memory, if any, by position, with the memory of each of its values."""
    return [
        (position, [value[axis.fields.index("main_memory")] for value in axis.values])
        for position, axis in enumerate(space.axes)
        if "main_memory" in axis.fields
    ]
