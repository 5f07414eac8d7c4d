"""From graph to edge table: which rows write and read every tensor, and how it passes between them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from workloads.edges import OUTSIDE, EdgeTable, Operand, Passage
from workloads.fusion import NOTHING, Fusion, fuse
from workloads.graph import Graph
from workloads.lower import Lowering, batched_tensors
from workloads.table import Kind, make_table

if TYPE_CHECKING:
    import pandas as pd

    from workloads.network import Network


def edge_table(network: "Network", batch: int, *, fused: bool = True) -> EdgeTable:
    """Make the edge table of a network at a batch; see `Network.edges`."""
    graph, lowering = network.graph, network.lowering(fuse=fused)
    site = _Site(graph, lowering, fuse(graph) if fused else NOTHING)
    grown, of = batched_tensors(graph), network.batch
    number = {name: i for i, name in enumerate(graph.tensors)}
    places = site.places(number)
    made = []
    for producer, consumer, name, operand, rows, passage in site.edges():
        tensor = graph.tensors[name]
        elements = site.fusion.stored.get(name, tensor.elements)
        elements = elements * batch // of if name in grown else elements
        columns = (number[name], places[number[name]], elements, tensor.bits, tensor.density)
        made.append((producer, consumer, *rows, operand, passage, *columns))
    values = zip(*made, strict=True) if made else ((),) * len(EdgeTable._fields)
    return make_table(EdgeTable, dict(zip(EdgeTable._fields, map(list, values), strict=True)), len(made))


def edge_frame(network: "Network", table: EdgeTable, *, fuse: bool) -> "pd.DataFrame":
    """Show an edge table with names: operations, rows, tensors, operands and passages; "" is outside."""
    import pandas as pd

    operations = np.array([*(operation.name for operation in network.operations), ""])
    rows = np.array([*network.lowering(fuse=fuse).names, ""])
    tensors = np.array(network.tensor_names)
    named = {
        "producer": operations[table.producer],
        "consumer": operations[table.consumer],
        "producer_row": rows[table.producer_row],
        "consumer_row": rows[table.consumer_row],
        "operand": [Operand(value).name.lower() for value in table.operand],
        "passage": [Passage(value).name.lower() for value in table.passage],
        "tensor": tensors[table.tensor],
        "place": tensors[table.place],
    }
    return pd.DataFrame({field: named.get(field, getattr(table, field)) for field in table._fields})


class _Site:
    """A graph beside its lowering: which rows write and read its tensors."""

    def __init__(self, graph: Graph, lowering: Lowering, fusion: Fusion) -> None:
        self.graph, self.lowering, self.fusion = graph, lowering, fusion
        self.position = {node.operation.name: i for i, node in enumerate(graph.nodes())}
        self.rows: dict[str, list[int]] = {name: [] for name in self.position}
        for row, owner in enumerate(lowering.operations):
            self.rows[owner].append(row)

    def edges(self) -> Iterator[tuple[int, int, str, int, tuple[int, int], int]]:
        """Yield producer, consumer, tensor, operand, rows and passage of every edge."""
        for node in self.graph.nodes():
            name = node.operation.name
            view = self._reads_nothing(name)
            seen: set[tuple[str, int, int]] = set()
            reads = (
                (tensor, *read)
                for slot, tensor in enumerate(node.inputs)
                for read in node.operation.reads(slot)
            )
            for tensor, part, weight in reads:
                operand, row = int(Operand.WEIGHT if weight else Operand.INPUT), self._row(name, part)
                if (tensor, operand, row) in seen:
                    continue
                seen.add((tensor, operand, row))
                passage = Passage.VIEW if view else Passage.STORED
                if tensor in self.fusion.stream.get(name, ()):
                    passage = Passage.STREAM
                producer, written = self._source(tensor)
                yield producer, self.position[name], tensor, operand, (written, row), int(passage)
        for tensor in self._leaving():
            producer, written = self._source(tensor)
            yield producer, OUTSIDE, tensor, int(Operand.OUTPUT), (written, OUTSIDE), int(Passage.STORED)

    def places(self, number: dict[str, int]) -> list[int]:
        """Return for each tensor the least position of those that share its elements."""
        parent = list(range(len(number)))

        def find(one: int) -> int:
            while parent[one] != one:
                parent[one] = parent[parent[one]]
                one = parent[one]
            return one

        for node in self.graph.nodes():
            if self._reads_nothing(node.operation.name) and node.inputs:
                together = [number[tensor] for tensor in (*node.inputs, *node.outputs)]
                least = min(map(find, together))
                for one in together:
                    parent[find(one)] = least
        return [find(one) for one in parent]

    def _reads_nothing(self, name: str) -> bool:
        """Whether an operation only says where elements lie, or puts new ones where they belong."""
        made = [self.lowering.rows[row] for row in self.rows[name]]
        return all(
            row.kind == Kind.MOVEMENT and not (row.read_elements or row.weight_elements) for row in made
        )

    def _row(self, name: str, part: str) -> int:
        """Return an operation's row of this part; where there is none, the first that reads anything."""
        rows, made = self.rows[name], self.lowering.rows
        named = (row for row in rows if part and made[row].part == part)
        reading = (row for row in rows if made[row].read_elements)
        return next(named, next(reading, rows[0]))

    def _source(self, tensor: str) -> tuple[int, int]:
        """Return the operation that makes a tensor and the row that writes it; of a stream, its nest's."""
        name = self.graph.producer[tensor]
        if name not in self.position:
            return OUTSIDE, OUTSIDE
        return self.position[name], self.rows[self.fusion.anchor.get(name, name)][-1]

    def _leaving(self) -> tuple[str, ...]:
        graph = self.graph
        if graph.outputs:
            return tuple(dict.fromkeys(graph.outputs))
        return tuple(
            output for node in graph.nodes() for output in node.outputs if not graph.consumers(output)
        )
