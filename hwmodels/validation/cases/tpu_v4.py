"""TPU v4: measured times of matrix products in three ranges of size."""

import numpy as np

from hwmodels.components.tables import Floats, read
from hwmodels.presets import load
from hwmodels.validation.row import Made, Row
from hwmodels.validation.silicon.products import Products, latencies_s, mean_error, products, tau

TITLE = "TPU v4: matrix products, measured"
SOURCE = "github scalesim-project/SCALE-Sim-validation@45818f1a, data"
AIM = 0.20
AIMED = ("1024", "4096")
"""Sets with an aim; that of the smallest products is little but the time to start."""

_RULES = (
    "1 and the mean absolute error. One core: four units, half of the chip's bandwidth. What fits the vector "
    "memory is copied there first. The time to start an operation, {launch:.2f} us, is the mean of what the "
    "model leaves of every second product of set 128; the others of that set are scored."
)
_SMALL = " The fastest large products run 14 % above four units at 1,050 MHz; nothing printed says why."


def launch_s(measured: Products) -> float:
    """Time to start an operation: what is left, on average, of the products it is estimated on."""
    left = measured.seconds - latencies_s("tpu_v4", measured.table)
    return max(0.0, float(left.mean()))


def score(sets: dict[str, Products]) -> tuple[float, dict[str, tuple[Floats, Floats]]]:
    """Time to start an operation, and our seconds beside the measured ones of each set."""
    small = sets["128"]
    launch = launch_s(small.take(slice(0, None, 2)))
    chip = load("tpu_v4").replace({"timing.launch_s": launch})
    scored = {**sets, "128": small.take(slice(1, None, 2))}
    return launch, {name: (latencies_s(chip, one.table), one.seconds) for name, one in scored.items()}


def sets() -> dict[str, Products]:
    """The project's own table: 24 or 30 products of each set."""
    rows = read("tpu_v4_products")
    return {
        name: products([row for row in rows if row["set"] == name], "us", 1e-6)
        for name in dict.fromkeys(row["set"] for row in rows)
    }


def rows() -> list[Row]:
    """Mean error and ranking of each set."""
    launch, scored = score(sets())
    found = []
    for name, (ours, measured) in scored.items():
        note = _RULES.format(launch=launch * 1e6) + (_SMALL if name == "4096" else "")
        found += [
            Row(
                quantity=f"set {name}, {len(ours)} products: mean error",
                unit="x",
                published=1.0,
                ours=1 + mean_error(ours, measured),
                tolerance=AIM if name in AIMED else None,
                made=Made.EVALUATE,
                source=SOURCE,
                note=note,
            ),
            Row(
                quantity=f"set {name}, {len(ours)} products: Kendall's tau",
                unit="",
                published=1.0,
                ours=tau(ours, measured),
                tolerance=None,
                made=Made.EVALUATE,
                source=SOURCE,
                note="1 is the same ranking.",
            ),
        ]
    worst = max(
        ((ours[i], measured[i]) for ours, measured in scored.values() for i in range(len(ours))),
        key=lambda pair: abs(np.log(pair[0] / pair[1])),
    )
    found.append(
        Row(
            quantity="the worst product of all",
            unit="us",
            published=float(worst[1]) * 1e6,
            ours=float(worst[0]) * 1e6,
            tolerance=None,
            made=Made.EVALUATE,
            source=SOURCE,
        )
    )
    return found
