"""One registry of columns: name, title, unit, direction and meaning of what tables hold.

Metrics, reports, figures and the nomenclature page read it. A column of one's own joins by
`dse.register_metric`. Dtypes are those of the tables themselves (`hwmodels.columns`).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, get_type_hints

from hwmodels.columns import ConfigTable, MetricTable, OperationTable
from workloads.table import IntColumn

LESS, MORE, NEITHER = "less", "more", ""
"""Which way is better."""


class Column(NamedTuple):
    """One column.

    Attributes
    ----------
    name
        As tables have it; its suffix is the unit.
    title
        As on an axis of a figure; "" is the name.
    unit
        "" for a pure number.
    direction
        "less" or "more" where that is better, "" where neither is.
    meaning
        In a few words, with the equation where there is one.

    """

    name: str
    title: str
    unit: str
    direction: str
    meaning: str


_SUFFIXES: Final = {
    "pj_per_byte": "pJ/B",
    "bytes_per_s": "B/s",
    "bytes": "B",
    "bits": "bit",
    "mm2": "mm²",
    "um": "µm",
    "js": "Js",
    "hz": "Hz",
    "pj": "pJ",
    "c": "°C",
    "j": "J",
    "w": "W",
    "s": "s",
}


def unit_of(name: str) -> str:
    """Unit that the suffix of a column's name says; "" where it says none.

    Examples
    --------
    >>> unit_of("dram_read_pj_per_byte"), unit_of("latency_s"), unit_of("macs"), unit_of("tile_c")
    ('pJ/B', 's', '', '')

    """
    if name in ("unroll_s", "unroll_c", "tile_c"):  # dimensions, not units
        return ""
    return next((unit for suffix, unit in _SUFFIXES.items() if name.endswith(f"_{suffix}")), "")


def _columns(rows: Iterable[tuple[str, str, str, str]]) -> dict[str, Column]:
    return {
        name: Column(name, title, unit_of(name), direction, meaning)
        for name, title, direction, meaning in rows
    }


METRICS: Final = _columns(
    [
        ("latency_s", "Latency", LESS, "of one run of the network, batch included"),
        ("energy_j", "Energy", LESS, "sum of the six parts below, main memory included"),
        ("area_mm2", "Area", LESS, "of the accelerator's die"),
        ("power_w", "Power", LESS, "energy_j / latency_s"),
        ("edp_js", "Energy-delay product", LESS, "energy_j x latency_s"),
        (
            "utilisation",
            "Utilisation",
            MORE,
            "MACs not skipped / (multipliers x cycles), in (0, 1]",
        ),
        ("feasible", "Feasible", MORE, "whether the network runs within every limit"),
        ("limit", "Limit", NEITHER, "code of the limit that is broken; 0 is none"),
        ("compute_cycles", "Compute cycles", LESS, "cycles of the busy array"),
        ("dram_read_bytes", "Main-memory reads", LESS, "bytes read from main memory"),
        ("dram_write_bytes", "Main-memory writes", LESS, "bytes written to main memory"),
        ("macs", "MACs", NEITHER, "multiply-accumulates of nests"),
        ("effectual_macs", "Effectual MACs", NEITHER, "MACs whose operands are both not zero"),
        ("mac_energy_j", "MAC energy", LESS, "MACs that switch x pJ of one"),
        ("buffer_energy_j", "Buffer energy", LESS, "accesses of levels on chip x pJ of one"),
        ("dram_energy_j", "Main-memory energy", LESS, "bytes of main memory x pJ of one"),
        ("vector_energy_j", "Vector energy", LESS, "vector operations x pJ of one"),
        (
            "static_energy_j",
            "Standing energy",
            LESS,
            "(leakage, clock, main memory's background) x latency",
        ),
        (
            "mappings_costed",
            "Mappings costed",
            NEITHER,
            "mappings that were costed; bounds pruned the rest",
        ),
        (
            "control_energy_j",
            "Front-end and control energy",
            LESS,
            "front end and rounding of the busy array",
        ),
        ("footprint_mm2", "Footprint", LESS, "area of the largest tier; of the chip where there is one"),
        ("temperature_c", "Hottest tier", LESS, "temperature of the hottest tier"),
    ]
)
"""Columns of `MetricTable`: what a configuration costs on a network."""

OPERATIONS: Final = _columns(
    [
        ("compute_s", "Time on chip", LESS, "busiest of array, ports of levels on chip and vector lanes"),
        ("dram_s", "Time of main memory", LESS, "busiest main memory"),
        ("bound", "Bound", NEITHER, "code of what the latency waits for"),
        ("tile_k", "Tile of K", NEITHER, "output channels of a tile; 0 where there is none"),
        ("tile_c", "Tile of C", NEITHER, "input channels of a tile"),
        ("tile_pixels", "Tile of positions", NEITHER, "output positions of a tile, batch included"),
        ("order", "Innermost loop", NEITHER, "0 positions, 1 output channels, 2 input channels; -1 none"),
        ("mappings", "Mappings", NEITHER, "size of the mapspace"),
    ]
)
"""Columns of `OperationTable` that `METRICS` has not."""

_OF_AN_OPERAND: Final = {
    "capacity_bytes": "capacity of its buffer; 0 is the shared one",
    "port_bytes_per_s": "rate of its port towards the array",
    "bits": "width of an element",
    "scale_bits": "bits of a shared scale, on an element",
    "read_pj_per_byte": "energy of a byte read from its buffer",
    "write_pj_per_byte": "energy of a byte written to its buffer",
    "mode": "what is done about its zeros: a code of `sparsity.MODES`",
    "format": "storage format: a code of `sparsity.FORMATS`",
    "on_chip": "1: buffers hold the format too",
    "run_bits": "width of a run in run-length coding",
    "n": "non-zeros of a block of `m`",
    "m": "elements of such a block",
    "block": "elements of a block of the format",
    "skip_block": "elements that are skipped together",
    "group": "elements whose non-zeros are packed together",
    "width": "non-zeros packed into a vector",
    "resident": "1: tensors may stay in its buffer between operations",
}

_OF_A_MACHINE: Final = {
    "rows": "PE rows",
    "cols": "PE columns",
    "dataflow": "which operand stays: a value of `spec.Dataflow`",
    "clock_hz": "clock of everything on chip",
    "vector_lanes": "vector operations a cycle",
    "double_buffered": "1: loads, compute and stores overlap",
    "shared_capacity_bytes": "capacity of the shared buffer",
    "shared_port_bytes_per_s": "rate of its port towards the array",
    "accumulator_bits": "width of a partial sum",
    "dram_read_bytes_per_s": "sustained rate of main memory",
    "dram_write_bytes_per_s": "the same for writes",
    "dram_capacity_bytes": "capacity of main memory",
    "mac_pj": "energy of a multiply-accumulate",
    "vector_pj": "energy of a vector operation",
    "dram_read_pj_per_byte": "energy of a byte read from main memory, its interface included",
    "dram_write_pj_per_byte": "energy of a byte written to it",
    "leakage_w": "array, lanes and buffers, and the clock that is never gated",
    "dram_background_w": "standby and refresh of main memory",
    "array_area_mm2": "logic, with the interface of main memory",
    "buffer_area_mm2": "buffers",
    "interconnect": "how operands reach multipliers: a code of `array.INTERCONNECTS`",
    **{f"unroll_{letter}": f"copies side by side of the loop over {letter.upper()}" for letter in "nkcpqrs"},
    "lane_width": "multipliers of a lane",
    "im2col": "1: `unroll_c` runs over channels and taps together",
    "accumulators": "of a PE of a cartesian array",
    "array_efficiency": "share of its cycles that the array works",
    "front_end_positions": "mask positions a lane examines a cycle; 0 without limit",
    "fifo_depth": "entries of a lane's queue",
    "imbalance": "how waiting is reckoned: a code of `sparsity.IMBALANCES`",
    "waiting_lanes": "lanes that wait for one another",
    "waiting_filters": "different filters among them",
    "outputs_between_waits": "outputs of a lane between waits; 0: all that it is given",
    "density_sorted": "1: filters of like density run together",
    "depthwise_dense": "1: where filters have one channel zeros are neither skipped nor gated",
    "mask_capacity_bytes": "capacity of the mask buffer; 0: metadata lives with its operand",
    "mask_read_pj_per_byte": "energy of a byte read from it",
    "mask_write_pj_per_byte": "energy of a byte written to it",
    "busy_pj": "energy of a cycle of the busy array, multipliers apart",
    "result_pj": "energy of an output that leaves the array",
    "buffer_leakage_w": "of `leakage_w`, what the buffers leak",
    "clock_w": "of `leakage_w`, what the clock takes in every cycle",
    "stack_style": "how tiers are joined: a code of `stacking.STYLES`",
    "logic_tier": "tier of array and lanes",
    "buffer_tier": "tier of the buffers",
    "memory_tier": "tier of main memory; -1 is off chip",
    "memory_area_mm2": "area of main memory where it is a tier",
    "via_pitch_um": "pitch of vias between tiers; 0 is the style's own",
    "temperature_limit_c": "hottest that a tier may be; 0 checks nothing",
    "leakage_curve": "how leakage follows the temperature that work makes; 0: temperature is given",
    "shared_resident": "1: tensors may stay in the shared buffer between operations",
}

CONFIGURATION: Final = {
    column.name: column
    for column in (
        *_columns(
            (name, "", NEITHER, meaning)
            for name, meaning in _OF_A_MACHINE.items()
            if name in ConfigTable._fields
        ).values(),
        *_columns(
            (f"{operand}_{field}", "", NEITHER, f"{operand}: {meaning}")
            for operand in ("weight", "input", "output")
            for field, meaning in _OF_AN_OPERAND.items()
            if f"{operand}_{field}" in ConfigTable._fields
        ).values(),
    )
}
"""Columns of `ConfigTable`: a machine of two levels."""


def dtype_of(table: type[MetricTable | OperationTable | ConfigTable], name: str) -> str:
    """Dtype of a column of a table: "int64" or "float64"."""
    return "int64" if get_type_hints(table)[name] == IntColumn else "float64"


def page() -> str:
    """The registry as Markdown tables, for the page of nomenclature."""
    lines = []
    for title, columns, table in (
        ("Metrics of a configuration", METRICS, MetricTable),
        ("Further columns of an operation", OPERATIONS, OperationTable),
        ("Columns of a machine of two levels", CONFIGURATION, ConfigTable),
    ):
        lines += [f"### {title}", "", "| column | unit | dtype | better | meaning |", "|---|---|---|---|---|"]
        for column in columns.values():
            kind = dtype_of(table, column.name)
            lines.append(
                f"| `{column.name}` | {column.unit} | {kind} | {column.direction} | {column.meaning} |"
            )
        lines.append("")
    return "\n".join(lines)
