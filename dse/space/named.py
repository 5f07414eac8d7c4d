"""Spaces by name: what an architect would sweep first, ready to be narrowed."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

import hwmodels
from dse import naming
from dse.errors import UnknownNameError, nearest
from dse.naming import refuse_another
from dse.space.space import Space
from hwmodels.machine import check_machine
from hwmodels.technology import scale_delay
from hwmodels.template import LOOP_ORDERS, Template
from workloads.errors import WrongTypeError, shown
from workloads.grammar.arguments import TEXT, takes
from workloads.grammar.axes import powers_of_two

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
    """Small arrays in a phone or a sensor: at most 1 W and 3 mm², 22 nm, LPDDR4.

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
        constraints=[*_SQUARE_ENOUGH, "power_w <= 1", "area_mm2 <= 3"],
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


def sparse() -> Space:
    """Small int8 machines that do something about zeros, 22 nm: how much of it pays.

    Lanes of multipliers with an adder tree, zeros skipped, gated or left, storage formats by operand, the
    front end's width and how far lanes may run ahead. Filters are as unevenly pruned as in published masks.
    Give it networks with densities: where nothing is zero, the dense designs win.
    """
    weight, input_ = "sparsity.weight", "sparsity.input"
    positions = "sparsity.front_end_positions_per_cycle"
    zeros = [
        {f"{weight}.mode": one, f"{input_}.mode": other, positions: width}
        for one, other, width in [
            ("none", "none", 0),
            ("gate", "gate", 0),
            ("skip", "none", 32),
            ("skip", "none", 64),
            ("skip", "gate", 64),
            ("skip", "skip", 32),
            ("skip", "skip", 64),
            ("skip", "skip", 128),
        ]
    ]
    return Space(
        "edge_lanes",
        axes={
            "array.unroll.k": [4, 8, 16, 32],
            "array.unroll.c": [8, 16],
            "positions": [{"array.unroll.p": p, "array.unroll.q": q} for p, q in [(1, 4), (2, 4), (4, 4)]],
            "zeros": zeros,
            "sparsity.fifo_depth": [0, 8, 32],
            f"{weight}.format": ["dense", "bitmask", "rle", "csc"],
            "activations": [
                {f"{input_}.format": form, "sparsity.output.format": form} for form in ("dense", "bitmask")
            ],
            "buffers.weight.bytes": ["64 KiB", "256 KiB"],
            "buffers.input.bytes": ["64 KiB", "256 KiB"],
            "main_memory": ["lpddr4", "hbm2"],
        },
        name="sparse",
        assumptions=["filters are pruned as unevenly as those of four published masks (fitted)"],
    )


def spring() -> Space:
    """SPRING and its neighbours: PEs and lanes, buffers, main memory, what is done about zeros, and formats.

    At most twice SPRING's multipliers. One point is SPRING itself.
    """
    packed = {
        form: {f"sparsity.{operand}.format": form for operand in ("weight", "input", "output")}
        for form in ("bitmask", "rle", "dense")
    }
    both = [("skip", 64), ("skip", 32), ("gate", 64), ("none", 64)]
    above = {"stacking.memory_tier": 1, "stacking.memory_area_mm2": 166.0}
    beside = {"stacking.memory_tier": -1, "stacking.memory_area_mm2": 0.0}
    return Space(
        "spring",
        axes={
            "array.unroll.n": [1, 2, 4],
            "array.unroll.k": [4, 8, 16, 32],
            "positions": [
                {"array.unroll.p": p, "array.unroll.q": q} for p, q in [(2, 4), (4, 4), (4, 8), (8, 8)]
            ],
            "taps": [{"array.unroll.r": taps, "array.unroll.s": taps} for taps in (1, 3)],
            "zeros": [
                {
                    "sparsity.weight.mode": mode,
                    "sparsity.input.mode": mode,
                    "sparsity.front_end_positions_per_cycle": width,
                }
                for mode, width in both
            ],
            "formats": list(packed.values()),
            "buffers.weight.bytes": ["1.5 MiB", "6 MiB", "24 MiB"],
            "buffers.shared.bytes": ["1.5 MiB", "3 MiB", "6 MiB", "12 MiB"],
            "memory": [
                {"main_memory": "rram_m3d", **above},
                {"main_memory": "hbm2", **beside},
                {"main_memory": "ddr4", **beside},
            ],
        },
        constraints=[" * ".join(f"array.unroll.{loop}" for loop in "nkcpqrs") + " <= 147456"],
        name="spring",
        assumptions=[
            "lanes stay 16 multipliers wide, as reported",
            "a design that does nothing about zeros has no front end; its other modules are as reported",
            "every RRAM tier is SPRING's, 166 mm2 and 2 GB, whatever lies under it; its area is apart",
            "a batch of inputs is there to fill the PEs",
        ],
    )


def software_defined(base: Template | None = None) -> Space:
    """Machines of a ten-parameter template in 22 nm: one tiling and one loop order for every operation.

    Groups of MACs, banks of memory, tiles and the order of their loops, after the software-defined
    design-space exploration of Yu, Li, Che, Jha and Zhang (IEEE Trans. Computers 70(1), 2021): 1.5 million
    machines of `hwmodels.template`.
    """
    return Space(
        base or Template(),
        axes={
            "loop_order": list(LOOP_ORDERS),
            "groups": [8, 16, 32, 64],
            "macs_per_group": [8, 16, 32, 64],
            "bank_height": [256, 1024, 4096],
            "bank_width_bits": [64, 128, 256],
            "weight_banks": [1, 2, 4],
            "input_banks": [1, 2, 4],
            "tile_if": [16, 32, 64, 128],
            "tile_ix": [7, 14, 28, 56],
            "tile_iy": [7, 14, 28],
            "tile_of": [16, 32, 64, 128],
        },
        name="software_defined",
        assumptions=["formulas and constants of the template are this project's (assumed)"],
    )


SPACES: Final[dict[str, Callable[[], Space]]] = {name: globals()[name] for name in naming.SPACES}


def space_names() -> list[str]:
    """Names of the spaces that `named_space` knows."""
    return sorted(SPACES)


@takes(name=TEXT)
def named_space(name: str) -> Space:
    """Build a space by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the nearest are named.

    """
    return _maker(name)()


def space_of(space: Space | str) -> Space:
    """Return a space as it is, or the one of a name.

    Raises
    ------
    UnknownNameError
        If there is none of that name; of a machine's name, how to make a space of it.

    """
    return named_space(space) if isinstance(space, str) else space


def machine_of(machine: Any) -> Any:
    """Return a machine as it is, or the one of a name or of a machine file.

    Raises
    ------
    UnknownAcceleratorError
        If there is none of that name; of a space's name, where its machines are; of a network's, its place.

    """
    if isinstance(machine, str):
        refuse_another(machine, "machine")
    if isinstance(machine, Space):
        raise WrongTypeError(
            f"machine: a space of {machine.size:,} machines is not one: space[0] is its first, "
            "dse.sweep(network, space) costs all of them"
        )
    return check_machine(hwmodels.load(machine) if isinstance(machine, str) else machine)


def about(name: str) -> str:
    """Say what a space is, in a few sentences on one line.

    Examples
    --------
    >>> about("edge").partition(":")[0]
    'Small arrays in a phone or a sensor'

    Raises
    ------
    UnknownNameError
        If there is none of that name; the nearest are named.

    """
    return " ".join((_maker(name).__doc__ or "").split())


def _maker(name: str) -> Callable[[], Space]:
    if name not in SPACES:
        refuse_another(name, "space")
        raise UnknownNameError(f"unknown space {shown(name)}{nearest(name, SPACES)}")
    return SPACES[name]
