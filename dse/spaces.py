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


_CLOCKS: Final = "clocks scale with voltage from 1.2 GHz at the nominal one (assumed)"
_SQUARE_ENOUGH: Final = ("array.cols <= 4 * array.rows", "array.rows <= 4 * array.cols")
"""Longer arrays waste in fill and drain what their shape gains."""


def systolic() -> Space:
    """Systolic arrays from microcontroller to small server, int8 in 22 nm.

    Array shape and dataflow, a buffer for each operand, operating point and main memory.
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
        constraints=_SQUARE_ENOUGH,
        name="systolic",
        assumptions=[_CLOCKS],
    )


def edge() -> Space:
    """Small arrays in a phone or a sensor: at most 1 W and 1 mm², 22 nm, LPDDR4.

    Finer steps of the array's shape than `systolic`.
    """
    return Space(
        "edge_16x16",
        axes={
            "array.rows": [4, 6, 8, 12, 16, 24, 32, 48],
            "array.cols": [4, 6, 8, 12, 16, 24, 32, 48],
            "array.dataflow": ["os", "ws", "is"],
            "buffers.weight.bytes": powers_of_two("8 KiB", "128 KiB"),
            "buffers.input.bytes": powers_of_two("16 KiB", "256 KiB"),
            "buffers.output.bytes": powers_of_two("8 KiB", "64 KiB"),
            "operating_point": operating_points([0.5, 0.6, 0.7, 0.8], node_nm=22),
        },
        constraints=[*_SQUARE_ENOUGH, "power_w <= 1", "area_mm2 <= 1"],
        name="edge",
        assumptions=[_CLOCKS],
    )


def datacentre() -> Space:
    """Cores of a data-centre machine: large arrays and buffers, 7 nm, GDDR5X or HBM2, at most 75 W."""
    return Space(
        "datacentre_128x128",
        axes={
            "array.rows": powers_of_two(64, 512),
            "array.cols": powers_of_two(64, 512),
            "array.dataflow": ["os", "ws", "is"],
            "buffers.weight.bytes": powers_of_two("512 KiB", "16 MiB"),
            "buffers.input.bytes": powers_of_two("1 MiB", "32 MiB"),
            "buffers.output.bytes": powers_of_two("512 KiB", "8 MiB"),
            "operating_point": operating_points([0.5, 0.6, 0.7], node_nm=7),
            "main_memory": ["gddr5x", "hbm2"],
        },
        constraints=[*_SQUARE_ENOUGH, "power_w <= 75"],
        name="datacentre",
        assumptions=[_CLOCKS],
    )


SPACES: Final[dict[str, Callable[[], Space]]] = {
    space.__name__: space for space in (systolic, edge, datacentre)
}


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
