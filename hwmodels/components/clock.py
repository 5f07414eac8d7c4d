"""The clock network: what it takes in every cycle, whether anything is computed or not.

A flip-flop whose clock is not gated takes its part in every cycle; the wires that lead to all of them take
theirs whatever is gated at the leaves.
"""

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components import noc, scaling
from hwmodels.components.tables import Floats, floats, require


def clock_pj(
    flip_flops: ArrayLike,
    area_mm2: ArrayLike,
    node_nm: ArrayLike,
    voltage: ArrayLike | None = None,
    *,
    gated: ArrayLike = 0.0,
) -> Floats:
    """Energy of one cycle of a clock network, E = (1 - g) N e + C sqrt(N A) V^2, in picojoules.

    Parameters
    ----------
    flip_flops
        N, flip-flops behind it, zero or more.
    area_mm2
        A, the area over which they are spread.
    node_nm
        Technology node in nanometres, 5 to 180.
    voltage
        V, supply in volts, None for the node's nominal one.
    gated
        g, the share of flip-flops whose clock stops while they hold, in [0, 1].

    Returns
    -------
    ndarray
        Picojoules a cycle, of the broadcast shape.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Notes
    -----
    e is `scaling.flip_flop_pj`'s part of the clock: the cell and its clock pin. N leaves on a square grid are
    joined by N - 1 edges of one spacing, sqrt(N A) in all (derived; a shorter tree may exist), of wire with
    its repeaters, `noc.WIRE_PF_PER_MM` times `noc.REPEATER_OVERHEAD`. Generators and dividers are left out.

    Examples
    --------
    >>> round(float(clock_pj(1000, 0.1, 45, gated=1.0)), 3)  # 10 mm of wire at 1 V
    2.68

    """
    columns = {"flip_flops": floats(flip_flops), "area_mm2": floats(area_mm2), "gated": floats(gated)}
    for name, value in columns.items():
        require(value >= 0, name, "zero or more", value)
    require(columns["gated"] <= 1, "gated", "at most 1", columns["gated"])
    number, share = columns["flip_flops"], columns["gated"]
    volts = technology.nominal_voltage(node_nm) if voltage is None else floats(voltage)
    leaves = (1 - share) * number * scaling.flip_flop_pj(node_nm, voltage)[0]
    wire_mm = np.sqrt(number * columns["area_mm2"])
    return np.asarray(leaves + wire_mm * noc.WIRE_PF_PER_MM * noc.REPEATER_OVERHEAD * volts**2)
