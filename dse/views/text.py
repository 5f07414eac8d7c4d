"""Results as people read and keep them: plain tables, LaTeX, a notebook's HTML, and the files of a front."""

import html
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dse.designs import Designs
from dse.metrics import METRICS, describe, show_metric
from dse.run.files import write_files
from dse.views.front_figure import draw_front, front_picture
from hwmodels.machine import Machine
from workloads.errors import UnknownNameError
from workloads.grammar.quantities import show

if TYPE_CHECKING:
    import pandas

    from dse.results.evaluation import Result

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

FILES: Final = ("front.parquet", "front.csv", "front.pdf", "front.png")


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


def designs_text(front: Designs) -> str:
    """Knee and extremes as a table: one column a design, one row an axis or a metric."""
    designs = front.designs()
    rows = [["", *(str(name) for name in designs.index)]]
    rows.append(["index", *(f"{int(index)}" for index in designs["index"])])
    for field in front.space.fields:
        rows.append([field, *(show(field, value) for value in designs[field])])
    for column in shown_columns(front):
        rows.append([describe(column).title, *(show_metric(column, value) for value in designs[column])])
    return text_table(rows)


def shown_columns(front: Designs) -> list[str]:
    """Metrics that a table of the front shows: its objectives first."""
    first = [objective.column for objective in front.objectives]
    return first + [column for column in _SHOWN if column not in first and column in front.frame]


def assumptions(front: Designs) -> str:
    """One line: what the numbers rest on."""
    base = front.space.base
    said = base.model.premises(base, front.layers, front.space.fields)
    goal = "energy-delay product" if front.mapping_objective == "edp" else front.mapping_objective
    said.append(f"each operation's mapping has the least {goal} of its mapspace")
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
    lines = [head, ""]
    rows = [
        ["metric", "total"],
        *([describe(name).title, show_metric(name, totals[name])] for name in _SHOWN),
    ]
    lines += [text_table(rows), ""]
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
    lines.append(text_table(rows, last_left=True))
    return "\n".join([*lines, *machine_assumptions(result.accelerator)])


def machine_assumptions(machine: Machine) -> list[str]:
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


def latex(front: Designs, designs: Iterable[int] | None = None) -> str:
    """Write designs of a front as a LaTeX table for the package booktabs.

    Parameters
    ----------
    front
        The front.
    designs
        Indices of designs; by default the knee and the extremes, under their names.

    Returns
    -------
    str
        A `tabular`, one row a design.

    Raises
    ------
    KeyError
        If a design is not on the front.

    """
    if designs is None:
        chosen = front.designs()
        names = [str(name) for name in chosen.index]
    else:
        wanted = list(designs)
        missing = next((index for index in wanted if index not in front.frame.index), None)
        if missing is not None:
            raise UnknownNameError(f"design {missing} is not on the front")
        chosen = front.frame.loc[wanted]
        names = [str(index) for index in wanted]
    paths = front.space.fields
    metrics = shown_columns(front)[:6]
    head = ["Design", *(path.replace("buffers.", "").replace("array.", "") for path in paths)]
    head += [METRICS[column].title if column in METRICS else column for column in metrics]
    lines = [r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}", r"\toprule", _latex_row(head), r"\midrule"]
    for name, (_, row) in zip(names, chosen.iterrows(), strict=True):
        cells = [name, *(show(path, row[path]) for path in paths)]
        lines.append(_latex_row([*cells, *(show_metric(column, row[column]) for column in metrics)]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(_latex_escape(cell) for cell in cells) + r" \\"


def _latex_escape(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "²": r"\textsuperscript{2}",
        "µ": r"\textmu{}",
        "~": r"\textasciitilde{}",
    }
    special.update({character: "\\" + character for character in "_%&#${}"})
    escaped = "".join(special.get(character, character) for character in text)
    number, _, unit = escaped.partition(" ")
    return f"{number}~{unit}" if unit and number.replace(".", "").replace("-", "").isdigit() else escaped


def save_front(front: Designs, folder: str | os.PathLike[str], width: str = "page") -> list[str]:
    """Write a front's table and figure.

    Parameters
    ----------
    front
        The front.
    folder
        Where to; made if it does not exist. Files of the same names are replaced, others stay.
    width
        Width of the figure, "column" or "page".

    Returns
    -------
    list of str
        Paths of front.parquet, front.csv, front.pdf (vector) and front.png. A front in one objective has no
        figure.

    Raises
    ------
    OSError
        If the folder cannot be written; nothing is left half-written.

    """
    writers: dict[str, Callable[[Path], object]] = {
        FILES[0]: lambda path: front.frame.reset_index().to_parquet(path, index=False),
        FILES[1]: front.frame.to_csv,
    }
    if len(front.objectives) > 1:
        figure = draw_front(front_picture(front), width=width)
        writers.update(dict.fromkeys(FILES[2:], figure.savefig))
    return write_files(folder, writers)


def json_values(row: Any) -> dict[str, Any]:
    """A row of a frame as plain numbers and texts."""
    return {str(name): value.item() if hasattr(value, "item") else value for name, value in row.items()}
