"""An accelerator in the words of a data sheet: frozen values, composed.

Every part checks itself when it is made and names the class, the field and the value it refuses. Nothing is
computed here: areas, energies and bandwidths come from `hwmodels.columns`, a number's second and last step.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from hwmodels.components.arithmetic import NumberFormat
from hwmodels.components.main_memory import MainMemory, main_memory

OPERANDS = ("weight", "input", "output")

NUMBER_FORMATS = {
    "int": int(NumberFormat.INTEGER),
    "fp16": int(NumberFormat.FP16),
    "bf16": int(NumberFormat.BF16),
    "fp32": int(NumberFormat.FP32),
}
"""Number formats by name, with the codes that tables carry."""


class Dataflow(IntEnum):
    """Which operand stays in the PEs while the other two move."""

    OUTPUT_STATIONARY = 0
    WEIGHT_STATIONARY = 1
    INPUT_STATIONARY = 2

    @classmethod
    def parse(cls, value: Dataflow | str | int) -> Dataflow:
        """Read "os", "ws", "is", a long name or a code."""
        short = {"os": cls.OUTPUT_STATIONARY, "ws": cls.WEIGHT_STATIONARY, "is": cls.INPUT_STATIONARY}
        if isinstance(value, str):
            name = value.lower().replace("-", "_")
            if name in short:
                return short[name]
            if name.upper() in cls.__members__:
                return cls[name.upper()]
        elif value in list(cls):
            return cls(value)
        raise ValueError(f'array.dataflow must be "os", "ws" or "is", got {value!r}')

    @property
    def short(self) -> str:
        """The two letters of the literature."""
        return ("os", "ws", "is")[self]


def _positive(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise ValueError(f"{type(owner).__name__}.{name} must be a positive number, got {value!r}")


def _whole(owner: object, *names: str, least: int = 1) -> None:
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{type(owner).__name__}.{name} must be an integer >= {least}, got {value!r}")
        object.__setattr__(owner, name, int(value))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """A two-dimensional systolic array of PEs, one multiply-accumulate per PE and cycle."""

    rows: int
    cols: int
    dataflow: Dataflow = Dataflow.WEIGHT_STATIONARY

    def __post_init__(self) -> None:
        _whole(self, "rows", "cols")
        object.__setattr__(self, "dataflow", Dataflow.parse(self.dataflow))

    @property
    def pes(self) -> int:
        """Number of PEs."""
        return self.rows * self.cols


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """An on-chip SRAM; `port_bits` is what it moves to or from the array a cycle, 0 all the array can
    take.
    """

    bytes: int
    port_bits: int = 0

    def __post_init__(self) -> None:
        _whole(self, "bytes", "port_bits", least=0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buffers:
    """The on-chip level: a buffer per operand, or a shared pool for every operand without one of its own."""

    weight: Buffer = Buffer(bytes=0)
    input: Buffer = Buffer(bytes=0)
    output: Buffer = Buffer(bytes=0)
    shared: Buffer = Buffer(bytes=0)
    double_buffered: bool = True

    def __post_init__(self) -> None:
        homeless = [name for name in OPERANDS if getattr(self, name).bytes == 0]
        if homeless and self.shared.bytes == 0:
            raise ValueError(
                f"Buffers.{homeless[0]}.bytes must be positive where there is no shared buffer "
                "(Buffers.shared.bytes), got 0"
            )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Datapath:
    """Widths of the operands as stored and multiplied, and of the accumulator that holds partial sums.

    `number_format` is "int" (also any fixed point), "fp16", "bf16" or "fp32".
    """

    weight_bits: int = 8
    input_bits: int = 8
    output_bits: int = 8
    accumulator_bits: int = 32
    number_format: str = "int"

    def __post_init__(self) -> None:
        _whole(self, "weight_bits", "input_bits", "output_bits", "accumulator_bits")
        if self.number_format not in NUMBER_FORMATS:
            known = ", ".join(NUMBER_FORMATS)
            raise ValueError(f"Datapath.number_format must be one of {known}, got {self.number_format!r}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """The process. A voltage of 0 means the node's nominal voltage."""

    node_nm: float = 22
    voltage: float = 0.0

    def __post_init__(self) -> None:
        _positive(self, "node_nm")
        if not 0 <= self.voltage < math.inf:
            raise ValueError(f"Technology.voltage must be 0 (nominal) or positive, got {self.voltage!r}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One machine, composed of an array, buffers, a datapath, a main memory and a technology.

    Parameters
    ----------
    name
        What tables call it.
    clock_hz
        Clock of array, buffers and vector lanes [Hz].
    vector_lanes
        Vector operations per cycle outside the array; 0 means one a column of the array.
    source
        Where its figures come from and their status (measured, published, assumed).

    """

    name: str
    array: Array
    buffers: Buffers
    main_memory: MainMemory
    clock_hz: float
    datapath: Datapath = Datapath()
    technology: Technology = Technology()
    vector_lanes: int = 0
    source: str = "assumed"

    def __post_init__(self) -> None:
        _positive(self, "clock_hz")
        _whole(self, "vector_lanes", least=0)
        if isinstance(self.main_memory, str):
            object.__setattr__(self, "main_memory", main_memory(self.main_memory))

    @property
    def peak_macs_per_s(self) -> float:
        """Multiply-accumulates per second with every PE busy."""
        return self.array.pes * self.clock_hz

    def replace(self, changes: Mapping[str, Any]) -> Accelerator:
        """Return a copy with the parts at dotted paths replaced.

        Parameters
        ----------
        changes
            Dotted path -> value, as in `{"array.rows": 64, "main_memory": "hbm2"}`. Whole components are
            replaced before their fields, whatever the order given; all changes are applied before anything is
            checked.

        Raises
        ------
        ValueError
            If a path is unknown (the nearest ones are named) or a part refuses its value.

        """
        for path in changes:
            check_path(self, path)
        return _replaced(self, dict(changes))  # type: ignore[no-any-return]


def _replaced(part: Any, changes: Mapping[str, Any]) -> Any:
    """Rebuild a dataclass once with all changes under it, so that only the final state is checked."""
    here = {path: value for path, value in changes.items() if "." not in path}
    if "main_memory" in here and isinstance(here["main_memory"], str):
        here["main_memory"] = main_memory(here["main_memory"])
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        if "." in path:
            head, rest = path.split(".", 1)
            below.setdefault(head, {})[rest] = value
    for head, deeper in below.items():
        here[head] = _replaced(here.get(head, getattr(part, head)), deeper)
    return dataclasses.replace(part, **here)


def paths(part: Any, prefix: str = "") -> dict[str, Any]:
    """List every dotted path of a composed spec with its value, parts before their fields."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        found[prefix + field.name] = value
        if dataclasses.is_dataclass(value):
            found.update(paths(value, f"{prefix}{field.name}."))
    return found


def check_path(accelerator: Accelerator, path: str) -> None:
    """Raise ValueError naming the nearest paths if `path` is not one of the accelerator's."""
    known = paths(accelerator)
    if path not in known:
        near = difflib.get_close_matches(path, known, n=3, cutoff=0.5) or [
            "array.rows",
            "buffers.weight.bytes",
        ]
        raise ValueError(f"unknown axis {path!r}; the nearest are {', '.join(near)}")
