"""Microscaling hardware: what a system was published to reach, and what our array of the format would."""

from hwmodels import spec
from hwmodels.components import arithmetic
from hwmodels.data_sheet import computed
from hwmodels.presets import load
from hwmodels.validation.row import Evidence, Made, Row

TITLE = "Microscaling: GOPS/W of an 8 x 8 array of precision-scalable units"
SOURCE = "Cuyckens et al., arXiv 2511.06313, abstract"
NODE_NM, CLOCK_HZ = 16, 500e6
GOPS_W = (
    ("mxint8", 8, 1, 657.0),
    ("mxfp8_e5m2", 8, 4, 1438.0),
    ("mxfp6_e2m3", 6, 4, 1675.0),
    ("mxfp4", 4, 8, 4065.0),
)
"""Format, bits, multiply-accumulates of a unit a cycle (64, 256 and 512 GOPS of 64 units at 500 MHz), and
what the whole system was published to reach."""

_SYSTEM = (
    "Ours is 64 units with buffers of 128 KiB beside them, every multiplier busy, leakage, clock; theirs a "
    "system with its core, memory traffic and one datapath for every format. No node is printed in the "
    "abstract: 16 nm is assumed, as in the same group's arXiv 2505.22404."
)
_UNIT = "A multiply-accumulate and its registers alone."


def machine(name: str, bits: int, units: int) -> spec.Accelerator:
    """64 units of a format, as many products a cycle as the published ones."""
    base = load("edge_16x16")
    built: spec.Accelerator = base.replace(
        {
            "array.rows": 8,
            "array.cols": 8 * units,
            "clock_hz": CLOCK_HZ,
            "technology.node_nm": NODE_NM,
            "buffers.weight.bytes": "64 KiB",
            "buffers.input.bytes": "32 KiB",
            "buffers.output.bytes": "32 KiB",
            "datapath": spec.Datapath(
                weight_bits=bits, input_bits=bits, output_bits=bits, accumulator_bits=32, number_format=name
            ),
        }
    )
    return built


def rows() -> list[Row]:
    """Each format: the array's efficiency and a unit's, beside the published system's."""
    found = []
    for name, bits, units, published in GOPS_W:
        chip = machine(name, bits, units)
        watts = computed(chip)["power_w"]
        code = arithmetic.NumberFormat[name.upper()]
        unit = arithmetic.mac(bits, bits, 32, NODE_NM, number_format=code)
        for what, ours, note in (
            ("array", 2e-9 * chip.peak_macs_per_s / watts, _SYSTEM),
            ("unit", 2e3 / float(unit.energy_pj), _UNIT),
        ):
            found.append(
                Row(
                    quantity=f"{name}: {what}",
                    unit="GOPS/W",
                    published=published,
                    ours=ours,
                    tolerance=None,
                    made=Made.SHEET if what == "array" else Made.PRICE,
                    source=SOURCE,
                    evidence=Evidence.SIMULATED,
                    note=note,
                )
            )
    return found
