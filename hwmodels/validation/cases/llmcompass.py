"""Matrix products measured on A100, MI210 and TPU v3, and the dies of the two GPUs part by part."""

from hwmodels.components.tables import read
from hwmodels.presets import load
from hwmodels.validation.row import Made, Row
from hwmodels.validation.silicon.products import latencies_s, mean_error, products, tau

TITLE = "LLMCompass' measurements: matrix products on A100, MI210 and TPU v3; two dies by part"
SOURCE = "github HenryChang213/LLMCompass_ISCA_AE@03f736e0, ae/figure5"
DIES = "github PrincetonUniversity/LLMCompass@2e015fd, ae/figure6 (die photographs)"
AIMS = {"a100": 0.15}
"""Machines with an aim; the others are reported."""

_NOTES = {
    "a100": "1 and the mean absolute error. Tiles of 256 x 128 outputs, 108 at a time; the time to start as "
    "LLMCompass states it. Nothing fitted; LLMCompass itself errs by 10.9 % over all of its operations.",
    "mi210": "1 and the mean absolute error. As A100, with AMD's figures; measured products reach two thirds "
    "of the data sheet's rate at any size and a third of its bandwidth, which its libraries, not its data "
    "sheet, decide.",
    "tpu_v3": "1 and the mean absolute error. One core, as LLMCompass measured it.",
}
PARTS = (
    ("a100", ("cache",), "global buffer", 119.31, 0.35),
    ("a100", ("memory interface",), "memory PHY and controllers", 89.77, None),
    ("a100", ("mac", "registers", "shared", "vector lanes"), "cores", 476.25, None),
    ("mi210", ("cache",), "global buffer", 25.2, 0.35),
    ("mi210", ("memory interface",), "memory PHY and controllers", 124.09, 0.35),
    ("mi210", ("mac", "registers", "shared", "vector lanes"), "cores", 446.22, None),
)
"""Machine, components of ours, part of the die, its area [mm2], aim."""
_CORES = (
    "Multipliers of the tensor cores, vector lanes, registers and shared memory alone: instruction fetch and "
    "issue, fp32, fp64 and special functions, load and store units and texture units are not described."
)
_CACHE = (
    "Macros with what lies between banks, as TPUv4i's common memory, which has three times the bits a mm2 of "
    "either cache: tags, error codes, the ports of dozens of slices and coherence are not described, and "
    "A100's die holds 48 MiB, of which 40 are enabled."
)
_INTERFACE = (
    "Peak bandwidth times the interface's area a GB/s, which is A100's own die's: no aim there. Its die "
    "has a sixth stack's PHY, unused; MI210's is half of a pair, each with four stacks' and links between."
)


def rows() -> list[Row]:
    """Mean error and ranking of each machine, every product of A100, parts of two dies."""
    table = read("llmcompass_products")
    found: list[Row] = []
    for machine, note in _NOTES.items():
        measured = products([row for row in table if row["machine"] == machine], "s")
        ours = latencies_s(machine, measured.table)
        name = f"{machine}, {len(ours)} products"
        found.append(
            _row(
                f"{name}: mean error",
                "x",
                1.0,
                1 + mean_error(ours, measured.seconds),
                AIMS.get(machine),
                note,
            )
        )
        ranked = tau(ours, measured.seconds)
        found.append(_row(f"{name}: Kendall's tau", "", 1.0, ranked, None, "1 is the same ranking."))
        found += [
            _row(f"{machine}, {m} x {k} times {k} x {n}", "us", took * 1e6, computed * 1e6, None, "")
            for m, n, k, took, computed in zip(*measured, ours.tolist(), strict=True)
            if machine in AIMS
        ]
    return [*found, *_dies()]


def _row(quantity: str, unit: str, published: float, ours: float, aim: float | None, note: str) -> Row:
    return Row(
        quantity=quantity,
        unit=unit,
        published=float(published),
        ours=float(ours),
        tolerance=aim,
        made=Made.EVALUATE,
        source=SOURCE,
        note=note,
    )


def _dies() -> list[Row]:
    found = []
    for machine, components, part, area_mm2, aim in PARTS:
        ours = load(machine).area_mm2().set_index("component")["area_mm2"]
        note = {"cache": _CACHE, "memory interface": _INTERFACE}.get(components[0], _CORES)
        found.append(
            Row(
                quantity=f"{machine}: die area of its {part}",
                unit="mm2",
                published=area_mm2,
                ours=float(ours[list(components)].sum()),
                tolerance=aim,
                made=Made.SHEET,
                source=DIES,
                note=note,
            )
        )
    return found
