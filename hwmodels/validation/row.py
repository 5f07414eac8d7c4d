"""One row of the ledger: a published figure beside ours, and what was aimed at."""

from dataclasses import dataclass
from enum import StrEnum

from workloads.errors import InputError, shown


class Evidence(StrEnum):
    """What kind of thing the published figure is."""

    MEASURED = "measured"
    """Read off working silicon."""
    SIMULATED = "simulated"
    """Another's simulation, synthesis, sheet or estimate."""
    DERIVED = "derived"
    """What our figure is made of: an anchor, or an identity. It cannot miss, and so counts as no aim."""
    OURS = "ours"
    """A figure of this project beside the published one it would have to explain; no aim."""


class Made(StrEnum):
    """Which call makes our figure."""

    EVALUATE = "evaluate"
    """`dse.evaluate` of a network on a machine: its times, energies, counts and bytes."""
    SHEET = "data sheet"
    """The machine by itself, as `hwmodels.load` gives it: areas, standing power and peak need no network."""
    PRICE = "component"
    """A price or an area of `hwmodels.components`: no machine is asked for."""
    NETWORK = "network"
    """`workloads` alone: sizes and work of a network, whatever runs it."""
    RULE = "rule"
    """A published rule restated, which no machine of ours follows; the note says which."""
    GIVEN = "given plan"
    """A fused group whose strips are given, where `dse.evaluate` would look for better ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published figure and ours.

    `tolerance` is the greatest relative error aimed at; None where the figure is reported without an aim. Of
    a derived row it is how exactly the identity holds. `note` says what went into our figure that shapes and
    data sheets do not give, or why an aim is missed. `made` says which call of ours makes the figure.
    """

    quantity: str
    unit: str
    published: float
    ours: float
    tolerance: float | None
    made: Made
    source: str  # document and table
    case: str = ""  # `hwmodels.validation.rows` fills in the name of the file that the row comes from
    evidence: Evidence = Evidence.MEASURED
    note: str = ""

    def __post_init__(self) -> None:
        if self.published == 0:
            raise InputError(
                f"Row.published of {self.quantity}: a relative error needs a figure, got 0", path="published"
            )
        if self.tolerance is not None and not self.tolerance >= 0:
            raise InputError(
                f"Row.tolerance of {self.quantity} must not be negative, got {shown(self.tolerance)}",
                path="tolerance",
            )
        if self.evidence is Evidence.OURS and self.tolerance is not None:
            raise InputError(
                f"Row.tolerance of {self.quantity}: a figure of ours beside another has no aim",
                path="tolerance",
            )
        if self.holds is False and not self.note:
            raise InputError(f"Row.note of {self.quantity}: a missed aim needs its reason", path="note")

    @classmethod
    def simulated(
        cls,
        quantity: str,
        published: float,
        ours: float,
        tolerance: float | None,
        note: str,
        *,
        unit: str,
        source: str,
        made: Made,
        evidence: Evidence = Evidence.SIMULATED,
    ) -> "Row":
        """Row of a figure that another simulated: a case fills in unit and source once for all its rows."""
        return cls(
            quantity=quantity,
            unit=unit,
            published=published,
            ours=ours,
            tolerance=tolerance,
            made=made,
            source=source,
            evidence=evidence,
            note=note,
        )

    @property
    def aimed(self) -> bool:
        """Whether there is an aim that could have been missed."""
        return self.tolerance is not None and self.evidence is not Evidence.DERIVED

    @property
    def error(self) -> float:
        """Relative error of our figure; NaN where we have none."""
        return self.ours / self.published - 1.0

    @property
    def holds(self) -> bool | None:
        """Whether our figure is as near as aimed at; None where nothing was aimed at."""
        return None if self.tolerance is None else abs(self.error) <= self.tolerance
