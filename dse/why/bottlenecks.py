"""What the latency of each design of a front waits for, and where its energy goes."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

import hwmodels
from dse.results.found import Found
from dse.results.front import Front
from dse.run.template_model import is_template
from dse.strategies.problem import One
from dse.strategies.together import Several
from hwmodels.columns import BOUNDS
from hwmodels.tiles import tile_table
from workloads.table import LayerTable

if TYPE_CHECKING:
    import pandas

ENERGIES: Final = {
    "MACs": "mac_energy_j",
    "buffers": "buffer_energy_j",
    "main memory": "dram_energy_j",
    "vector lanes": "vector_energy_j",
    "leakage and standby": "static_energy_j",
    "control": "control_energy_j",
}
"""Parts of an operation's energy: what people call each, and its column."""

LATENCY: Final = "latency: "
ENERGY: Final = "energy: "
"""What the columns of shares begin with."""

FloatArray = NDArray[np.float64]


def members_of(front: Front) -> tuple[One, ...]:
    """Networks that the front's machines run."""
    if isinstance(front, Found):
        work = front.problem.work
        return work.members if isinstance(work, Several) else (work,)  # type: ignore[return-value]
    return (One(front.network, front.layers, front.layers),)


def bottlenecks(front: Front) -> "pandas.DataFrame":
    """Say what each design's latency waits for and where its energy goes.

    Parameters
    ----------
    front
        The front of a space of accelerators.

    Returns
    -------
    DataFrame
        One row a design, in the front's order; of several networks one row a design and network. `waits_for`
        and its `latency_share` (the share of time in operations that it bounds), `spends_on` and its
        `energy_share`; then all shares, in columns "latency: compute", ..., "energy: MACs", ...

    Raises
    ------
    ValueError
        If the space's machines are templates, which do not tell.

    """
    import pandas

    if is_template(front.space):
        raise ValueError("bottlenecks: a template's cost does not say what it waits for")
    index = front.frame.index.to_numpy(dtype=np.int64)
    members = members_of(front)
    parts = []
    for member in members:
        seconds, joules = _spent(member.layers, front, index)
        rows = np.arange(len(index))
        waits, spends = seconds.argmax(axis=1), joules.argmax(axis=1)
        table = {
            "waits_for": np.array(BOUNDS)[waits],
            "latency_share": seconds[rows, waits],
            "spends_on": np.array(list(ENERGIES))[spends],
            "energy_share": joules[rows, spends],
            **{LATENCY + bound: seconds[:, code] for code, bound in enumerate(BOUNDS)},
            **{ENERGY + part: joules[:, code] for code, part in enumerate(ENERGIES)},
        }
        parts.append(pandas.DataFrame(table, index=front.frame.index))
    if len(members) == 1:
        return parts[0]
    both = pandas.concat(parts, keys=[member.name for member in members], names=["network", "index"])
    return both.swaplevel().loc[index.tolist()]


def _spent(layers: LayerTable, front: Front, index: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Shares of latency by bound and of energy by part, shapes (n, n_bounds) and (n, n_parts)."""
    tiles, configs = tile_table(layers), front.space.pack(index)
    seconds, joules = np.zeros((len(index), len(BOUNDS))), np.zeros((len(index), len(ENERGIES)))
    repeats = layers.repeats.astype(np.float64)
    for row in range(len(index)):
        operations = hwmodels.evaluate_operations(
            layers, configs, front.mapping_objective, row=row, tiles=tiles
        )
        seconds[row] = np.bincount(operations.bound, operations.latency_s * repeats, len(BOUNDS))
        joules[row] = [getattr(operations, column) @ repeats for column in ENERGIES.values()]
    return seconds / seconds.sum(axis=1, keepdims=True), joules / joules.sum(axis=1, keepdims=True)
