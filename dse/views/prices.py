"""Figures of the price tables: energy against the size of a buffer, and against the node."""

from pathlib import Path

from matplotlib.figure import Figure

from hwmodels.components.component import catalogue

NODES = (65, 45, 28, 22, 16, 10, 7, 5)
DRAWN = ("multiply int8", "add int32", "multiply fp16", "flip-flop", "sram 32768 B x 64 bit")
SIZED = (45, 22, 7)


def draw_prices(path: str | Path) -> None:
    """Write a figure of the components' energies: buffers by capacity, some components by node.

    Raises
    ------
    ValueError
        If the file's ending is none that can be drawn.

    """
    figure = Figure(figsize=(7, 3), layout="constrained")
    by_size, by_node = figure.subplots(1, 2)
    for node in SIZED:
        buffers = [one for one in catalogue(node) if one.family == "sram"]
        sizes = [int(one.name.split()[1]) for one in buffers]
        energies = [one.actions["read"].energy_pj for one in buffers]
        by_size.plot(sizes, energies, marker="o", markersize=3, label=f"{node} nm")
    by_size.set(xscale="log", yscale="log", xlabel="buffer [B], 64 bit", ylabel="read [pJ]")
    found = {node: {one.name: one for one in catalogue(node)} for node in NODES}
    for name in DRAWN:
        energies = [next(iter(found[node][name].actions.values())).energy_pj for node in NODES]
        by_node.plot(NODES, energies, marker="o", markersize=3, label=name)
    by_node.set(xscale="log", yscale="log", xlabel="node [nm]", ylabel="energy [pJ]")
    by_node.set_xticks(NODES, [str(node) for node in NODES])
    by_node.minorticks_off()
    for axes in (by_size, by_node):
        axes.legend(fontsize=7)
    figure.savefig(path)
