"""The area of a machine, tier by tier: areas to scale, places as they fit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matplotlib.patches import Rectangle

from dse.views.legend import finish
from dse.views.paper import grow, panel
from dse.views.ruler import Ruler, wrapped
from dse.views.style import INK, QUIET, small_pt
from dse.views.units import Unit, dress
from workloads.errors import InputError

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box = tuple[float, float, float, float]  # left, bottom, width, height

_KINDS: Final = {
    "logic": ("#56b4e9", ""),
    "buffer": ("#e69f00", "////"),
    "interface": ("#c8c8c8", "...."),
    "memory": ("#009e73", "\\\\\\\\"),
}
"""Colours of kinds, with hatches for grey print."""


class Plan(NamedTuple):
    """Components of a machine by tier."""

    title: str
    components: "pandas.DataFrame"  # component, kind, tier, area_mm2


def plan_of(machine: Any) -> Plan:
    """Collect the components of a machine that take area.

    Raises
    ------
    ValueError
        If the machine does not tell its components, or none takes area.

    """
    if not callable(getattr(machine, "area_mm2", None)):
        raise InputError(f"floorplan: {machine.name} ({machine.model.name}) does not tell its components")
    table = machine.area_mm2()
    if "tier" not in table:
        table = table.assign(tier=0)
    if "kind" not in table:
        table = table.assign(kind="logic")
    table = table[table["area_mm2"] > 0]
    if not len(table):
        raise InputError(f"floorplan: no component of {machine.name} takes area")
    return Plan(str(machine.name), table.reset_index(drop=True))


def draw_floorplan(plan: Plan, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw each tier as a square of its area, filled with its components.

    Parameters
    ----------
    plan
        What `plan_of` returned.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Millimetres. Areas are to scale; where a component lies on its tier is not modelled.

    """
    tiers = sorted(plan.components["tier"].unique().tolist())
    areas = [float(plan.components.loc[plan.components["tier"] == tier, "area_mm2"].sum()) for tier in tiers]
    sides = [area**0.5 for area in areas]
    gap = 0.12 * max(sides)
    with panel(ax, width, -(0.12 + 0.86 / max(1.0, len(tiers)))) as axes:
        left = 0.0
        centres, labels = [], []
        for tier, side in zip(tiers, sides, strict=True):
            mine = plan.components[plan.components["tier"] == tier].sort_values("area_mm2", ascending=False)
            for (_, row), box in zip(
                mine.iterrows(), squarified(mine["area_mm2"].tolist(), (left, 0.0, side, side)), strict=True
            ):
                colour, hatch = _KINDS.get(str(row["kind"]), _KINDS["logic"])
                axes.add_patch(
                    Rectangle(
                        box[:2], box[2], box[3], facecolor=colour, edgecolor="white", hatch=hatch, lw=0.6
                    )
                )
            centres.append(left + side / 2)
            sink = " (at the heat sink)" if tier == 0 and len(tiers) > 1 else ""
            labels.append(f"tier {tier}{sink}\n{side**2:.3g} mm²")
            left += side + gap
        axes.set_xlim(-0.02 * left, left - gap + 0.02 * left)
        axes.set_ylim(-0.02 * left, 1.02 * max(sides))
        axes.set_aspect("equal")
        axes.set_xticks(centres, labels, parse_math=False)
        axes.tick_params(axis="x", length=0, labelcolor=INK, labelsize=small_pt())
        dress(axes.yaxis, Unit("mm", 1.0), None, 4)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        used = [kind for kind in _KINDS if (plan.components["kind"] == kind).any()]
        handles = [
            (
                Rectangle(
                    (0, 0), 1, 1, facecolor=_KINDS[kind][0], hatch=_KINDS[kind][1], edgecolor="white", lw=0
                ),
                kind,
            )
            for kind in used
        ]
        finish(axes, ax, handles, [plan.title, "areas to scale, places as they fit"])
        _name(axes, ax, plan, (tiers, sides), gap)
    return axes


def _name(
    axes: "Axes",
    ax: "Axes | None",
    plan: Plan,
    squares: tuple[Sequence[int], Sequence[float]],
    gap: float,
) -> None:
    """Write names into the components that have room for them."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    axes.apply_aspect()
    ruler = Ruler(figure, small_pt())
    millimetre = 72 / figure.dpi * (axes.transData.transform((1, 0)) - axes.transData.transform((0, 0)))[0]
    left, unnamed = 0.0, list[str]()
    for tier, side in zip(*squares, strict=True):
        mine = plan.components[plan.components["tier"] == tier].sort_values("area_mm2", ascending=False)
        boxes = squarified(mine["area_mm2"].tolist(), (left, 0.0, side, side))
        for (_, row), box in zip(mine.iterrows(), boxes, strict=True):
            lines = [str(row["component"]), f"{row['area_mm2']:.3g} mm²"]
            wide, high = max(map(ruler, lines)) + 4, 2.6 * small_pt()
            upright = box[2] * millimetre >= wide and box[3] * millimetre >= high
            turned = box[3] * millimetre >= wide and box[2] * millimetre >= high
            if not upright and not turned:
                unnamed.append(", ".join(lines).replace(", ", " "))
                continue
            axes.text(
                box[0] + box[2] / 2,
                box[1] + box[3] / 2,
                "\n".join(lines),
                ha="center",
                va="center",
                rotation=0 if upright else 90,
                fontsize=small_pt(),
                color=INK,
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1.0},
                parse_math=False,
            )
        left += side + gap
    if unnamed and ax is None:
        _list(figure, ruler, unnamed)


def _list(figure: "Figure", ruler: Ruler, unnamed: Sequence[str]) -> None:
    """Write below a figure of our own what had no room for its name."""
    width = 72 * float(figure.get_size_inches()[0])
    lines = wrapped("not named: " + "; ".join(unnamed), width - 8, ruler)
    below = 1.4 * small_pt() * len(lines) + 4
    grow(figure, 0.0, below)
    height = 72 * float(figure.get_size_inches()[1])
    for number, line in enumerate(lines):
        y = (below - 1.4 * small_pt() * (number + 0.8)) / height
        figure.text(4 / width, y, line, fontsize=small_pt(), color=QUIET, parse_math=False)


def squarified(areas: Sequence[float], box: Box) -> list[Box]:
    """Rectangles of given areas that fill a box, as square as they come when cut greedily.

    Parameters
    ----------
    areas
        Positive, greatest first.
    box
        Where they go, of the same area in all.

    Notes
    -----
    Bruls, Huizing and van Wijk, Squarified Treemaps, VisSym 2000.

    Examples
    --------
    >>> squarified([2.0, 1.0, 1.0], (0.0, 0.0, 2.0, 2.0))
    [(0.0, 0.0, 1.0, 2.0), (1.0, 0.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0)]

    """
    boxes: list[Box] = []
    left, bottom, wide, high = box
    rest = list(areas)
    while rest:
        short = min(wide, high)
        count = 1
        while count < len(rest) and _worst(rest[: count + 1], short) <= _worst(rest[:count], short):
            count += 1
        row, rest = rest[:count], rest[count:]
        thick = sum(row) / short if short else 0.0
        place = 0.0
        for area in row:
            long = area / thick if thick else 0.0
            if wide >= high:
                boxes.append((left, bottom + place, thick, long))
            else:
                boxes.append((left + place, bottom, long, thick))
            place += long
        if wide >= high:
            left, wide = left + thick, wide - thick
        else:
            bottom, high = bottom + thick, high - thick
    return boxes


def _worst(row: Sequence[float], short: float) -> float:
    """Greatest ratio of sides in a row laid along a side."""
    total = sum(row)
    return max(max(short**2 * area / total**2, total**2 / (short**2 * area)) for area in row)
