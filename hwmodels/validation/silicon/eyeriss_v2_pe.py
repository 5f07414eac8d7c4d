"""Layers of a pruned MobileNet on one PE of Eyeriss v2, with what is known of their zeros."""

from dataclasses import dataclass

import numpy as np

from hwmodels.components.tables import column, read
from hwmodels.presets import load
from hwmodels.question import Question
from workloads.errors import InputError
from workloads.table import Kind, LayerTable, blank_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointwise:
    """A 1x1 convolution of a pruned MobileNet-0.5 at 128 x 128; densities as published, to two digits."""

    name: str
    channels: int
    filters: int
    side: int
    input_density: float
    weight_density: float


LAYERS = tuple(
    Pointwise(name=name, channels=c, filters=m, side=e, input_density=a, weight_density=w)
    for name, c, m, e, a, w in (
        ("L07", 64, 64, 32, 0.73, 0.52),
        ("L09", 64, 128, 16, 0.86, 0.82),
        ("L13", 128, 256, 8, 0.83, 0.64),
        ("L19", 256, 256, 8, 0.61, 0.55),
        ("L21", 256, 256, 8, 0.64, 0.60),
        ("L23", 256, 256, 8, 0.61, 0.70),
        ("L25", 256, 512, 4, 0.68, 0.65),
        ("L27", 512, 512, 4, 0.58, 0.30),
    )
)
"""github Accelergy-Project/micro22-sparseloop-artifact@de0374a."""


def located() -> tuple[str, ...]:
    """Names of the layers whose masks were counted, channel by channel."""
    return tuple(dict.fromkeys(row["layer"] for row in read("mobilenet_masks")))


def table(layer: Pointwise, *, by_channel: bool) -> LayerTable:
    """One row for a layer.

    Parameters
    ----------
    layer
        The layer.
    by_channel
        Effectual multiply-accumulates from the non-zeros of both operands in each channel, or from the two
        densities alone.

    Raises
    ------
    ValueError
        If the masks of the layer were not counted.

    """
    c, m, e = layer.channels, layer.filters, layer.side
    shape = {"k": m, "c": c, "p": e, "q": e, "in_rows": e, "in_cols": e, "kind": int(Kind.NEST)}
    elements = {"weight_elements": m * c, "read_elements": c * e * e, "write_elements": m * e * e}
    one = blank_table(1)._replace(**{name: np.array([value]) for name, value in (shape | elements).items()})
    weight, activation = layer.weight_density, layer.input_density
    effectual = float(one.macs[0]) * weight * activation
    if by_channel:
        rows = [row for row in read("mobilenet_masks") if row["layer"] == layer.name]
        if not rows:
            raise InputError(
                f"table: the masks of {layer.name} were not counted, only of {', '.join(located())}"
            )
        weights, inputs = column(rows, "weights"), column(rows, "inputs")
        effectual = float(weights @ inputs)
        weight, activation = float(weights.sum()) / (m * c), float(inputs.sum()) / (c * e * e)
    return one._replace(
        weight_density=np.array([weight]),
        input_density=np.array([activation]),
        effectual_macs=np.array([effectual]),
    )


def cycles(layer: Pointwise, *, by_channel: bool) -> float:
    """Compute cycles of the PE; see `table`."""
    rows = table(layer, by_channel=by_channel)
    return float(Question(rows, load("eyeriss_v2_pe"), "latency").operations()["compute_cycles"][0])
