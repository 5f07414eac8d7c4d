"""An accelerator in the words of a data sheet: frozen values, composed.

Every part checks itself when it is made and names the class, the field and the value it refuses. Nothing is
computed here: areas, energies and bandwidths come from `hwmodels.packing`, tables of them from
`hwmodels.floorplan`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hwmodels.array import LOOPS_OF_EDGES, Array, Dataflow, Unroll
from hwmodels.checks import made_of, members, named, positive, whole
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.components.prices import is_accelergy
from hwmodels.composed import check_path, fingerprint, paths, replaced
from hwmodels.data_sheet import page, text
from hwmodels.floorplan import area_table, die_usd, embodied_carbon_g, power_table
from hwmodels.interop.own_prices import buffer_changes
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
from hwmodels.written import Saved
from workloads.errors import InputError
from workloads.grammar.arguments import MAPPING, takes

if TYPE_CHECKING:
    import pandas

    from hwmodels.machine import Model

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
    "fingerprint",
    "paths",
]


USUAL_PATHS = ("array.rows", "buffers.weight.bytes")
"""What is named where no path is near."""


OUT_OF_STEP: Final = (
    "zeros are skipped on a systolic array, whose PEs pass operands on in step: what lets them fall out of "
    "step costs nothing"
)
"""What is assumed of an array that skips though its wiring, as it is published, cannot."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Accelerator(Saved):
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

    KIND: ClassVar[str] = "two_level"  # what its machine file begins with
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
        named(self)
        positive(self, "clock_hz")
        whole(self, "vector_lanes", least=0)
        if isinstance(self.main_memory, str):
            object.__setattr__(self, "main_memory", main_memory(self.main_memory))
        made_of(self, array=Array, buffers=Buffers, main_memory=MainMemory, datapath=Datapath)
        made_of(self, sparsity=Sparsity, technology=Technology, stacking=Stacking)
        members(self, "modules", Module)
        members(self, "assumptions", str)
        if len({(part.clock_hz, part.node_nm, part.voltage) for part in self.modules}) > 1:
            raise InputError(
                "Accelerator.modules must agree in clock_hz, node_nm and voltage", path="modules"
            )
        if self.modules and self.datapath.mac_unit:
            raise InputError(
                f"Accelerator.datapath.mac_unit: the modules of {self.name} were reported, its multipliers "
                "among them; give modules=() to price a unit of your own",
                path="datapath.mac_unit",
            )
        said = tuple(text for text in self.assumptions if text != OUT_OF_STEP)
        if self.array.interconnect == "systolic" and self.sparsity.skips:
            said = (*said, OUT_OF_STEP)
        if said != self.assumptions:
            object.__setattr__(self, "assumptions", said)

    @property
    def peak_macs_per_s(self) -> float:
        """Multiply-accumulates per second with every multiplier busy and nothing skipped."""
        return self.array.macs_per_cycle * self.clock_hz

    def area_mm2(self) -> pandas.DataFrame:
        """Area by component and tier; see `hwmodels.floorplan.area_table`."""
        return area_table(self)

    def power_w(self) -> pandas.DataFrame:
        """Power by component with everything busy; see `hwmodels.floorplan.power_table`."""
        return power_table(self)

    def __str__(self) -> str:
        """The data sheet; see `hwmodels.data_sheet`."""
        return text(self)

    def _repr_html_(self) -> str:
        return page(self)

    def die_usd(self) -> float:
        """Cost of one good die or stack; see `hwmodels.floorplan.die_usd`."""
        return die_usd(self)

    def embodied_carbon_g(self) -> float:
        """Carbon of making it; see `hwmodels.floorplan.embodied_carbon_g`."""
        return embodied_carbon_g(self)

    @property
    def model(self) -> Model:
        """How machines of two levels are costed."""
        from hwmodels.models.two_level import TWO_LEVEL

        return TWO_LEVEL

    def paths(self) -> dict[str, Any]:
        """Every dotted path with its value; see `hwmodels.composed.paths`."""
        return paths(self)

    def fingerprint(self) -> str:
        """Hash of all but name, source and assumptions; see `hwmodels.composed.fingerprint`."""
        return fingerprint(self)

    def _refuse_nothing(self, array: Array) -> None:
        """Refuse an array that came to be unrolled, but over nothing: one multiplier in all."""
        if array.follows_unroll and not self.array.follows_unroll and array.unroll == Unroll():
            raise InputError(
                f"array.interconnect: an array {array.interconnect} over nothing is one multiplier; give its "
                "factors too, such as array.unroll.k, or array.rows and array.cols",
                path="array.interconnect",
            )

    @takes(changes=MAPPING)
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
        if is_accelergy(changes.get("technology.prices")):  # its prices are of one machine's parts
            rest = {path: value for path, value in changes.items() if path != "technology.prices"}
            base = self.replace(rest)
            return base.replace(buffer_changes(base, changes["technology.prices"]))
        known = paths(self)
        for path in changes:
            check_path(known, path, USUAL_PATHS)
        changed: Accelerator = replaced(self, dict(changes))
        edges = {edge: changes[f"array.{edge}"] for edge in LOOPS_OF_EDGES if f"array.{edge}" in changes}
        if not edges or not changed.array.follows_unroll:
            self._refuse_nothing(changed.array)
            return changed
        array = changed.array.of_edges(**edges)
        if any(path.startswith("array.unroll") for path in changes) and array != changed.array:
            raise InputError(f"array.{next(iter(edges))} follows from array.unroll; change one of the two")
        return dataclasses.replace(changed, array=array)
