"""A front as data: what explanations, perturbed technologies, figures and words read of one.

`dse.results` has the objects that people hold (`Front`, `Found`, `Sweep`); they fit these protocols and hand
themselves over, so that nothing that reads a front has to know which of them it is.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dse.metrics import Objective
from dse.run.columns import Columns
from dse.run.gather import Competitors
from dse.space.space import Space
from dse.strategies.problem import Problem, Work
from hwmodels.residency.tensors import Schedule
from workloads.table import LayerTable

if TYPE_CHECKING:
    import pandas


class Bar(NamedTuple):
    """A tensor on the figure of a schedule."""

    tensor: str
    begin_s: float
    end_s: float
    bytes: float
    why: str  # it crosses main memory


class Lane(NamedTuple):
    """A level on it; a capacity of 0 is without limit."""

    level: str
    capacity_bytes: float
    bars: tuple[Bar, ...]


class Frame(NamedTuple):
    """A fused group on it."""

    begin_s: float
    end_s: float
    label: str


class SchedulePicture(NamedTuple):
    """Where tensors live: a lane for each level, from the bottom up, over the time of the network."""

    lanes: tuple[Lane, ...]
    latency_s: float
    title: str = ""
    frames: tuple[Frame, ...] = ()


class Marked(NamedTuple):
    """A design beside a front: a published one, or another machine that was costed."""

    label: str
    values: dict[str, float]  # column -> value, as far as they are known
    cells: tuple[tuple[str, str], ...] = ()  # heading and text: what is known of its axes
    fields: dict[str, Any] = {}  # noqa: RUF012  a value: axis -> what it takes, as far as it is known


class Subject(Protocol):
    """A front, what a search found, or a sweep: whatever has a front."""

    @property
    def space(self) -> Space:
        """Where its designs are from."""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is minimised or maximised."""

    @property
    def asked(self) -> Problem:
        """The question that it answers, to cost further points."""

    def chosen(self) -> "Designs":
        """Its front."""

    def every_row(self, names: tuple[str, ...]) -> Columns | None:
        """Columns of every point of the space, where every point was costed and is still there."""

    def competitors(self) -> Competitors:
        """Configurations that its front was chosen from."""


class Designs(Subject, Protocol):
    """A front: its designs, and what they were chosen for."""

    @property
    def frame(self) -> "pandas.DataFrame":
        """One row a design: axis values and metrics; its index is the space's."""

    @property
    def network(self) -> str:
        """What reports call the network."""

    @property
    def layers(self) -> LayerTable:
        """Its operations, identical ones merged."""

    @property
    def schedule(self) -> Schedule | None:
        """Where tensors may stay between operations; None: every one crosses main memory."""

    @property
    def mapping_objective(self) -> str:
        """What mappings minimise."""

    @property
    def evaluated(self) -> int:
        """Configurations that were costed."""

    @property
    def feasible(self) -> int:
        """Those of them that the front was chosen from."""

    @property
    def background(self) -> "pandas.DataFrame":
        """Objectives of some of those."""

    @property
    def work(self) -> Work:
        """The network, or several."""

    @property
    def values(self) -> NDArray[np.float64]:
        """Objectives to minimise, shape (n_designs, n_objectives)."""

    @property
    def notes(self) -> list[str]:
        """What a reader should know before trusting the front's shape."""

    @property
    def provenance(self) -> dict[str, Any]:
        """What made it, as plain data."""

    @property
    def completeness(self) -> str:
        """Whether it is proved to be the space's own front, or that of a sample, in a clause."""

    @property
    def marked(self) -> tuple[Marked, ...]:
        """Designs beside it, for its figure."""

    def knee(self) -> "pandas.Series":
        """The knee's row."""

    def designs(self) -> "pandas.DataFrame":
        """Knee and extremes, one row each."""

    def __len__(self) -> int:
        """Number of designs."""
