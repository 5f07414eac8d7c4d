"""Which way each column of the configuration table is better, whatever the mapping.

For a given mapping (tiles, loop order) latency and energy are built from the columns below by sums and
products with terms that are never negative, by maxima, and by division by a bandwidth or a clock. A column in
`LESS` only ever multiplies a count: less of it lowers energy and leaves latency and the choice of mappings
alone. A column in `MORE` divides a count, or says how large a tile may be: more of it shortens transfers or
admits more mappings. The least latency and the least energy over all mappings of a machine that has the best
value of every column therefore bound those of every machine in the box.

Columns that are in no list are kept fixed: rows and columns of the array (larger ones take longer to fill),
dataflow, double buffering, bit widths, formats and all other codes, and whatever may be added to the table.
"""

from typing import Final

_STORED: Final = ("weight", "input", "output")

LESS: Final = frozenset(
    {
        "mac_pj",
        "vector_pj",
        "busy_pj",
        "result_pj",
        *(f"{name}_{action}_pj_per_byte" for name in (*_STORED, "mask") for action in ("read", "write")),
        "dram_read_pj_per_byte",
        "dram_write_pj_per_byte",
        "leakage_w",
        "buffer_leakage_w",
        "clock_w",
        "dram_background_w",
    }
)

MORE: Final = frozenset(
    {
        "clock_hz",
        "vector_lanes",
        *(f"{name}_capacity_bytes" for name in (*_STORED, "shared")),
        *(f"{name}_port_bytes_per_s" for name in (*_STORED, "shared")),
        "dram_read_bytes_per_s",
        "dram_write_bytes_per_s",
        "dram_capacity_bytes",
    }
)

FIXED_ZERO: Final = tuple(f"{name}_capacity_bytes" for name in _STORED)
"""Capacities of which 0 means another machine: the operand then lives in the shared buffer."""

AREAS: Final = frozenset({"array_area_mm2", "buffer_area_mm2"})
