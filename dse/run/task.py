"""What a worker does: cost a range of a space's indices. Pure functions, fit for any executor."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dse import metrics
from dse.metrics import Objective
from dse.pareto.front import front_rows
from dse.run.columns import Chunk, Columns, limit_names
from dse.run.schedule import effort_of
from dse.space.sampling import spread
from dse.space.space import Space
from hwmodels.columns import MetricTable
from hwmodels.residency.tensors import Schedule
from workloads.grammar.constraints import BASE
from workloads.table import LayerTable


def cost_index(
    layers: LayerTable,
    space: Space,
    index: NDArray[np.int64],
    mapping_objective: str = "edp",
    schedule: Schedule | None = None,
) -> Columns:
    """Cost some points of a space.

    Parameters
    ----------
    layers
        The network's layer table.
    space
        The space.
    index
        Points to cost, shape (n,).
    mapping_objective
        What each operation's mapping minimises: "edp", "latency" or "energy"; machines of a template have one
        mapping.
    schedule
        Where tensors may stay, with edges that refer to the rows of `layers`; None: in main memory.

    Returns
    -------
    Columns
        Arrays of shape (n,). Points that an architecture constraint excludes are not costed: their metrics
        are NaN, as are those of points that the models call infeasible. Points that break a metric constraint
        keep theirs.

    """
    broken = space.violated(index)
    live = np.flatnonzero(broken < 0)
    costed = None
    if len(live):
        asked = layers, space.pack(index[live]), mapping_objective
        costed = (
            space.model.evaluate(*asked, effort_of(schedule)) if schedule else space.model.evaluate(*asked)
        )
    out: Columns = {"index": index}
    found = {} if costed is None else metrics.with_own(costed._asdict())
    for name in metrics.columns():
        column = np.full(len(index), np.nan)
        if costed is not None:
            column[live] = found[name]
        out[name] = column
    first = len(space.limits)
    limit = np.where(broken < 0, 0, broken + first).astype(np.int16)
    if costed is not None:
        limit[live] = costed.limit
        _apply_metric_constraints(
            space, out, limit, partial(base_metrics, layers, space, mapping_objective, schedule)
        )
    out["feasible"] = limit == 0
    out["limit"] = limit
    return out


def cost_range(
    layers: LayerTable,
    space: Space,
    start: int,
    stop: int,
    mapping_objective: str = "edp",
    schedule: Schedule | None = None,
) -> Chunk:
    """Cost the points `start` to `stop` (excluded) of a space; see `cost_index`."""
    columns = cost_index(layers, space, np.arange(start, stop, dtype=np.int64), mapping_objective, schedule)
    return Chunk(columns, np.bincount(columns["limit"], minlength=len(limit_names(space))))


def front_of_range(
    cost: Callable[[int, int], Chunk], start: int, stop: int, objectives: Sequence[Objective], share: float
) -> Chunk:
    """Cost a range and keep what a front needs: the range's own front, and a share of its points as a sample.

    Returns
    -------
    Chunk
        Columns as of `cost_index`, the rows that stay, and `sampled`: whether a row is of the sample; the
        others are on the range's own front. What stays depends on the range alone, never on what other ranges
        held.

    """
    columns, counts, _ = cost(start, stop)
    sampled = spread(columns["index"], share)
    kept = front_rows(columns, objectives) | sampled
    rows = {name: column[kept] for name, column in columns.items()}
    return Chunk({**rows, "sampled": sampled[kept]}, counts)


def _apply_metric_constraints(
    space: Space, out: Columns, limit: NDArray[np.int16], base_of: Callable[[], MetricTable]
) -> None:
    """Mark rows that break a constraint over metrics, the first broken one naming the limit."""
    constraints = space.metric_constraints
    if not constraints:
        return
    values = {**space.constraint_values(out["index"]), **out}
    names = {name for _, constraint in constraints for name in constraint.names}
    if any(name.startswith(BASE) for name in names):
        known = metrics.with_own(base_of()._asdict())
        values.update({BASE + name: known[name][0] for name in metrics.columns()})
    for position, constraint in constraints:
        held = constraint.holds(values, len(limit))
        limit[(limit == 0) & ~held] = len(space.limits) + position


def base_metrics(
    layers: LayerTable,
    space: Space,
    mapping_objective: str = "edp",
    schedule: Schedule | None = None,
) -> MetricTable:
    """Metrics of the space's base design, columns of shape (1,)."""
    asked = layers, space.model.pack(space.base), mapping_objective
    return space.model.evaluate(*asked, effort_of(schedule)) if schedule else space.model.evaluate(*asked)
