"""Figures of made-up data, so that only a change of the drawing changes them; `python -m tests.dse.drawn`.

The command writes their thumbnails, grey levels 0 to f of a coarse grid, into tests/golden/figures.csv.
"""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import dse
from dse.designs import Bar, Frame, Lane, SchedulePicture
from dse.metrics import objectives_of
from dse.results.front import Front
from dse.views.breakdown_figure import draw_breakdown
from dse.views.floorplan_figure import Plan, draw_floorplan
from dse.views.front_drawing import draw_front
from dse.views.front_figure import Shown, front_picture
from dse.views.gains_figure import draw_gains
from dse.views.history_figure import draw_history
from dse.views.layers_figure import draw_layers
from dse.views.levels_figure import Levels, draw_levels
from dse.views.nest_energy import EnergyBars, draw_energy
from dse.views.operations import Operations
from dse.views.picture import Bars
from dse.views.roofline_figure import Roofline, draw_roofline
from dse.views.schedule_figure import draw_schedule as draw_residency
from dse.views.timeline_figure import draw_latency, draw_schedule
from dse.views.waiting_figure import _PANELS, draw_bottlenecks
from dse.views.why_figures import draw_sensitivity, draw_shared
from dse.why.bottlenecks import ENERGY, LATENCY
from dse.why.sensitivity import Sensitivity
from tests.dse import tiny

GOLDEN = Path(__file__).parents[1] / "golden" / "figures.csv"
ACROSS, DPI = 32, 60
OBJECTIVES = objectives_of(("latency_s", "energy_j", "area_mm2"))


def front(shift: float = 1.0) -> Front:
    """A front of made-up metrics over a space of two memories."""
    space = dse.Space("edge_16x16", {"array.rows": [4, 8, 16, 32], "main_memory": ["lpddr4", "hbm2"]})
    rows = []
    for index, memory in enumerate(2 * ["lpddr4", "hbm2"]):
        for step in range(2):
            side = 4 << (index // 2 * 2 + step)
            x = shift * (32 / side) * (1.0 if memory == "lpddr4" else 0.8)
            y = side**0.7 * (1.0 if memory == "lpddr4" else 2.5)
            rows.append((side, memory, 1e-4 * x, 1e-5 * y, 0.5 + side / 40))
    frame = pd.DataFrame(rows, columns=["array.rows", "main_memory", "latency_s", "energy_j", "area_mm2"])
    frame = frame.sort_values("latency_s", ignore_index=True)
    behind = pd.DataFrame(
        {name: np.outer(np.linspace(1.1, 3.0, 9), frame[name]).ravel() for name in ("latency_s", "energy_j")}
    )
    behind["area_mm2"] = 1.0
    layers = dse.evaluate(tiny.network(), "edge_16x16").layers
    return Front(frame, OBJECTIVES, space, "made up", layers, "edp", 80, 72, behind)


def operations() -> Operations:
    """Six operations, the fifth without multiply-accumulates."""
    names = ("conv1", "conv2", "conv3", "conv4", "pool", "fc")
    latency = np.array([3.0, 1.0, 2.0, 1.5, 0.4, 0.8]) * 1e-4
    parts = {"MACs": 0.3, "buffers": 0.25, "leakage and standby": 0.15, "main memory": 0.3}
    energy = np.array([2.0, 1.2, 1.6, 1.0, 0.2, 1.8]) * 1e-5
    work = np.array([9e7, 4e7, 6e7, 3e7, 1e6, 4e6])
    moved = np.array([1e6, 8e5, 5e5, 9e5, 1e6, 4e6])
    density = np.array([1.0, 0.4, 0.3, 0.2, np.nan, 0.1])
    return Operations(
        "made up on a machine",
        names,
        np.array([0, 0, 0, 0, 1, 0]),
        ("compute", "compute", "compute", "main memory", "vector", "main memory"),
        latency,
        energy,
        {name: share * energy for name, share in parts.items()},
        work,
        moved,
        np.array([0.9, 0.7, 0.8, 0.5, np.nan, 0.1]),
        density,
        1 - 0.5 * density,
    )


def roofline() -> Roofline:
    """Those operations under a roof."""
    rows = operations()
    share = rows.latency_s / rows.latency_s.sum()
    rate, intensity = rows.work / rows.latency_s, rows.work / rows.bytes
    return Roofline(rows.title, rows.names, rows.bounds, intensity, rate, share, 4e11, 8e9, 1.5e10, 1.2e10, 2)


def sensitivity() -> Sensitivity:
    """Shares of three axes in two metrics."""
    shares = {"first": [0.5, 0.2, 0.1], "total": [0.7, 0.3, 0.12], "shapley": [0.6, 0.26, 0.11]}
    columns = {(metric, kind): shares[kind] for metric in ("latency_s", "energy_j") for kind in shares}
    frame = pd.DataFrame(columns, index=["array.rows", "main_memory", "buffers.weight.bytes"])
    return Sensitivity(front().space, "made up", frame, None, 80, ())


def shared() -> pd.DataFrame:
    """Values of two axes."""
    index = [("array.rows", "4"), ("array.rows", "8"), ("array.rows", "16")]
    index += [("main_memory", "lpddr4"), ("main_memory", "hbm2")]
    share = [0.25, 0.75, 0.0, 1.0, 0.0]
    return pd.DataFrame(
        {"designs": [2, 6, 0, 8, 0], "share": share},
        index=pd.MultiIndex.from_tuples(index, names=["axis", "value"]),
    )


def bottlenecks() -> Any:
    """What eight designs wait for, drawn."""
    of = front()
    picture = front_picture(of, Shown(None, None, None, None, None, "auto", True))
    ramp = np.linspace(0.2, 0.8, len(of))
    shares = {name: 0.0 * ramp for prefix, _, parts in _PANELS for name in (prefix + part for part in parts)}
    shares |= {LATENCY + "compute": ramp, LATENCY + "main memory": 1 - ramp}
    shares |= {ENERGY + "MACs": 0.4 * ramp, ENERGY + "buffers": 0.6 * ramp, ENERGY + "main memory": 1 - ramp}
    return draw_bottlenecks(pd.DataFrame(shares, index=of.frame.index), picture.x, picture.marks)


def residency() -> SchedulePicture:
    """Five tensors on two lanes."""
    held = (
        Bar("conv1", 0.0, 4e-4, 120e3, ""),
        Bar("conv2", 2e-4, 6e-4, 90e3, ""),
        Bar("pool", 6e-4, 9e-4, 50e3, ""),
    )
    crossing = (Bar("image", 0.0, 2e-4, 3e5, "it enters"), Bar("logits", 8e-4, 1e-3, 4e3, "it leaves"))
    lanes = (Lane("buffers.input", 262144.0, held), Lane("main memory", 0.0, crossing))
    return SchedulePicture(lanes, 1e-3, "made up on a machine: 1 ms")


def fused() -> SchedulePicture:
    """Three groups' tiles on those lanes."""
    tiles = (
        Bar("expand", 0.0, 3e-4, 100e3, ""),
        Bar("depthwise", 2e-4, 4e-4, 60e3, ""),
        Bar("wide", 6e-4, 9e-4, 180e3, ""),
    )
    crossing = (Bar("image", 0.0, 2e-4, 3e5, "it enters"), Bar("narrow", 4e-4, 7e-4, 4e3, "it is apart"))
    frames = (Frame(0.0, 4e-4, "4 tiles"), Frame(6e-4, 9e-4, "1 tile"))
    lanes = (Lane("levels.buffer", 262144.0, tiles), Lane("main memory", 0.0, crossing))
    return SchedulePicture(lanes, 1e-3, "made up on a machine: 1 ms", frames)


def stressed() -> Any:
    """A front with ranges."""
    picture = front_picture(front(), Shown(None, None, None, None, None, None, True))
    ends = [np.stack([0.9 * scale.values, 1.2 * scale.values]) for scale in (picture.x, picture.y)]
    return draw_front(picture._replace(bars=Bars(*ends, np.arange(8) % 2 == 0)))


def plan() -> Plan:
    """Two tiers."""
    rows = [("array", "logic", 0, 3.0), ("weight buffer", "buffer", 0, 1.5), ("fifo", "buffer", 0, 0.1)]
    rows += [("phy", "interface", 0, 2.0), ("rram", "memory", 1, 6.6)]
    return Plan("a machine", pd.DataFrame(rows, columns=["component", "kind", "tier", "area_mm2"]))


def levels() -> Levels:
    """Four components."""
    energy = np.array([[3.0, 2.0, 1.0, 0.0], [0.0, 0.0, 2.0, 0.0], [0.5, 0.1, 0.0, 0.0], [0, 0, 0, 1.5]])
    return Levels("made up on a machine", ("main memory", "sums", "pads", "leakage"), 1e-6 * energy)


def nest_energy() -> Any:
    """Bars of a mapping."""
    return draw_energy(
        EnergyBars(("dram", "pads", "mac"), ("W", "I", "O"), 1e6 * levels().energy_j[:3] * 1e6)
    )


def gains() -> Any:
    """Three networks, over a published range."""
    names = ["resnet50", "vgg16", "lstm"]
    table = {"gain": [0.2, 0.6, 0.4], "gain_least": [0.15, 0.6, 0.3], "gain_most": [0.25, 0.7, 0.4]}
    return draw_gains(pd.DataFrame(table, index=names), (0.12, 1.18))


def history() -> Any:
    """Two searches."""
    steps = pd.DataFrame({"evaluations": [10, 20, 40], "hypervolume": [0.3, 0.5, 0.6], "front": [3, 5, 8]})
    return draw_history({"one": steps, "two": steps.assign(hypervolume=[0.2, 0.55, 0.7])})


FIGURES: dict[str, Callable[[], Any]] = {
    "front": lambda: front().plot(),
    "front on a page": lambda: front().plot(width="page"),
    "front, marked": lambda: front().mark({"latency_s": 4e-4, "energy_j": 3e-4}, "Chen '17").plot(bands=None),
    "matrix": lambda: front().plot("matrix"),
    "parallel": lambda: front().plot("parallel"),
    "parallel on a page": lambda: front().plot("parallel", width="page"),
    "overlay": lambda: dse.overlay({"ours": front(), "theirs": front(1.3)}),
    "stressed": stressed,
    "history": history,
    "sensitivity": lambda: draw_sensitivity(sensitivity()),
    "shared": lambda: draw_shared(shared()),
    "bottlenecks": bottlenecks,
    "energy": lambda: draw_breakdown(operations()),
    "levels": lambda: draw_levels(levels()),
    "roofline": lambda: draw_roofline(roofline()),
    "utilisation": lambda: draw_layers(operations()),
    "schedule": lambda: draw_schedule(operations()),
    "latency": lambda: draw_latency(operations()),
    "floorplan": lambda: draw_floorplan(plan()),
    "residency": lambda: draw_residency(residency()),
    "fused": lambda: draw_residency(fused()),
    "mapping energy": nest_energy,
    "gains": gains,
}


def thumbnail(drawn: Any) -> tuple[int, str]:
    """Rows of the grid, and its grey levels."""
    figure = drawn.get_figure(root=True) if hasattr(drawn, "get_figure") else drawn
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    image = Image.open(picture).convert("L")
    rows = max(1, round(ACROSS * image.height / image.width))
    grid = np.asarray(image.resize((ACROSS, rows), Image.Resampling.BOX), dtype=np.int64)
    return rows, "".join(f"{level * 16 // 256:x}" for level in grid.ravel().tolist())


def goldens() -> dict[str, tuple[int, str]]:
    """Name -> rows and levels, as they were drawn when somebody looked at them."""
    with GOLDEN.open(newline="") as file:
        return {row["figure"]: (int(row["rows"]), row["levels"]) for row in csv.DictReader(file)}


def difference(one: str, other: str) -> tuple[float, int]:
    """Mean and greatest difference of levels."""
    gaps = np.abs(np.array([int(a, 16) - int(b, 16) for a, b in zip(one, other, strict=True)]))
    return float(gaps.mean()), int(gaps.max())


if __name__ == "__main__":
    with GOLDEN.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["figure", "rows", "levels"])
        for name, draw in FIGURES.items():
            writer.writerow([name, *thumbnail(draw())])
    print(f"wrote {GOLDEN.name}; look at the figures before it is kept")
