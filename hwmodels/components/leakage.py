"""How leakage follows temperature.

Prices of leakage hold at 350 K (`PRICED_C`), where CACTI's sweep was made. CACTI's own off-currents from 300
to 400 K lead to other temperatures: buffers are priced by that simulator, and logic is taken to follow the
same transistors.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwmodels.components.sram import DEVICES
from hwmodels.components.tables import Floats, column, floats, read, require

PRICED_C: Final = 76.85
"""Temperature that prices of leakage hold at [C]."""
COLDEST_C, HOTTEST_C = 26.85, 126.85
"""Temperatures of the table; none is taken to hold beyond them."""


def curve_of(node_nm: ArrayLike, device: str | ArrayLike = "hp") -> NDArray[np.int64]:
    """Which curve of the table leakage follows: that of the nearest node, in log node, and of the device."""
    codes = np.asarray(DEVICES.index(device) if isinstance(device, str) else device, dtype=np.int64)
    node, codes = np.broadcast_arrays(floats(node_nm), codes)
    nodes = _table()[0]
    nearest = np.abs(np.log(node[..., None]) - np.log(nodes)).argmin(axis=-1)
    return np.asarray(codes * nodes.size + nearest)


def on_curve(temperature_c: ArrayLike, curve: ArrayLike) -> Floats:
    """Leakage at a temperature over that at which it is priced; `curve` is what `curve_of` returned."""
    heat = floats(temperature_c)
    inside = (heat >= COLDEST_C) & (heat <= HOTTEST_C)
    require(inside, "temperature_c", f"between {COLDEST_C:g} and {HOTTEST_C:g} (the leakage table)", heat)
    heat, curves = np.broadcast_arrays(heat, np.asarray(curve, dtype=np.int64))
    _, heats, logs = _table()
    rows = logs.reshape(-1, heats.size)
    low = np.clip(np.searchsorted(heats, heat, side="right") - 1, 0, heats.size - 2)
    share = (heat - heats[low]) / (heats[low + 1] - heats[low])
    return np.asarray(np.exp((1 - share) * rows[curves, low] + share * rows[curves, low + 1]))


@cache
def _table() -> tuple[Floats, Floats, Floats]:
    """Nodes, temperatures, both ascending, and logarithms of leakage over that at `PRICED_C`, per device."""
    rows = read("leakage_temperature")
    nodes, heats = (np.unique(column(rows, name)) for name in ("node_nm", "temperature_c"))
    logs = np.zeros((len(DEVICES), nodes.size, heats.size))
    for row in rows:
        node, heat = np.searchsorted(nodes, float(row["node_nm"])), float(row["temperature_c"])
        at = DEVICES.index(row["device"]), node, np.searchsorted(heats, heat)
        logs[at] = np.log(float(row["a_per_um"]))
    return nodes, heats, logs - logs[:, :, heats == PRICED_C]


def leakage_at(temperature_c: ArrayLike, node_nm: ArrayLike, device: str | ArrayLike = "hp") -> Floats:
    """Leakage at a temperature over that at which it is priced: I_off(T) / I_off(350 K).

    Parameters
    ----------
    temperature_c
        Of the transistors, in degrees Celsius, 26.85 to 126.85.
    node_nm
        Technology node in nanometres. The nearest node of the table (65, 45, 32, 22) in log node is taken, as
        that of the sweep is.
    device
        Class of the transistors, as of `components.sram.sram`.

    Returns
    -------
    ndarray
        Factors, broadcast; exactly 1 at `PRICED_C`. Log-linear between temperatures, and never falling.

    Raises
    ------
    ValueError
        If a temperature is outside the table.

    Notes
    -----
    Off-current alone: the part of gates, which hardly follows temperature, is taken to follow it too. That of
    22 nm high-performance devices rises 23-fold from 350 to 400 K.

    Examples
    --------
    >>> round(float(leakage_at(96.85, 45)), 3), float(leakage_at(PRICED_C, 7))
    (1.265, 1.0)

    """
    return on_curve(temperature_c, curve_of(node_nm, device))
