"""Spaces by name: what an architect would sweep first, ready to be narrowed."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from dse.axes import powers_of_two
from dse.errors import UnknownNameError, nearest
from dse.space import Space

NOMINAL_CLOCK_HZ: Final = 1.2e9
"""What a systolic array reaches at its node's nominal voltage (assumed; products lie at 0.7 to 1.5 GHz)."""


def operating_points(voltages: Sequence[float], node_nm: float) -> list[dict[str, float]]:
    """Clocks with the supply voltages that they need, as the values of a linked axis.

    Parameters
    ----------
    voltages
        Supply voltages in volts.
    node_nm
        Technology node in nanometres.

    Returns
    -------
    list of dict
        `technology.voltage` and `clock_hz`, the fastest clock that the voltage allows, in steps of 50 MHz:
        1.2 GHz at the nominal voltage, scaled by the circuit's delay (Stillmaker and Baas, Integration 58,
        2017).

    """
    from hwmodels.technology import scale_delay

    reached = NOMINAL_CLOCK_HZ / np.asarray(scale_delay(node_nm, node_nm, None, np.array(voltages)))
    clocks = 50e6 * np.floor(reached / 50e6)
    pairs = zip(clocks.tolist(), voltages, strict=True)
    return [{"clock_hz": clock, "technology.voltage": voltage} for clock, voltage in pairs]


def systolic() -> Space:
    """Systolic arrays from microcontroller to small server, int8 in 22 nm.

    Array shape and dataflow, a buffer for each operand, operating point and main memory. Arrays more than
    four times as wide as high, or as high as wide, are left out: their fill and drain waste what their shape
    gains.
    """
    return Space(
        "edge_32x32",
        axes={
            "array.rows": powers_of_two(8, 256),
            "array.cols": powers_of_two(8, 256),
            "array.dataflow": ["os", "ws", "is"],
            "buffers.weight.bytes": powers_of_two("16 KiB", "512 KiB"),
            "buffers.input.bytes": ["32 KiB", "128 KiB", "512 KiB", "2 MiB"],
            "buffers.output.bytes": ["32 KiB", "128 KiB", "512 KiB"],
            "operating_point": operating_points([0.5, 0.6, 0.7, 0.8, 0.9], node_nm=22),
            "main_memory": ["lpddr4", "ddr4", "gddr5x", "hbm2"],
        },
        constraints=["array.cols <= 4 * array.rows", "array.rows <= 4 * array.cols"],
        name="systolic",
    )


SPACES: Final[dict[str, Callable[[], Space]]] = {space.__name__: space for space in (systolic,)}


def space_names() -> list[str]:
    """Names of the spaces that `named_space` knows."""
    return sorted(SPACES)


def named_space(name: str) -> Space:
    """Build a space by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the nearest are named.

    """
    if name not in SPACES:
        raise UnknownNameError(f"unknown space {name!r}{nearest(name, SPACES)}")
    return SPACES[name]()
