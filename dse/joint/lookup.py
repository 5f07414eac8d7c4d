"""An operator look-up table: latencies of operations at rounded sizes, summed, with the error of that.

Chameleon (Dai et al., CVPR 2019) sums measured operators, and its ChamNet-A comes out 2.6 % high. Here the
model stands for the measurements, which add up by themselves: what is left is the error of rounding sizes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.strategies.problem import work_of
from workloads.errors import InputError
from workloads.table import Kind, LayerTable

if TYPE_CHECKING:
    from workloads import Network

Floats = NDArray[np.float64]


class LookUpTable:
    """Latencies of operations on one machine, kept for rounded numbers of channels and filters.

    latency = sum repeats t(round k, round c) k c / (round k round c)

    Parameters
    ----------
    space
        A space of machines.
    machine
        The machine's index.
    quantum
        Channels and filters are rounded to its multiples; 1 rounds nothing and is exact.
    mapping_objective
        What each operation's mapping minimises.

    Attributes
    ----------
    looked_up, costed
        Operations asked for, and those that were costed for it.

    """

    def __init__(
        self, space: Any, machine: int, *, quantum: int = 8, mapping_objective: str = "latency"
    ) -> None:
        if quantum < 1:
            raise InputError(f"quantum must be at least 1, got {quantum}", path="quantum")
        self.space, self.machine, self.quantum = space, machine, quantum
        self.mapping_objective = mapping_objective
        self.looked_up = self.costed = 0
        self._known: dict[bytes, float] = {}
        self._packed = space.pack(np.array([machine], dtype=np.int64))

    def latency_s(self, network: "Network | str") -> float:
        """Return a network's latency from the table, which grows where something is missing."""
        layers = work_of(network).layers
        rounded, scale = self._rounded(layers)
        total = 0.0
        for row in range(len(layers.kind)):
            own = LayerTable._make(column[row : row + 1] for column in rounded)
            once = own._replace(repeats=np.ones(1, dtype=own.repeats.dtype))
            key = b"".join(np.ascontiguousarray(column).tobytes() for column in once)
            if key not in self._known:
                self._known[key] = self._costed(once, layers)
                self.costed += 1
            self.looked_up += 1
            total += float(layers.repeats[row]) * scale[row] * self._known[key]
        return total

    def _costed(self, row: LayerTable, layers: LayerTable) -> float:
        """Cost an operation by itself; what is no nest, beside one: what is fused takes no time alone."""
        nests = np.flatnonzero(layers.kind == Kind.NEST)
        if row.kind[0] == Kind.NEST or not len(nests):
            return self._alone(row)
        first = LayerTable._make(column[nests[0] : nests[0] + 1] for column in layers)
        both = LayerTable._make(np.concatenate(pair) for pair in zip(first, row, strict=True))
        return max(0.0, self._alone(both) - self._alone(first))

    def _alone(self, rows: LayerTable) -> float:
        return float(self.space.model.evaluate(rows, self._packed, self.mapping_objective).latency_s[0])

    def errors(self, networks: "Sequence[Network | str]") -> "pandas.DataFrame":
        """Compare the table with the model, network by network.

        Returns
        -------
        DataFrame
            `network`, `latency_s` of the model, `looked_up_s` of the table and `error`, the relative one.

        """
        rows = []
        for network in networks:
            work = work_of(network)
            found = self.space.model.evaluate(work.layers, self._packed, self.mapping_objective)
            true, looked = float(found.latency_s[0]), self.latency_s(network)
            rows.append((work.name, true, looked, looked / true - 1))
        return pandas.DataFrame(rows, columns=["network", "latency_s", "looked_up_s", "error"])

    def _rounded(self, layers: LayerTable) -> tuple[LayerTable, Floats]:
        """Round filters and channels of every nest, and say what share of the rounded work its own is."""
        nest = layers.kind == Kind.NEST
        sizes = {}
        for name in ("k", "c"):
            column = getattr(layers, name)
            near = np.maximum(self.quantum, np.rint(column / self.quantum).astype(np.int64) * self.quantum)
            sizes[name] = np.where(nest & (column > 1), near, column)
        k, c = sizes["k"] / np.maximum(layers.k, 1), sizes["c"] / np.maximum(layers.c, 1)

        def scaled(column: NDArray[Any], by: Floats) -> NDArray[Any]:
            return np.where(nest, np.rint(column * by), column).astype(column.dtype)

        rounded = layers._replace(
            **sizes,
            weight_elements=scaled(layers.weight_elements, k * c),
            read_elements=scaled(layers.read_elements, c),
            write_elements=scaled(layers.write_elements, k),
            effectual_macs=scaled(layers.effectual_macs, k * c),
        )
        return rounded, np.where(nest, 1 / (k * c), 1.0)
