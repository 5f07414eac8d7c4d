"""What formats and zeros make of one nest on one configuration, whatever its tiles, buffers and rates.

Configurations that differ in nothing else take it from one another: an expected number of non-empty groups or
of cycles that lanes wait is a sum or a logarithm for each, and takes longer than what is made of it.
"""

from typing import Final, NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.two_level.formats import Stored, matrix_rows, stored
from hwmodels.kernels.two_level.rows import CAUSES, NEST, Config, Layer, config_row, layer_row
from hwmodels.kernels.two_level.sparse import Shares, shares
from workloads.table import FloatMatrix


@kernel
def stored_weight(layer: Layer, config: Config, filters: float, elements: float) -> Stored:
    """Bytes of a weight; rows of the format are filters."""
    return stored(
        config.weight,
        layer.weight_bits,
        layer.weight_density,
        elements,
        matrix_rows(config.weight, filters, elements / filters),
        config.mask_capacity_bytes,
    )


@kernel
def stored_input(layer: Layer, config: Config, channels: float, plane: float, images: float) -> Stored:
    """Bytes of an input element of so many channels (images counted in); see `matrix_rows`.

    Each image is stored by itself: its coordinates need not tell images apart, and a batch takes no more than
    its images do.
    """
    return stored(
        config.input,
        layer.input_bits,
        layer.input_density,
        channels * plane / images,
        matrix_rows(config.input, channels / images, plane),
        config.mask_capacity_bytes,
    )


@kernel
def stored_output(layer: Layer, config: Config, channels: float, plane: float, images: float) -> float:
    """Bytes of an output in main memory; see `stored_input`."""
    rows, elements = matrix_rows(config.output, channels / images, plane), channels * plane / images
    return stored(config.output, layer.output_bits, layer.output_density, elements, rows, 0.0).dram


class Spared(NamedTuple):
    """Shares of the dense work that are left, and the bytes of an element of each operand."""

    share: Shares
    weight: Stored
    input: Stored
    output_b: float  # in main memory


@kernel
def nest_spared(layer: Layer, config: Config) -> Spared:
    """What formats and zeros make of a nest on a configuration."""
    images = float(layer.n)
    filters = float(layer.g) * float(layer.k)
    window = float(layer.r * layer.s)
    weights = filters * float(layer.c) * window
    macs = float(layer.g) * float(layer.n * layer.p * layer.q) * float(layer.k) * float(layer.c) * window
    plane = float(layer.in_rows * layer.in_cols)
    return Spared(
        share=shares(layer, config, macs),
        weight=stored_weight(layer, config, filters, weights),
        input=stored_input(layer, config, images * float(layer.g) * float(layer.c), plane, images),
        output_b=stored_output(
            layer, config, images * float(layer.g) * float(layer.k), float(layer.p * layer.q), images
        ),
    )


SPARED: Final = 11
"""Columns that keep a `Spared`, one row for each operation of a network."""


@inlined
def spared_at(kept: FloatMatrix, i: int) -> Spared:
    """Read what is kept of operation `i`."""
    return Spared(
        share=Shares(kept[i, 0], kept[i, 1], kept[i, 2], int(kept[i, 3])),
        weight=Stored(kept[i, 4], kept[i, 5], kept[i, 6]),
        input=Stored(kept[i, 7], kept[i, 8], kept[i, 9]),
        output_b=kept[i, 10],
    )


@kernel
def spares_alike(configs: FloatMatrix, a: int, b: int) -> bool:
    """Whether formats and zeros make the same of every nest on configurations `a` and `b`."""
    same = True
    for column in CAUSES:
        same &= configs[a, column] == configs[b, column]
    return same


@kernel
def keep_spared(layers: FloatMatrix, configs: FloatMatrix, c: int, last: int, kept: FloatMatrix) -> int:
    """Keep what formats and zeros make of every nest on configuration `c`; return whose `kept` now is.

    Nothing is to be done where `last`, whose it was (-1: nobody's), is alike.
    """
    if last >= 0 and spares_alike(configs, c, last):
        return last
    config = config_row(configs, c)
    for i in range(layers.shape[0]):
        layer = layer_row(layers, i)
        if layer.kind == NEST:
            share, weight, inputs, output_b = nest_spared(layer, config)
            kept[i, 0], kept[i, 1], kept[i, 2] = share.kept, share.switched, share.time
            kept[i, 3] = share.front_end
            kept[i, 4], kept[i, 5], kept[i, 6] = weight.dram, weight.chip, weight.mask
            kept[i, 7], kept[i, 8], kept[i, 9] = inputs.dram, inputs.chip, inputs.mask
            kept[i, 10] = output_b
    return c
