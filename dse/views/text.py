"""Results as people read and keep them: plain tables, LaTeX, and a notebook's HTML."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from dse.metrics import describe, show_metric
from dse.pareto import knee as knees
from dse.views.fusion import fused_lines
from workloads.grammar.quantities import show

if TYPE_CHECKING:
    import pandas

    from dse.designs import Designs
    from dse.results.evaluation import Result
    from hwmodels.machine import Machine

_SHOWN: Final = (
    "latency_s",
    "energy_j",
    "area_mm2",
    "power_w",
    "edp_js",
    "utilisation",
    "dram_read_bytes",
    "dram_write_bytes",
)
"""Metrics that a table for people shows."""

_MOST_NAMES: Final = 12
_MOST_CROSSING: Final = 5
"""Tensors that a text names."""


def text_table(rows: Sequence[Sequence[str]], *, last_left: bool = False) -> str:
    """Lay out rows of texts in columns; the first row is the head.

    Parameters
    ----------
    rows
        Texts, all rows of one length.
    last_left
        Set the last column flush left, as the first always is; the others are flush right.

    Returns
    -------
    str
        Lines without trailing blanks.

    Examples
    --------
    >>> print(text_table([["design", "rows"], ["knee", "16"]]))
    design  rows
    ------------
    knee      16

    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = {0, len(widths) - 1} if last_left else {0}
    lines = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        lines.append("  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in cells).rstrip())
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def designs_text(front: "Designs") -> str:
    """Knee and extremes as a table: one column a design, one row an axis or a metric."""
    return f"{text_table(designs_rows(front))}\n\n{knees.SENTENCE}"


def designs_rows(front: "Designs") -> list[list[str]]:
    """Cells of that table."""
    designs = front.designs()
    rows = [["", *(str(name) for name in designs.index)]]
    rows.append(["index", *(f"{int(index)}" for index in designs["index"])])
    for field in front.space.fields:
        rows.append([field, *(show(field, value) for value in designs[field])])
    for column in shown_columns(front):
        rows.append([describe(column).title, *(show_metric(column, value) for value in designs[column])])
    return rows


def shown_columns(front: "Designs") -> list[str]:
    """Metrics that a table of the front shows: its objectives first."""
    first = [objective.column for objective in front.objectives]
    return first + [column for column in _SHOWN if column not in first and column in front.frame]


def assumptions(front: "Designs") -> str:
    """One line: what the numbers rest on."""
    base = front.space.base
    said = base.model.premises(base, front.layers, front.space.fields)
    goal = "energy-delay product" if front.mapping_objective == "edp" else front.mapping_objective
    said.append(f"each operation's mapping has the least {goal} of its mapspace")
    if front.schedule is not None:
        said.append(f"tensors stay on chip where they fit (schedule: {front.schedule.name})")
        if front.schedule.weights:
            said.append("pinned weights are loaded before the first inference, which no figure has in it")
    said += front.space.assumptions
    said += base.assumptions
    return "Assumptions: " + "; ".join(said) + "."


def result_text(result: "Result") -> str:
    """Totals and bottlenecks of one network on one accelerator."""
    totals = result.totals
    head = f"{result.network} on {result.accelerator.name}"
    if not result.feasible:
        warm = f" at {show_metric('temperature_c', totals['temperature_c'])}"
        hot = warm if totals["limit"] == "tier temperature" else ""
        return f"{head}: infeasible, {broken(str(totals['limit']))}{hot}"
    metrics, bounds = result_rows(result)
    lines = [head, "", text_table(metrics), "", text_table(bounds, last_left=True)]
    lines += [f"beyond its range: {note}" for note in result.warnings]
    told = [*crossing_lines(result), *fused_lines(result), *machine_assumptions(result.accelerator)]
    return "\n".join([*lines, *told])


def result_rows(result: "Result") -> tuple[list[list[str]], list[list[str]]]:
    """Cells of the two tables: totals, and what the latency waits for."""
    totals = result.totals
    metrics = [
        ["metric", "total"],
        *([describe(name).title, show_metric(name, totals[name])] for name in _SHOWN),
    ]
    table = result.bottlenecks()
    rows = [["waits for", "operations", "latency", "share", "energy share", "longest", ""]]
    for bound, row in table.iterrows():
        rows.append(
            [
                str(bound),
                f"{row['operations']}",
                show_metric("latency_s", row["latency_s"]),
                f"{row['latency_share']:.1%}",
                f"{row['energy_share']:.1%}",
                show_metric("latency_s", row["longest_s"]),
                str(row["longest"]),
            ]
        )
    return metrics, rows


def crossing_lines(result: "Result") -> list[str]:
    """Lines that say which tensors cross main memory though they might stay, the costliest first, and why."""
    schedule = result.effort.schedule
    if schedule is None or result.fusion() is not None:
        return []
    plan = result.plan
    crossing = sorted(plan.crossing, key=lambda place: -place.tensor.saved)
    stays = len(plan.places) - len(crossing)
    lines = ["", f"Schedule: {stays:,} of {len(plan.places):,} tensors stay on chip; {plan.certificate}"]
    pinned = [place.bytes for place in plan.places if place.tensor.pinned and place.stays]
    if pinned:
        lines.append(
            f"- {len(pinned):,} are weights, {sum(pinned):,.0f} bytes, loaded before the first inference"
        )
    if result.order != result.names:
        lines.append(f"- the operations run in another order: {listed(result.order)}")
    for place in crossing[:_MOST_CROSSING]:
        lines.append(f"- {schedule.named(place.tensor.place)} crosses main memory: {place.why}")
    rest = len(crossing) - _MOST_CROSSING
    return [*lines, f"- and {rest:,} more (.schedule() shows all)"] if rest > 0 else lines


def listed(names: Sequence[str]) -> str:
    """Names one after another, of many the first.

    Examples
    --------
    >>> listed(["a", "b"])
    'a, b'

    """
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more (.order shows all)" if more > 0 else "")


def machine_assumptions(machine: "Machine") -> list[str]:
    """Lines that say what an accelerator's figures rest on; none where nothing is assumed."""
    if not machine.assumptions:
        return []
    return ["", f"Assumed of {machine.name}:", *(f"- {sentence}" for sentence in machine.assumptions)]


def broken(limit: str) -> str:
    """Say what it means that a limit is broken.

    Examples
    --------
    >>> broken("buffers.input.bytes"), broken("tier temperature")
    ('buffers.input.bytes is too small for the smallest tile', 'it breaks the limit tier temperature')

    """
    if limit.startswith("buffers."):
        return f"{limit} is too small for the smallest tile"
    if limit == "main_memory.capacity_bytes":
        return f"{limit} is too small for the operands of one operation"
    return f"it breaks the limit {limit}"


def operations_text(result: "Result") -> str:
    """One line an operation: what it takes and what it waits for."""
    rows = [["operation", "MACs", "latency", "energy", "main memory", "waits for"]]
    for _, row in result.operations.iterrows():
        traffic = row["dram_read_bytes"] + row["dram_write_bytes"]
        rows.append(
            [
                row["operation"],
                show_metric("macs", row["macs"]),
                show_metric("latency_s", row["latency_s"]),
                show_metric("energy_j", row["energy_j"]),
                show_metric("dram_read_bytes", traffic),
                row["bound"],
            ]
        )
    return text_table(rows, last_left=True)


def html_note(head: str, *frames: "pandas.DataFrame | None") -> str:
    """A line of text over frames, for a notebook."""
    tables = [
        frame.to_html(max_rows=40, float_format=lambda v: f"{v:.4g}") for frame in frames if frame is not None
    ]
    return f"<p>{html.escape(head)}</p>" + "".join(tables)


def json_values(row: Any) -> dict[str, Any]:
    """A row of a frame as plain numbers and texts."""
    return {str(name): value.item() if hasattr(value, "item") else value for name, value in row.items()}
