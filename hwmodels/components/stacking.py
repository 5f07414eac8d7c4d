"""Tiers above one another: what connects them, what they cover, how warm they get.

Tier 0 lies next to the heat sink. A planar chip has all its parts side by side; the other styles put each
tier over the same footprint. Several limits come from secondary notes; `data/stacking.csv` has each figure's
source and status.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.components.tables import Floats, floats, read, require, unknown

STYLES = ("planar", "tsv", "hybrid_bond", "monolithic")
LIMITS = ("", "tier temperature", "tier power density", "via bandwidth", "logic tiers")
"""Names of what a stack may break, by code; 0 is none. A row shows the first that applies."""


class Stack(NamedTuple):
    """A stack's geometry and heat; (...) is the arguments' shape without the tier axis."""

    footprint_mm2: Floats  # (...)
    power_density_w_per_mm2: Floats  # (..., tiers), over the tier's own area
    temperature_c: Floats  # (..., tiers)


@cache
def figures(group: str) -> dict[str, float]:
    """Numbers of one style, of the "package" or of the "limit"s, by field."""
    found = {row["field"]: float(row["value"]) for row in read("stacking") if row["style"] == group}
    if not found:
        raise unknown("stacking style", group, STYLES)
    return found


def vias_per_mm2(pitch_um: ArrayLike) -> Floats:
    """Density of a square grid of vias.

    Examples
    --------
    >>> float(vias_per_mm2(20.0))  # through-silicon vias; monolithic ones at 0.1 um reach 1e8
    2500.0

    """
    pitch = floats(pitch_um)
    require(pitch > 0, "pitch_um", "positive", pitch)
    return np.asarray(1e6 / pitch**2)


def via_bandwidth_bytes_per_s(
    area_mm2: ArrayLike, pitch_um: ArrayLike, clock_hz: ArrayLike, *, area_share: ArrayLike = 0.01
) -> Floats:
    """Bytes per second that vias carry between two tiers.

    Parameters
    ----------
    area_mm2
        Overlap of the two tiers.
    pitch_um
        Pitch of the vias.
    clock_hz
        Transfers per second and via.
    area_share
        Share of the overlap given to data vias, in (0, 1]; the default of 1 % is assumed.

    Returns
    -------
    ndarray
        Density x area x share x clock / 8. For monolithic vias the array's ports bind long before this does.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> float(via_bandwidth_bytes_per_s(100, 20.0, 1e9)) / 1e9  # 2500 data vias
    312.5

    """
    area, clock, share = floats(area_mm2), floats(clock_hz), floats(area_share)
    require(area >= 0, "area_mm2", "zero or more", area)
    require(clock > 0, "clock_hz", "positive", clock)
    require((share > 0) & (share <= 1), "area_share", "in (0, 1]", share)
    return np.asarray(vias_per_mm2(pitch_um) * area * share * clock / 8)


def via_pj_per_bit(style: str, voltage: ArrayLike, *, toggle_rate: float = 0.5) -> Floats:
    """Energy of one bit through one via: toggle rate x C x V^2, in picojoules; 0 for a planar chip.

    Examples
    --------
    >>> round(float(via_pj_per_bit("monolithic", 0.8)), 7)  # 0.5 * 0.2 fF * 0.64 V^2
    6.4e-05

    """
    volts = floats(voltage)
    require(volts > 0, "voltage", "positive", volts)
    capacitance_ff = 0.0 if style == "planar" else figures(style)["via_ff"]
    return np.asarray(toggle_rate * capacitance_ff * 1e-3 * volts**2)


def stack(
    area_mm2: ArrayLike,
    power_w: ArrayLike,
    style: str | ArrayLike = "monolithic",
    *,
    sink_k_per_w: ArrayLike | None = None,
    ambient_c: ArrayLike | None = None,
) -> Stack:
    """Footprint, power density and temperature of a stack of tiers.

    Parameters
    ----------
    area_mm2, power_w
        Area and power of each tier, shape (..., tiers), tier 0 next to the heat sink; zero or more.
    style
        "planar", "tsv", "hybrid_bond" or "monolithic", or indices into `STYLES`, shape (...). Planar parts
        share one layer: the footprint is their sum and all have one temperature.
    sink_k_per_w, ambient_c
        Heat sink's resistance to ambient in kelvin per watt, and ambient in degrees Celsius; None is the
        package's (assumed) default. Shape (...).

    Returns
    -------
    Stack
        Footprint in mm2, power density in W/mm2 and temperature in degrees Celsius per tier.

    Raises
    ------
    ValueError
        If an area or power is negative.
    KeyError
        If the style is unknown; the nearest names are given.

    Notes
    -----
    One-dimensional resistance stack: T_k = T_ambient + sum over j <= k of R_j x (power of tiers j and above).
    R_0 is sink + interface + substrate, R_j a bond and the tier's own layer over the footprint. Spreading is
    neglected.

    Examples
    --------
    >>> two = stack([100.0, 50.0], [10.0, 5.0])
    >>> float(two.footprint_mm2), two.power_density_w_per_mm2.tolist()
    (100.0, [0.1, 0.1])

    """
    area, power = np.broadcast_arrays(floats(area_mm2), floats(power_w))
    require(area >= 0, "area_mm2", "zero or more", area)
    require(power >= 0, "power_w", "zero or more", power)
    package = figures("package")
    sink = floats(package["sink_k_per_w"] if sink_k_per_w is None else sink_k_per_w)
    ambient = floats(package["ambient_c"] if ambient_c is None else ambient_c)
    below_mm2_k_per_w = _layer(package, "interface") + _layer(package, "silicon")

    codes = _codes(style)
    footprint = np.where(codes == 0, area.sum(axis=-1), area.max(axis=-1))
    between_mm2_k_per_w = _between_mm2_k_per_w()[codes][..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(area > 0, power / area, np.where(power > 0, np.inf, 0.0))
        flux = np.where(footprint > 0, 1 / footprint, 0.0)[..., None]
    through = np.flip(np.cumsum(np.flip(power, axis=-1), axis=-1), axis=-1)  # power crossing below each tier
    rise = between_mm2_k_per_w * flux * through
    rise[..., 0] = (sink + below_mm2_k_per_w * flux[..., 0]) * through[..., 0]
    return Stack(footprint, density, ambient[..., None] + np.cumsum(rise, axis=-1))


def _codes(style: str | ArrayLike) -> np.ndarray:
    """Indices into `STYLES` of a name or of indices."""
    if isinstance(style, str):
        if style not in STYLES:
            raise unknown("stacking style", style, STYLES)
        return np.asarray(STYLES.index(style))
    codes = np.asarray(style)
    require(np.isin(codes, range(len(STYLES))), "style", f"an index into {STYLES}", codes)
    return codes


@cache
def _between_mm2_k_per_w() -> Floats:
    """Thermal resistance between a tier and the one below it, by style; none between parts of one layer."""
    stacked = [figures(style) for style in STYLES[1:]]
    return np.array([0.0, *(_layer(fields, "bond") + _layer(fields, "layer") for fields in stacked)])


def _layer(fields: dict[str, float], name: str) -> float:
    """Thermal resistance of one square millimetre of a layer: thickness over conductivity, in K mm2/W."""
    return fields[f"{name}_um"] / fields[f"{name}_w_per_mk"]


def broken_limit(
    stacked: Stack,
    *,
    temperature_limit_c: ArrayLike | None = None,
    needed_bytes_per_s: ArrayLike = 0.0,
    available_bytes_per_s: ArrayLike = np.inf,
    logic_tiers: ArrayLike = 1,
) -> np.ndarray:
    """Return the code of the first limit a stack breaks, 0 for none; `LIMITS` has the names.

    Parameters
    ----------
    stacked
        What `stack` returned.
    temperature_limit_c
        Per tier, shape (..., tiers) or one number; None is 105 for all. DRAM tiers want 85.
    needed_bytes_per_s, available_bytes_per_s
        Traffic between tiers and what the vias carry.
    logic_tiers
        Active logic tiers of the stack.

    Returns
    -------
    ndarray
        Integer codes of shape (...).

    Examples
    --------
    >>> hot = stack([100.0, 100.0], [150.0, 99.0])
    >>> LIMITS[int(broken_limit(hot))]
    'tier temperature'

    """
    limits = figures("limit")
    ceiling = floats(limits["temperature_c"] if temperature_limit_c is None else temperature_limit_c)
    hot = (stacked.temperature_c > ceiling).any(axis=-1)
    dense = (stacked.power_density_w_per_mm2 > limits["power_density_w_per_mm2"]).any(axis=-1)
    starved = floats(needed_bytes_per_s) > floats(available_bytes_per_s)
    tall = floats(logic_tiers) > limits["logic_tiers"]
    return np.select([hot, dense, starved, tall], [1, 2, 3, 4], default=0)
