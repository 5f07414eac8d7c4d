"""What a die costs: dies on a wafer, yield, price of the wafer; and what stacking does to all three."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.components.tables import Floats, column, floats, read, require
from workloads.errors import InputError, shown

WAFER_MM = 300.0
DEFECTS_PER_CM2 = 0.1  # a mature process; assumed
CLUSTERING = 2.5  # of the negative binomial, usually 2 to 3; assumed
BOND_YIELD = 0.98  # assumed
MODELS = ("poisson", "murphy", "negative_binomial")


def dies_per_wafer(area_mm2: ArrayLike, wafer_mm: ArrayLike = WAFER_MM) -> Floats:
    """Dies that fit on a round wafer: pi (d/2)^2 / A - pi d / sqrt(2 A), not rounded down, at least 0.

    Examples
    --------
    >>> int(dies_per_wafer(100.0))
    640

    """
    area, wafer = floats(area_mm2), floats(wafer_mm)
    require(area > 0, "area_mm2", "positive", area)
    require(wafer > 0, "wafer_mm", "positive", wafer)
    return np.maximum(np.pi * (wafer / 2) ** 2 / area - np.pi * wafer / np.sqrt(2 * area), 0.0)


def die_yield(
    area_mm2: ArrayLike,
    defects_per_cm2: ArrayLike = DEFECTS_PER_CM2,
    model: str = "negative_binomial",
    *,
    clustering: ArrayLike = CLUSTERING,
) -> Floats:
    """Share of dies without a fatal defect.

    Parameters
    ----------
    area_mm2
        Area of the die, zero or more.
    defects_per_cm2
        Density of fatal defects, zero or more.
    model
        "poisson": exp(-A D). "murphy": ((1 - exp(-A D)) / (A D))^2. "negative_binomial": (1 + A D / c)^-c.
    clustering
        c of the negative binomial; towards infinity it is Poisson.

    Returns
    -------
    ndarray
        Yield in (0, 1].

    Raises
    ------
    ValueError
        If an argument is out of range or the model is unknown.

    Examples
    --------
    >>> round(float(die_yield(100.0, 0.1, "poisson")), 4)  # A D = 0.1
    0.9048

    """
    area, density = floats(area_mm2), floats(defects_per_cm2)
    require(area >= 0, "area_mm2", "zero or more", area)
    require(density >= 0, "defects_per_cm2", "zero or more", density)
    expected = area / 100 * density
    if model == "poisson":
        return np.asarray(np.exp(-expected))
    if model == "murphy":
        some = np.where(expected > 0, expected, 1.0)
        return np.where(expected > 0, (-np.expm1(-some) / some) ** 2, 1.0)
    if model == "negative_binomial":
        spread = floats(clustering)
        require(spread > 0, "clustering", "positive", spread)
        return np.asarray((1 + expected / spread) ** -spread)
    raise InputError(f"model must be one of {', '.join(MODELS)}, got {shown(model)}", path="model")


@cache
def _prices() -> tuple[Floats, Floats]:
    rows = sorted(read("wafer_price"), key=lambda row: float(row["node_nm"]))
    return column(rows, "node_nm"), column(rows, "usd_per_wafer")


def wafer_usd(node_nm: ArrayLike) -> Floats:
    """Price of a processed 300 mm wafer in 2020 US dollars, log-log between the nodes of the table.

    Raises
    ------
    ValueError
        If a node is outside 3 to 90 nm.

    Notes
    -----
    CSET 2020 (secondary; 65 to 20 nm from memory).

    Examples
    --------
    >>> float(wafer_usd(7)), float(wafer_usd(14))
    (9346.0, 3984.0)

    """
    nodes, prices = _prices()
    node = floats(node_nm)
    supported = f"between {nodes[0]:g} and {nodes[-1]:g} (the wafer price table)"
    require((node >= nodes[0]) & (node <= nodes[-1]), "node_nm", supported, node)
    return np.asarray(np.exp(np.interp(np.log(node), np.log(nodes), np.log(prices)))).round(6)


def die_usd(
    area_mm2: ArrayLike,
    node_nm: ArrayLike,
    *,
    sequential: bool = True,
    defects_per_cm2: ArrayLike = DEFECTS_PER_CM2,
    model: str = "negative_binomial",
    clustering: ArrayLike = CLUSTERING,
    bond_yield: float = BOND_YIELD,
) -> Floats:
    """Cost of one good chip, planar or stacked.

    Parameters
    ----------
    area_mm2
        Area of each tier, shape (..., tiers); a planar chip has one. Empty tiers (0) cost nothing.
    node_nm
        Node of each tier, broadcasts with `area_mm2`.
    sequential
        True, monolithic: every tier is processed on the wafer of the footprint, and one defect in any loses
        the stack (no known-good die): yields multiply. False: dies are made and tested apart, each at its own
        area, then bonded.
    defects_per_cm2, model, clustering
        As in `die_yield`.
    bond_yield
        Share of bonds that succeed, in (0, 1]; counts where tiers are bonded.

    Returns
    -------
    ndarray
        US dollars per good chip, shape (...): processed wafer area over good dies; infinite where a die does
        not fit. Test and package are not included.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    A monolithic tier is charged a whole wafer process (assumed: an upper bound, it needs no wafer of its
    own). Only the area a tier fills can be defective.

    Examples
    --------
    >>> round(float(die_usd([100.0], 7)), 2)  # 9346 / 640.2 dies / 0.906
    16.1

    """
    area = floats(area_mm2)
    require(area >= 0, "area_mm2", "zero or more", area)
    require(area.max(axis=-1, initial=0) > 0, "area_mm2", "positive in one tier at least", area.max(axis=-1))
    filled = area > 0
    price = np.where(filled, wafer_usd(node_nm), 0.0)
    good = die_yield(area, defects_per_cm2, model, clustering=clustering)
    with np.errstate(divide="ignore"):
        if sequential:
            dies = dies_per_wafer(area.max(axis=-1))
            return np.asarray(price.sum(axis=-1) / dies / np.prod(good, axis=-1))
        if not 0 < bond_yield <= 1:
            raise InputError(f"bond_yield must be in (0, 1], got {shown(bond_yield)}", path="bond_yield")
        each = price / dies_per_wafer(np.where(filled, area, 1.0)) / good
        bonds = filled.sum(axis=-1) - 1
        return np.asarray(np.where(filled, each, 0.0).sum(axis=-1) / bond_yield**bonds)
