"""An account in another technology: counts stay, and every price is multiplied by its constant's factor.

Which constant of the technology a price, a power, an area or a speed is in proportion to is said here and
nowhere else. The names of the constants are the rows of `hwmodels/data/uncertainty.csv`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hwmodels.accounting import batch_energies_j
from hwmodels.columns import MetricTable
from hwmodels.lines import STANDING
from hwmodels.tiers import apply_tiers
from workloads.table import make_table

Floats = NDArray[np.float64]
Factor = Callable[[str], Floats]
"""Factor of a constant, of a shape that broadcasts with the columns it is asked for."""

CONSTANTS: Final = {
    "mac": "mac_energy",
    "vector": "vector_energy",
    "control": "control_energy",
    "buffer": "buffer_energy",
    "dram": "main_memory_energy",
}
"""The constant that prices of a part of the energy are in proportion to; `static` is powers times latency."""


def clock_power(factor: Factor) -> Floats:
    """Factor on the power of the clock's network: that of logic that switches, as often as the clock runs."""
    return np.asarray(factor("mac_energy") * factor("clock"))


_SCALED: Final = {
    "buffer_leakage_w": "buffer_leakage",
    "dram_background_w": "main_memory_background",
    "dram_read_bytes_per_s": "main_memory_bandwidth",
    "dram_write_bytes_per_s": "main_memory_bandwidth",
    "array_area_mm2": "logic_area",
    "buffer_area_mm2": "buffer_area",
    "memory_area_mm2": "memory_area",
    "clock_hz": "clock",
}
"""The constant that each column of a table of configurations is in proportion to."""

STANDING_COLUMNS: Final = (*_SCALED, "clock_w", "leakage_w")
"""All that `repriced` knows; leakage is the sum of logic's, the buffers' and the clock's power."""


def repriced(configs: Any, factor: Factor, names: Collection[str] = STANDING_COLUMNS) -> dict[str, Floats]:
    """Standing powers, areas and speeds of configurations in other technologies.

    Parameters
    ----------
    configs
        A table with the standing columns of `hwmodels.columns.ConfigTable`, each of shape (n,).
    factor
        Factors of shape (1, n_samples) or (n, n_samples).
    names
        Columns asked for.

    Returns
    -------
    dict
        Columns of shape (n, n_samples), under the names of the table. Where every factor is 1 they are the
        nominal ones bit for bit.

    """

    def column(name: str) -> Floats:
        return np.asarray(getattr(configs, name), dtype=np.float64)[:, None]

    found = {name: column(name) * factor(_SCALED[name]) for name in names if name in _SCALED}
    if "clock_w" in names:
        found["clock_w"] = column("clock_w") * clock_power(factor)
    if "leakage_w" in names:
        buffers, clock = column("buffer_leakage_w"), column("clock_w")
        logic = column("leakage_w") - buffers - clock
        found["leakage_w"] = (
            column("leakage_w")
            + logic * (factor("logic_leakage") - 1.0)
            + buffers * (factor("buffer_leakage") - 1.0)
            + clock * (clock_power(factor) - 1.0)
        )
    return found


def energies_j(
    configs: Any, nominal: Mapping[str, Floats], factor: Factor, latency_s: Floats
) -> dict[str, Floats]:
    """Energy of each part in other technologies [J]: sum over its lines of count x price x factor.

    Lines of a part have one factor, so that the part's nominal energy is all that is needed of them; timed
    lines count the other latency.

    Parameters
    ----------
    configs, factor
        As of `repriced`.
    nominal
        `<part>_energy_j` of shape (n,).
    latency_s
        Shape (n, n_samples).

    Returns
    -------
    dict
        By part, in the order of an account; arrays that broadcast to (n, n_samples).

    """
    counted = {
        part: np.asarray(nominal[f"{part}_energy_j"], dtype=np.float64)[:, None] * factor(constant)
        for part, constant in CONSTANTS.items()
    }
    watts = repriced(configs, factor, ("leakage_w", "dram_background_w"))
    prices_pj = [watts["leakage_w"] * 1e12, watts["dram_background_w"] * 1e12]
    return counted | batch_energies_j(STANDING, [latency_s, latency_s], prices_pj, latency_s)


def stacked(configs: Any, parts_j: Mapping[str, Floats], factor: Factor, latency_s: Floats) -> MetricTable:
    """Footprint and temperature in other technologies, and where the stack bears them (`feasible`).

    Parameters
    ----------
    configs, factor, latency_s
        As of `energies_j`.
    parts_j
        What that returned.

    Returns
    -------
    MetricTable
        Columns of shape (n * n_samples,), those of a configuration together.

    """
    shape = latency_s.shape

    def flat(values: Floats) -> Floats:
        return np.broadcast_to(values, shape).ravel()

    every = {name: np.repeat(getattr(configs, name), shape[1]) for name in configs._fields}
    every |= {name: flat(values) for name, values in repriced(configs, factor).items()}
    columns = {f"{part}_energy_j": flat(parts_j[part]) for part in CONSTANTS}
    table = make_table(MetricTable, {**columns, "latency_s": flat(latency_s), "feasible": 1}, latency_s.size)
    apply_tiers(type(configs)(**every), table)
    return table
