"""Gemmini: RTL cycles of layers of four networks, each under a mapping that was given."""

import numpy as np

from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import gemmini
from hwmodels.validation.silicon.products import mean_error, tau

TITLE = "Gemmini: RTL cycles of BERT, ResNet-50, RetinaNet and U-Net layers, mappings given"
SOURCE = "github ucb-bar/dosa@31df8915, data/firesim_test_data/both.csv (FireSim)"
AIM = 0.15

_RULES = (
    "Rules, the same for every layer: blocks of 16 positions, in which the next weights shift in; the first "
    "tiles' load and every store hide behind nothing; 8 bytes a cycle; tiles fetched whole."
)
_MEAN = "1 and the mean absolute error. Timeloop's own cycles for the same mappings err by {timeloop:.1%}. "


def rows() -> list[Row]:
    """The mean error, the ranking, and every layer."""
    given = gemmini.layers()
    ours, rtl = gemmini.all_cycles(given)
    timeloop = np.array([float(row["timeloop_cycles"]) for row in given])
    note = _MEAN.format(timeloop=mean_error(timeloop, rtl)) + _RULES

    def row(quantity: str, unit: str, published: float, found: float, aim: float | None, said: str) -> Row:
        return Row(
            quantity=quantity,
            unit=unit,
            published=published,
            ours=found,
            tolerance=aim,
            made=Made.EVALUATE,
            source=SOURCE,
            evidence=Evidence.SIMULATED,
            note=said,
        )

    return [
        row(f"{len(given)} layers: mean error", "x", 1.0, 1 + mean_error(ours, rtl), AIM, note),
        row(f"{len(given)} layers: Kendall's tau", "", 1.0, tau(ours, rtl), None, "1 is the same ranking."),
        *(
            row(f"{one['network']} {_shape(one)}", "cycles", published, found, None, _RULES)
            for one, found, published in zip(given, ours.tolist(), rtl.tolist(), strict=True)
        ),
    ]


def _shape(row: dict[str, str]) -> str:
    strided = f", stride {row['stride']}" if row["stride"] != "1" else ""
    return f"{row['c']} to {row['k']} channels, {row['p']}x{row['q']}, {row['r']}x{row['s']}{strided}"
