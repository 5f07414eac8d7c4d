"""What the fast kernels read and write: one array per column, one row per configuration."""

from typing import NamedTuple

from workloads.table import FloatColumn, IntColumn

LIMITS = (
    "",
    "buffers.weight.bytes",
    "buffers.input.bytes",
    "buffers.output.bytes",
    "buffers.shared.bytes",
    "overflow",
    "buffers.mask.bytes",
    "tier temperature",
    "tier power density",
    "via bandwidth",
    "logic tiers",
    "main_memory.capacity_bytes",
    "thermal runaway",
)
"""Names of the codes in `MetricTable.limit`: what kept a configuration from running the network; 0 is
nothing.
"""

BOUNDS = (
    "compute",
    "weight port",
    "input port",
    "output port",
    "shared port",
    "main memory",
    "vector",
    "front end",
)
"""Names of the codes in `OperationTable.bound`: what an operation's latency waits for."""


class ConfigTable(NamedTuple):
    """A batch of accelerators with two storage levels; every column has shape (n_configs,).

    Ports are in bytes per second towards the array, infinite where the array gets all it asks for. An operand
    whose own capacity is 0 lives in the shared buffer, and its `*_port` and energies are then the shared
    buffer's. Words are codes: `array.INTERCONNECTS`, `sparsity.MODES`, `FORMATS` and `IMBALANCES`.
    """

    rows: IntColumn  # PE rows
    cols: IntColumn  # PE columns
    dataflow: IntColumn  # a value of spec.Dataflow
    clock_hz: FloatColumn
    vector_lanes: FloatColumn
    double_buffered: IntColumn  # 1: loads, compute and stores overlap
    weight_capacity_bytes: FloatColumn
    input_capacity_bytes: FloatColumn
    output_capacity_bytes: FloatColumn
    shared_capacity_bytes: FloatColumn
    weight_port_bytes_per_s: FloatColumn
    input_port_bytes_per_s: FloatColumn
    output_port_bytes_per_s: FloatColumn
    shared_port_bytes_per_s: FloatColumn
    weight_bits: IntColumn
    input_bits: IntColumn
    output_bits: IntColumn
    accumulator_bits: IntColumn
    weight_scale_bits: FloatColumn  # of a shared scale, on an element
    input_scale_bits: FloatColumn
    output_scale_bits: FloatColumn
    dram_read_bytes_per_s: FloatColumn
    dram_write_bytes_per_s: FloatColumn
    dram_capacity_bytes: FloatColumn
    mac_pj: FloatColumn
    vector_pj: FloatColumn  # one vector operation
    weight_read_pj_per_byte: FloatColumn
    weight_write_pj_per_byte: FloatColumn
    input_read_pj_per_byte: FloatColumn
    input_write_pj_per_byte: FloatColumn
    output_read_pj_per_byte: FloatColumn
    output_write_pj_per_byte: FloatColumn
    dram_read_pj_per_byte: FloatColumn
    dram_write_pj_per_byte: FloatColumn
    leakage_w: FloatColumn  # array, lanes and buffers, and the clock that is never gated
    dram_background_w: FloatColumn  # standby and refresh
    array_area_mm2: FloatColumn  # logic, with the interface of the main memory
    buffer_area_mm2: FloatColumn
    # How operands reach the multipliers.
    interconnect: IntColumn
    unroll_n: IntColumn
    unroll_k: IntColumn
    unroll_c: IntColumn
    unroll_p: IntColumn
    unroll_q: IntColumn
    unroll_r: IntColumn
    unroll_s: IntColumn
    lane_width: IntColumn  # multipliers of a lane
    im2col: IntColumn  # 1: `unroll_c` runs over channels and taps together
    accumulators: IntColumn  # of a PE of a cartesian array
    array_efficiency: FloatColumn
    # What is done about zeros.
    weight_mode: IntColumn
    input_mode: IntColumn
    weight_format: IntColumn
    input_format: IntColumn
    output_format: IntColumn
    weight_on_chip: IntColumn  # 1: buffers hold the format too
    input_on_chip: IntColumn
    weight_run_bits: IntColumn
    input_run_bits: IntColumn
    output_run_bits: IntColumn
    weight_n: IntColumn
    input_n: IntColumn
    output_n: IntColumn
    weight_m: IntColumn
    input_m: IntColumn
    output_m: IntColumn
    weight_block: IntColumn
    input_block: IntColumn
    output_block: IntColumn
    weight_skip_block: IntColumn
    input_skip_block: IntColumn
    weight_group: IntColumn
    input_group: IntColumn
    weight_width: IntColumn
    input_width: IntColumn
    front_end_positions: FloatColumn  # mask positions a lane examines a cycle; 0 without limit
    fifo_depth: IntColumn
    imbalance: IntColumn
    waiting_lanes: IntColumn  # lanes that wait for one another
    waiting_filters: IntColumn  # different filters among them
    outputs_between_waits: IntColumn  # 0: all that a lane is given
    density_sorted: IntColumn
    depthwise_dense: IntColumn  # 1: where filters have one channel zeros are neither skipped nor gated
    mask_capacity_bytes: FloatColumn  # 0: metadata lives with its operand
    mask_read_pj_per_byte: FloatColumn
    mask_write_pj_per_byte: FloatColumn
    # What reported modules, front end and rounding add.
    busy_pj: FloatColumn  # a cycle of the busy array, multipliers apart
    result_pj: FloatColumn  # an output that leaves the array
    buffer_leakage_w: FloatColumn  # of `leakage_w`, what the buffers leak
    clock_w: FloatColumn  # of `leakage_w`, what the clock takes in every cycle
    # What sits on which tier.
    stack_style: IntColumn
    logic_tier: IntColumn
    buffer_tier: IntColumn
    memory_tier: IntColumn  # -1: off chip
    memory_area_mm2: FloatColumn
    via_pitch_um: FloatColumn  # 0: the style's own
    temperature_limit_c: FloatColumn  # 0: nothing is checked
    leakage_curve: (
        IntColumn  # 0: temperature is given; else leakage, at ambient here, follows what work makes
    )
    # Where tensors may stay between operations.
    weight_resident: IntColumn  # 1: in the weight buffer
    input_resident: IntColumn
    shared_resident: IntColumn

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(self.rows.size)


class MetricTable(NamedTuple):
    """What each accelerator costs on one network; columns of shape (n_configs,).

    Rows with `feasible` false hold NaN in every cost and the code of the limit they broke in `limit`.
    """

    latency_s: FloatColumn
    energy_j: FloatColumn
    area_mm2: FloatColumn
    power_w: FloatColumn  # energy_j / latency_s
    edp_js: FloatColumn
    utilisation: FloatColumn  # macs that were not skipped / (multipliers * cycles of the latency), in (0, 1]
    feasible: IntColumn
    limit: IntColumn  # index into LIMITS
    compute_cycles: FloatColumn
    dram_read_bytes: FloatColumn
    dram_write_bytes: FloatColumn
    macs: FloatColumn
    effectual_macs: FloatColumn
    mac_energy_j: FloatColumn
    buffer_energy_j: FloatColumn
    dram_energy_j: FloatColumn
    vector_energy_j: FloatColumn
    static_energy_j: FloatColumn  # leakage, clock and main-memory background over the latency
    mappings_costed: FloatColumn  # mappings whose cost was computed; the rest were pruned by a bound
    control_energy_j: FloatColumn  # front end, rounding and whatever else runs while the array is busy
    footprint_mm2: FloatColumn  # of the largest tier; of the chip where there is one
    temperature_c: FloatColumn  # of the hottest tier


class OperationTable(NamedTuple):
    """What each operation costs on one accelerator; columns of shape (n_operations,).

    For NEST rows the best mapping's tile sizes follow the costs; elsewhere they are 0 and `order` is -1.
    """

    latency_s: FloatColumn
    energy_j: FloatColumn
    compute_cycles: FloatColumn
    compute_s: FloatColumn
    dram_s: FloatColumn
    bound: IntColumn  # index into BOUNDS
    dram_read_bytes: FloatColumn
    dram_write_bytes: FloatColumn
    mac_energy_j: FloatColumn
    buffer_energy_j: FloatColumn
    dram_energy_j: FloatColumn
    vector_energy_j: FloatColumn
    static_energy_j: FloatColumn
    tile_k: IntColumn  # output channels of a tile
    tile_c: IntColumn  # input channels of a tile
    tile_pixels: IntColumn  # output positions of a tile, batch included
    order: IntColumn  # innermost tile loop: 0 pixels, 1 output channels, 2 input channels
    limit: IntColumn  # index into LIMITS
    mappings: FloatColumn  # size of the mapspace
    mappings_costed: FloatColumn
    control_energy_j: FloatColumn


class BesideTable(NamedTuple):
    """What tensors that stay on chip change for one instance of each operation; shape (n_operations,)."""

    weight_share: FloatColumn  # of the operand, what main memory does not see
    input_share: FloatColumn
    output_share: FloatColumn
    weight_held: FloatColumn  # bytes of the buffers that tiles cannot have
    input_held: FloatColumn
    shared_held: FloatColumn
    mask_held: FloatColumn
    weights_made: FloatColumn  # bytes of results that are written to where they are read as weights
    inputs_made: FloatColumn  # and as inputs
    weight_masks_made: FloatColumn  # and of their metadata to the mask buffer
    input_masks_made: FloatColumn


class TileTable(NamedTuple):
    """The declared mapspace of each NEST row on each configuration: candidate tiles of K, C and positions.

    Lists lie one below the other, those of all operations for one alignment, then for the next: operation i
    of configuration c has row `k_list[c] + i` of K's, whose candidates are `k[row, 0 : k_number[row]]`,
    largest first. Fields of a candidate are those of `tiles.sizes.Cut` and `tiles.positions.Candidate`, as
    floats. Shapes: (n_configs,), (n_lists,) and (n_lists, most candidates, n_fields).
    """

    k_list: IntColumn
    c_list: IntColumn
    m_list: IntColumn
    k_number: IntColumn
    k_least: FloatColumn  # fewest steps of any candidate
    k: FloatColumn
    c_number: IntColumn
    c_least: FloatColumn
    c: FloatColumn
    m_number: IntColumn
    m_least: FloatColumn
    m: FloatColumn
