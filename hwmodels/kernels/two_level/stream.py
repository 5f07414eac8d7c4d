"""What vector work and movements cost: no nest, no tiles, one pass over their operands."""

from typing import NamedTuple

from hwmodels.accelerate import inlined, kernel
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.terms import Prices, prices_of, stored_input, stored_output, stored_weight


class Stream(NamedTuple):
    """What a vector or movement row costs."""

    latency_s: float
    lanes_s: float
    dram_s: float
    read: float  # bytes of main memory
    written: float
    buffer_pj: float
    vector_pj: float


@kernel
def stream_bytes(layer: Layer, config: Config) -> tuple[float, float, float]:
    """Bytes of weights, inputs and outputs of a vector or movement row, in their operands' formats."""
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, 1.0).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, 1.0)
    return weights, inputs, written


@inlined
def stream_at(
    layer: Layer, crossing: tuple[float, float, float], prices: Prices, double_buffered: int
) -> Stream:
    """Cost of a vector or movement row: its bytes through memory and buffers, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own. In the
    buffers the metadata of a format costs what the values cost.
    """
    weights, inputs, written = crossing
    read = weights + inputs
    dram_s = read / prices.dram_read_bytes_per_s + written / prices.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (prices.vector_lanes * prices.clock_hz)
    buffer_pj = (
        weights * (prices.weight_write_pj + prices.weight_read_pj)
        + inputs * (prices.input_write_pj + prices.input_read_pj)
        + written * (prices.output_write_pj + prices.output_read_pj)
    )
    return Stream(
        latency_s=overlapped_latency(lanes_s, dram_s, 0.0, double_buffered),
        lanes_s=lanes_s,
        dram_s=dram_s,
        read=read,
        written=written,
        buffer_pj=buffer_pj,
        vector_pj=layer.vector_ops * prices.vector_pj,
    )


@kernel
def stream_cost(layer: Layer, config: Config) -> Stream:
    """Cost of a vector or movement row on a configuration; see `stream_at`."""
    return stream_at(layer, stream_bytes(layer, config), prices_of(config), config.double_buffered)
