"""Carbon of making and of running a chip, after ACT (Gupta et al., ISCA 2022)."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.components.tables import Floats, column, floats, read, require, unknown

FAB_G_PER_KWH = 583.0  # Taiwan's grid; memory
USE_G_PER_KWH = 380.0  # average grid of use; assumed
YIELD = 0.875  # ACT's default; memory
ABATEMENT = 0.97  # share of process gases destroyed, between ACT's two columns; assumed
_JOULES_PER_KWH = 3.6e6


@cache
def _act() -> dict[str, Floats]:
    rows = sorted(read("carbon"), key=lambda row: float(row["node_nm"]))
    names = ("node_nm", "energy_kwh_per_cm2", "gas95_g_per_cm2", "gas99_g_per_cm2", "materials_g_per_cm2")
    return {name: column(rows, name) for name in names}


def embodied_g(
    area_mm2: ArrayLike,
    node_nm: ArrayLike,
    *,
    fab_g_per_kwh: ArrayLike = FAB_G_PER_KWH,
    process_yield: ArrayLike = YIELD,
    abatement: ArrayLike = ABATEMENT,
) -> Floats:
    """Grams of CO2-equivalent of making a die.

    Parameters
    ----------
    area_mm2
        Processed area; of a stack, the sum over tiers of the area each was processed on.
    node_nm
        Node in nanometres, 3 to 28; linear in log node between ACT's nodes.
    fab_g_per_kwh
        Carbon intensity of the fab's electricity.
    process_yield
        Share of good dies, in (0, 1]; `cost.die_yield` gives it by area.
    abatement
        Share of process gases destroyed, in [0.95, 0.99]; linear between ACT's two columns.

    Returns
    -------
    ndarray
        Grams: area x (intensity x energy + gases + materials) / yield.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(float(embodied_g(100.0, 28)))  # one cm2: (0.583 x 900 + 137.5 + 500) / 0.875
    1328

    """
    table = _act()
    area, node, given = floats(area_mm2), floats(node_nm), floats(process_yield)
    nodes = table["node_nm"]
    require(area >= 0, "area_mm2", "zero or more", area)
    supported = f"between {nodes[0]:g} and {nodes[-1]:g} (ACT's table)"
    require((node >= nodes[0]) & (node <= nodes[-1]), "node_nm", supported, node)
    require((given > 0) & (given <= 1), "process_yield", "in (0, 1]", given)
    share = (floats(abatement) - 0.95) / 0.04
    require((share >= -1e-12) & (share <= 1 + 1e-12), "abatement", "in [0.95, 0.99]", abatement)

    def at(name: str) -> Floats:
        return np.asarray(np.interp(np.log(node), np.log(nodes), table[name]))

    gases = (1 - share) * at("gas95_g_per_cm2") + share * at("gas99_g_per_cm2")
    per_cm2 = floats(fab_g_per_kwh) * at("energy_kwh_per_cm2") + gases + at("materials_g_per_cm2")
    return np.asarray(area / 100 * per_cm2 / given)


def memory_embodied_g(memory: str, capacity_bytes: ArrayLike) -> Floats:
    """Grams of CO2-equivalent of making a memory device, by capacity (gigabytes of 10^9 bytes).

    Parameters
    ----------
    memory
        A row of ACT's memory table: `memory_names()`.
    capacity_bytes
        Capacity in bytes, zero or more.

    Raises
    ------
    KeyError
        If the memory is unknown; the nearest names are given.

    Examples
    --------
    >>> float(memory_embodied_g("lpddr4", 4e9))
    192.0

    """
    table = {row["memory"]: float(row["g_per_gb"]) for row in read("carbon_memory")}
    if memory not in table:
        raise unknown("memory", memory, table)
    capacity = floats(capacity_bytes)
    require(capacity >= 0, "capacity_bytes", "zero or more", capacity)
    return np.asarray(table[memory] * capacity / 1e9)


def memory_names() -> tuple[str, ...]:
    """Memories whose making ACT has a figure for."""
    return tuple(row["memory"] for row in read("carbon_memory"))


def operational_g(energy_j: ArrayLike, *, use_g_per_kwh: ArrayLike = USE_G_PER_KWH) -> Floats:
    """Grams of CO2-equivalent of running: energy x carbon intensity of the electricity used.

    Examples
    --------
    >>> float(operational_g(3.6e6))  # one kilowatt-hour
    380.0

    """
    energy = floats(energy_j)
    require(energy >= 0, "energy_j", "zero or more", energy)
    return np.asarray(energy / _JOULES_PER_KWH * floats(use_g_per_kwh))
