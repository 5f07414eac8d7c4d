"""SCNN against its dense counterpart: three pruned networks, and GoogLeNet over density."""

import math
from collections.abc import Callable

from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import scnn

TITLE = "SCNN: speed-up and energy against the dense machine with as many multipliers"
SOURCE = "Parashar et al., ISCA 2017, figures 7 and 8 (close reading)"
SPEEDUPS = {"alexnet": 2.37, "googlenet": 2.19, "vgg16": 3.52}
AIM = 0.15

_RULE = (
    "Compute cycles alone; densities by layer from github NVlabs/timeloop, input and output positions dealt "
    "out to 8 x 8 PEs, vectors of four filled from a channel's non-zeros, PEs waiting after each group of "
    "output channels. GoogLeNet is its inception modules."
)

_ENERGY = (
    "Component prices of this library, nothing fitted: both machines whole, with their buffers, leakage and "
    "LPDDR4, which takes much of it and which the paper's activations mostly never reach. A product of "
    "SCNN crosses its crossbar and is added in an accumulator bank. The paper's figures are ratios read off "
    "plots."
)


def rows() -> list[Row]:
    """Network speed-ups and the ends of the density sweep."""
    networks = [
        _row(f"{network}: speed-up", published, scnn.speedup(scnn.layers(network)), AIM)
        for network, published in SPEEDUPS.items()
    ]
    gain = math.prod(1 / scnn.energy_share(scnn.layers(network)) for network in SPEEDUPS) ** (1 / 3)
    return [
        *networks,
        _row("googlenet, no zeros: speed-up", 0.79, scnn.speedup_at(1.0), AIM),
        _row("googlenet, a tenth of each operand: speed-up", 24.0, scnn.speedup_at(0.1), None),
        _row("googlenet: density at which both are as fast", 0.85, _crossover(scnn.speedup_at), AIM),
        _row("three networks: energy of the dense machine over SCNN's", 2.3, gain, None, _ENERGY),
        _row(
            "googlenet, no zeros: energy over the dense machine's",
            1.33,
            scnn.energy_share_at(1.0),
            None,
            _ENERGY,
        ),
        _row(
            "googlenet, a tenth of each operand: energy over the dense machine's",
            0.06,
            scnn.energy_share_at(0.1),
            None,
            _ENERGY,
        ),
        _row(
            "googlenet: density at which both spend as much",
            0.83,
            _crossover(lambda density: 1 / scnn.energy_share_at(density)),
            None,
            _ENERGY,
        ),
    ]


def _crossover(gain: Callable[[float], float]) -> float:
    """Density at which SCNN and the dense machine are equally good, by bisection."""
    low, high = 0.1, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if gain(middle) > 1 else (low, middle)
    return low


def _row(quantity: str, published: float, ours: float, tolerance: float | None, note: str = _RULE) -> Row:
    return Row(
        quantity=quantity,
        unit="x" if "speed-up" in quantity or "energy" in quantity else "",
        published=published,
        ours=ours,
        tolerance=tolerance,
        made=Made.EVALUATE,
        source=SOURCE,
        evidence=Evidence.SIMULATED,
        note=note,
    )
