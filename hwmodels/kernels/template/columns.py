"""What the template's kernel reads and writes: one array per column, one row per configuration."""

from typing import NamedTuple

from workloads.table import FloatColumn, IntColumn


class TemplateTable(NamedTuple):
    """A batch of template machines; every column has shape (n_configs,)."""

    order: IntColumn  # index into template.LOOP_ORDERS
    groups: IntColumn
    macs_per_group: IntColumn
    tile_if: IntColumn  # input channels of a tile
    tile_ix: IntColumn  # output columns
    tile_iy: IntColumn  # output rows
    tile_of: IntColumn  # output channels
    weight_capacity_bytes: FloatColumn  # all weight banks
    input_capacity_bytes: FloatColumn  # all activation banks
    weight_bytes_per_cycle: FloatColumn  # a group's weight banks
    input_bytes_per_cycle: FloatColumn  # all activation banks
    clock_hz: FloatColumn
    weight_bits: IntColumn
    input_bits: IntColumn
    output_bits: IntColumn
    accumulator_bits: IntColumn
    dram_read_bytes_per_s: FloatColumn
    dram_write_bytes_per_s: FloatColumn
    mac_pj: FloatColumn
    weight_read_pj_per_byte: FloatColumn
    weight_write_pj_per_byte: FloatColumn
    input_read_pj_per_byte: FloatColumn
    input_write_pj_per_byte: FloatColumn
    dram_read_pj_per_byte: FloatColumn
    dram_write_pj_per_byte: FloatColumn
    leakage_w: FloatColumn
    dram_background_w: FloatColumn
    area_mm2: FloatColumn

    @property
    def size(self) -> int:
        """Number of configurations."""
        return int(self.order.size)


class TemplateMetrics(NamedTuple):
    """What each template costs on one network; columns of shape (n_configs,), named as in `MetricTable`.

    Rows with `feasible` false hold NaN in every cost and the code of the limit that they broke in `limit`, an
    index into `hwmodels.columns.LIMITS`.
    """

    latency_s: FloatColumn
    energy_j: FloatColumn
    area_mm2: FloatColumn
    power_w: FloatColumn
    edp_js: FloatColumn
    utilisation: FloatColumn  # macs / (MACs * cycles of the whole latency), in (0, 1]
    feasible: IntColumn
    limit: IntColumn
    compute_cycles: FloatColumn
    dram_read_bytes: FloatColumn
    dram_write_bytes: FloatColumn
    macs: FloatColumn
    mac_energy_j: FloatColumn
    buffer_energy_j: FloatColumn
    dram_energy_j: FloatColumn
    vector_energy_j: FloatColumn
    static_energy_j: FloatColumn
