"""The roofline: what every operation reaches, under what the machine could."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from dse.views.labels import write_names
from dse.views.legend import finish
from dse.views.operations import FloatArray, operations_of
from dse.views.paper import panel
from dse.views.style import INK, MARKERS, OKABE_ITO, QUIET, RULE, small_pt
from dse.views.units import Unit, dress
from workloads.errors import InputError
from workloads.grammar.quantities import si
from workloads.table import Kind
from workloads.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dse.results.evaluation import Result

_APART: Final = 0.8
"""A memory that is reached to a smaller share of its peak has a slope of its own."""
_MOST_NAMED: Final = 3
"""Operations of the longest latency have names, one of those that lie together."""


class Roofline(NamedTuple):
    """What a roofline shows; work is multiply-accumulates, of operations without any vector operations."""

    title: str
    names: tuple[str, ...]
    bounds: tuple[str, ...]
    intensity: FloatArray  # work per byte of main memory; infinite where nothing crosses it
    rate: FloatArray  # work per second
    share: FloatArray  # of the network's latency
    peak: float  # multiply-accumulates per second
    vector_peak: float  # vector operations per second; NaN where not known
    bandwidth: float  # bytes per second, of the memory's interface at its peak, of several links together
    sustained: float  # most that an operation reaches, behind rows, bursts and the machine's own link
    free: int  # operations that take no time of their own


def roofline_of(result: "Result") -> Roofline:
    """Collect every operation of a result.

    Raises
    ------
    ValueError
        If the machine cannot run the network, or its model does not tell its peak.

    """
    machine: Any = result.accelerator
    peak = float(getattr(machine, "peak_macs_per_s", np.nan))
    if not np.isfinite(peak):
        raise InputError(
            f"roofline: the model of {machine.name} ({machine.model.name}) does not tell its peak"
        )
    operations = operations_of(result)
    shown = np.flatnonzero((operations.latency_s > 0) & (operations.work > 0))
    lanes = getattr(machine, "lanes", 0) or getattr(machine, "vector_lanes", 0)
    if not lanes and not getattr(machine, "modules", ()):
        lanes = getattr(getattr(machine, "array", None), "cols", 0)
    with np.errstate(divide="ignore"):
        intensity = operations.work[shown] / operations.bytes[shown]
    return Roofline(
        operations.title,
        tuple(operations.names[row] for row in shown),
        tuple(operations.bounds[row] for row in shown),
        intensity,
        operations.work[shown] / operations.latency_s[shown],
        operations.latency_s[shown] / operations.latency_s.sum(),
        peak,
        lanes * machine.clock_hz if lanes and (operations.kinds[shown] != Kind.NEST).any() else np.nan,
        _interface(machine),
        _sustained(result),
        len(operations.names) - len(shown),
    )


def _interface(machine: Any) -> float:
    """Bytes per second that main memory hands over at most: by the links of its levels, or its own."""
    own = float(machine.main_memory.bandwidth_bytes_per_s)
    outside = [level for level in getattr(machine, "levels", ()) if level.off_chip]
    return sum(level.bytes_per_s or own for level in outside) if outside else own


def _sustained(result: "Result") -> float:
    """Most bytes per second of transfer that an operation reaches; NaN where none is known."""
    table = result.operations
    moved = (table["dram_read_bytes"] + table["dram_write_bytes"]).to_numpy(dtype=np.float64)
    seconds = table["dram_s"].to_numpy(dtype=np.float64) if "dram_s" in table else np.zeros(len(table))
    known = (seconds > 0) & (moved > 0)
    return float((moved[known] / seconds[known]).max()) if known.any() else np.nan


def draw_roofline(roofline: Roofline, ax: "Axes | None" = None, *, width: str | float = "column") -> "Axes":
    """Draw every operation of a network under the roofs of a machine.

    Parameters
    ----------
    roofline
        What `roofline_of` returned.
    ax
        Axes to draw on; by default those of a new figure.
    width
        "column", "page" or inches, of a new figure.

    Returns
    -------
    Axes
        Work per byte across, work per second up. Markers are as large as the operation's share of latency;
        shapes and colours tell what it waits for; an operation that needs nothing of main memory stands at
        the right edge.

    """
    inside = np.isfinite(roofline.intensity)
    ridge = roofline.peak / roofline.bandwidth
    known = roofline.intensity[inside]
    slow = roofline.peak / np.fmin(roofline.bandwidth, roofline.sustained)
    low = min(ridge / 8, float(known.min(initial=ridge))) / 1.5
    high = max(ridge * 8, 1.5 * slow, float(known.max(initial=ridge))) * 2.0
    floor = float(roofline.rate.min(initial=roofline.peak / 100)) / 2.0
    with panel(ax, width, -0.72 if width == "column" else -0.5) as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        _draw_roof(axes, roofline.peak, roofline.bandwidth, (low, high), "MACs")
        slopes = f"main memory: {si(roofline.bandwidth, 'B/s')}"
        if roofline.sustained < _APART * roofline.bandwidth:
            slopes += f", dashed the {si(roofline.sustained, 'B/s')} that operations reach"
            _draw_sustained(axes, roofline.peak, roofline.sustained, low)
        if np.isfinite(roofline.vector_peak):
            _draw_roof(axes, roofline.vector_peak, roofline.bandwidth, (low, high), "vector operations")
        places = np.where(inside, roofline.intensity, high / 1.15)
        axes.set_xlim(low, high)
        axes.set_ylim(floor, 3.0 * roofline.peak)
        handles = _draw_operations(axes, roofline, places)
        dress(axes.xaxis, Unit("MACs or vector operations per main-memory byte", 1.0), high / low, 7)
        power = 10.0 ** (3 * np.floor(np.log10(roofline.peak) / 3))
        prefix = {1e3: "k", 1e6: "M", 1e9: "G", 1e12: "T", 1e15: "P"}.get(float(power), "")
        unit = Unit(f"Work per second ({prefix}op/s)", float(power) if prefix else 1.0)
        dress(axes.yaxis, unit, 3.0 * roofline.peak / floor, 7)
        axes.grid(True, color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        said = [roofline.title, "marks as large as their share of latency", slopes]
        if roofline.free:
            verb = "takes" if roofline.free == 1 else "take"
            said.append(f"{counted(roofline.free, 'operation')} {verb} no time of their own")
        if not inside.all():
            said.append(f"{int((~inside).sum()):,} at the right edge need nothing of main memory")
        finish(axes, ax, handles, said)
    return axes


def _draw_roof(axes: "Axes", peak: float, bandwidth: float, ends: tuple[float, float], what: str) -> None:
    """A slope of the memory and a roof of the units."""
    ridge = peak / bandwidth
    axes.plot(
        [min(ends[0], ridge), ridge, ends[1]],
        [min(ends[0], ridge) * bandwidth, peak, peak],
        color=INK,
        zorder=2,
    )
    axes.annotate(
        f"{si(peak, 'op/s')}, {what}",
        (ends[1], peak),
        (-2, 2),
        textcoords="offset points",
        ha="right",
        fontsize=small_pt(),
        color=INK,
    )


def _draw_sustained(axes: "Axes", peak: float, sustained: float, low: float) -> None:
    """The slope that operations see."""
    ridge = peak / sustained
    axes.plot([low, ridge], [low * sustained, peak], color=INK, linestyle="--", linewidth=0.8, zorder=2)


def _draw_operations(axes: "Axes", roofline: Roofline, places: FloatArray) -> list[tuple[Any, str]]:
    """Operations by what they wait for; the longest have names."""
    bounds = list(dict.fromkeys(sorted(roofline.bounds, key=roofline.bounds.count, reverse=True)))
    of = np.array(roofline.bounds)
    handles: list[tuple[Any, str]] = []
    for code, bound in enumerate(bounds):
        mine = of == bound
        colour, marker = OKABE_ITO[code % len(OKABE_ITO)], MARKERS[code % len(MARKERS)]
        axes.scatter(
            places[mine],
            roofline.rate[mine],
            s=(0.25 * small_pt()) ** 2 + 12 * small_pt() * roofline.share[mine],
            c=colour,
            marker=marker,
            alpha=0.75,
            linewidths=0.4,
            edgecolors=INK,
            zorder=3,
        )
        handle = Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=0.55 * small_pt())
        handles.append((handle, f"{bound} ({int(mine.sum())})"))
    _name_longest(axes, roofline, places)
    return handles


def _name_longest(axes: "Axes", roofline: Roofline, places: FloatArray) -> None:
    """Names of the operations of the longest latency, clear of marks, roofs and one another."""
    dots = axes.figure.dpi / 72
    marks = axes.transData.transform(np.column_stack([places, roofline.rate]))
    edges = 0.35 * small_pt() * dots * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    chosen: list[int] = []
    for row in np.argsort(-roofline.share, kind="stable"):
        room = np.array([9, 1.6]) * small_pt() * dots
        if not any((np.abs(marks[row] - marks[one]) < room).all() for one in chosen):
            chosen.append(int(row))
        if len(chosen) == _MOST_NAMED:
            break
    write_names(
        axes,
        [roofline.names[row] for row in chosen],
        [(float(places[row]), float(roofline.rate[row])) for row in chosen],
        np.concatenate([(marks[:, None] + edges).reshape(-1, 2), _along_roofs(axes, roofline)]),
        np.zeros((0, 2)),
        colour=QUIET,
    )


def _along_roofs(axes: "Axes", roofline: Roofline) -> FloatArray:
    """Points of the slope, of the roofs and of what is written over them, in pixels."""
    low, high = axes.get_xlim()
    across = np.geomspace(low, high, 80)
    lines = []
    for peak in (roofline.peak, roofline.vector_peak):
        line = axes.transData.transform(np.column_stack([across, np.fmin(peak, across * roofline.bandwidth)]))
        text = line[line.shape[0] // 2 :] + np.array([0, 0.7 * small_pt() * axes.figure.dpi / 72])
        lines += [line, text]
    points = np.concatenate(lines)
    return np.asarray(points[np.isfinite(points).all(axis=1)])
