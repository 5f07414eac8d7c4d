"""Tensors that are written and read inside a network: when each is alive, who reads it, what it saves.

A tensor (all its views together: one *place* of the edge table) may stay from its first writer to its last
reader. Skip connections and tensors of several readers are one place with several readers, concatenations and
in-place sums one with several writers; what training keeps for its backward pass is read much later.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.edges import OUTSIDE, EdgeTable, Operand, Passage
from workloads.table import FloatColumn, LayerTable

OPERANDS: Final = ("input", "weight", "output")
"""Operands in the order of `workloads.edges.Operand`."""
COLUMN: Final = {"weight": "weight_elements", "input": "read_elements", "output": "write_elements"}
"""Where the layer table counts the elements of each operand."""


REORDERED: Final = "reordered"
"""Name of schedules whose operations run in the best of their orders."""
PINNED: Final = "pinned"
"""Name of schedules whose weights may stay from one inference to the next."""


class Schedule(NamedTuple):
    """Where tensors may be between operations, as every task of a sweep is told it.

    Attributes
    ----------
    name
        "resident"; "reordered": the operations run in the best of their orders as well; "pinned": weights
        may stay from one inference to the next as well.
    edges
        Edge table of the network, whose rows refer to its layer table with nothing merged.
    tensors
        Names of the tensors, by their handles in the edge table.
    relaxed
        Bound costs from below: tensors that a graph of schedules has no room for stay, and take none.
    weights
        Elements that each row of the layer table has of weights, those of all its repeats together, where
        they may be pinned; empty: none may.
    rows
        Names of the rows, where weights may be pinned.

    """

    name: str
    edges: EdgeTable
    tensors: tuple[str, ...] = ()
    relaxed: bool = False
    weights: tuple[int, ...] = ()
    rows: tuple[str, ...] = ()

    def named(self, handle: int) -> str:
        """Name of a tensor or place, or of a row's weights."""
        if handle < 0:
            row = -1 - handle
            return f"{self.rows[row] if row < len(self.rows) else f'operation {row}'}.weight"
        return self.tensors[handle] if handle < len(self.tensors) else f"tensor {handle}"


class Tensor(NamedTuple):
    """One place of the edge table, by rows of the layer table."""

    place: int
    elements: int
    first: int  # row of the first writer
    last: int  # row of the last reader
    bits: int  # 0: the datapath's
    density: float
    reads: Mapping[int, tuple[tuple[str, float], ...]]  # row -> operand, and the share of it that this is
    writes: Mapping[int, tuple[float, float]]  # row -> share of its output that goes here, part of this
    leaves: bool  # main memory gets it all the same
    saved: int  # elements that need not cross main memory
    pinned: bool = False  # weights: alive in every row, and from one inference to the next

    @property
    def operands(self) -> tuple[str, ...]:
        """Operands as which it is read."""
        return tuple(sorted({operand for read in self.reads.values() for operand, _ in read}))

    @property
    def worth(self) -> float:
        """Elements saved for each element held and operation passed."""
        return self.saved / (self.elements * (self.last - self.first + 1))


def tensors_of(edges: EdgeTable, layers: LayerTable) -> list[Tensor]:
    """Tensors that are written and read inside the network, in the order of their first writers.

    Parameters
    ----------
    edges
        Edge table of a network; columns of shape (n_edges,).
    layers
        Its layer table, identical rows not merged.

    """
    stored = edges.passage == Passage.STORED
    taken = _taken(edges, layers, stored & (edges.consumer_row != OUTSIDE))
    written = _written(edges, layers)
    lying = edges.passage != Passage.STREAM
    found = []
    for place in np.unique(edges.place[lying]):
        mine = np.flatnonzero(lying & (edges.place == place))
        inside = [i for i in mine if stored[i] and edges.consumer_row[i] != OUTSIDE]
        writers = sorted({int(row) for row in edges.producer_row[mine]})
        if not inside or writers[0] == OUTSIDE:
            continue
        widest = mine[edges.elements[mine].argmax()]
        elements = int(edges.elements[widest])
        leaves = bool((edges.operand[mine] == Operand.OUTPUT).any())
        reads: dict[int, dict[str, float]] = {}
        for i in inside:
            row, operand = int(edges.consumer_row[i]), OPERANDS[edges.operand[i]]
            read = reads.setdefault(row, {})
            read[operand] = read.get(operand, 0.0) + float(edges.elements[i]) / taken[row, operand]
        found.append(
            Tensor(
                place=int(place),
                elements=elements,
                first=writers[0],
                last=max(reads),
                bits=int(edges.bits[widest]),
                density=float(edges.density[widest]),
                reads={row: tuple(sorted(read.items())) for row, read in reads.items()},
                writes={
                    row: (written[row][int(place)] / sum(written[row].values()), part)
                    for row, part in _parts(writers, written, int(place)).items()
                },
                leaves=leaves,
                saved=int(edges.elements[inside].sum()) + (0 if leaves else elements),
            )
        )
    return sorted(found, key=lambda tensor: (tensor.first, tensor.place))


def weights_of(layers: LayerTable, weights: Sequence[int]) -> list[Tensor]:
    """Weights that may be pinned, as tensors without a writer; row r's are place -1 - r.

    Parameters
    ----------
    layers
        Layer table, identical rows not merged.
    weights
        Elements that each row has of them, 0 where there are none.

    """
    return [
        Tensor(
            place=-1 - row,
            elements=elements,
            first=0,
            last=layers.rows - 1,
            bits=int(layers.weight_bits[row]),
            density=float(layers.weight_density[row]),
            reads={row: (("weight", 1.0),)},
            writes={},
            leaves=False,
            saved=elements,
            pinned=True,
        )
        for row, elements in enumerate(weights)
        if elements > 0
    ]


def tensors_in(schedule: Schedule, layers: LayerTable) -> list[Tensor]:
    """Everything that a schedule may keep: tensors written and read inside the network, and its weights."""
    return [*weights_of(layers, schedule.weights), *tensors_of(schedule.edges, layers)]


def _taken(edges: EdgeTable, layers: LayerTable, some: NDArray[np.bool_]) -> dict[tuple[int, str], float]:
    """Elements of each operand of each row: what its edges bring, or what the layer table states if more."""
    found: dict[tuple[int, str], float] = {}
    for i in np.flatnonzero(some):
        key = (int(edges.consumer_row[i]), OPERANDS[edges.operand[i]])
        found[key] = found.get(key, 0.0) + float(edges.elements[i])
    for row, operand in found:
        stated = float(getattr(layers, COLUMN[operand])[row]) * float(layers.repeats[row])
        found[row, operand] = max(found[row, operand], stated, 1.0)
    return found


def _written(edges: EdgeTable, layers: LayerTable) -> dict[int, dict[int, float]]:
    """Elements that each row writes, by place; under place -1, those that nobody reads."""
    tensors: dict[int, dict[int, tuple[int, float]]] = {}
    for i in np.flatnonzero((edges.passage != Passage.STREAM) & (edges.producer_row != OUTSIDE)):
        mine = tensors.setdefault(int(edges.producer_row[i]), {})
        mine[int(edges.tensor[i])] = (int(edges.place[i]), float(edges.elements[i]))
    found: dict[int, dict[int, float]] = {}
    for row, held in tensors.items():
        places: dict[int, float] = {}
        for place, elements in held.values():
            places[place] = places.get(place, 0.0) + elements
        stated = float(layers.write_elements[row]) * float(layers.repeats[row])
        if len(places) > 1 and stated > sum(places.values()):
            places[-1] = stated - sum(places.values())
        found[row] = places
    return found


def _parts(
    writers: Sequence[int], written: Mapping[int, Mapping[int, float]], place: int
) -> dict[int, float]:
    """What part of a place each of its writers writes."""
    whole = sum(written[row][place] for row in writers)
    return {row: written[row][place] / whole for row in writers}


def keepable(
    tensors: Sequence[Tensor], rows: int, most: int
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Split tensors into those of which no more than `most` are alive at once, and those left out.

    Where more are alive, the one that is worth least goes.
    """
    kept = {tensor.place: tensor for tensor in tensors}
    left: dict[int, Tensor] = {}
    for row in range(rows):
        alive = [tensor for tensor in kept.values() if tensor.first <= row <= tensor.last]
        alive.sort(key=lambda tensor: (tensor.worth, -tensor.place))
        for tensor in alive[: max(0, len(alive) - most)]:
            left[tensor.place] = kept.pop(tensor.place)
    return tuple(kept.values()), tuple(tensor for tensor in tensors if tensor.place in left)


def shares(layers: LayerTable, taken: Sequence[Tensor]) -> dict[str, FloatColumn]:
    """Share of each operand of each row that stays on chip, arrays of shape (n_operations,) by operand."""
    kept = {operand: np.zeros(layers.rows) for operand in COLUMN}
    for tensor in taken:
        for row, read in tensor.reads.items():
            for operand, share in read:
                kept[operand][row] += share
        if not tensor.leaves:
            for row, (share, _) in tensor.writes.items():
                kept["output"][row] += share
    return {operand: np.where(column > 1.0 - 1e-12, 1.0, column) for operand, column in kept.items()}
