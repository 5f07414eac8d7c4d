"""A joint front as the page of `html`: pairs of network and machine, accuracy among their objectives."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.metrics import METRICS
from dse.pareto import knee as knees
from dse.views.html import BACKGROUND
from dse.views.page import Lines, axis, machine_text, metric, parts, plotly, short, written
from workloads.errors import InputError

if TYPE_CHECKING:
    import pandas

    from dse.results.codesigned import Codesigned


def page(found: "Codesigned") -> str:
    """Write the page.

    Parameters
    ----------
    found
        The joint front.

    Returns
    -------
    str
        HTML that needs nothing else, plotly.js included.

    Raises
    ------
    MissingLibraryError
        If plotly is not installed.
    ValueError
        If the front is empty.

    """
    if not len(found):
        raise InputError("to_html: the front has no pairs")
    script = plotly()
    base = found.space.base
    rests = ["a network's accuracy is what was measured or given of it", *found.space.assumptions]
    premises = f"Assumptions: {'; '.join([*rests, *base.assumptions])}."
    title = f"{found.whose} on {found.space.name}"
    return written(title, repr(found), found.notes, premises, data_of(found), script)


def data_of(found: "Codesigned") -> dict[str, Any]:
    """Everything that the page shows, as plain data; what an operation takes is not kept of pairs."""
    frame, lines = found.frame, Lines()
    machines = [found.accelerator(row) for row in range(len(found))]
    named = _named(found)
    return {
        "space": found.space.name,
        "network": found.whose,
        "total": len(found),
        "objectives": [{"column": o.column, "maximise": o.maximise} for o in found.objectives],
        "index": list(range(len(found))),
        "named": named,
        "columns": _columns(found),
        "background": _background(found),
        "parts": parts(frame),
        "sheets": {row: lines.number(str(machines[row])) for row in named},
        "files": {row: lines.number(text) for row, one in enumerate(machines) if (text := machine_text(one))},
        "python": "",  # a pair's axes are a network's, too: the machine's file says more
        "operations": None,
        "tensors": {},
        "lines": lines.texts,
        "provenance": found.provenance,
    }


def _named(found: "Codesigned") -> dict[int, str]:
    """Row of the front -> what the pair is called."""
    rows = [knees.knee(found.values)[0], *knees.extremes(found.values)]
    names: dict[int, list[str]] = {}
    for row, name in zip(rows, found.designs().index, strict=True):
        names.setdefault(int(row), []).append(str(name))
    return {row: ", ".join(called) for row, called in names.items()}


def _columns(found: "Codesigned") -> list[dict[str, Any]]:
    """What the network is, the machine's axes, objectives, other metrics that were measured."""
    frame = found.frame
    first = [objective.column for objective in found.objectives]
    axes = ["network", *(str(name) for name in frame if str(name).startswith("net.")), *found.space.fields]
    metrics = [*first, *(name for name in frame if name in METRICS and name not in first)]
    return [
        *(_axis(frame, name) for name in axes if name in frame),
        *(metric(frame, str(name)) for name in metrics if frame[name].notna().any()),
    ]


def _axis(frame: "pandas.DataFrame", field: str) -> dict[str, Any]:
    """Column of an axis, with the values that the front has of it in their order."""
    chosen = frame[field].tolist()
    values = list(dict.fromkeys(chosen))
    with suppress(TypeError):  # numbers beside words: in the order of the front
        values = sorted(values)
    return axis(field, values, chosen)


def _background(found: "Codesigned") -> dict[str, list[float | None]]:
    """Objectives of pairs that others dominate."""
    names = [objective.column for objective in found.objectives]
    others = found.pairs[names]
    every = max(1, -(-len(others) // BACKGROUND))
    return {name: [short(value) for value in np.asarray(others[name])[::every].tolist()] for name in names}
