"""Latency against a network's dimension, its local minima, and the choice of dimension and density by it.

Yin, Chen, Li, Che, Zhang, Jha, "Hardware-guided symbiotic training" (arXiv 1901.10997, IEEE TETC 2022).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas

from dse.results.evaluation import evaluate
from hwmodels.size_effects import SizeEffects
from workloads import Network
from workloads.errors import InputError

_NONE: Final = SizeEffects()


def sized_latency_s(
    network: Network, machine: Any, effects: SizeEffects = _NONE, mapping_objective: str = "latency"
) -> float:
    """Return a network's latency on a machine with the effects of its sizes; without any, the machine's own.

    latency + max(f_chip compute, f_memory dram) - max(compute, dram), summed over operations

    Raises
    ------
    ValueError
        If the machine cannot run the network.

    """
    found = evaluate(network, machine, mapping_objective=mapping_objective)
    if not found.feasible:
        raise InputError(
            f"network {network.name}: the machine cannot run it ({found.totals['limit']})", path="network"
        )
    table, rows = network.table(), found.operations
    if effects == _NONE:
        return float(found.totals["latency_s"])
    compute_s, dram_s = (rows[name].to_numpy(dtype=np.float64) for name in ("compute_s", "dram_s"))
    sized = np.maximum(compute_s * effects.on_chip(table), dram_s * effects.main_memory(table))
    more = sized - np.maximum(compute_s, dram_s)
    return float(found.totals["latency_s"] + (more * rows["repeats"].to_numpy(dtype=np.float64)).sum())


def latency_curve(
    make: Callable[[int], Network],
    machine: Any,
    sizes: Sequence[int],
    effects: SizeEffects = _NONE,
    mapping_objective: str = "latency",
) -> "pandas.DataFrame":
    """Cost networks of growing size.

    Parameters
    ----------
    make
        `f(size)` -> the network.
    machine
        A machine, or its name.
    sizes
        What to look at, in any order.
    effects
        What makes a smaller size slower; by default nothing.
    mapping_objective
        What each operation's mapping minimises.

    Returns
    -------
    DataFrame
        By ascending size: `latency_s`, `parameters`, `minimum` (a neighbour that is smaller is slower, and
        the next larger no faster) and `wasted` (a larger size looked at is faster).

    """
    ascending = sorted(set(sizes))
    if not ascending or ascending[0] < 1:
        raise InputError(f"sizes must be positive, got {list(sizes)}", path="sizes")
    nets = [make(size) for size in ascending]
    seconds = np.array([sized_latency_s(net, machine, effects, mapping_objective) for net in nets])
    before, after = np.append(-np.inf, seconds[:-1]), np.append(seconds[1:], np.inf)
    ahead = np.minimum.accumulate(after[::-1])[::-1]
    return pandas.DataFrame(
        {
            "latency_s": seconds,
            "parameters": [net.parameters for net in nets],
            "minimum": (seconds < before) & (seconds <= after),
            "wasted": ahead < seconds,
        },
        index=pandas.Index(ascending, name="size"),
    )


def choose_dimension(
    make: Callable[[int], Network],
    machine: Any,
    sizes: Sequence[int],
    least_nonzeros: int,
    *,
    densities: Sequence[float] = (1.0, 0.5, 0.25, 0.1, 0.05),
    effects: SizeEffects = _NONE,
    scheme: str = "uniform",
) -> "pandas.DataFrame":
    """Choose dimension and density together: the least latency that keeps enough weights.

    Parameters
    ----------
    make, machine, sizes, effects
        As of `latency_curve`.
    least_nonzeros
        Weights that have to stay: the capacity that the task needs, from a training.
    densities
        Of the weights, in (0, 1]; they change latency on machines that skip zeros.
    scheme
        How zeros are placed.

    Returns
    -------
    DataFrame
        One row a pair that keeps enough, the fastest first and of equally fast ones the smallest: `size`,
        `density`, `latency_s`, `nonzero_parameters`.

    Raises
    ------
    ValueError
        If no pair keeps enough weights.

    """
    rows = []
    for size in sorted(set(sizes)):
        dense = make(size)
        for density in sorted(set(densities), reverse=True):
            net = dense if density == 1.0 else dense.sparsify(scheme, density=density)
            if net.nonzero_parameters >= least_nonzeros:
                seconds = sized_latency_s(net, machine, effects)
                rows.append((size, density, seconds, net.nonzero_parameters))
    if not rows:
        raise InputError(
            f"least_nonzeros: no size and density keeps {least_nonzeros:,} weights", path="least_nonzeros"
        )
    names = ["size", "density", "latency_s", "nonzero_parameters"]
    found = pandas.DataFrame(rows, columns=names)
    return found.sort_values(["latency_s", "nonzero_parameters"], kind="stable").reset_index(drop=True)
