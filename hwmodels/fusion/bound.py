"""What no schedule of fused groups goes below: every nest with what it is handed, and hands on, for nothing.

A nest of a chain is bounded as `hwmodels.models.nest_bounds` bounds one by itself, but for the operands that
it may be handed or hand on: main memory sees nothing of them, nor are they loaded to the level of fusion or
drained from it. Tiles fill an array as they like, whatever the factors of the whole nest. What is in no chain
costs what it costs by itself; not so for the product of latency and energy, as a mapping that is not of least
product may serve the whole network better.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hwmodels.fusion.chains import Link
from hwmodels.fusion.inner import Inner
from hwmodels.level_sparsity import without_zeros
from hwmodels.machine import ROUNDED
from hwmodels.models.level_parts import columns_of_each
from hwmodels.models.nest_bounds import least_nest
from hwmodels.models.nest_mappings import problem_of
from hwmodels.models.nest_staying import at, without_memory
from hwmodels.models.nest_zeros import densities_of, minded
from workloads.table import Kind, LayerTable


class Alone(NamedTuple):
    """What a row costs by itself: seconds, and joules without leakage and background."""

    latency_s: float
    active_j: float
    optimal: bool = True  # whether its mapping is the best there is


def bound_of(
    layers: LayerTable,
    inner: Inner,
    alone: Sequence[Alone],
    links: Mapping[int, Link],
    static_w: float,
) -> float:
    """Latency [s], energy [J] or their product at least, whichever is minimised.

    Parameters
    ----------
    layers
        The network.
    inner
        The machine, and what is minimised on it.
    alone
        What each row costs by itself.
    links
        Tensors that may be handed on, by the row that writes them.
    static_w
        Power that flows whether anything is computed or not [W].

    """
    loose = dataclasses.replace(without_zeros(inner.machine), factors="ceil")
    columns, unseen = columns_of_each([loose]), without_memory(layers)
    takes = {link.consumer for link in links.values()}
    gives = {row for row, link in links.items() if not link.leaves}
    latency = active = 0.0
    for row, one in enumerate(alone):
        seconds, joules = one.latency_s, one.active_j
        chained = row in takes or row in links
        if int(layers.kind[row]) == Kind.NEST and (chained or not one.optimal or inner.objective == "edp"):
            passed = {operand: 1.0 - share for operand, share in at(unseen, row).items()}
            passed |= {"input": 0.0} if row in takes else {}
            passed |= {"output": 0.0} if row in gives else {}
            handed = loose.fusion if chained else ""
            problem = problem_of(layers, row)
            least_s, pj = least_nest(problem, loose, columns, passed, handed=handed)
            seconds = float(least_s[0]) * ROUNDED
            joules = (float(pj[0]) + float(layers.macs[row]) * inner.mac_pj) * 1e-12 * ROUNDED
            zeros = densities_of(layers, row)
            if minded(inner.machine, zeros):  # by itself it may cost less than a dense one handed its input
                left = float(layers.macs[row]) * zeros.weight * zeros.input
                seconds = min(seconds, left / inner.machine.peak_macs_per_s * ROUNDED)
                joules = min(joules, left * inner.mac_pj * 1e-12 * ROUNDED)
        latency += float(layers.repeats[row]) * seconds
        active += float(layers.repeats[row]) * joules
    energy = active + static_w * latency
    return {"latency": latency, "energy": energy, "edp": latency * energy}[inner.objective]
