"""A space of accelerators: a base design, axes along which it varies, and constraints.

Every point has a number, its index: the axes' codes read as the digits of a mixed-radix number, the last axis
fastest. A range of indices is all that has to travel to a worker, and all that a store has to keep.
"""

import copy
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hwmodels
from dse import metrics
from dse.arguments import CONSTRAINTS, MACHINE
from dse.errors import nearest
from dse.naming import refuse_another, sort_of
from dse.space.sampling import sample
from hwmodels.array import COLS_OF, DIMENSIONS, FOLLOWING, ROWS_OF
from hwmodels.components.prices import is_accelergy
from hwmodels.composed import paths as paths_of
from hwmodels.machine import Machine, Model, check_machine
from workloads import inline
from workloads.errors import InputError, WrongTypeError, shown
from workloads.grammar.arguments import MAPPING, TEXT, TEXTS, WHOLE, takes
from workloads.grammar.axes import Axis, Label, choices_of, label_of, linked_choices, refuse_twice
from workloads.grammar.constraints import BASE, Constraint, parse_constraint
from workloads.grammar.grid import Grid
from workloads.grammar.quantities import show

if TYPE_CHECKING:
    import pandas

IndexArray = NDArray[np.int64]

_EDGES = {"array.rows": ROWS_OF, "array.cols": COLS_OF}
_WIRING = {"array.interconnect", *(f"array.unroll.{factor}" for factor in DIMENSIONS)}

_BLOCK = 1 << 16
_MOST_SHOWN = 12  # values of an axis in a space's repr
_MOST_COUNTED = 1 << 20  # points that are looked at to say how many are admissible
MOST_POINTS = 2**62
"""Indices are 64-bit integers."""


@dataclass(frozen=True, init=False)
class Space(Grid):
    """Accelerators that differ from a base design along axes.

    Parameters
    ----------
    base
        The design that the axes change, or a preset's name.
    axes
        Dotted field of the accelerator -> the values it takes: numbers, texts with units ("64 KiB"), whole
        components or their names. Or a name of your own -> mappings from field to value, for fields that move
        in step: {"point": [{"clock_hz": "400 MHz", "technology.voltage": 0.5}, ...]}.
    constraints
        Comparisons that a configuration must satisfy, over axes and fields ("array.cols <= 4 * array.rows";
        decided before anything is costed), metrics ("area_mm2 <= 50") and the base design's fields and
        metrics ("energy_j <= 1.2 * base.energy_j").
    name
        What reports call it.
    assumptions
        What its values rest on, for reports.

    Attributes
    ----------
    shape : tuple of int
        Number of values on each axis.
    size : int
        Number of points, those included that a constraint excludes.

    Raises
    ------
    ValueError
        If an axis or a value is refused by the accelerator, or a constraint cannot be read.

    Examples
    --------
    >>> import hwmodels
    >>> space = Space("edge_16x16", axes={"array.rows": [8, 16, 32], "clock_hz": ["500 MHz", "1 GHz"]})
    >>> space.size, space.configuration(3), space.index({"array.rows": 16, "clock_hz": "1 GHz"})
    (6, {'array.rows': 16, 'clock_hz': 1000000000}, 3)

    """

    base: Machine
    axes: tuple[Axis, ...]
    constraints: tuple[Constraint, ...]
    name: str
    assumptions: tuple[str, ...]

    @takes(base=MACHINE, axes=MAPPING, constraints=CONSTRAINTS, name=TEXT, assumptions=TEXTS)
    def __init__(
        self,
        base: Machine | str,
        axes: Mapping[str, Any],
        constraints: Sequence[str] = (),
        name: str = "space",
        assumptions: Sequence[str] = (),
    ) -> None:
        design = _machine_of(base)
        if isinstance(constraints, str):
            constraints = [constraints]
        object.__setattr__(self, "base", design)
        object.__setattr__(self, "axes", tuple(_axis(design, path, axes[path]) for path in axes))
        twice = next((field for field in self.fields if self.fields.count(field) > 1), None)
        if twice:
            raise InputError(f"space {name}: two axes move {twice}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "assumptions", tuple(assumptions))
        known, texts = self._vocabulary()
        fixed = self._base_values()
        parsed = (parse_constraint(str(text), known, texts, fixed) for text in constraints)
        object.__setattr__(
            self, "constraints", tuple(dict.fromkeys(parsed))
        )  # one that is repeated counts once
        if self.size > MOST_POINTS:
            raise InputError(f"space {name}: {self.size:,} points are more than 64-bit indices can number")

    def __getitem__(self, index: int) -> Any:
        changes: dict[str, Any] = {}
        for axis, code in zip(self.axes, self.codes(self._checked(index))[:, 0], strict=True):
            changes.update(axis.changes(code))
        return self.base.replace(changes)

    @takes(start=WHOLE, stop=WHOLE.or_none())
    def table(self, start: int = 0, stop: int | None = None) -> "pandas.DataFrame":
        """Configurations of a range of indices, one row a point, one column a field."""
        import pandas

        first, last, _ = slice(start, stop).indices(self.size)
        index = np.arange(first, last, dtype=np.int64)
        return pandas.DataFrame(self.labels(index), index=pandas.Index(index, name="index"))

    @property
    def model(self) -> Model:
        """How its machines are costed."""
        return self.base.model

    @property
    def limits(self) -> tuple[str, ...]:
        """Names of what keeps a machine from running a network, by code; the first, "", is nothing."""
        return self.model.limits(self.base)

    def pack(self, index: IndexArray) -> Any:
        """Configuration table of the points at `index`, for `model.evaluate`."""
        index = self._indices(index)
        codes = zip(self.axes, self.codes(index), strict=True)
        columns = {
            field: ([value[i] for value in axis.values], code)
            for axis, code in codes
            for i, field in enumerate(axis.fields)
        }
        return self.model.pack(self.base, columns, len(index))

    @property
    def architecture_constraints(self) -> tuple[tuple[int, Constraint], ...]:
        """Constraints that need no costing, with their positions among all."""
        return tuple((i, c) for i, c in enumerate(self.constraints) if not _reads_metrics(c))

    @property
    def metric_constraints(self) -> tuple[tuple[int, Constraint], ...]:
        """Constraints over metrics, with their positions among all."""
        return tuple((i, c) for i, c in enumerate(self.constraints) if _reads_metrics(c))

    def violated(self, index: IndexArray) -> NDArray[np.int16]:
        """First architecture constraint that each point breaks.

        Parameters
        ----------
        index
            Indices, shape (n,).

        Returns
        -------
        int array of shape (n,)
            Position among `constraints`, -1 where none is broken.

        """
        broken = np.full(len(index), -1, dtype=np.int16)
        checks = self.architecture_constraints
        if checks:
            values = self.constraint_values(index)
            for position, constraint in checks:
                broken[(broken < 0) & ~constraint.holds(values, len(index))] = position
        return broken

    def admissible(self) -> int:
        """Number of points that no architecture constraint excludes; looks at every point."""
        if not self.architecture_constraints:
            return self.size
        return sum(
            int((self.violated(np.arange(start, min(start + _BLOCK, self.size))) < 0).sum())
            for start in range(0, self.size, _BLOCK)
        )

    def constraint_values(self, index: IndexArray) -> dict[str, Any]:
        """Values of the axes and fields that constraints read: arrays of shape (n,), scalars where fixed."""
        wanted = fields_read(self.constraints)
        fixed = self.base.paths()
        edges = wanted & _EDGES.keys() if fixed.keys() >= _WIRING else set()
        values = {name: label_of(fixed[name]) for name in wanted if name in fixed}
        moves = [
            (field, axis, code)
            for axis, code in zip(self.axes, self.codes(index), strict=True)
            for field in axis.fields
        ]
        for field, axis, code in sorted(
            moves, key=lambda move: len(move[0])
        ):  # a field wins over its component
            for name in wanted:
                if name == field or name.startswith(field + "."):
                    values[name] = _inner_column(axis, field, name)[code]
        for name in edges:
            values[name] = _edge(values, name)
        return values

    @takes(axes=MAPPING.or_none(), constraints=CONSTRAINTS, name=TEXT.or_none())
    def replace(
        self, axes: Mapping[str, Any] | None = None, constraints: Sequence[str] = (), name: str | None = None
    ) -> "Space":
        """Copy with axes replaced (whatever moved the same field goes) or added, and constraints added."""
        moved = set(axes or {})
        for choices in (axes or {}).values():
            if isinstance(choices, Sequence):
                moved.update(*(choice for choice in choices if isinstance(choice, Mapping)))
        kept: dict[str, Any] = {
            axis.name: [value[0] for value in axis.values]
            if axis.fields == (axis.name,)
            else [axis.changes(code) for code in range(len(axis))]
            for axis in self.axes
            if axis.name in moved or moved.isdisjoint(axis.fields)
        }
        kept.update(axes or {})
        texts = [constraint.text for constraint in self.constraints]
        texts += [constraints] if isinstance(constraints, str) else constraints
        name = self.name if name is None else name
        return Space(self.base, kept, texts, name, self.assumptions)

    def unconstrained(self) -> "Space":
        """Copy without constraints; its points keep their indices."""
        free = copy.copy(self)
        object.__setattr__(free, "constraints", ())
        return free

    @takes(count=WHOLE, method=TEXT, seed=WHOLE)
    def sample(self, count: int, method: str = "sobol", seed: int = 0) -> IndexArray:
        """Draw well-spread points; see `dse.space.sampling.sample`."""
        return sample(self, count, method, seed)

    def describe(self) -> dict[str, Any]:
        """What the space is, as plain data: equal descriptions mean equal points under equal indices."""
        axes = {
            axis.name: [
                [axis.show(code), self.base.replace(axis.changes(code)).fingerprint()]
                for code in range(len(axis))
            ]
            for axis in self.axes
        }
        found = {
            "base": [self.base.name, self.base.fingerprint()],
            "axes": axes,
            "constraints": [constraint.text for constraint in self.constraints],
        }
        own = {metric.column.name: metric.fingerprint for metric in metrics.own_metrics()}
        return {**found, "metrics": own} if own else found

    def __getstate__(self) -> tuple[dict[str, Any], tuple[metrics.OwnMetric, ...]]:
        """What travels to another process: the space, and the metrics that are registered here."""
        return dict(self.__dict__), metrics.own_metrics()

    def __setstate__(self, state: tuple[dict[str, Any], tuple[metrics.OwnMetric, ...]]) -> None:
        """Arrive in another process."""
        self.__dict__.update(state[0])
        metrics.adopt(state[1])

    def fingerprint(self) -> str:
        """Hash of `describe`, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:16]

    def _base_values(self) -> dict[str, Label]:
        """What `base.` and a field stand for in a constraint: the base design's own value."""
        values = {name: label_of(value) for name, value in self.base.paths().items()}
        if values.keys() >= _WIRING:
            values.update({name: _edge(values, name).item() for name in _EDGES})
        return {BASE + name: value for name, value in values.items()}

    def _vocabulary(self) -> tuple[set[str], set[str]]:
        """Names that a constraint may read, and those of them that hold text."""
        values: dict[str, Any] = self.base.paths()
        for axis in self.axes:
            for name, value in self.base.replace(axis.changes(0)).paths().items():
                values.setdefault(name, value)
        known = {name for name in values if not isinstance(label_of(values[name]), str)}
        texts = set(values) - known
        own = {metric.column.name for metric in metrics.own_metrics()}
        computed = tuple(name for name in metrics.columns() if name in own or name in self.model.columns)
        return known | texts | set(computed) | {BASE + name for name in computed}, texts

    def __repr__(self) -> str:
        lines = [self._headline()]
        lines += [f"  {axis.name}: {_shown(axis)}" for axis in self.axes]
        lines.extend(f"  {constraint}" for constraint in self.constraints)
        return "\n".join(lines)

    def _headline(self) -> str:
        """Its points, and how many of them the constraints admit where that is quickly counted."""
        said = f"Space {self.name}: {self.size:,} points around {self.base.name}"
        if self.architecture_constraints and self.size <= _MOST_COUNTED:
            said += f", {self.admissible():,} of them admissible"
        return said

    def _repr_html_(self) -> str:
        rows = [("axis", "values", "")]
        rows += [(axis.name, str(len(axis)), _shown(axis)) for axis in self.axes]
        rows += [("constraint", "", constraint.text) for constraint in self.constraints]
        rows += [("assumed", "", sentence) for sentence in self.assumptions]
        sizes = [(axis.name, math.log(len(axis)), f"× {len(axis)}") for axis in self.axes]
        drawn = inline.bar(sizes, "Share of each axis in the space, by the logarithm of its values")
        return inline.text(self._headline()) + drawn + inline.table(rows)


def _machine_of(base: Any) -> Any:
    """Machine that a base is or names; a space, or its name, is refused with how to change one."""
    if isinstance(base, Space):
        raise WrongTypeError("base: a space is no machine; space.replace(axes, constraints) changes it")
    if not isinstance(base, str):
        return check_machine(base)
    if sort_of(base) == "space":
        raise hwmodels.UnknownAcceleratorError(
            f"{shown(base)} is a space, not one machine; "
            f"dse.named_space({shown(base)}).replace(axes, constraints) changes it"
        )
    refuse_another(base, "machine")
    return check_machine(hwmodels.load(base))


def _shown(axis: Axis) -> str:
    """Values of an axis in a line, the middle of many left out."""
    shown = [axis.show(code) for code in range(len(axis))]
    if len(shown) > _MOST_SHOWN:
        shown[3:-1] = [f"... {len(shown) - 4} more ..."]
    return ", ".join(shown)


def _edge(values: Mapping[str, Any], name: str) -> Any:
    """Rows or columns of the array, which follow from the factors of an unrolled one."""
    follows = np.isin(values["array.interconnect"], FOLLOWING)
    product = math.prod(np.asarray(values[f"array.unroll.{factor}"]) for factor in _EDGES[name])
    return np.where(follows, product, values[name])


def fields_read(constraints: Iterable[Constraint]) -> set[str]:
    """Names that constraints read, those included that an array's rows and columns may follow from."""
    names = {name for constraint in constraints for name in constraint.names}
    return names | _WIRING if names & _EDGES.keys() else names


def _reads_metrics(constraint: Constraint) -> bool:
    return any(name in metrics.columns() or name.startswith(BASE) for name in constraint.names)


_PRICES = "technology.prices"


def _axis(base: Machine, name: str, choices: Any) -> Axis:
    """Check every value once against the base design and keep it as the design holds it."""
    listed = choices_of(name, choices)
    fields: tuple[str, ...] = (name,)
    if not isinstance(choices, Mapping) and any(isinstance(choice, Mapping) for choice in listed):
        fields, given = linked_choices(name, listed)
    known = base.paths()
    for field in fields:
        if field not in known:
            raise InputError(f"unknown axis {shown(field)}{nearest(field, known)}", path=name)
    if fields == (name,):
        given = [(choice,) for choice in listed]
    values = []
    for choice in given:
        if any(is_accelergy(part) for field, part in zip(fields, choice, strict=True) if field == _PRICES):
            raise InputError(
                f"axis {name}: a table of Accelergy's will not do, its prices are of one machine; give it to "
                f'the base, machine.replace({{"{_PRICES}": ...}}), or sweep CSV files',
                path=name,
            )
        try:
            held = base.replace(dict(zip(fields, choice, strict=True))).paths()
        except (TypeError, ValueError, KeyError) as refusal:
            text = " at ".join(str(label_of(part)) for part in choice)
            raise InputError(f"axis {name}: {shown(text)} will not do: {refusal}", path=name) from None
        values.append(tuple(held[field] for field in fields))
    refuse_twice(name, values)
    columns = (_labels(field, held) for field, held in zip(fields, zip(*values, strict=True), strict=True))
    return Axis(name, fields, tuple(values), tuple(zip(*columns, strict=True)))


_MOST_NAMED = 3


def _labels(field: str, held: Sequence[Any]) -> list[Label]:
    """Labels of a field's values; components without a name are called by what they differ in."""
    if not any(is_dataclass(value) and not hasattr(value, "name") for value in held):
        return [label_of(value) for value in held]
    inner = [
        {path: label_of(leaf) for path, leaf in paths_of(value).items() if not is_dataclass(leaf)}
        for value in held
        if is_dataclass(value)  # beside parts an axis may have none
    ]
    differ = [path for path in inner[0] if len({str(leaves.get(path)) for leaves in inner}) > 1]
    said = iter(
        " / ".join(f"{path} {show(path, leaves.get(path))}" for path in differ[:_MOST_NAMED])
        for leaves in inner
    )
    labels = [next(said) if is_dataclass(value) else label_of(value) for value in held]
    if "" in labels or len(set(labels)) < len(labels):
        numbered = enumerate(held, 1)
        return [f"{field} {number}" if is_dataclass(value) else label_of(value) for number, value in numbered]
    return labels


def _inner_column(axis: Axis, field: str, name: str) -> NDArray[Any]:
    """Values of a field that an axis moves, or of a field inside the component that it replaces."""
    if name == field:
        return axis.column(field)
    inner, position = name.removeprefix(field + "."), axis.fields.index(field)
    parts = [value[position] for value in axis.values]
    return np.array([label_of(paths_of(part)[inner]) if is_dataclass(part) else np.nan for part in parts])
