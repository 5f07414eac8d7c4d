"""Map every operation of a network: unique shapes once, results cached by content."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.constraints import Constraints
from hwmodels.mapping.engine import Rules
from hwmodels.mapping.mapspace import FactorSpace
from hwmodels.mapping.problem import Problem, convolution
from hwmodels.mapping.search import MapperResult, Objective, map_problem
from hwmodels.mapping.uneven import Storage
from workloads.table import Kind, LayerTable

_Cache = dict[Any, MapperResult]


def problems(layers: LayerTable) -> list[Problem]:
    """The convolutions and matrix products of a layer table as nests, in its order.

    Parameters
    ----------
    layers
        One row an operation; vector work and movements are left out.

    """
    found = []
    for row in range(layers.rows):
        if int(layers.kind[row]) != Kind.NEST:
            continue
        sizes = {name: int(getattr(layers, name)[row]) for name in ("n", "g", "k", "c", "p", "q", "r", "s")}
        found.append(
            convolution(
                **sizes,
                stride=(int(layers.stride_p[row]), int(layers.stride_q[row])),
                dilation=(int(layers.dilation_r[row]), int(layers.dilation_s[row])),
                name=f"operation {row}",
            )
        )
    return found


def map_network(
    network: LayerTable | Sequence[Problem],
    architecture: Architecture,
    objective: Objective = "edp",
    *,
    constraints: Constraints | None = None,
    factors: FactorSpace = "perfect",
    storage: Storage | None = None,
    rules: Rules | None = None,
    cache: _Cache | None = None,
) -> list[MapperResult]:
    """Find the best mapping of every operation; equal ones are mapped once.

    Parameters
    ----------
    network
        A layer table (its convolutions and matrix products count), or problems.
    architecture, objective, constraints, factors, storage, rules
        As of `map_problem`.
    cache
        Results to use and to add to, by content; by default one of this call alone.

    Returns
    -------
    list of MapperResult
        One for each operation, in order.

    Raises
    ------
    MappingError
        If an operation fits no mapping.

    Examples
    --------
    >>> from hwmodels.mapping import StorageLevel, matrix_product
    >>> dram = StorageLevel(name="DRAM", read_pj=2.0)
    >>> machine = Architecture(name="dram only", levels=(dram,), macs=1)
    >>> one, other = (matrix_product(m=4, k=8, n=2, name=name) for name in ("one", "other"))
    >>> first, second = map_network([one, other], machine, "energy")
    >>> first is second
    True

    """
    results = {} if cache is None else cache
    found = []
    for problem in problems(network) if isinstance(network, LayerTable) else network:
        # The name is no part of what is computed; everything here compares by value, dicts by their items.
        key = repr((replace(problem, name=""), architecture, objective, constraints, factors, storage, rules))
        if key not in results:
            results[key] = map_problem(
                problem,
                architecture,
                objective,
                constraints=constraints,
                factors=factors,
                storage=storage,
                rules=rules,
            )
        found.append(results[key])
    return found
