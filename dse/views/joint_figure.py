"""The figure of a joint search: accuracy against a cost, another cost as colour, machines at their pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dse.metrics import show_metric
from dse.results.codesigned import Codesigned
from dse.space.words import design_cells
from dse.views.front_drawing import draw_front
from dse.views.picture import FloatArray, Mark, Picture, Scale
from dse.views.units import as_numbers, is_log, unit_of
from workloads.errors import InputError
from workloads.words import counted

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_SYMBOLS: Final = "sDP^vXp"


def draw(
    found: Codesigned,
    others: Sequence[Codesigned] = (),
    ax: "Axes | None" = None,
    *,
    width: str | float = "column",
) -> "Axes":
    """Draw a joint front, others behind it for comparison: accuracy up, a cost across, another as colour.

    Without accuracy among the objectives the second one goes up.

    Parameters
    ----------
    found
        The front.
    others
        Fronts of the same objectives, in grey, named by their strategy.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Raises
    ------
    ValueError
        If another front has other objectives, or there is no cost beside the accuracy.

    """
    for other in others:
        if other.objectives != found.objectives:
            raise InputError("plot: fronts of different objectives do not lie in one figure")
    return draw_front(joint_picture(found, others), ax, width=width)


def joint_picture(found: Codesigned, others: Sequence[Codesigned] = ()) -> Picture:
    """Collect what the figure shows: the first cost across, accuracy up, the second cost as colour.

    Without accuracy among the objectives the second one goes up.
    """
    costs = [one for one in found.objectives if one.column != "accuracy"]
    high = next((one for one in found.objectives if one.column == "accuracy"), None)
    if high is None and len(costs) > 1:
        high = costs.pop(1)
    if high is None or not costs:
        raise InputError("figure: a joint front needs a cost beside the accuracy")
    scales = [_scale(found, one.column) for one in costs[:2]]
    up = _scale(found, high.column)
    if high.column == "accuracy":
        up = up._replace(log=False)
    return Picture(
        x=scales[0],
        y=up,
        colour=scales[1] if len(scales) > 1 else None,
        maximise=(costs[0].maximise, high.maximise),
        marks=_marks(found),
        line=len(found.objectives) == 2,
        rivals=tuple(_rival(other, costs[0].column, high.column) for other in others),
        said=(
            f"{found.strategy}, {counted(len(found.trainings), 'training')}, "
            f"{counted(found.evaluations, 'pair')} costed",
        ),
    )


def _rival(other: Codesigned, cost: str, high: str) -> tuple[str, FloatArray, FloatArray]:
    """Another front by its strategy."""
    x, y = (as_numbers(other.frame[name].to_numpy()) for name in (cost, high))
    return other.strategy, x, y


def _scale(found: Codesigned, name: str) -> Scale:
    values = as_numbers(found.frame[name].to_numpy())
    return Scale(name, unit_of(name, values), values, values[:0], is_log(values))


def _marks(found: Codesigned) -> tuple[Mark, ...]:
    """The pairs with names; one that has several is there once, under all of them."""
    named: dict[int, tuple[list[str], pandas.Series]] = {}
    for name, row in found.designs().iterrows():
        same = (found.frame["network"] == row["network"]) & (found.frame["machine"] == row["machine"])
        place = int(np.flatnonzero(same)[0])
        named.setdefault(place, ([], row))[0].append(str(name))
    marks = []
    for number, (place, (names, row)) in enumerate(named.items()):
        machine = found.space.configuration(int(row["machine"]))
        fields = [field for field in row.index if str(field).startswith("net.")]
        cells = [
            ("pair", f"{row['network']}, {int(row['machine'])}"),
            *((str(field).removeprefix("net."), _text(row[field])) for field in fields),
            *design_cells(found.space, machine),
        ]
        for one in found.objectives:
            value = float(row[one.column])
            cells.append((one.title.lower(), show_metric(one.column, value)))
        symbol = "*" if "knee" in names else _SYMBOLS[number % len(_SYMBOLS)]
        marks.append(Mark(", ".join(names), tuple(cells), place, symbol, len(found.objectives)))
    return tuple(marks)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
