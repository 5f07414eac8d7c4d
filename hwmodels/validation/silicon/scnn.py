"""SCNN and its dense counterpart on the convolutions of three pruned networks."""

import numpy as np

import workloads
from hwmodels.components.tables import column, read
from hwmodels.presets import load
from hwmodels.question import Question
from workloads.table import Kind, LayerTable, blank_table, take_rows, with_densities

# Caffe's AlexNet: filters, channels of a group, output side, kernel, groups, stride.
ALEXNET = {
    "conv1": (96, 3, 55, 11, 1, 4),
    "conv2_1": (128, 48, 27, 5, 1, 1),
    "conv2_2": (128, 48, 27, 5, 1, 1),
    "conv3": (384, 256, 13, 3, 1, 1),
    "conv4": (192, 192, 13, 3, 2, 1),
    "conv5": (128, 192, 13, 3, 2, 1),
}
ROOMY = 2**34
"""Bytes of buffers that hold every layer: compute cycles alone are compared."""


def _shapes(network: str) -> LayerTable:
    names = [row["layer"] for row in read("pruned_densities") if row["network"] == network]
    if network != "alexnet":
        net = workloads.load(network)
        at = dict(zip(net.row_names, range(len(net.row_names)), strict=True))
        return take_rows(net.table(), np.array([at[name] for name in names]))
    columns = np.array([ALEXNET[name] for name in names]).T
    k, c, side, kernel, g, stride = columns
    pad = np.where(stride > 1, 0, kernel // 2)
    extent = (side - 1) * stride + kernel - 2 * pad
    shape = {"k": k, "c": c, "p": side, "q": side, "r": kernel, "s": kernel, "g": g}
    window = {"stride_p": stride, "stride_q": stride, "pad_top": pad, "pad_left": pad}
    inside = {"in_rows": extent, "in_cols": extent, "kind": np.full(len(names), int(Kind.NEST))}
    return blank_table(len(names))._replace(**(shape | window | inside))


def layers(network: str) -> LayerTable:
    """Convolutions of "alexnet", "googlenet" (its inception modules) or "vgg16", with published densities."""
    rows = [row for row in read("pruned_densities") if row["network"] == network]
    table = _shapes(network)
    weight, activation = column(rows, "weight_density"), column(rows, "input_density")
    return table._replace(
        weight_density=weight, input_density=activation, effectual_macs=table.macs * weight * activation
    )


def cycles(table: LayerTable, machine: str) -> float:
    """Compute cycles of all rows on "scnn" or "scnn_dense"."""
    spec = load(machine)
    roomy = {
        f"buffers.{name}.bytes": ROOMY
        for name in ("weight", "input", "output", "shared")
        if getattr(spec.buffers, name).bytes
    }
    return float(Question(table, spec.replace(roomy), "latency").operations()["compute_cycles"].sum())


def speedup(table: LayerTable) -> float:
    """How much faster SCNN runs rows than its dense counterpart runs them without their zeros."""
    full = with_densities(table, weight=1.0, activation=1.0)
    return cycles(full, "scnn_dense") / cycles(table, "scnn")


def speedup_at(density: float) -> float:
    """Speed-up on GoogLeNet's inception modules with one density for everything."""
    return speedup(with_densities(layers("googlenet"), weight=density, activation=density))


def energy_j(table: LayerTable, machine: str) -> float:
    """Least energy of all rows on "scnn" or "scnn_dense", main memory and leakage included."""
    found = Question(table, load(machine), "energy").operations()
    return float((found["energy_j"] * table.repeats).sum())


def energy_share(table: LayerTable) -> float:
    """Energy of SCNN on rows over that of its dense counterpart on them without their zeros."""
    full = with_densities(table, weight=1.0, activation=1.0)
    return energy_j(table, "scnn") / energy_j(full, "scnn_dense")


def energy_share_at(density: float) -> float:
    """Energy share on GoogLeNet's inception modules with one density for everything."""
    return energy_share(with_densities(layers("googlenet"), weight=density, activation=density))
