"""Where every tensor of a network lives between the operations that write and read it, as a table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pandas

from dse.designs import Bar, Frame, Lane, SchedulePicture
from hwmodels.machine import Effort, Machine
from hwmodels.residency.plan import APART, MAIN_MEMORY, Place, Plan
from workloads.edges import OUTSIDE, Passage
from workloads.grammar.quantities import show
from workloads.table import LayerTable

if TYPE_CHECKING:
    from hwmodels.fusion.schedule import FusionSchedule

ENTERS = "it enters the network"
LEAVES = "it leaves the network"


class Scheduled(Protocol):
    """A network on a machine whose tensors may stay on chip: `dse.evaluate(..., schedule="resident")`."""

    @property
    def network(self) -> str:
        """Its name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Operations."""

    @property
    def layers(self) -> LayerTable:
        """One row an operation."""

    @property
    def accelerator(self) -> Machine:
        """The machine."""

    @property
    def effort(self) -> Effort:
        """What was asked for."""

    @property
    def plan(self) -> Plan:
        """Where tensors live."""

    @property
    def operations(self) -> "pandas.DataFrame":
        """Costs of each operation."""

    def fusion(self) -> "FusionSchedule | None":
        """Fused groups; None where tensors stay whole or cross."""


class Life(NamedTuple):
    """One row of the table: a tensor between two rows of the layer table; -1 is outside the network."""

    tensor: str
    level: str
    first: int
    last: int
    bytes: float
    why: str


def lives_of(result: Scheduled) -> list[Life]:
    """Every tensor in the order in which it is written: those that enter first."""
    fused = result.fusion()
    if fused is not None:
        return sorted(_handed(result, fused), key=lambda life: (life.first, life.last))
    plan, schedule = result.plan, result.effort.schedule  # the plan refuses what has none
    assert schedule is not None
    found = [
        Life(
            schedule.named(place.tensor.place),
            place.level,
            *_when(place),
            place.bytes,
            place.why or (LEAVES + ", and stays as well" if place.tensor.leaves else ""),
        )
        for place in plan.places
    ]
    inside = {place.tensor.place for place in plan.places}
    return sorted([*_crossing(result, inside), *found], key=lambda life: (life.first, life.last))


def _when(place: Place) -> tuple[int, int]:
    """Rows from which and to which a tensor is there: pinned weights from before to after an inference."""
    tensor = place.tensor
    if not tensor.pinned:
        return tensor.first, tensor.last
    (reader,) = tensor.reads
    return OUTSIDE, OUTSIDE if place.stays else reader


def _handed(result: Scheduled, fused: "FusionSchedule") -> Iterator[Life]:
    """Every tensor where operations hand on tiles: `bytes` are those of the largest tile with its halo."""
    machine: Any = result.accelerator
    level = machine.level(machine.fusion)
    tiles = {
        first: (last, words * machine.word_bits(level) / 8.0)
        for group in fused.groups
        for first, last, words in zip(group.rows[:-1], group.rows[1:], group.handed_words, strict=True)
    }
    for life in _crossing(result, set(), APART):
        if life.first not in tiles:
            yield life
            continue
        reader, size = tiles[life.first]
        why = f"{LEAVES}, and is handed on as well" if life.why == LEAVES else ""
        if not why and life.last != reader:
            why = "it is read later as well"
        yield life._replace(level=f"levels.{level.name}", last=reader, bytes=size, why=why)


def _crossing(result: Scheduled, inside: set[int], otherwise: str = LEAVES) -> Iterator[Life]:
    """Tensors that are not `inside`: why they cross, of those that neither enter nor leave `otherwise`."""
    schedule = result.effort.schedule
    assert schedule is not None
    edges = schedule.edges
    bits = int(result.accelerator.paths().get("datapath.input_bits", 8))
    stored = edges.passage != Passage.STREAM
    for place in np.unique(edges.place[stored]):
        if int(place) in inside:
            continue
        mine = np.flatnonzero(stored & (edges.place == place))
        widest = mine[edges.elements[mine].argmax()]
        first, last = int(edges.producer_row[mine].min()), int(edges.consumer_row[mine].max())
        leaves = bool((edges.consumer_row[mine] == OUTSIDE).any())
        why = ENTERS if first == OUTSIDE else LEAVES if leaves else otherwise
        size = float(edges.elements[widest]) * (int(edges.bits[widest]) or bits) / 8.0
        if last != OUTSIDE or first != OUTSIDE:
            yield Life(schedule.named(int(place)), MAIN_MEMORY, first, last, size, why)


def schedule_table(result: Scheduled) -> "pandas.DataFrame":
    """Show where every tensor lives.

    Parameters
    ----------
    result
        A network evaluated with a schedule.

    Returns
    -------
    DataFrame
        One row a tensor, all its views together: `tensor`, `level` (the path of a buffer or level, or "main
        memory"), `from` and `to` (the operations that write it first and read it last; "" is outside),
        `bytes` there, and `why` it crosses main memory. Of a tensor that is handed on in tiles `bytes` are
        those of the largest tile.

    Raises
    ------
    ValueError
        If tensors were not asked to stay.

    """
    names = (*result.names, "")
    return pandas.DataFrame(
        {
            "tensor": life.tensor,
            "level": life.level,
            "from": names[life.first],
            "to": names[life.last],
            "bytes": life.bytes,
            "why": life.why,
        }
        for life in lives_of(result)
    )


def schedule_picture(result: Scheduled) -> SchedulePicture:
    """Lay the figure out: when each operation ends, and a lane for each level, the innermost lowest."""
    table: Any = result.operations
    took, fused = table["latency_s"].to_numpy() * table["repeats"].to_numpy(), result.fusion()
    order = np.array(() if fused is not None else result.plan.order, dtype=np.int64)
    order = order if order.size else np.arange(took.size)
    ends = np.empty(took.size)
    ends[order] = np.cumsum(took[order])
    begins = np.zeros(took.size)
    begins[order[1:]] = ends[order[:-1]]
    lives = lives_of(result)
    paths = result.accelerator.paths()
    levels = [*dict.fromkeys(life.level for life in lives if life.level != MAIN_MEMORY), MAIN_MEMORY]
    lanes = []
    for level in levels:
        bars = tuple(
            Bar(
                life.tensor,
                float(begins[max(life.first, 0)]),
                float(ends[life.last] if life.last != OUTSIDE else ends.max()),
                life.bytes,
                life.why,
            )
            for life in lives
            if life.level == level
        )
        lanes.append(Lane(level, float(paths.get(f"{level}.bytes", 0)), bars))
    title = f"{result.network} on {result.accelerator.name}: {show('latency_s', float(ends.max()))}"
    frames = tuple(
        Frame(float(begins[group.rows[0]]), float(ends[group.rows[-1]]), f"{group.tiles:,} tiles")
        for group in (fused.groups if fused else ())
    )
    return SchedulePicture(tuple(lanes), float(ends.max()), title, frames)
