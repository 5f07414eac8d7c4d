"""One row of the ledger: a published figure beside ours, and what was aimed at."""

from dataclasses import dataclass
from enum import StrEnum


class Evidence(StrEnum):
    """What kind of thing the published figure is."""

    MEASURED = "measured"
    """Read off working silicon."""
    MODEL = "model"
    """Another model's output: a vendor's sheet, a simulator, a paper's own estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published figure and ours.

    `tolerance` is the greatest relative error aimed at; None where the figure is reported without an aim.
    `note` says what went into our figure that shapes and data sheets do not give, or why an aim is missed.
    """

    quantity: str
    unit: str
    published: float
    ours: float
    tolerance: float | None
    source: str  # document and table
    case: str = ""  # `hwmodels.validation.rows` fills in the name of the file that the row comes from
    evidence: Evidence = Evidence.MEASURED
    note: str = ""

    def __post_init__(self) -> None:
        if self.published == 0:
            raise ValueError(f"Row.published of {self.quantity}: a relative error needs a figure, got 0")
        if self.tolerance is not None and not self.tolerance >= 0:
            raise ValueError(f"Row.tolerance of {self.quantity} must not be negative, got {self.tolerance!r}")
        if self.holds is False and not self.note:
            raise ValueError(f"Row.note of {self.quantity}: a missed aim needs its reason")

    @property
    def error(self) -> float:
        """Relative error of our figure; NaN where we have none."""
        return self.ours / self.published - 1.0

    @property
    def holds(self) -> bool | None:
        """Whether our figure is as near as aimed at; None where nothing was aimed at."""
        return None if self.tolerance is None else abs(self.error) <= self.tolerance
