"""Area, power and peak of published machines, beside what their components come to."""

from hwmodels.components.tables import read
from hwmodels.data_sheet import computed
from hwmodels.presets import load
from hwmodels.published import like, published
from hwmodels.validation.row import Evidence, Made, Row

TITLE = "Published machines: area, power with everything busy, and peak"
AIM = 0.35
REPORTED = ("eie", "gtx_1080_ti")
"""Machines whose area and power are reported figures: their rows cannot miss."""
UNITS = {"area_mm2": "mm2", "power_w": "W", "peak_macs_per_s": "GMAC/s"}
SCALES = {"area_mm2": 1.0, "power_w": 1.0, "peak_macs_per_s": 1e-9}

_NOTES = {
    "area_mm2": "Sum of array, lanes, buffers and memory interface. Whatever else the published figure holds "
    "is not described by the machine: control, buses, host interface, pads, and room between blocks.",
    "power_w": "Every multiplier and lane busy, leakage and clock; the traffic of buffers, buses and I/O is "
    "left out, so that it is low wherever these count.",
    "peak_macs_per_s": "Multipliers times clock.",
}

_WHY = {
    (
        "tpu_v1",
        "area_mm2",
    ): "Ours are buffers (80 mm2), matrix unit (22), lanes. Host interface, activation "
    "pipeline, control, PCIe and pads have shares of the die and no component here, and a quarter of it has "
    "no share in print; the matrix unit is a row of its own.",
    ("tpu_v1", "power_w"): "Every multiplier busy, leakage and clock. What the unified buffer, the "
    "accumulators, DDR3 and the host's link take depends on traffic and is left out.",
    ("scnn", "area_mm2"): "The paper gives memories 57 % of a PE of .123 mm2, 4.5 mm2 of 64 in all; ours are "
    "2.0: accumulator banks of 32 words are priced as register files read once a cycle, theirs read, add and "
    "write in one. Multipliers and crossbar are within a third of its table.",
    ("scnn_dense", "area_mm2"): "As SCNN, and 2 MiB of common memory in one macro, where the paper's is cut "
    "into banks for 64 PEs.",
    ("eyeriss_v1", "area_mm2"): "Cells of multipliers, registers and SRAM at the density of a synthesised "
    "block. The chip is laid out as 168 equal tiles with a network between them, of a low-power library with "
    "larger cells, and half of a PE is control and networks, which no component describes.",
    ("a100_2_4", "area_mm2"): "A roofline: tensor cores, second-level cache, memory interface. Vector "
    "units, registers, first-level caches and links are not described (`a100` has registers and shared "
    "memory).",
    ("a100_2_4", "power_w"): "Tensor cores busy, leakage and clock: no registers, caches, memory or issue of "
    "instructions.",
    ("dstc", "area_mm2"): "As A100: tensor cores and second-level cache of a V100 whose other units are most "
    "of it.",
}


def rows() -> list[Row]:
    """Every published figure; those that are made of reported ones, and peaks, are derived."""
    found = []
    for machine in dict.fromkeys(row["machine"] for row in read("published_machines")):
        ours = computed(load(machine))
        for quantity, figure in published(machine).items():
            known = machine in REPORTED or quantity == "peak_macs_per_s"
            found.append(
                Row(
                    quantity=f"{machine}: {quantity.split('_')[0]}, {figure.of}",
                    unit=UNITS[quantity],
                    published=figure.value * SCALES[quantity],
                    ours=like(quantity, figure, ours) * SCALES[quantity],
                    tolerance=0.05 if known else AIM,
                    made=Made.SHEET,
                    source=f"{figure.source} ({figure.status})",
                    evidence=Evidence.DERIVED if known else _evidence(machine),
                    note=_WHY.get((machine, quantity), _NOTES[quantity]),
                )
            )
    return [*found, *_parts()]


PARTS = (
    ("tpu_v1", ("unified_buffer",), "unified buffer", 96.0),
    ("tpu_v1", ("mac", "weight_registers"), "matrix unit", 79.0),
)
"""Machine, components, their name there, and their share of the published die [mm2]."""


def _parts() -> list[Row]:
    found = []
    for machine, components, name, area_mm2 in PARTS:
        table = load(machine).area_mm2().set_index("component")["area_mm2"]
        found.append(
            Row(
                quantity=f"{machine}: area of its {name}",
                unit="mm2",
                published=area_mm2,
                ours=float(table[list(components)].sum()),
                tolerance=AIM,
                made=Made.SHEET,
                source="Jouppi et al., ISCA 2017, figure 2: shares of 331 mm2 (memory)",
                note="Cells of multipliers, adders and registers, placed; the published unit holds its "
                "weight registers twice, its control and its wiring."
                if "mac" in components
                else "Macros of 2 MiB with what lies between banks, as TPUv4i's common memory.",
            )
        )
    return found


def _evidence(machine: str) -> Evidence:
    return Evidence.SIMULATED if machine.startswith("scnn") else Evidence.MEASURED
