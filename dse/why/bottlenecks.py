"""What the latency of each design of a front waits for, and where its energy goes."""

from typing import Final

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.designs import Designs
from dse.run.schedule import effort_of
from dse.strategies.problem import One
from workloads.errors import InputError

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


def bottlenecks(front: Designs) -> "pandas.DataFrame":
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
        If the model of the space's machines does not tell.

    """
    model = front.space.model
    if not model.tells:
        raise InputError(f"bottlenecks: a cost of this model ({model.name}) does not say what it waits for")
    bounds = model.bounds(front.space.base)
    index = front.frame.index.to_numpy(dtype=np.int64)
    members = front.work.members
    parts = []
    for member in members:
        seconds, joules = _spent(member, front, index)
        rows = np.arange(len(index))
        waits, spends = seconds.argmax(axis=1), joules.argmax(axis=1)
        table = {
            "waits_for": np.array(bounds)[waits],
            "latency_share": seconds[rows, waits],
            "spends_on": np.array(list(ENERGIES))[spends],
            "energy_share": joules[rows, spends],
            **{LATENCY + bound: seconds[:, code] for code, bound in enumerate(bounds)},
            **{ENERGY + part: joules[:, code] for code, part in enumerate(ENERGIES)},
        }
        parts.append(pandas.DataFrame(table, index=front.frame.index))
    if len(members) == 1:
        return parts[0]
    both = pandas.concat(parts, keys=[member.name for member in members], names=["network", "index"])
    return both.swaplevel().loc[index.tolist()]


def _spent(member: One, front: Designs, index: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Shares of latency by bound and of energy by part, shapes (n, n_bounds) and (n, n_parts)."""
    layers, effort = member.layers, effort_of(member.schedule)
    model, configs = front.space.model, front.space.pack(index)
    bounds = len(model.bounds(front.space.base))
    seconds, joules = np.zeros((len(index), bounds)), np.zeros((len(index), len(ENERGIES)))
    repeats = layers.repeats.astype(np.float64)
    for row in range(len(index)):
        operations = model.operations(layers, configs, front.mapping_objective, row, effort)
        seconds[row] = np.bincount(operations["bound"], operations["latency_s"] * repeats, bounds)
        joules[row] = [operations[column] @ repeats for column in ENERGIES.values()]
    return seconds / seconds.sum(axis=1, keepdims=True), joules / joules.sum(axis=1, keepdims=True)
