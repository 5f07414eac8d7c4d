"""Results as a notebook shows them: what the text says, in the same units, with a small figure."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dse.designs import Designs
from dse.metrics import describe, show_metric
from dse.pareto import knee as knees
from dse.views.row import written
from dse.views.text import broken, designs_rows, result_rows
from workloads import inline

if TYPE_CHECKING:
    import pandas

    from dse.results.codesigned import Codesigned

_MOST_DRAWN = 400
"""Points of a small figure, and others behind them."""
_TWICE = ("net.network",)
"""Columns that repeat another: of a list of networks the name is the index too."""
_PARTS = (
    ("mac_energy_j", "MACs"),
    ("buffer_energy_j", "buffers"),
    ("dram_energy_j", "main memory"),
    ("vector_energy_j", "vector work"),
    ("static_energy_j", "standing"),
    ("control_energy_j", "control"),
)


def result_html(result: Any) -> str:
    """Totals, what the latency waits for, and energy by component of one network on one machine."""
    head = f"{result.network} on {result.accelerator.name}"
    totals = result.totals
    if not result.feasible:
        return inline.text(f"{head}: infeasible, {broken(str(totals['limit']))}")
    energy = [
        (title, float(totals[name]), show_metric(name, totals[name]))
        for name, title in _PARTS
        if name in totals
    ]
    waits = [
        (str(bound), float(row["latency_s"]), show_metric("latency_s", row["latency_s"]))
        for bound, row in result.bottlenecks().iterrows()
    ]
    metrics, bounds = result_rows(result)
    said = "".join(inline.text(f"Beyond its range: {note}") for note in result.warnings)
    said += "".join(inline.text(f"Assumed: {sentence}") for sentence in result.accelerator.assumptions)
    return "".join(
        [
            inline.text(head),
            inline.table(metrics),
            inline.bar(energy, f"Energy, {show_metric('energy_j', totals['energy_j'])}"),
            inline.bar(
                waits, f"Latency by what it waits for, {show_metric('latency_s', totals['latency_s'])}"
            ),
            inline.table(bounds),
            said,
        ]
    )


def front_html(front: Designs) -> str:
    """The front's headline and notes, a small figure, and its named designs."""
    head = repr(front)
    said = [head, *(f"Note: {note}." for note in front.notes if note not in head), knees.SENTENCE]
    return "".join([*map(inline.text, said), _small(front), inline.table(designs_rows(front))])


def joint_html(found: "Codesigned") -> str:
    """A joint front's headline and notes, and its named pairs, every value in its unit."""
    designs = found.designs()
    same = [name for name in designs if name in _TWICE or designs[name].isna().all()]
    rows = [["", *(str(name) for name in designs.index)]]
    for column in designs.drop(columns=same):
        cells = [written(str(column), value) for value in designs[column]]
        rows.append([cells[0][0], *(text for _, text in cells)])
    said = [repr(found), *(f"Note: {note}." for note in found.notes), knees.SENTENCE]
    return "".join([*map(inline.text, said), inline.table(rows)])


def sweep_html(head: str, limits: "pandas.Series", front: Designs | None) -> str:
    """The sweep's headline, what kept configurations out, and its front where there is one."""
    rows = [("excluded by", "configurations"), *((str(name), f"{count:,}") for name, count in limits.items())]
    shown = [inline.text(head), inline.table(rows) if len(limits) else ""]
    return "".join(shown if front is None else [*shown, _small(front)])


def _small(front: Designs) -> str:
    """Front in its first two objectives over other configurations, the knee as a star."""
    if len(front.objectives) < 2 or not len(front):
        return ""
    first, second = (objective.column for objective in front.objectives[:2])
    knee = knees.knee(front.values)[0]
    step = max(1, -(-len(front) // _MOST_DRAWN))
    rows = np.unique([*range(0, len(front), step), knee])
    own = tuple(front.frame[name].to_numpy(dtype=np.float64)[rows].tolist() for name in (first, second))
    others = front.background.iloc[:: max(1, -(-len(front.background) // _MOST_DRAWN))]
    behind = (others[first].tolist(), others[second].tolist())
    spans = tuple(
        (show_metric(name, min(values)), show_metric(name, max(values)))
        for name, values in zip((first, second), own, strict=True)
    )
    labels = (describe(first).title, describe(second).title)
    return inline.scatter(
        (own[0], own[1]), behind, labels, (spans[0], spans[1]), int(np.searchsorted(rows, knee))
    )
