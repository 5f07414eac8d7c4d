"""EIE: nine sparse matrix-vector products, without and with the wait for the fullest PE."""

import numpy as np

from hwmodels.components.tables import column, read
from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import eie

TITLE = "EIE: nine fully connected layers on 64 PEs at 800 MHz"
SOURCE = "Han et al., ISCA 2016, via github cucapra/fodlam data/eie-layers.csv"
MEAN_AIM = 0.15

_THEORY = (
    "Non-zeros with the fillers of 4-bit runs, zero inputs skipped, rows dealt out to 64 PEs. Densities are "
    "rounded to a percent, those of inputs recalled."
)
_ACTUAL = _THEORY + " PEs wait at the end of a matrix; filters are unevenly pruned by the fitted dispersion."


def rows() -> list[Row]:
    """Each layer without an aim of its own, the mean errors with one."""
    found = []
    for kind, note in (("theoretical", _THEORY), ("actual", _ACTUAL)):
        published = column(read("eie_layers"), f"{kind}_us")
        ours = eie.times_us(waiting=kind == "actual")
        for layer, theirs, mine in zip(read("eie_layers"), published, ours, strict=True):
            found.append(_row(f"{layer['layer']}: {kind} time", "us", float(theirs), float(mine), None, note))
        mean = float(np.abs(ours / published - 1).mean())
        found.append(
            _row(f"nine layers: 1 + mean error of {kind} times", "", 1.0, 1.0 + mean, MEAN_AIM, note)
        )
    return found


def _row(quantity: str, unit: str, published: float, ours: float, tolerance: float | None, note: str) -> Row:
    return Row(
        quantity=quantity,
        unit=unit,
        published=published,
        ours=ours,
        tolerance=tolerance,
        made=Made.EVALUATE,
        source=SOURCE,
        evidence=Evidence.SIMULATED,
        note=note,
    )
