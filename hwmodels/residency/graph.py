"""All schedules of a network as paths of a graph, so that the best one is a shortest path.

A *node* is a set of tensors that stay, between two operations. An *arc* runs one operation beside a set of
tensors that stay meanwhile; what it costs depends on its *situation* alone: which operation, which shares of
its operands stay, and what is held beside its tiles. Identical operations in identical circumstances share a
situation, so that a network of hundreds of operations has few. A schedule is a path from nothing to nothing,
and its cost the sum of its arcs:

    cost(schedule) = sum over operations of cost(situation)

Nothing here depends on a machine: which situations fit, and what they cost, is the machine's say.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np

from hwmodels.residency.tensors import Tensor, keepable, tensors_of
from workloads.edges import EdgeTable
from workloads.table import FloatColumn, IntColumn, Kind, LayerTable, deduplicate, make_table

MOST_ALIVE: Final = 8
"""Tensors that may stay at once: up to 256 nodes between two operations. Where more are alive, those that
save least for each element held and operation passed are left in main memory, and the bound says what that
may cost."""


class TensorTable(NamedTuple):
    """Kinds of tensors that may stay: what a format has to know of one; columns of shape (n_kinds,)."""

    elements: IntColumn
    bits: IntColumn  # 0: the datapath's
    density: FloatColumn
    channels: IntColumn  # of all images together
    images: IntColumn
    as_weight: IntColumn  # 1: read as a weight: it lives where weights do; 2: as a weight and as an input


class StayGraph(NamedTuple):
    """Schedules as paths; ragged columns have their bounds in `*_start`, one longer than what they divide."""

    tensors: TensorTable
    # Situations, shape (n_situations,); the first are those of the operations alone, in their order
    operation: IntColumn  # row of the merged layer table
    weight_share: FloatColumn  # of the operand, what stays
    input_share: FloatColumn
    output_share: FloatColumn  # what main memory does not get
    held_start: IntColumn  # kinds of tensors held meanwhile, the operation's own among them
    held: IntColumn
    made_start: IntColumn  # kinds that one instance writes, and how much of each
    made: IntColumn
    made_part: FloatColumn
    of_start: IntColumn  # situations of each operation
    of: IntColumn
    # Arcs, in the order of the operations; nodes are numbered in it too, 0 is the first
    arc_from: IntColumn
    arc_to: IntColumn
    arc_situation: IntColumn
    arc_kept: IntColumn  # arc's tensors that stay, a bit for each that is alive
    stage_start: IntColumn  # arcs of each stage
    stage_row: IntColumn  # row of the full layer table that a stage runs
    stage_count: FloatColumn  # instances that it runs one after the other
    nodes: IntColumn  # shape (1,): number of nodes
    # Operations that no schedule changes: situations, and how many operations each stands for
    fixed: IntColumn
    fixed_count: FloatColumn

    @property
    def situations(self) -> int:
        """Number of situations."""
        return int(self.operation.size)


class Stays(NamedTuple):
    """What may stay in a network, and every schedule of it.

    Attributes
    ----------
    layers
        Identical operations once.
    tensors
        Those that are written and read inside the network.
    graph
        Schedules in which the `left` tensors cross main memory.
    relaxed
        The same where the `left` tensors stay and take no room: what it costs at least bounds every schedule
        from below. `graph` itself where none is left.
    alive
        For each stage, the tensors that the bits of `arc_kept` stand for.
    left
        Tensors for which the graph had no room.
    kinds
        Row of `graph.tensors` by place.

    """

    layers: LayerTable
    tensors: tuple[Tensor, ...]
    graph: StayGraph
    relaxed: StayGraph
    alive: tuple[tuple[Tensor, ...], ...]
    left: tuple[Tensor, ...]
    kinds: dict[int, int]


class _Situations:
    """Situations by content."""

    def __init__(self) -> None:
        self.number: dict[tuple[object, ...], int] = {}

    def of(
        self,
        operation: int,
        shares: tuple[float, float, float],
        held: tuple[int, ...] = (),
        made: tuple[tuple[int, float], ...] = (),
    ) -> int:
        return self.number.setdefault((operation, shares, held, made), len(self.number))


class _Network:
    """A layer table beside its tensors: who reads and writes what share of which operand."""

    def __init__(self, layers: LayerTable, edges: EdgeTable) -> None:
        self.layers = layers
        self.unique, self.index = deduplicate(layers)
        self.tensors = tuple(tensors_of(edges, layers))
        kinds: dict[tuple[object, ...], int] = {}
        self.kind = {
            tensor.place: kinds.setdefault(_kind(layers, tensor), len(kinds)) for tensor in self.tensors
        }
        columns = zip(*kinds, strict=True) if kinds else ((),) * len(TensorTable._fields)
        table = dict(zip(TensorTable._fields, map(list, columns), strict=True))
        self.table: TensorTable = make_table(TensorTable, table, len(kinds))

    def touched(self, row: int, alive: Sequence[Tensor]) -> bool:
        return any(row in tensor.reads or row in tensor.writes for tensor in alive)

    def shares(self, row: int, stay: Sequence[Tensor]) -> tuple[float, float, float]:
        """Shares of weight, input and output of a row that main memory does not see."""
        found = {"weight": 0.0, "input": 0.0, "output": 0.0}
        for tensor in stay:
            for operand, share in tensor.reads.get(row, ()):
                found[operand] += share
            if not tensor.leaves:
                found["output"] += tensor.writes.get(row, (0.0, 0.0))[0]
        weight, taken, output = (min(1.0, 1.0 if share > 1.0 - 1e-12 else share) for share in found.values())
        return weight, taken, output

    def made(self, row: int, stay: Sequence[Tensor]) -> tuple[tuple[int, float], ...]:
        """Kinds that one instance of a row writes where they stay, and what part of each."""
        repeats = float(self.layers.repeats[row])
        parts = [
            (self.kind[tensor.place], tensor.writes[row][1] / repeats)
            for tensor in stay
            if row in tensor.writes
        ]
        return tuple(sorted(parts))

    def held(self, stay: Sequence[Tensor]) -> tuple[int, ...]:
        return tuple(sorted(self.kind[tensor.place] for tensor in stay))


def _kind(layers: LayerTable, tensor: Tensor) -> tuple[object, ...]:
    """What the table of kinds says of a tensor: its shape is that of the operand of its widest reader."""
    row, operand = max(
        ((row, operand) for row, read in tensor.reads.items() for operand, _ in read),
        key=lambda one: (int(layers.kind[one[0]]) == Kind.NEST, -one[0]),
    )
    nest = int(layers.kind[row]) == Kind.NEST
    images = int(layers.n[row]) if nest else 1
    channels = tensor.elements
    if nest and operand == "input":
        channels = images * int(layers.g[row]) * int(layers.c[row])
    elif nest:
        images, channels = 1, int(layers.g[row]) * int(layers.k[row])
    as_weight = {"input": 0, "weight": 1}.get("+".join(tensor.operands), 2)
    return (tensor.elements, tensor.bits, tensor.density, min(channels, tensor.elements), images, as_weight)


def stays_of(layers: LayerTable, edges: EdgeTable) -> Stays:
    """Lay out the schedules of a network.

    Parameters
    ----------
    layers
        Its layer table, identical rows not merged; columns of shape (n_operations,).
    edges
        Its edge table; rows refer to `layers`.

    """
    network = _Network(layers, edges)
    kept, left = keepable(network.tensors, layers.rows, MOST_ALIVE)
    graph, alive = _graph(network, kept, ())
    relaxed = _graph(network, kept, left)[0] if left else graph
    return Stays(network.unique, network.tensors, graph, relaxed, alive, left, network.kind)


def paths_of(graph: StayGraph) -> float:
    """Number of schedules, as a float: there may be more than integers of 64 bits count."""
    paths = np.zeros(int(graph.nodes[0]))
    paths[0] = 1.0
    for source, target in zip(graph.arc_from.tolist(), graph.arc_to.tolist(), strict=True):
        paths[target] += paths[source]
    return float(paths[-1])


def _graph(
    network: _Network, kept: Sequence[Tensor], free: Sequence[Tensor]
) -> tuple[StayGraph, tuple[tuple[Tensor, ...], ...]]:
    """Every schedule of the tensors `kept`; those of `free` stay and take no room."""
    layers, known = network.layers, _Situations()
    for operation in range(network.unique.rows):
        known.of(operation, (0.0, 0.0, 0.0))
    fixed: dict[int, float] = {}
    arcs: list[tuple[int, int, int, int]] = []
    starts, rows, alive_at = [0], [], []
    before: dict[frozenset[int], int] = {frozenset(): 0}  # places that stay -> node
    nodes = 1
    for row in range(layers.rows):
        alive = [tensor for tensor in kept if tensor.first <= row <= tensor.last]
        operation, nest = int(network.index[row]), int(layers.kind[row]) == Kind.NEST
        others = [tensor for tensor in free if tensor.first <= row <= tensor.last]
        if not network.touched(row, alive) and not (nest and alive):
            situation = known.of(operation, network.shares(row, others))
            fixed[situation] = fixed.get(situation, 0.0) + float(layers.repeats[row])
            continue
        after: dict[frozenset[int], int] = {}
        born = [tensor for tensor in alive if tensor.first == row]
        for places, node in before.items():
            old = [tensor for tensor in alive if tensor.place in places]
            for more in _subsets(born):
                stay = [*old, *more]
                needs_room = nest or bool(more)
                situation = known.of(
                    operation,
                    network.shares(row, [*stay, *others]),
                    network.held(stay) if needs_room else (),
                    network.made(row, stay),
                )
                left = frozenset(tensor.place for tensor in stay if tensor.last > row)
                if left not in after:
                    after[left] = nodes
                    nodes += 1
                bits = sum(1 << i for i, tensor in enumerate(alive) if tensor in stay)
                arcs.append((node, after[left], situation, bits))
        starts.append(len(arcs))
        rows.append(row)
        alive_at.append(tuple(alive))
        before = after
    columns = np.array(arcs, dtype=np.int64).reshape(-1, 4).T
    counts: dict[str, Any] = {
        "arc_from": columns[0],
        "arc_to": columns[1],
        "arc_situation": columns[2],
        "arc_kept": columns[3],
        "stage_start": np.array(starts, dtype=np.int64),
        "stage_row": np.array(rows, dtype=np.int64),
        "stage_count": layers.repeats[np.array(rows, dtype=np.int64)].astype(np.float64),
        "nodes": np.array([nodes], dtype=np.int64),
        "fixed": np.array(list(fixed), dtype=np.int64),
        "fixed_count": np.array(list(fixed.values()), dtype=np.float64),
    }
    return StayGraph(tensors=network.table, **_situations(known), **counts), tuple(alive_at)


def _subsets(tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    for size in range(len(tensors) + 1):
        yield from combinations(tensors, size)


def _situations(known: _Situations) -> dict[str, Any]:
    """Columns of the situations."""
    keys = list(known.number)
    operation = np.array([key[0] for key in keys], dtype=np.int64)
    shares = np.array([key[1] for key in keys], dtype=np.float64).reshape(-1, 3)
    found: dict[str, Any] = {
        "operation": operation,
        "weight_share": shares[:, 0].copy(),
        "input_share": shares[:, 1].copy(),
        "output_share": shares[:, 2].copy(),
    }
    found["of"] = np.argsort(operation, kind="stable")
    found["of_start"] = np.searchsorted(operation[found["of"]], np.arange(operation.max(initial=-1) + 2))
    held = [list(key[2]) for key in keys]  # type: ignore[call-overload]
    made = [list(key[3]) for key in keys]  # type: ignore[call-overload]
    for name, lists in (("held", held), ("made", made)):
        found[f"{name}_start"] = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    found["held"] = np.array([kind for kinds in held for kind in kinds], dtype=np.int64)
    found["made"] = np.array([kind for kinds in made for kind, _ in kinds], dtype=np.int64)
    found["made_part"] = np.array([part for kinds in made for _, part in kinds], dtype=np.float64)
    return found
