"""The clock of a machine of levels: flip-flops of its registers and MACs, over the area that they lie in."""

from numpy.typing import ArrayLike

from hwmodels.components.clock import clock_pj
from hwmodels.components.tables import Floats, floats


def level_clock_pj(
    instances: Floats,
    flip_flops: Floats,
    area_mm2: Floats,
    mac: tuple[ArrayLike, ArrayLike, ArrayLike],
    process: tuple[ArrayLike, ArrayLike, ArrayLike],
) -> Floats:
    """Energy of a cycle of the clock, `clock_pj` of N flip-flops over A mm2, in picojoules.

    N = MACs x those of one + sum over levels of instances x those of one. A = MACs x area of one + the same
    sum of areas, over the levels that lie among the flip-flops: registers, and memories of which there are
    several in the array. A buffer beside the array is passed by.

    Parameters
    ----------
    instances, flip_flops, area_mm2
        How many of each level there are, and flip-flops and area of one; 0 mm2 where it is not counted: off
        the chip, or at a stated price. Shape (..., levels).
    mac
        Number of MACs, flip-flops and area [mm2] of one, shape (...).
    process
        Node [nm], voltage [V] and share of gated flip-flops, shape (...).

    Returns
    -------
    ndarray
        Shape (...).

    """
    number, own_flip_flops, own_mm2 = map(floats, mac)
    node_nm, voltage, gated = process
    among = (instances > 1) | (flip_flops > 0)
    flops = (flip_flops * instances).sum(axis=-1) + number * own_flip_flops
    spread_mm2 = (area_mm2 * instances * among).sum(axis=-1) + number * own_mm2
    return clock_pj(flops, spread_mm2, node_nm, voltage, gated=gated)
