"""The drawing of a front, which computes nothing but places on paper."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D

from dse.views.density import draw_density
from dse.views.front_figure import span_of
from dse.views.key import make_room
from dse.views.labels import place_names
from dse.views.legend import draw_legend
from dse.views.paper import panel, settle
from dse.views.picture import Bars, FloatArray, Picture, Scale
from dse.views.style import INK, MARKERS, OKABE_ITO, QUIET, RULE, small_pt, text_pt
from dse.views.units import dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROOM: Final = 0.06
"""Share of the front's spread left free on either side."""
_MOST_POINTS: Final = 20_000
"""Designs that are drawn; of more, so many at even steps."""
_MOST_BARS: Final = 60
"""Designs whose ranges are drawn; more would hide the front."""
_DARK: Final = OKABE_ITO[0]
_LIGHTNESS: Final = np.array([0.299, 0.587, 0.114])
_GREYS: Final = ("#6e6e6e", "#989898", "#bdbdbd")


def draw_front(
    picture: Picture, ax: "Axes | None" = None, *, width: str | float = "column", key: bool = True
) -> "Axes":
    """Draw a front.

    Parameters
    ----------
    picture
        What to draw.
    ax
        Axes to draw on; by default those of a new figure, free of pyplot.
    width
        "column", "page" or inches, of a new figure.
    key
        Write below a new figure what the named designs are.

    Returns
    -------
    Axes
        Data lie on them in the columns' own units, so that `ax.scatter(latency_s, energy_j)` lands right;
        limits follow what is drawn later. The grey density is an image in a vector file.

    Raises
    ------
    ValueError
        If the width is none.

    """
    with panel(ax, width, -0.74 if width == "column" else -0.55) as axes:
        figure = axes.get_figure(root=True)
        assert figure is not None
        spans = _draw_axes(axes, picture)
        _follow(axes, spans)
        limits = (*axes.get_xlim(), *axes.get_ylim())
        points = _draw_points(axes, picture)
        if picture.colour is not None:
            _draw_bar(axes, points, picture.colour)
        handles, said = [*_handles(picture), *_draw_rivals(axes, picture)], list(picture.said)
        settle(figure)
        if picture.dominated > 0:
            grey = draw_density(axes, picture.x.background, picture.y.background, limits)
            beyond = _beyond(picture, limits)
            handles.append((grey, f"dominated ({picture.dominated:,})"))
            if beyond > 0:
                share = f"{beyond:.0%}" if beyond >= 0.01 else "< 1%"
                said.append(f"{share} of the dominated lie beyond the axes")
        _follow(axes, spans)
        above = draw_legend(axes, handles, said, own=ax is None)
        if ax is None:
            make_room(figure, picture, points if key else None, above)
        settle(figure)
        place_names(axes, picture)
    return axes


def _draw_axes(axes: "Axes", picture: Picture) -> tuple[float, float, float, float]:
    """Scales, ticks and titles; both ends, of x and of y, of the front and what is marked beside it."""
    spans: list[float] = []
    beside = [mark.place for mark in picture.marks if mark.place is not None]
    for place, (scale, axis) in enumerate(((picture.x, axes.xaxis), (picture.y, axes.yaxis))):
        more = np.array([one[place] for one in beside])
        if picture.rivals:
            more = np.concatenate([more, *(rival[1 + place] for rival in picture.rivals)])
        if picture.bars is not None:
            more = np.concatenate([more, (picture.bars.x, picture.bars.y)[place].ravel()])
        low, high = span_of(scale, more)
        if len(scale.background) and not high - low > 1e-3 * abs(high):  # one design: half of what it beats
            low, high = span_of(scale, np.append(more, np.nanquantile(scale.background, (0.0, 0.5))))
        (axes.set_xscale if place == 0 else axes.set_yscale)("log" if scale.log else "linear")
        if not high - low > 1e-9 * abs(high):
            low, high = low - 0.06 * (abs(low) or 1.0), high + 0.06 * (abs(high) or 1.0)
        spans += [low, high]
        size = axes.get_window_extent()
        dots = axes.figure.dpi / 72
        points = (size.width / 4.2 if place == 0 else size.height / 2.8) / dots
        dress(axis, scale.unit, high / low if scale.log else None, max(3, int(points / small_pt())))
    axes.grid(True, which="major", color=RULE)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return spans[0], spans[1], spans[2], spans[3]


def _follow(axes: "Axes", spans: tuple[float, float, float, float]) -> None:
    """Let the limits be a little around the front, and grow with what a reader draws over it."""
    axes.dataLim.set_points(np.array([[spans[0], spans[2]], [spans[1], spans[3]]]))
    axes.margins(_ROOM)
    axes.set_autoscale_on(True)
    axes.autoscale_view()


def colours() -> Any:
    """Viridis without its palest end, which would drown in white paper."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.94, 256)), name="viridis_on_paper")


def _draw_points(axes: "Axes", picture: Picture) -> Any:
    """The front, its named designs on top; a line along a front in two objectives."""
    x, y, colour, bars = picture.x.values, picture.y.values, picture.colour, picture.bars
    dot = (0.42 * text_pt()) ** 2
    if picture.line:
        order = np.argsort(x, kind="stable")
        steps = "steps-pre" if picture.maximise[0] else "steps-post"
        axes.plot(x[order], y[order], drawstyle=steps, color=_DARK, linewidth=0.8, zorder=2)
    shade: FloatArray | None = None
    shared: dict[str, Any] = {"c": _DARK}
    pale = np.zeros(
        len(x), dtype=bool
    )  # white rims part dark points, dark ones keep pale points in grey print
    if colour is not None:
        shade = colour.values
        low, high = colour.span or span_of(colour)
        norm = (LogNorm if colour.log else Normalize)(low, high)
        shared = {"cmap": colours(), "norm": norm}
        pale = colours()(norm(shade))[:, :3] @ _LIGHTNESS > 0.5
    marked = {mark.row for mark in picture.marks}
    rows = np.array([row for row in range(len(x)) if row not in marked], dtype=np.int64)
    if len(rows) > _MOST_POINTS:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST_POINTS).astype(np.int64)]
    if bars is not None:
        _draw_bars(axes, picture, bars)
        if shade is not None:
            rows = rows[np.argsort(-shade[rows], kind="stable")]  # the improbable ones on top
    codes = np.zeros(len(x), dtype=np.int64) if picture.bands is None else picture.bands.codes
    points: Any = None
    for code in np.unique(codes):
        mine = rows[codes[rows] == code]
        ringed = np.zeros(len(mine), dtype=bool) if bars is None else bars.ringed[mine]
        points = axes.scatter(
            x[mine],
            y[mine],
            s=dot,
            marker=MARKERS[code],
            linewidths=np.where(ringed, 0.8, 0.25).tolist(),
            edgecolors=np.where(ringed if bars is not None else pale[mine], INK, "white").tolist(),
            zorder=3,
            rasterized=len(mine) > _MOST_POINTS // 4,
            **({**shared, "c": shade[mine]} if shade is not None else shared),
        )
    for mark in picture.marks:
        beside = mark.place is not None
        axes.scatter(
            [mark.place[0]] if mark.place is not None else x[[mark.row]],
            [mark.place[1]] if mark.place is not None else y[[mark.row]],
            s=dot * (6.0 if mark.symbol == "*" else 3.2),
            marker=mark.symbol,
            linewidths=0.8,
            edgecolors=INK,
            zorder=5,
            **(
                {"c": "white"}
                if beside
                else {**shared, "c": shade[[mark.row]]}
                if shade is not None
                else shared
            ),
        )
    return points


def _draw_rivals(axes: "Axes", picture: Picture) -> list[tuple[Any, str]]:
    """Other fronts in greys and shapes of their own, and their handles."""
    handles = []
    for number, (name, x, y) in enumerate(picture.rivals):
        grey, marker = _GREYS[number % len(_GREYS)], MARKERS[1 + number % (len(MARKERS) - 1)]
        axes.scatter(x, y, s=(0.4 * text_pt()) ** 2, c=grey, marker=marker, linewidths=0, zorder=2)
        size = 0.42 * text_pt()
        handles.append(
            (
                Line2D([], [], linestyle="none", marker=marker, color=grey, markersize=size),
                f"{name} ({len(x):,})",
            )
        )
    return handles


def _draw_bars(axes: "Axes", picture: Picture, bars: Bars) -> None:
    """Ranges of designs spread evenly along the first objective, those of marked designs among them."""
    order = np.argsort(picture.x.values, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _MOST_BARS).astype(np.int64))]
    marked = {mark.row for mark in picture.marks if mark.row >= 0}
    rows = np.array(sorted({*chosen.tolist(), *marked}), dtype=np.int64)
    style: dict[str, Any] = {"color": "#8f8f8f", "linewidths": 0.6, "zorder": 2}
    axes.hlines(picture.y.values[rows], *bars.x[:, rows], **style)
    axes.vlines(picture.x.values[rows], *bars.y[:, rows], **style)


def _draw_bar(axes: "Axes", points: Any, colour: Scale) -> None:
    """The colour's scale."""
    figure = axes.get_figure(root=False)
    assert figure is not None
    bar = figure.colorbar(points, ax=axes, pad=0.02, aspect=28, fraction=0.05)
    low, high = colour.span or span_of(colour)
    points_high = 72 * axes.get_window_extent().height / axes.figure.dpi
    room = min(8, max(3, int(points_high / (3.0 * small_pt()))))
    dress(bar.ax.yaxis, colour.unit, high / low if colour.log else None, room)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(which="both", length=2)


def _handles(picture: Picture) -> list[tuple[Any, str]]:
    """Handles of the legend: the front, its bands, its bars."""
    size = 0.42 * text_pt()
    number = len(picture.x.values)
    shown = f", {_MOST_POINTS:,} drawn" if number > _MOST_POINTS else ""
    plain: dict[str, Any] = {"linestyle": "none", "markersize": size, "markeredgewidth": 0.3}
    fill = QUIET if picture.colour is not None else _DARK
    marker = {"color": fill, "markeredgecolor": "white", **plain}
    if picture.bands is None:
        return [(Line2D([], [], marker="o", **marker), f"front ({number:,}{shown})")]
    counts = np.bincount(picture.bands.codes, minlength=len(picture.bands.labels))
    return [
        (Line2D([], [], marker=MARKERS[code], **marker), f"{label} ({counts[code]:,}{shown})")
        for code, label in enumerate(picture.bands.labels)
    ]


def _beyond(picture: Picture, limits: tuple[float, float, float, float]) -> float:
    """Share of the dominated outside the limits; the background is a sample that has the front in it, too."""
    x, y = picture.x.background, picture.y.background
    inside = (x >= limits[0]) & (x <= limits[1]) & (y >= limits[2]) & (y <= limits[3])
    outside = 1.0 - float(inside.mean()) if len(inside) else 0.0
    return min(1.0, outside * (1.0 + len(picture.x.values) / picture.dominated))
