"""A space of networks: a builder, axes along which its parameters vary, and constraints.

Every point has a number, its index, as in a space of machines: the axes' codes read as the digits of a
mixed-radix number, the last axis fastest.
"""

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import (
    InputError,
    SpringboardError,
    WorkloadError,
    WrongTypeError,
    shown,
)
from workloads.grammar.arguments import (
    LISTED,
    MAPPING,
    NATURAL,
    POSITIVE,
    TEXT,
    TEXTS,
    either,
    having,
    takes,
)
from workloads.grammar.axes import Axis, choices_of, label_of, linked_choices, refuse_twice
from workloads.grammar.constraints import Constraint, parse_constraint
from workloads.grammar.errors import nearest
from workloads.grammar.grid import Grid
from workloads.grammar.quantities import parse
from workloads.network import Network
from workloads.spaces.builders import BUILDERS
from workloads.spaces.changes import CHANGES, check_change
from workloads.table import Kind

IndexArray = NDArray[np.int64]

METRICS: Final[dict[str, Callable[[Network], float]]] = {
    "parameters": lambda network: network.parameters,
    "nonzero_parameters": lambda network: network.nonzero_parameters,
    "macs": lambda network: network.macs,
    "effectual_macs": lambda network: network.effectual_macs,
    "layers": lambda network: sum(row.kind == Kind.NEST for row in network.lowering().rows),
}
"""What constraints may read of a network beside the axes."""

MOST_POINTS: Final = 2**62
_TRIES_A_SAMPLE: Final = 200
_KEPT: Final = 512
_NAMES: Final = "network"
"""The axis of a space of given networks."""


class NetworkSpace(Grid):
    """Networks that a builder makes of parameters along axes.

    Parameters
    ----------
    builder
        One of `workloads.builders()`, or any callable with keyword parameters that returns a network.
    axes
        Parameter of the builder -> the values it takes; "width.stage2" for the second of a parameter that is
        a tuple (any word before the number does); or a change of the built network ("sparsity.density",
        "bits.weight", "rank.density": see `spaces.changes`). Or a name of your own -> mappings from field to
        value, for fields that move in step.
    constraints
        Comparisons that a network must satisfy, over axes, fixed parameters and `parameters`,
        `nonzero_parameters`, `macs`, `effectual_macs`, `layers`: "parameters <= 100_000".
    fixed
        Parameters that do not vary, by field.
    name
        What reports call it.

    Raises
    ------
    ValueError
        If a field is none of the builder's, a value is given twice, or a constraint cannot be read.

    Examples
    --------
    >>> axes = {"depth": [1, 2], "width.layer1": [32, 64]}
    >>> space = NetworkSpace("perceptron", axes, ["parameters <= 5000"])
    >>> space.size, space.configuration(1), space[1].parameters, space.allows(1)
    (4, {'depth': 1, 'width.layer1': 64}, 4810, True)

    """

    @takes(axes=MAPPING, constraints=TEXTS, fixed=MAPPING.or_none(), name=TEXT)
    def __init__(
        self,
        builder: str | Callable[..., Network],
        axes: Mapping[str, Any],
        constraints: Sequence[str] = (),
        *,
        fixed: Mapping[str, Any] | None = None,
        name: str = "networks",
    ) -> None:
        if not isinstance(builder, str) and not callable(builder):
            raise WrongTypeError(f"space {name}: builder must be a name or a function, got {shown(builder)}")
        if isinstance(builder, str) and builder not in BUILDERS:
            raise InputError(f"unknown builder {shown(builder)}{nearest(builder, BUILDERS)}")
        self.builder = BUILDERS[builder] if isinstance(builder, str) else builder
        self.name = name
        self.fixed = dict(fixed or {})
        self._refused = ""  # why the latest point that could not be built could not
        self._kept: dict[int, Network] = {}  # the latest ones: checked, described and costed soon after
        self._defaults = _defaults_of(self.builder)
        self.axes = tuple(_axis(field, axes[field]) for field in axes)
        if not self.axes:
            raise InputError(f"space {name}: no axes given")
        for field in (*self.fields, *self.fixed):
            self._check_field(field)
        for axis in self.axes:
            for value in axis.values:
                _check_values(dict(zip(axis.fields, value, strict=True)))
        _check_values(self.fixed)
        every = [*self.fields, *self.fixed]
        twice = next((field for field in every if every.count(field) > 1), None)
        if twice:
            raise InputError(f"space {name}: {twice} is given twice")
        if self.size > MOST_POINTS:
            raise InputError(f"space {name}: {self.size:,} points are more than 64-bit indices can number")
        self.constraints = self._parsed([constraints] if isinstance(constraints, str) else constraints)

    def _check_field(self, field: str) -> None:
        head, _, rest = field.partition(".")
        if head in CHANGES and rest:
            return
        if self._defaults is not None and head not in self._defaults:
            known = [*self._defaults, *(f"{change}.*" for change in CHANGES)]
            raise InputError(f"space {self.name}: unknown field {shown(field)}{nearest(field, known)}")
        if rest:
            default = self.fixed.get(head, (self._defaults or {}).get(head))
            if not (isinstance(default, tuple) and 0 <= _place(rest) < len(default)):
                raise InputError(
                    f"space {self.name}: {shown(field)} is no place of {head} = {shown(default)}; places "
                    "count from 1, "
                    f"as in {head}.stage1"
                )

    def _parsed(self, texts: Sequence[str]) -> tuple[Constraint, ...]:
        words = {
            field for axis in self.axes for field in axis.fields if axis.column(field).dtype == object
        } | {field for field, value in self.fixed.items() if isinstance(value, str)}
        known = {*self.fields, *self.fixed, *METRICS}
        return tuple(dict.fromkeys(parse_constraint(str(text), known, words) for text in texts))

    def __getitem__(self, index: int) -> Network:
        """Build a network; raise `WorkloadError` where its parameters do not go together."""
        place = int(self._checked(index)[0])
        if place not in self._kept:
            wanted: dict[str, Any] = dict(self.fixed)
            for axis, code in zip(self.axes, self.codes(np.array([place]))[:, 0], strict=True):
                wanted.update(axis.changes(int(code)))
            self._kept[place] = self._built(wanted)
            if len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]
        return self._kept[place]

    def _built(self, wanted: Mapping[str, Any]) -> Network:
        arguments: dict[str, Any] = {}
        changes: dict[str, dict[str, Any]] = {}
        for field in sorted(wanted, key=lambda field: field.count(".")):  # the whole tuple, then its places
            head, _, rest = field.partition(".")
            if head in CHANGES and rest:
                changes.setdefault(head, {})[rest] = wanted[field]
            elif rest:
                values = list(arguments.get(head, (self._defaults or {}).get(head, ())))
                values[_place(rest)] = wanted[field]
                arguments[head] = tuple(values)
            else:
                arguments[head] = wanted[field]
        try:
            network = self.builder(**arguments)
        except SpringboardError:
            raise
        except Exception as error:  # a user's function may raise anything
            said = f"{type(error).__name__}: {error}"
            raise WorkloadError(
                f"space {self.name}: the builder raised {said} of {shown(arguments)}"
            ) from error
        if not isinstance(network, Network):
            raise WorkloadError(f"space {self.name}: the builder returned {type(network).__name__}")
        for head, change in CHANGES.items():
            if head in changes:
                network = change(network, changes[head])
        return network

    @property
    def beside_sizes(self) -> tuple[str, ...]:
        """Names of the axes that sizes of the networks do not tell: those that move words, names apart."""
        return tuple(axis.name for axis in self.axes if _worded(axis) and axis.fields != (_NAMES,))

    def features(self, index: IndexArray, axes: Sequence[str] | None = None) -> NDArray[np.float64]:
        """Points as numbers for models that learn from them, shape (n, columns).

        Numbers by their place in ascending order, scaled to 0 .. 1; words and choices that have no order one
        column each. Of all axes, or of those named.
        """
        columns: list[NDArray[np.float64]] = []
        for axis, code in zip(self.axes, self.codes(index), strict=True):
            if axes is not None and axis.name not in axes:
                continue
            if not _worded(axis):
                rank = np.argsort(sorted(range(len(axis)), key=lambda one: axis.labels[one]))
                columns.append(rank[code] / max(1, len(axis) - 1))
            else:
                columns.extend((code == value).astype(np.float64) for value in range(len(axis)))
        return np.stack(columns, axis=1) if columns else np.zeros((len(index), 0))

    def allowed(self, index: IndexArray) -> NDArray[np.bool_]:
        """Whether each point satisfies the constraints and can be built, shape (n,).

        Constraints over axes are decided at once; a network is built only where one reads it.
        """
        values: dict[str, Any] = {**self.fixed, **self.labels(index)}
        good = np.ones(len(index), dtype=np.bool_)
        reading = [one for one in self.constraints if set(one.names) & METRICS.keys()]
        for constraint in self.constraints:
            if constraint not in reading:
                good &= constraint.holds(values, len(index))
        for place in np.flatnonzero(good):
            good[place] = self._allows_network(int(index[place]), reading, values, int(place))
        return good

    def _allows_network(
        self, index: int, reading: Sequence[Constraint], values: Mapping[str, Any], place: int
    ) -> bool:
        try:
            network = self[index]
        except SpringboardError as error:
            self._refused = str(error)
            return False
        here = {
            name: value[place] if isinstance(value, np.ndarray) else value for name, value in values.items()
        }
        for constraint in reading:
            here.update({name: METRICS[name](network) for name in constraint.names if name in METRICS})
            if not constraint.holds(here, 1)[0]:
                return False
        return True

    def allows(self, index: int) -> bool:
        """Whether one point satisfies the constraints and can be built."""
        return bool(self.allowed(self._checked(index))[0])

    @takes(count=POSITIVE, seed=NATURAL)
    def sample(self, count: int, method: str = "sobol", seed: int = 0) -> IndexArray:
        """Draw different points that are allowed.

        Parameters
        ----------
        count
            How many.
        method
            "sobol" spreads them evenly over the axes (quasi-Monte-Carlo, scrambled by the seed), "random"
            draws independently.
        seed
            Equal seeds give equal samples.

        Raises
        ------
        ValueError
            If so few points are allowed that the sample is not found.

        """
        if method not in ("sobol", "random"):
            raise InputError(f"method must be 'sobol' or 'random', got {shown(method)}", path="method")
        draws = _draws(len(self.axes), method, seed)
        found: dict[int, None] = {}
        tried: set[int] = set()
        for _ in range(_TRIES_A_SAMPLE):
            unit = draws(max(16, count))
            codes = (unit * np.array(self.shape)).astype(np.int64).T
            fresh = [one for one in dict.fromkeys(self.index_of(codes).tolist()) if one not in tried]
            tried.update(fresh)
            points = np.array(fresh, dtype=np.int64)
            for place in range(0, len(points), 64):
                piece = points[place : place + 64]
                found.update(dict.fromkeys(piece[self.allowed(piece)].tolist()))
                if len(found) >= count:
                    return np.array(list(found)[:count], dtype=np.int64)
            if len(tried) == self.size:
                break
        unbuilt = f"; the last that could not be built: {self._refused}" if self._refused else ""
        raise InputError(
            f"space {self.name}: {count} networks asked for, {len(found)} allowed ones found among "
            f"{len(tried):,} points drawn; loosen the constraints{unbuilt}"
        )

    def describe(self) -> dict[str, Any]:
        """What the space is, as plain data: equal descriptions mean equal networks under equal indices."""
        return {
            "builder": f"{self.builder.__module__}.{getattr(self.builder, '__qualname__', '')}",
            "fixed": {field: repr(value) for field, value in sorted(self.fixed.items())},
            "axes": {axis.name: [list(map(repr, value)) for value in axis.values] for axis in self.axes},
            "constraints": [constraint.text for constraint in self.constraints],
        }

    def fingerprint(self) -> str:
        """Hash of `describe`, 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.describe(), sort_keys=True).encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        lines = [f"NetworkSpace {self.name}: {self.size:,} points of {self.describe()['builder']}"]
        lines += [
            f"  {axis.name}: {', '.join(axis.show(code) for code in range(min(len(axis), 12)))}"
            for axis in self.axes
        ]
        return "\n".join([*lines, *(f"  {constraint}" for constraint in self.constraints)])


@takes(networks=either(LISTED, having("networks", "__iter__")), name=TEXT)
def of_networks(networks: Iterable[Network], name: str = "networks") -> NetworkSpace:
    """Return the space whose points are the given networks, along one axis `network` of their names.

    Raises
    ------
    ValueError
        If there are none, or two different ones have one name.

    """
    by_name: dict[str, Network] = {}
    for network in networks:
        if not isinstance(network, Network):
            raise WrongTypeError(f"of_networks: networks must be networks, got {shown(network)}")
        if by_name.setdefault(network.name, network) != network:
            raise InputError(
                f"space {name}: two different networks are called {shown(network.name)}; rename one"
            )

    def pick(*, network: str) -> Network:
        return by_name[network]

    pick.__qualname__ = "-".join(network.fingerprint for network in by_name.values())
    return NetworkSpace(pick, {_NAMES: list(by_name)}, name=name)


def _worded(axis: Axis) -> bool:
    """Whether an axis moves words, which have no order."""
    return any(isinstance(label, str) for labels in axis.labels for label in labels)


def builders() -> dict[str, str]:
    """Return the builders by name, each with a line that says what it makes."""
    return {name: (call.__doc__ or "").splitlines()[0] for name, call in BUILDERS.items()}


def _defaults_of(builder: Callable[..., Network]) -> dict[str, Any] | None:
    """Return a builder's parameters with their defaults; None where it takes any."""
    found = inspect.signature(builder).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in found):
        return None
    return {parameter.name: parameter.default for parameter in found}


def _check_values(values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        head, _, rest = field.partition(".")
        if head in CHANGES and rest:
            check_change(field, value)


def _place(text: str) -> int:
    """Return the place that "stage2" names, counted from 0; -1 where it names none."""
    found = re.fullmatch(r"[A-Za-z_]+([1-9][0-9]*)", text)
    return int(found.group(1)) - 1 if found else -1


def _axis(name: str, choices: Any) -> Axis:
    if isinstance(choices, Mapping):
        raise WrongTypeError(f"axis {name}: values must be a list, got {shown(choices)}", path=name)
    if isinstance(choices, Sequence) and choices and isinstance(choices[0], Mapping):
        fields, values = linked_choices(name, choices)
    else:
        fields, values = (name,), [(value,) for value in choices_of(name, choices)]
    values = [
        tuple(_quantity(field, value) for field, value in zip(fields, one, strict=True)) for one in values
    ]
    refuse_twice(name, values)
    labels = tuple(tuple(map(label_of, value)) for value in values)
    return Axis(name, fields, tuple(values), labels)


def _quantity(field: str, value: Any) -> Any:
    """A text that is a number, with or without a unit, as that number; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return parse(value, field)
    except ValueError:
        return value


def _draws(axes: int, method: str, seed: int) -> Callable[[int], NDArray[np.float64]]:
    if method == "random":
        draw = np.random.default_rng(seed)
        return lambda count: draw.random((count, axes))
    from scipy.stats import qmc

    sobol = qmc.Sobol(axes, rng=np.random.default_rng(seed))
    return lambda count: np.asarray(sobol.random(1 << max(4, (count - 1).bit_length())))
