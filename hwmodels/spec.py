"""An accelerator in the words of a data sheet: frozen values, composed.

Every part checks itself when it is made and names the class, the field and the value it refuses. Nothing is
computed here: areas, energies and bandwidths come from `hwmodels.packing`, tables of them from
`hwmodels.floorplan`.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hwmodels.array import LOOPS_OF_EDGES, Array, Dataflow, Unroll
from hwmodels.checks import positive, whole
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.fields import hints, parse_field
from hwmodels.parts import (
    CODES,
    NUMBER_FORMATS,
    OPERANDS,
    ROUNDINGS,
    Buffer,
    Buffers,
    Datapath,
    Stacking,
    Technology,
)
from hwmodels.reported import Macro, Module
from hwmodels.sparsity import OperandSparsity, Sparsity

if TYPE_CHECKING:
    import pandas

__all__ = [
    "CODES",
    "NUMBER_FORMATS",
    "OPERANDS",
    "ROUNDINGS",
    "Accelerator",
    "Array",
    "Buffer",
    "Buffers",
    "Dataflow",
    "Datapath",
    "Macro",
    "Module",
    "OperandSparsity",
    "Sparsity",
    "Stacking",
    "Technology",
    "Unroll",
    "check_path",
    "fingerprint",
    "paths",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One machine, composed of an array, buffers, a datapath, a main memory and what surrounds them.

    Parameters
    ----------
    name
        What tables call it.
    clock_hz
        Clock of array, buffers and vector lanes [Hz].
    vector_lanes
        Vector operations per cycle outside the array; 0 means one a column of the array.
    sparsity
        What it does about zeros.
    stacking
        Tiers and what sits on which.
    modules
        Logic whose cost was reported; where there is any, it stands for all of the logic.
    source
        Where its figures come from and their status (measured, published, assumed).
    assumptions
        What is assumed beyond the source, a sentence each.

    """

    name: str
    array: Array
    buffers: Buffers
    main_memory: MainMemory
    clock_hz: float
    datapath: Datapath = dataclasses.field(default_factory=Datapath)
    sparsity: Sparsity = dataclasses.field(default_factory=Sparsity)
    technology: Technology = dataclasses.field(default_factory=Technology)
    stacking: Stacking = dataclasses.field(default_factory=Stacking)
    vector_lanes: int = 0
    modules: tuple[Module, ...] = ()
    source: str = "assumed"
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        positive(self, "clock_hz")
        whole(self, "vector_lanes", least=0)
        if isinstance(self.main_memory, str):
            object.__setattr__(self, "main_memory", main_memory(self.main_memory))
        if len({(part.clock_hz, part.node_nm, part.voltage) for part in self.modules}) > 1:
            raise ValueError("Accelerator.modules must agree in clock_hz, node_nm and voltage")

    @property
    def peak_macs_per_s(self) -> float:
        """Multiply-accumulates per second with every multiplier busy and nothing skipped."""
        return self.array.macs_per_cycle * self.clock_hz

    def area_mm2(self) -> pandas.DataFrame:
        """Area by component and tier; see `hwmodels.floorplan.area_table`."""
        from hwmodels.floorplan import area_table

        return area_table(self)

    def power_w(self) -> pandas.DataFrame:
        """Power by component with everything busy; see `hwmodels.floorplan.power_table`."""
        from hwmodels.floorplan import power_table

        return power_table(self)

    def __str__(self) -> str:
        """The data sheet; see `hwmodels.data_sheet`."""
        from hwmodels.data_sheet import text

        return text(self)

    def _repr_html_(self) -> str:
        from hwmodels.data_sheet import page

        return page(self)

    def die_usd(self) -> float:
        """Cost of one good die or stack; see `hwmodels.floorplan.die_usd`."""
        from hwmodels.floorplan import die_usd

        return die_usd(self)

    def embodied_carbon_g(self) -> float:
        """Carbon of making it; see `hwmodels.floorplan.embodied_carbon_g`."""
        from hwmodels.floorplan import embodied_carbon_g

        return embodied_carbon_g(self)

    def replace(self, changes: Mapping[str, Any]) -> Accelerator:
        """Return a copy with the parts at dotted paths replaced.

        Parameters
        ----------
        changes
            Dotted path -> value, as in `{"array.rows": 64, "main_memory": "hbm2"}`; a text is read by the
            field's type ("2 KiB", "400 MHz", "false"; `fields.parse_field`). Whole components are replaced
            before their fields, whatever the order given; all changes are applied before anything is
            checked. Edges of an array that follow from its unrolling change it (`Array.of_edges`).

        Raises
        ------
        ValueError
            If a path is unknown (the nearest ones are named), or a field or its part refuses its value.

        """
        for path in changes:
            check_path(self, path)
        changed: Accelerator = _replaced(self, dict(changes))
        edges = {edge: changes[f"array.{edge}"] for edge in LOOPS_OF_EDGES if f"array.{edge}" in changes}
        if not edges or not changed.array.follows_unroll:
            return changed
        array = changed.array.of_edges(**edges)
        if any(path.startswith("array.unroll") for path in changes) and array != changed.array:
            raise ValueError(f"array.{next(iter(edges))} follows from array.unroll; change one of the two")
        return dataclasses.replace(changed, array=array)


def _replaced(part: Any, changes: Mapping[str, Any], prefix: str = "") -> Any:
    """Rebuild a dataclass once with all changes under it, so that only the final state is checked."""
    known = hints(type(part))
    here = {
        name: parse_field(known[name], value, prefix + name)
        for name, value in changes.items()
        if "." not in name
    }
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        if "." in path:
            head, rest = path.split(".", 1)
            below.setdefault(head, {})[rest] = value
    for head, deeper in below.items():
        here[head] = _replaced(here.get(head, getattr(part, head)), deeper, f"{prefix}{head}.")
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


def fingerprint(accelerator: Accelerator) -> str:
    """Hash of everything but name, source and assumptions, 32 hexadecimal digits; the same in every process.

    Examples
    --------
    >>> import dataclasses, hwmodels
    >>> one = hwmodels.load("tpu_v1")
    >>> fingerprint(one) == fingerprint(dataclasses.replace(one, name="mine"))
    True
    >>> fingerprint(one) == fingerprint(one.replace({"array.rows": 128}))
    False

    """
    plain = dataclasses.replace(accelerator, name="", source="", assumptions=())
    return hashlib.blake2b(repr(plain).encode(), digest_size=16).hexdigest()
