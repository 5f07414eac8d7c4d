"""The figure of a joint search: accuracy against a cost, another cost as colour, machines at their pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dse.metrics import show_metric
from dse.results.codesigned import Codesigned
from dse.space.words import design_cells
from dse.views.front_drawing import draw_front
from dse.views.picture import Mark, Picture, Scale
from dse.views.style import small_pt
from dse.views.units import Unit, as_numbers, is_log, unit_of
from workloads.errors import InputError

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_GREYS: Final = ("#6e6e6e", "#989898", "#bdbdbd")
_SYMBOLS: Final = "sDP^vXp"
_OTHERS: Final = ("s", "^", "D")


def draw(
    found: Codesigned,
    others: Sequence[Codesigned] = (),
    ax: "Axes | None" = None,
    *,
    width: str | float = "column",
) -> "Axes":
    """Draw a joint front, others behind it for comparison.

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
    picture = joint_picture(found)
    axes = draw_front(picture, ax, width=width)
    size = (0.4 * small_pt()) ** 2
    for other, grey, marker in zip(others, _GREYS, _OTHERS, strict=False):
        axes.scatter(
            other.frame[picture.x.column],
            other.frame["accuracy"],
            s=size,
            c=grey,
            marker=marker,
            zorder=2,
            label=f"{other.strategy} ({len(other)})",
        )
    if others:
        axes.add_artist(axes.get_legend())  # type: ignore[arg-type]
        beside = axes.legend(loc="lower right", fontsize=small_pt(), frameon=False, handletextpad=0.3)
        beside.set_in_layout(False)
    return axes


def joint_picture(found: Codesigned) -> Picture:
    """Collect what the figure shows: the first cost across, accuracy up, the second cost as colour."""
    costs = [one.column for one in found.objectives if one.column != "accuracy"]
    if not costs:
        raise InputError("figure: a joint front needs a cost beside the accuracy")
    scales = [_scale(found, name) for name in costs[:2]]
    accuracy = as_numbers(found.frame["accuracy"].to_numpy())
    up = Scale("accuracy", Unit("Accuracy (%)", 0.01), accuracy, accuracy[:0], False)
    return Picture(
        x=scales[0],
        y=up,
        colour=scales[1] if len(scales) > 1 else None,
        maximise=(False, True),
        marks=_marks(found),
        line=len(found.objectives) == 2,
        said=(f"{found.strategy}, {len(found.trainings)} trainings, {found.evaluations:,} pairs costed",),
    )


def _scale(found: Codesigned, name: str) -> Scale:
    values = as_numbers(found.frame[name].to_numpy())
    return Scale(name, unit_of(name, values), values, values[:0], is_log(values))


def _marks(found: Codesigned) -> tuple[Mark, ...]:
    """The pairs with names; one that has several is there once, under all of them."""
    named: dict[int, tuple[list[str], pandas.Series]] = {}
    keys = found.frame[["network", "machine"]].to_numpy()
    for name, row in found.designs().iterrows():
        place = int(np.flatnonzero((keys == [row["network"], row["machine"]]).all(axis=1))[0])
        named.setdefault(place, ([], row))[0].append(str(name))
    marks = []
    for number, (place, (names, row)) in enumerate(named.items()):
        machine = found.space.configuration(int(row["machine"]))
        fields = (field for field in found.networks.fields if f"net.{field}" in row)
        cells = [
            ("pair", f"{int(row['network'])}, {int(row['machine'])}"),
            *((field, _text(row[f"net.{field}"])) for field in fields),
            *design_cells(found.space, machine),
        ]
        for one in found.objectives:
            value = float(row[one.column])
            percent = one.column == "accuracy"
            cells.append(
                (one.title.lower(), f"{100 * value:.1f} %" if percent else show_metric(one.column, value))
            )
        symbol = "*" if "knee" in names else _SYMBOLS[number % len(_SYMBOLS)]
        marks.append(Mark(", ".join(names), tuple(cells), place, symbol, len(found.objectives)))
    return tuple(marks)


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
