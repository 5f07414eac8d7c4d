"""Every figure there is, by name: drawn in tests, and looked at in colour and grey.

`python -m tests.dse.gallery FOLDER [resnet18]` writes each as the styles draw it, at both widths.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dse
import hwmodels
from hwmodels import mapping
from tests.dse import tiny

Draw = Callable[[str], Any]


def figures(network: Any = None, space: Any = None) -> Iterator[tuple[str, Draw]]:
    """Names of figures, each with what draws it at a width."""
    network = network if network is not None else tiny.network()
    space = space if space is not None else tiny.space()
    front = dse.sweep(network, space, progress=False).front()
    knee = front.knee()
    marks = {"latency_s": 1.3 * knee["latency_s"], "energy_j": 1.2 * knee["energy_j"]}
    found = dse.search(network, space, budget=60, strategy="nsga2", seed=1, progress=False)
    stressed = dse.stress(front, samples=20, seed=1, progress=False)
    why, moves = front.explain(), front.sensitivity()
    yield "front", lambda width: front.plot(width=width)
    yield (
        "front_other_columns",
        lambda width: front.plot(x="area_mm2", y="power_w", colour="edp_js", width=width),
    )
    yield "front_marked", lambda width: front.mark(marks, "Chen '17").plot(width=width, bands=None)
    yield "matrix", lambda width: front.plot("matrix", width=width)
    yield "parallel", lambda width: front.plot("parallel", width=width)
    yield "overlay", lambda width: dse.overlay({"all": front, "some": found}, width=width)
    yield "history", lambda width: found.plot("history", width=width)
    yield "stressed", lambda width: stressed.plot(width=width)
    yield "sensitivity", lambda width: moves.plot(width=width)
    yield "shared", lambda width: why.plot("shared", width=width)
    yield "bottlenecks", lambda width: why.plot("bottlenecks", width=width)
    results = {
        "two_level": dse.evaluate(network, "edge_16x16"),
        "levels": dse.evaluate(network, "simba_like"),
        "tiers": dse.evaluate(network, "spring"),
    }
    for kind, result in results.items():
        for what in ("energy", "levels", "roofline", "utilisation", "schedule", "latency", "floorplan"):
            yield f"{kind}_{what}", lambda width, r=result, w=what: r.plot(w, width=width)
    stays = dse.evaluate(network, "edge_32x32", schedule="resident")
    yield "resident", lambda width: stays.plot_schedule(width=width)
    together = dse.choose_together(["lenet5", network])
    yield "together", lambda width: together.plot(width=width)
    layer = mapping.convolution(k=16, c=8, p=6, q=6, r=3, s=3)
    machine = hwmodels.load("eyeriss_v1").architecture
    best = mapping.map_problem(layer, machine, "edp", constraints=hwmodels.load("eyeriss_v1").mapspace)
    yield "mapping", lambda width: dse.draw_mapping(layer, machine, best, width=width)
    yield "mapping_energy", lambda width: dse.draw_mapping_energy(layer, machine, best, width=width)


def main(folder: str, name: str | None = None) -> None:
    """Write every figure as PNG, at both widths."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    space = None
    if name:
        axes = {
            "array.rows": [8, 16, 32, 64],
            "array.cols": [8, 16, 32, 64],
            "array.dataflow": ["os", "ws", "is"],
            "buffers.weight.bytes": dse.powers_of_two("16 KiB", "256 KiB"),
            "main_memory": ["lpddr4", "hbm2"],
        }
        space = dse.Space("edge_32x32", axes, ["area_mm2 <= 3"])
    with dse.style("ieee"):
        for title, draw in figures(name, space):
            for width in ("column", "page"):
                drawn = draw(width)
                figure = drawn.figure if hasattr(drawn, "figure") else drawn
                figure.savefig(place / f"{title}_{width}.png", dpi=150)
                print(title, width, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
