"""The figure of a joint search: accuracy against a cost, another cost as colour, machines at their pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from dse.metrics import describe
from dse.results.codesigned import Codesigned
from dse.space.words import design_cells
from dse.views.paper import paper
from workloads.errors import InputError
from workloads.grammar.quantities import si

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

_HEIGHT_INCHES: Final = {"column": 2.9, "page": 3.6}
_GREYS: Final = ("#888888", "#b0b0b0", "#d0d0d0")


def draw(found: Codesigned, others: Sequence[Codesigned] = (), *, width: str = "column") -> "Figure":
    """Draw a joint front, others behind it for comparison.

    Parameters
    ----------
    found
        The front.
    others
        Fronts of the same objectives, in grey, named by their strategy.
    width
        "column" (3.5 in) or "page" (7 in).

    Raises
    ------
    ValueError
        If another front has other objectives.

    """
    costs = [one for one in found.objectives if one.column != "accuracy"]
    for other in others:
        if other.objectives != found.objectives:
            raise InputError("plot: fronts of different objectives do not lie in one figure")
    with paper(width, _HEIGHT_INCHES.get(width, 3.0)) as figure:
        axes = figure.add_subplot()
        x = costs[0].column
        for other, grey in zip(others, _GREYS, strict=False):
            axes.scatter(
                other.frame[x], 100 * other.frame["accuracy"], s=10, c=grey, marker="s", label=other.strategy
            )
        colour = np.log10(found.frame[costs[1].column].to_numpy(dtype=float)) if len(costs) > 1 else None
        points = axes.scatter(
            found.frame[x],
            100 * found.frame["accuracy"],
            s=14,
            c=colour if colour is not None else "#1f77b4",
            cmap="viridis",
            label=found.strategy,
        )
        axes.set_xscale("log")
        title, unit = describe(x)
        axes.set_xlabel(f"{title} ({unit})" if unit else title)
        axes.set_ylabel("Accuracy (%)")
        if colour is not None:
            title, unit = describe(costs[1].column)
            bar = figure.colorbar(points, ax=axes)
            bar.set_label(f"log10 {title.lower()} ({unit})")
        lines = []
        for letter, (names, row) in zip("ABCDEF", _marked(found), strict=False):
            axes.annotate(letter, (row[x], 100 * row["accuracy"]), xytext=(3, 3), textcoords="offset points")
            design = found.space.configuration(int(row["machine"]))
            machine = ", ".join(f"{head} {text}" for head, text in design_cells(found.space, design)[:3])
            price = si(float(row[x]), describe(x).unit)
            lines.append(f"{letter} {', '.join(names)}: {100 * row['accuracy']:.1f} %, {price}; {machine}")
        figure.supxlabel("\n".join(lines), fontsize=5, x=0.01, ha="left")
        if others:
            axes.legend(fontsize=6)
    return figure


def _marked(found: Codesigned) -> "list[tuple[list[str], pandas.Series]]":
    """Return the designs with names; one that has several is there once, under all of them."""
    marked: dict[tuple[int, int], tuple[list[str], pandas.Series]] = {}
    for name, row in found.designs().iterrows():
        names, _ = marked.setdefault((int(row["network"]), int(row["machine"])), ([], row))
        names.append(str(name))
    return list(marked.values())
