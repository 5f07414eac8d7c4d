"""What vector work and movements cost: no nest, no tiles, one pass over their operands."""

from hwmodels.accelerate import kernel
from hwmodels.kernels.two_level.cost import overlapped_latency
from hwmodels.kernels.two_level.rows import Config, Layer
from hwmodels.kernels.two_level.terms import Beside, stored_input, stored_output, stored_weight


@kernel
def stream_cost(
    layer: Layer, config: Config, beside: Beside
) -> tuple[float, float, float, float, float, float, float]:
    """Cost of a vector or movement row: its bytes through memory and buffers, its operations in the lanes.

    A fused row is pipelined behind its producer: its operations cost energy and no time of their own. Bytes
    are those of the operands' formats; in the buffers their metadata costs what the values cost. Operands
    that stay are read where they are, and results written there at once.

    Returns
    -------
    tuple
        Latency [s], lane time [s], main-memory time [s], bytes read, bytes written, buffer energy [pJ],
        vector energy [pJ].

    """
    weight_elements, read_elements = float(layer.weight_elements), float(layer.read_elements)
    write_elements = float(layer.write_elements)
    weights = inputs = written = 0.0
    if weight_elements > 0.0:
        weights = weight_elements * stored_weight(layer, config, weight_elements, weight_elements).dram
    if read_elements > 0.0:
        inputs = read_elements * stored_input(layer, config, read_elements, 1.0, 1.0).dram
    if write_elements > 0.0:
        written = write_elements * stored_output(layer, config, write_elements, 1.0, 1.0)
    weight_loads, input_loads = 1.0 - beside.weight_share, 1.0 - beside.input_share
    stores = 1.0 - beside.output_share
    read = weights * weight_loads + inputs * input_loads
    leaving = written * stores
    dram_s = read / config.dram_read_bytes_per_s + leaving / config.dram_write_bytes_per_s
    lanes_s = 0.0
    if layer.fused == 0:
        lanes_s = layer.vector_ops / (config.vector_lanes * config.clock_hz)
    latency = overlapped_latency(lanes_s, dram_s, 0.0, config.double_buffered)
    buffer_pj = (
        weights * (weight_loads * config.weight.write_pj_per_byte + config.weight.read_pj_per_byte)
        + inputs * (input_loads * config.input.write_pj_per_byte + config.input.read_pj_per_byte)
        + leaving * (config.output.write_pj_per_byte + config.output.read_pj_per_byte)
        + beside.made_pj
    )
    return latency, lanes_s, dram_s, read, leaving, buffer_pj, layer.vector_ops * config.vector_pj
