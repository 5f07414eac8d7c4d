"""A front as one page that a browser opens without a network: figures, table, each design's data sheet.

Here the front becomes plain data; `report/` has the page that shows it. Every text travels as JSON and is set
as text, never as markup.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import hwmodels
import workloads
from dse.designs import Designs
from dse.metrics import METRICS
from dse.pareto import knee as knees
from dse.results.evaluation import Result
from dse.run.schedule import effort_of
from dse.views.page import Lines, axis, machine_text, metric, parts, plotly, short, written
from dse.views.text import assumptions
from workloads.errors import InputError, shown
from workloads.grammar.quantities import binary_bytes
from workloads.table import Kind, LayerTable, deduplicate, fingerprint

if TYPE_CHECKING:
    import pandas

MOST_DESIGNS: Final = 20_000
"""Designs that a page shows; of a larger front the best in each objective, and others spread evenly."""
_MOST_FILES: Final = 2_000
"""Designs whose machine file a page carries, besides those with every operation."""
_MOST_SHEETS: Final = 24
"""Designs with a data sheet, whose area by component takes a tenth of a second each."""
_BLOCK: Final = 32
BACKGROUND: Final = 2_000


def page(front: Designs, network: Any = None, details: int = 200) -> str:
    """Write the page.

    Parameters
    ----------
    front
        The front.
    network
        The network that it is of: operations are then in its order, each apart. Found by itself where the
        network is a built-in one; without it those that are alike are one, by the name of the first.
    details
        Designs that carry every operation: knee and extremes, and others spread evenly.

    Returns
    -------
    str
        HTML that needs nothing else, plotly.js included.

    Raises
    ------
    MissingLibraryError
        If plotly is not installed.
    ValueError
        If the front is empty, or `details` is negative.

    """
    if not len(front):
        raise InputError("to_html: the front has no designs")
    if isinstance(details, bool) or not isinstance(details, int) or details < 0:
        raise InputError(f"details must be a whole number, at least 0, got {shown(details)}", path="details")
    script = plotly()
    data = data_of(front, network, details)
    title = f"{front.space.name} on {front.network}"
    return written(title, repr(front), front.notes, assumptions(front), data, script)


def data_of(front: Designs, network: Any = None, details: int = 200) -> dict[str, Any]:
    """Everything that the page shows, as plain data."""
    rows = _shown(front)
    frame = front.frame.iloc[rows]
    named = _named(front, rows)
    chosen = _spread(len(rows), named, details)
    sheets = _spread(len(rows), named, min(details, _MOST_SHEETS))
    lines = Lines()
    space = front.space
    filed = range(len(rows)) if len(rows) <= _MOST_FILES else sheets
    machines = {row: space[int(frame.index[row])] for row in sorted({*filed, *sheets})}
    return {
        "space": space.name,
        "network": front.network,
        "total": len(front),
        "objectives": [{"column": o.column, "maximise": o.maximise} for o in front.objectives],
        "index": frame.index.tolist(),
        "named": named,
        "columns": _columns(front, frame),
        "background": _background(front),
        "parts": parts(frame),
        "sheets": {row: lines.number(str(machines[row])) for row in sheets},
        "files": {row: lines.number(text) for row in filed if (text := machine_text(machines[row]))},
        "python": _python(front),
        "operations": _operations(front, network, {row: int(frame.index[row]) for row in chosen}),
        "tensors": _tensors(front, network, {row: machines[row] for row in sheets if row in named}),
        "lines": lines.texts,
        "provenance": getattr(front, "provenance", None),
    }


def _shown(front: Designs) -> list[int]:
    """Rows of the front that the page shows."""
    if len(front) <= MOST_DESIGNS:
        return list(range(len(front)))
    spread = np.linspace(0, len(front) - 1, MOST_DESIGNS - len(front.objectives) - 1).astype(int).tolist()
    return sorted({*spread, knees.knee(front.values)[0], *knees.extremes(front.values)})


def _named(front: Designs, rows: Sequence[int]) -> dict[int, str]:
    """Position among the rows shown -> what the design is called."""
    names: dict[int, list[str]] = {}
    for name, index in front.designs()["index"].items():
        row = int(np.flatnonzero(front.frame.index.to_numpy() == index)[0])
        names.setdefault(rows.index(row), []).append(str(name))
    return {row: ", ".join(called) for row, called in names.items()}


def _spread(designs: int, named: Iterable[int], wanted: int) -> list[int]:
    """Positions of so many designs, those with a name first."""
    even = np.linspace(0, designs - 1, min(wanted, designs)).astype(int).tolist()
    return sorted(list(dict.fromkeys([*named, *even]))[:wanted])


def _columns(front: Designs, frame: "pandas.DataFrame") -> list[dict[str, Any]]:
    """Axes, then objectives, then other metrics; each with what writes and places its values."""
    first = [objective.column for objective in front.objectives]
    metrics = [*first, *(name for name in frame if name in METRICS and name not in first)]
    return [
        *(_axis(front, frame, field) for field in front.space.fields),
        *(metric(frame, str(name)) for name in metrics),
    ]


def _axis(front: Designs, frame: "pandas.DataFrame", field: str) -> dict[str, Any]:
    """Field of the machine, with every value that the space has of it."""
    given = next(one for one in front.space.axes if field in one.fields)
    return axis(field, list(dict.fromkeys(given.column(field).tolist())), frame[field].tolist())


def _background(front: Designs) -> dict[str, list[float | None]]:
    """Objectives of other configurations."""
    step = max(1, -(-len(front.background) // BACKGROUND))
    return {
        str(name): [short(value) for value in front.background[name].iloc[::step].tolist()]
        for name in front.background
    }


def _python(front: Designs) -> str:
    """Name that loads the base of the space, where `replace` with a design's axis values gives the design."""
    space = front.space
    base = space.base
    if base.name not in hwmodels.names() or hwmodels.load(base.name) != base:
        return ""
    index = int(front.frame.index[0])
    try:
        same = base.replace(space.configuration(index)) == space[index]
    except (ValueError, TypeError, KeyError):
        return ""
    return str(base.name) if same else ""


def _operations(front: Designs, network: Any, designs: dict[int, int]) -> dict[str, Any] | None:
    """What each operation takes on some designs; None for several networks, which have no one order."""
    if len(front.work.members) != 1:
        return None
    names, layers = _order(front, network)
    model, effort = front.space.model, effort_of(front.schedule)
    bounds = model.bounds(front.space.base)
    repeats = np.asarray(layers.repeats)
    rows = list(designs)
    found = {}
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        configs = front.space.pack(np.array([designs[row] for row in block], dtype=np.int64))
        for position, row in enumerate(block):
            table = model.operations(layers, configs, front.mapping_objective, position, effort)
            found[row] = {
                "latency_s": [short(value) for value in (table["latency_s"] * repeats).tolist()],
                "energy_j": [short(value) for value in (table["energy_j"] * repeats).tolist()],
                "bound": table["bound"].tolist(),
            }
    return {"names": names, "bounds": list(bounds), "designs": found}


def _tensors(front: Designs, network: Any, machines: dict[int, Any]) -> dict[int, list[list[str]]]:
    """Where tensors live on the designs with names, as `Result.schedule` says it, if any may stay."""
    if front.schedule is None or len(front.work.members) != 1:
        return {}
    names, layers = _order(front, network)
    found = {}
    for row, machine in machines.items():
        effort = effort_of(front.schedule)._replace(kept={})
        result = Result(front.network, machine, front.mapping_objective, layers, tuple(names), effort)
        table = result.schedule().assign(bytes=lambda rows: rows["bytes"].map(binary_bytes))
        found[row] = table.astype(str).to_numpy().tolist()
    return found


def _order(front: Designs, network: Any) -> tuple[list[str], LayerTable]:
    """Operations by name and in order, where the network is at hand; otherwise as the front merged them."""
    layers = front.layers
    known = network if network is not None else _built_in(front.network)
    for batch in (None, int(layers.n.max())):
        try:
            table = known.table(batch)
        except (AttributeError, ValueError):
            continue
        if fingerprint(layers) in (fingerprint(table), fingerprint(deduplicate(table)[0])):
            return [str(name) for name in known.row_names], table
    rows = front.work.members[0].rows
    if len(rows) == layers.rows:
        return list(rows), layers
    return [_described(layers, row) for row in range(layers.rows)], layers


def _built_in(name: str) -> Any:
    return workloads.load(name) if name in workloads.names() else None


def _described(layers: LayerTable, row: int) -> str:
    """Kind and dimensions of an operation without a name."""
    size = " ".join(
        f"{letter.upper()}{getattr(layers, letter)[row]}"
        for letter in "ngkcpqrs"
        if getattr(layers, letter)[row] > 1
    )
    times = f", {layers.repeats[row]} times" if layers.repeats[row] > 1 else ""
    return f"{Kind(layers.kind[row]).name.lower()} {size}".strip() + times
