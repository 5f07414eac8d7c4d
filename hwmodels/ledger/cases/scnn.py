"""SCNN against its dense counterpart: three pruned networks, and GoogLeNet over density."""

from hwmodels.ledger.row import Evidence, Row
from hwmodels.silicon import scnn

TITLE = "SCNN: speed-up over the dense machine with as many multipliers"
SOURCE = "Parashar et al., ISCA 2017, figures 7 and 8 (close reading)"
SPEEDUPS = {"alexnet": 2.37, "googlenet": 2.19, "vgg16": 3.52}
AIM = 0.15

_RULE = (
    "Compute cycles alone; densities by layer from github NVlabs/timeloop, input and output positions dealt "
    "out to 8 x 8 PEs, vectors of four filled from a channel's non-zeros, PEs waiting after each group of "
    "output channels. GoogLeNet is its inception modules."
)


def rows() -> list[Row]:
    """Network speed-ups and the ends of the density sweep."""
    networks = [
        _row(f"{network}: speed-up", published, scnn.speedup(scnn.layers(network)), AIM)
        for network, published in SPEEDUPS.items()
    ]
    crossover = _crossover()
    return [
        *networks,
        _row("googlenet, no zeros: speed-up", 0.79, scnn.speedup_at(1.0), AIM),
        _row("googlenet, a tenth of each operand: speed-up", 24.0, scnn.speedup_at(0.1), None),
        _row("googlenet: density at which both are as fast", 0.85, crossover, AIM),
    ]


def _crossover() -> float:
    """Density at which SCNN and the dense machine are equally fast, by bisection."""
    low, high = 0.1, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if scnn.speedup_at(middle) > 1 else (low, middle)
    return low


def _row(quantity: str, published: float, ours: float, tolerance: float | None) -> Row:
    return Row(
        quantity=quantity,
        unit="x" if "speed-up" in quantity else "",
        published=published,
        ours=ours,
        tolerance=tolerance,
        source=SOURCE,
        evidence=Evidence.MODEL,
        note=_RULE,
    )
