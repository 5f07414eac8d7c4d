"""All schedules of a network as paths of a graph, so that the best one is a shortest path.

A *node* is a set of tensors that stay, between two operations. An *arc* runs one operation beside a set of
tensors that stay meanwhile; what it costs depends on its *situation* alone: which operation, which shares of
its operands stay, and what is held beside its tiles. Identical operations in identical circumstances share a
situation, so that a network of hundreds of operations has few. A schedule is a path from nothing to nothing,
and its cost the sum of its arcs:

    cost(schedule) = sum over operations of cost(situation)

A node is also a set of operations that are done, if they need not run in the order given (`orders`).
Nothing here depends on a machine: which situations fit, and what they cost, is the machine's say.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from hwmodels.residency.orders import Following
from hwmodels.residency.pinned import PinnedSet
from hwmodels.residency.tensors import Tensor, tensors_of, weights_of
from workloads.edges import EdgeTable
from workloads.table import FloatColumn, IntColumn, Kind, LayerTable, deduplicate, make_table


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
    kin: IntColumn  # alike in those that differ in what is held alone
    of_start: IntColumn  # situations of each operation, those that hold fewer first
    of: IntColumn
    # Arcs, in the order of the operations; nodes are numbered in it too, 0 is the first
    arc_from: IntColumn
    arc_to: IntColumn
    arc_situation: IntColumn
    arc_kept: IntColumn  # number of tensors that stay meanwhile
    arc_row: IntColumn  # row of the full layer table that it runs
    arc_count: FloatColumn  # instances of it, one after the other
    stage_start: IntColumn  # arcs of each stage: a path has one of them
    nodes: IntColumn  # shape (1,): number of nodes
    # Operations that no schedule changes: situations, and how many operations each stands for
    fixed: IntColumn
    fixed_count: FloatColumn

    @property
    def situations(self) -> int:
        """Number of situations."""
        return int(self.operation.size)

    @property
    def stages(self) -> int:
        """Number of arcs of a path."""
        return int(self.stage_start.size) - 1


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
    staying
        For each arc of `graph`, the tensors that stay meanwhile.
    left
        Tensors for which the graph had no room.
    kinds
        Row of `graph.tensors` by place.
    orders
        Orders of the operations that its schedules have, those that differ in nothing a schedule sees being
        one; 0: only that given, as there are too many.
    always
        Rows that are no arcs, by their place in every order.
    sets
        Sets of weights of which its schedules pin one; 0: none is pinned in any.

    """

    layers: LayerTable
    tensors: tuple[Tensor, ...]
    graph: StayGraph
    relaxed: StayGraph
    staying: tuple[tuple[Tensor, ...], ...]
    left: tuple[Tensor, ...]
    kinds: dict[int, int]
    orders: int
    always: dict[int, int]
    sets: int = 0

    @property
    def whole(self) -> bool:
        """Whether the graph has every schedule, so that its shortest path is a bound of them all."""
        return self.relaxed is self.graph

    def order(self, arcs: IntColumn) -> tuple[int, ...]:
        """Rows in the order in which a path runs them."""
        rows = iter(self.graph.arc_row[arcs].tolist())
        number = len(arcs) + len(self.always)
        return tuple(self.always[i] if i in self.always else next(rows) for i in range(number))


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


class NetworkTensors:
    """A layer table beside its tensors: who reads and writes what share of which operand."""

    def __init__(self, layers: LayerTable, edges: EdgeTable, weights: Sequence[int] = ()) -> None:
        self.layers = layers
        self.unique, self.index = deduplicate(layers)
        self.weights = tuple(weights_of(layers, weights))
        self.tensors = (*self.weights, *tensors_of(edges, layers))
        kinds: dict[tuple[object, ...], int] = {}
        self.kind = {
            tensor.place: kinds.setdefault(_kind(layers, tensor), len(kinds)) for tensor in self.tensors
        }
        columns = zip(*kinds, strict=True) if kinds else ((),) * len(TensorTable._fields)
        table = dict(zip(TensorTable._fields, map(list, columns), strict=True))
        self.table: TensorTable = make_table(TensorTable, table, len(kinds))

    def nest(self, row: int) -> bool:
        """Whether a row needs tiles."""
        return int(self.layers.kind[row]) == Kind.NEST

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
        """Kinds of what stays."""
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


def paths_of(graph: StayGraph) -> float:
    """Number of schedules, as a float: there may be more than integers of 64 bits count."""
    paths = np.zeros(int(graph.nodes[0]))
    paths[0] = 1.0
    for source, target in zip(graph.arc_from.tolist(), graph.arc_to.tolist(), strict=True):
        paths[target] += paths[source]
    return float(paths[-1])


class _Life(NamedTuple):
    """A tensor, alive from the first row of `begins` that runs to the last of `ends`; sets of rows."""

    tensor: Tensor
    begins: int
    ends: int

    def alive(self, done: int, now: int) -> bool:
        return bool(self.begins & now and self.ends & ~done)


class PathList:
    """Every schedule of the tensors `kept`, with each of the `sets` of weights pinned.

    Those of `free` stay and take no room. Raises OverflowError where there are more arcs than `most`.
    """

    def __init__(
        self,
        network: NetworkTensors,
        kept: Sequence[Tensor],
        free: Sequence[Tensor],
        following: Following,
        most: int = 1 << 62,
        sets: Sequence[PinnedSet] = ((),),
    ) -> None:
        self.network, self.known, self.most = network, _Situations(), most
        rows = network.layers.rows
        self.sets = [tuple(_life(tensor, rows) for tensor in some) for some in sets]
        pinned = {life.tensor.place: life for some in self.sets for life in some}
        self.kept = [*pinned.values(), *(_life(tensor, rows) for tensor in kept)]
        self.free = [_life(tensor, rows) for tensor in free]
        for operation in range(network.unique.rows):
            self.known.of(operation, (0.0, 0.0, 0.0))
        self.fixed: dict[int, float] = {}
        self.always: dict[int, int] = {}
        self.arcs: list[tuple[int, int, int, int, int]] = []
        self.staying: list[tuple[Tensor, ...]] = []
        self.starts, self.nodes = [0], 1
        nodes: dict[int, dict[frozenset[int], int]] = {
            0: {frozenset(): 0}
        }  # done -> places that stay -> node
        orders = {0: 1}
        for position in range(network.layers.rows):
            steps = [(done, row) for done in nodes for row in following(done)]
            ways: dict[int, int] = {}
            for done, row in steps:
                ways[done | 1 << row] = ways.get(done | 1 << row, 0) + orders[done]
            orders = ways
            if len(steps) == 1 and self._unchanged(*steps[0]):
                (done, row), (before,) = steps[0], nodes.values()
                self.always[position], nodes = row, {done | 1 << row: before}
                continue
            after: dict[int, dict[frozenset[int], int]] = {}
            for done, row in steps:
                self._run(done, row, nodes[done], after.setdefault(done | 1 << row, {}))
            self.starts.append(len(self.arcs))
            nodes = after
        (self.orders,) = orders.values()

    def _unchanged(self, done: int, row: int) -> bool:
        """Count a row that runs alike in every schedule; False where it does not."""
        network, now = self.network, done | 1 << row
        alive = [life for life in self.kept if life.alive(done, now)]
        if any(not life.begins & done or not life.ends & ~now for life in alive):
            return False
        if any(row in life.tensor.reads or row in life.tensor.writes for life in alive):
            return False
        if network.nest(row) and alive:
            return False
        others = [life.tensor for life in self.free if life.alive(done, now)]
        situation = self.known.of(int(network.index[row]), network.shares(row, others))
        self.fixed[situation] = self.fixed.get(situation, 0.0) + float(network.layers.repeats[row])
        return True

    def _run(
        self, done: int, row: int, before: dict[frozenset[int], int], after: dict[frozenset[int], int]
    ) -> None:
        """Add the arcs that run a row after the rows `done`."""
        network, now = self.network, done | 1 << row
        alive = [life for life in self.kept if life.alive(done, now)]
        others = [life.tensor for life in self.free if life.alive(done, now)]
        born = [life for life in alive if not life.begins & done]
        some = [life for life in born if not life.tensor.pinned]
        sets = self.sets if len(some) < len(born) else [()]
        operation, nest = int(network.index[row]), network.nest(row)
        for places, node in before.items():
            old = [life for life in alive if life.tensor.place in places]
            for more in ((*pinned, *others) for pinned in sets for others in _subsets(some)):
                stay = tuple(life.tensor for life in (*old, *more))
                needs_room = nest or any(not life.tensor.pinned for life in more)
                situation = self.known.of(
                    operation,
                    network.shares(row, [*stay, *others]),
                    network.held(stay) if needs_room else (),
                    network.made(row, stay),
                )
                left = frozenset(life.tensor.place for life in (*old, *more) if life.ends & ~now)
                if left not in after:
                    after[left] = self.nodes
                    self.nodes += 1
                self.arcs.append((node, after[left], situation, len(stay), row))
                self.staying.append(stay)
                if len(self.arcs) > self.most:
                    raise OverflowError

    def graph(self) -> StayGraph:
        """Everything as columns."""
        columns = np.array(self.arcs, dtype=np.int64).reshape(-1, 5).T.copy()
        counts: dict[str, Any] = {
            "arc_from": columns[0],
            "arc_to": columns[1],
            "arc_situation": columns[2],
            "arc_kept": columns[3],
            "arc_row": columns[4],
            "arc_count": self.network.layers.repeats[columns[4]].astype(np.float64),
            "stage_start": np.array(self.starts, dtype=np.int64),
            "nodes": np.array([self.nodes], dtype=np.int64),
            "fixed": np.array(list(self.fixed), dtype=np.int64),
            "fixed_count": np.array(list(self.fixed.values()), dtype=np.float64),
        }
        return StayGraph(tensors=self.network.table, **_situations(self.known), **counts)


def _life(tensor: Tensor, rows: int) -> _Life:
    if tensor.pinned:
        return _Life(tensor, 1, 1 << (rows - 1))
    return _Life(tensor, sum(1 << row for row in tensor.writes), sum(1 << row for row in tensor.reads))


def _subsets(lives: Sequence[_Life]) -> Iterator[tuple[_Life, ...]]:
    for size in range(len(lives) + 1):
        yield from combinations(lives, size)


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
    kin: dict[tuple[object, ...], int] = {}
    found["kin"] = np.array(
        [kin.setdefault((key[0], key[1], key[3]), len(kin)) for key in keys], dtype=np.int64
    )
    found["of"] = np.lexsort(([len(key[2]) for key in keys], operation))  # type: ignore[arg-type]
    found["of_start"] = np.searchsorted(operation[found["of"]], np.arange(operation.max(initial=-1) + 2))
    held = [list(key[2]) for key in keys]  # type: ignore[call-overload]
    made = [list(key[3]) for key in keys]  # type: ignore[call-overload]
    for name, lists in (("held", held), ("made", made)):
        found[f"{name}_start"] = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    found["held"] = np.array([kind for kinds in held for kind in kinds], dtype=np.int64)
    found["made"] = np.array([kind for kinds in made for kind, _ in kinds], dtype=np.int64)
    found["made_part"] = np.array([part for kinds in made for _, part in kinds], dtype=np.float64)
    return found
