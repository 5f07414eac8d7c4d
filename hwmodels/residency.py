"""Which tensors stay on chip between the operations that write and read them.

A tensor (all its views together: one *place* of the edge table) may stay at a level if, at every operation
from its first writer to its last reader, it fits beside the other tensors that stay and the tiles of what is
run there:

    sum of tensors alive + tiles of the operands that do not stay <= capacity

Tensors are taken in the order of words saved for each word held and operation passed, most first; each is
kept if it fits beside those kept before. A schedule never costs more than layer by layer: counts only fall.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from workloads.edges import OUTSIDE, EdgeTable, Operand, Passage
from workloads.table import FloatColumn, LayerTable

OPERANDS = ("input", "weight", "output")
"""Operands in the order of `workloads.edges.Operand`."""


class Tensor(NamedTuple):
    """One place of the edge table, by rows of the layer table."""

    place: int
    elements: int
    first: int  # row of the first writer
    last: int  # row of the last reader
    writers: tuple[int, ...]
    readers: tuple[tuple[int, str, int], ...]  # row, operand, elements
    leaves: bool  # main memory gets it all the same

    @property
    def saved(self) -> int:
        """Elements that need not cross main memory."""
        return sum(elements for _, _, elements in self.readers) + (0 if self.leaves else self.elements)


def tensors_of(edges: EdgeTable) -> list[Tensor]:
    """Tensors that are written and read inside the network, in the order of their first writers.

    Parameters
    ----------
    edges
        Edge table of a network; columns of shape (n_edges,).

    """
    found = []
    stored = edges.passage != Passage.STREAM
    for place in np.unique(edges.place[stored]):
        mine = np.flatnonzero(stored & (edges.place == place))
        readers = tuple(
            (int(edges.consumer_row[i]), OPERANDS[edges.operand[i]], int(edges.elements[i]))
            for i in mine
            if edges.consumer_row[i] != OUTSIDE and edges.passage[i] == Passage.STORED
        )
        writers = sorted({int(row) for row in edges.producer_row[mine]})
        if not readers or writers[0] == OUTSIDE:
            continue
        found.append(
            Tensor(
                place=int(place),
                elements=int(edges.elements[mine].max()),
                first=writers[0],
                last=max(row for row, _, _ in readers),
                writers=tuple(writers),
                readers=readers,
                leaves=bool((edges.operand[mine] == Operand.OUTPUT).any()),
            )
        )
    return sorted(found, key=lambda tensor: (tensor.first, tensor.place))


def choose(
    tensors: Sequence[Tensor], tiles: Sequence[Mapping[str, float]], capacity: float, held: Sequence[str]
) -> list[Tensor]:
    """Choose the tensors that stay at a level.

    Parameters
    ----------
    tensors
        What could stay.
    tiles
        For each row of the layer table, the words that the tiles of each operand take at the level.
    capacity
        Words of the level.
    held
        Operands that the level may hold; a tensor read as another one cannot stay.

    Returns
    -------
    list of Tensor
        Those that stay, in the order in which they were chosen.

    """
    fit = [
        tensor
        for tensor in tensors
        if "output" in held and all(operand in held for _, operand, _ in tensor.readers)
    ]
    order = sorted(fit, key=lambda t: (-t.saved / (t.elements * (t.last - t.first + 1)), t.first, t.place))
    taken: list[Tensor] = []
    alive = np.zeros(len(tiles))
    staying: dict[tuple[int, str], int] = {}  # how many tensors of a row's operand stay
    for tensor in order:
        mine = {(row, "output") for row in tensor.writers} | {(row, name) for row, name, _ in tensor.readers}
        rows = range(tensor.first, tensor.last + 1)
        beside = [
            sum(
                words
                for operand, words in tiles[row].items()
                if (row, operand) not in mine and (row, operand) not in staying
            )
            for row in rows
        ]
        if all(
            alive[row] + tensor.elements + more <= capacity for row, more in zip(rows, beside, strict=True)
        ):
            taken.append(tensor)
            alive[tensor.first : tensor.last + 1] += tensor.elements
            for key in mine:
                staying[key] = staying.get(key, 0) + 1
    return taken


def shares(layers: LayerTable, taken: Sequence[Tensor]) -> dict[str, FloatColumn]:
    """Share of each operand of each row that stays on chip, arrays of shape (n_operations,) by operand."""
    rows = layers.rows
    whole = {
        "weight": layers.weight_elements,
        "input": layers.read_elements,
        "output": layers.write_elements,
    }
    kept = {operand: np.zeros(rows) for operand in whole}
    for tensor in taken:
        for row, operand, elements in tensor.readers:
            kept[operand][row] += elements
        if not tensor.leaves:
            for row in tensor.writers:
                kept["output"][row] = whole["output"][row]
    return {operand: np.minimum(1.0, kept[operand] / np.maximum(whole[operand], 1)) for operand in whole}
