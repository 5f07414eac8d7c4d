"""The dual-side sparse tensor core: latency of a large product over the densities of its factors."""

from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon.dstc import time_share

TITLE = "DSTC: a 4096 x 4096 x 4096 product over the densities of its factors"
SOURCE = (
    "Wang et al., ISCA 2021, figure 21, read by github Accelergy-Project/micro22-sparseloop-artifact@de0374a"
)
MEAN_AIM = 0.10

# (density of the first factor, of the second) -> latency, in the figure's unit; (1, 1) is the reference.
LATENCY = {
    (1.0, 1.0): 4600,
    (0.9, 1.0): 4160,
    (0.7, 1.0): 3300,
    (0.5, 1.0): 2690,
    (0.3, 1.0): 1930,
    (1.0, 0.4): 2500,
    (0.9, 0.4): 2300,
    (0.7, 0.4): 1820,
    (0.5, 0.4): 1480,
    (0.3, 0.4): 1100,
}
_RULE = "Expected vectors of 8 and of 16 that hold the non-zeros of 32 elements; nothing else."


def rows() -> list[Row]:
    """Nine points relative to the dense one, and their mean error."""
    reference = LATENCY[1.0, 1.0]
    found = [
        _row(f"densities {a} and {b}: latency over dense", latency / reference, time_share(a, b), None)
        for (a, b), latency in LATENCY.items()
        if latency != reference
    ]
    mean = sum(abs(row.error) for row in found) / len(found)
    return [*found, _row("nine points: 1 + mean error", 1.0, 1.0 + mean, MEAN_AIM)]


def _row(quantity: str, published: float, ours: float, tolerance: float | None) -> Row:
    return Row(
        quantity=quantity,
        unit="",
        published=published,
        ours=ours,
        tolerance=tolerance,
        made=Made.EVALUATE,
        source=SOURCE,
        evidence=Evidence.SIMULATED,
        note=_RULE,
    )
