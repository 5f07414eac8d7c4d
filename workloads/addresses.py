"""Which changes of order, repetitions and cuts are only another way to address what lies in memory.

A *view* is a tensor that lies in another one's memory: a length and a stride an axis (0 where elements are
repeated), or several of them where axes were joined. Nests, vector lanes and movers walk strides, and tiles
are put in order on their way into the buffers; so a view is free as long as what it addresses lies in runs of
at least `RUN_ELEMENTS` (an order of axes addresses everything, a repetition nothing more). Three things make
a copy necessary.

1. A reshape cuts an axis elsewhere than where it was joined.
2. A tensor leaves the network: it then lies in the order of its own axes, whole.
3. A cut leaves runs shorter than `RUN_ELEMENTS`.

A join (concat) moves nothing where each of its pieces is written where it is wanted: it is in no other
join, lies there in runs of at least `RUN_ELEMENTS`, and is made by an operation, or by one and nothing but
changes of its order. What would be another view (a repetition, a cut) is copied there, if that is less.

An input of the network lies in the order of its axes. Whatever an operation makes can be written in any order
at once; of the order of its axes and those that readers want, the one that leaves the least to copy is taken.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.operations import Concat, Expand, Input, Reshape, Slice, Split, Transpose
from workloads.operations.views import RUN_ELEMENTS
from workloads.shapes import Shape, normal_axis, size

Axis = tuple[tuple[int, int], ...]
"""Length and stride in elements, of several parts from the outermost on where axes were joined to it."""
Axes = tuple[Axis, ...]

_CANDIDATES = 4
"""How many orders of one tensor are tried besides its own."""


class Addresses(NamedTuple):
    """What moves nothing in a graph."""

    free: frozenset[str]  # operations whose results are views
    stored: dict[str, int]  # tensors that repeat elements -> how many there are in memory


def addresses(graph: Graph) -> Addresses:
    """Find the views of a graph."""
    leaving = graph.leaving()
    free, forced = _joins(graph, leaving)
    trees: dict[str, list[Node]] = {}
    root: dict[str, str] = {}
    for node in graph.nodes():
        if _can_view(node) and node.operation.name not in free:
            start = root.get(node.inputs[0], node.inputs[0])
            trees.setdefault(start, []).append(node)
            root.update(dict.fromkeys(node.outputs, start))
    stored: dict[str, int] = {}
    for start, nodes in trees.items():
        plan = _Tree(graph, start, nodes, leaving).best(forced)
        free.update(node.operation.name for node in nodes if node.operation.name not in plan.copies)
        for tensor, axes in plan.views.items():
            held = size(tuple(n for axis in axes for n, stride in axis if stride))
            if held < graph.tensors[tensor].elements:
                stored[tensor] = held
    return Addresses(frozenset(free), stored)


def _joins(graph: Graph, leaving: frozenset[str]) -> tuple[set[str], set[str]]:
    """Return joins that are free with the changes of order before them, and what must copy for that."""
    joins = [node for node in graph.nodes() if isinstance(node.operation, Concat)]
    uses = Counter(tensor for node in joins for tensor in node.inputs)
    free: set[str] = set()
    forced: set[str] = set()
    for node in joins:
        assert isinstance(node.operation, Concat)
        whole = contiguous(graph.tensors[node.outputs[0]].shape)
        moves: set[str] = set()
        copies: set[str] = set()
        for tensor in node.inputs:
            shape = graph.tensors[tensor].shape
            axes = tuple(((n, axis[0][1]),) for n, axis in zip(shape, whole, strict=True))
            producer = graph.node(graph.producer[tensor])
            changes = _written(graph, tensor, axes)
            if uses[tensor] > 1 or tensor in leaving or run(axes) < RUN_ELEMENTS:
                break
            if changes is not None:
                moves |= changes
            elif _can_view(producer) and not isinstance(producer.operation, Reshape):
                copies.add(producer.operation.name)
            else:
                break
        else:
            copied = sum(graph.tensors[t].elements for name in copies for t in graph.node(name).outputs)
            if copied >= graph.tensors[node.outputs[0]].elements:
                continue
            free |= moves | {node.operation.name}
            forced |= copies
    return free, forced


def _written(graph: Graph, tensor: str, axes: Axes | None) -> set[str] | None:
    """Return the changes of order up to what makes a tensor, if that can write it to some strides."""
    changes: set[str] = set()
    while axes is not None:
        node = graph.node(graph.producer[tensor])
        if isinstance(node.operation, Input):
            return None
        if not _can_view(node):
            return changes
        changes.add(node.operation.name)
        tensor = node.inputs[0]
        axes = _undone(node, axes, graph.tensors[tensor].shape)
        if len(graph.consumers(tensor)) > 1:
            return None
    return None


def _undone(node: Node, axes: Axes, shape: Shape) -> Axes | None:
    """Return how the input of a change of order, of this shape, lies where its result lies so."""
    operation = node.operation
    if isinstance(operation, Transpose):
        return tuple(axis for _, axis in sorted(zip(operation.order, axes, strict=True), key=_first))
    return reshaped(axes, shape) if isinstance(operation, Reshape) else None


def _can_view(node: Node) -> bool:
    return isinstance(node.operation, Reshape | Transpose | Expand | Slice | Split)


class _Plan(NamedTuple):
    """How the tensors of a tree lie, given which of its operations copy."""

    views: dict[str, Axes]
    copies: frozenset[str]
    missed: tuple[str, ...]  # tensors that something had to be copied for


class _Tree:
    """A tensor and everything that could be a view of it."""

    def __init__(self, graph: Graph, root: str, nodes: Sequence[Node], leaving: frozenset[str]) -> None:
        self._graph = graph
        self._root = root
        self._nodes = nodes
        self._leaving = leaving
        self._maker = {tensor: node for node in nodes for tensor in node.outputs}

    def best(self, forced: set[str]) -> _Plan:
        """Return the plan that copies least, some operations having to copy."""
        plan = self._plan(self._root, forced)
        assert plan is not None
        made = not isinstance(self._graph.node(self._graph.producer[self._root]).operation, Input)
        if plan.missed and made:
            others = [self._plan(base, forced) for base in plan.missed[:_CANDIDATES] if self._whole(base)]
            plan = min([plan, *(other for other in others if other is not None)], key=self._cost)
        return plan

    def _cost(self, plan: _Plan) -> int:
        copied = [node for node in self._nodes if node.operation.name in plan.copies]
        return sum(self._graph.tensors[tensor].elements for node in copied for tensor in node.outputs)

    def _path(self, tensor: str) -> list[Node]:
        """Return the operations from a tensor of the tree up to its root."""
        path = []
        while tensor != self._root:
            path.append(self._maker[tensor])
            tensor = path[-1].inputs[0]
        return path

    def _whole(self, tensor: str) -> bool:
        """Whether a tensor has just the elements of the root."""
        return all(isinstance(node.operation, Reshape | Transpose) for node in self._path(tensor))

    def _shape(self, tensor: str) -> Shape:
        return self._graph.tensors[tensor].shape

    def _plan(self, base: str, forced: set[str]) -> _Plan | None:
        """Return the plan where the tensor `base` lies in its own order; None where the root then cannot."""
        start: Axes | None = contiguous(self._shape(base))
        for node in self._path(base):
            if start is None:
                return None
            start = _undone(node, start, self._shape(node.inputs[0]))
        if start is None or (self._root in self._leaving and not in_order(start)):
            return None
        copies = {node.operation.name for node in self._nodes if node.operation.name in forced}
        missed: list[str] = []
        while True:
            views = {self._root: start}
            wrong = self._walk(views, copies)
            if wrong is None:
                return _Plan(views, frozenset(copies), tuple(missed))
            copy, tensor = wrong
            copies.add(copy)
            missed.append(tensor)

    def _walk(self, views: dict[str, Axes], copies: set[str]) -> tuple[str, str] | None:
        """Lay out every tensor; return what has to copy instead, and for which tensor, if anything has."""
        for node in self._nodes:
            parts: list[Axes | None] = [None] * len(node.outputs)
            if node.operation.name not in copies:
                parts = _seen(node, views[node.inputs[0]], [self._shape(tensor) for tensor in node.outputs])
            for tensor, axes in zip(node.outputs, parts, strict=True):
                if axes is None or (tensor in self._leaving and not in_order(axes)):
                    copy = self._culprit(tensor, copies)
                    if copy is not None:
                        return copy, tensor
                    axes = contiguous(self._shape(tensor))
                views[tensor] = axes
        return None

    def _culprit(self, tensor: str, copies: set[str]) -> str | None:
        """Return the last operation up to a tensor that changed an order and does not copy yet."""
        for node in self._path(tensor):
            if node.operation.name in copies:
                return None
            if not isinstance(node.operation, Reshape):
                return node.operation.name
        return None


def _first(pair: tuple[int, Axis]) -> int:
    return pair[0]


def _seen(node: Node, axes: Axes, shapes: Sequence[Shape]) -> list[Axes | None]:
    """Return how an operation's results lie in the memory of its input, None for one that is copied."""
    operation = node.operation
    if isinstance(operation, Reshape):
        return [reshaped(axes, shapes[0])]
    if isinstance(operation, Transpose):
        return [tuple(axes[axis] for axis in operation.order)]
    if isinstance(operation, Expand):
        padded = (((1, 0),),) * (len(shapes[0]) - len(axes)) + axes
        pairs = zip(shapes[0], padded, strict=True)
        return [tuple(axis if n == _length(axis) else ((n, 0),) for n, axis in pairs)]
    if isinstance(operation, Slice):
        parts = list(axes)
        for axis, start, stop, step in operation.cuts:
            cut = _cut(axes[axis], range(start, stop, step))
            if cut is None:
                return [None]
            parts[axis] = cut
        return [tuple(parts) if run(parts) >= RUN_ELEMENTS or shapes[0] == _lengths(axes) else None]
    assert isinstance(operation, Split)
    place, first = normal_axis(operation.axis, len(axes)), 0
    pieces: list[Axes | None] = []
    for length in operation.lengths:
        cut = _cut(axes[place], range(first, first + length))
        first += length
        pieces.append(None if cut is None else (*axes[:place], cut, *axes[place + 1 :]))
    whole = [piece for piece in pieces if piece is not None and run(piece) >= RUN_ELEMENTS]
    return pieces if len(whole) == len(pieces) else [None] * len(pieces)


def _length(axis: Axis) -> int:
    return size(tuple(n for n, _ in axis))


def _lengths(axes: Axes) -> Shape:
    return tuple(map(_length, axes))


def _cut(axis: Axis, taken: range) -> Axis | None:
    """Return some of an axis; None where it was joined of several that are not cut whole."""
    inner = _length(axis[1:])
    if inner == 1:
        return ((len(taken), axis[0][1] * taken.step), *axis[1:])
    if taken.step != 1 or taken.start % inner or taken.stop % inner:
        return None
    return ((len(taken) // inner, axis[0][1]), *axis[1:])


def contiguous(shape: Shape) -> Axes:
    """Return the axes of a tensor that lies in order.

    Examples
    --------
    >>> contiguous((2, 3, 4))
    (((2, 12),), ((3, 4),), ((4, 1),))

    """
    axes: list[Axis] = []
    stride = 1
    for length in reversed(shape):
        axes.append(((length, stride),))
        stride *= length
    return tuple(reversed(axes))


def in_order(axes: Axes) -> bool:
    """Whether elements lie in the order of the axes, none of them twice."""
    strides = [stride for axis in axes for length, stride in axis if length > 1]
    return all(strides) and strides == sorted(strides, reverse=True)


def run(axes: Sequence[Axis]) -> int:
    """Return how many of the elements addressed lie side by side, in whatever order they are wanted.

    Examples
    --------
    >>> run((((4, 1),), ((8, 4),))), run((((8, 64), (16, 1)),)), run((((8, 0),), ((4, 2),)))
    (32, 16, 1)

    """
    length = 1
    parts = [(abs(stride), n) for axis in axes for n, stride in axis if n > 1 and stride]
    for stride, n in sorted(parts):
        if stride != length:
            break
        length *= n
    return length


def reshaped(axes: Axes, shape: Shape) -> Axes | None:
    """Return the same elements in the same order under another shape, None where strides cannot say that.

    Examples
    --------
    >>> reshaped((((2, 12),), ((12, 1),)), (2, 3, 4))
    (((2, 12),), ((3, 4),), ((4, 1),))
    >>> reshaped((((3, 1),), ((2, 3),)), (6,))  # a transposed matrix, as a vector
    (((3, 1), (2, 3)),)
    >>> reshaped((((3, 1),), ((2, 3),)), (2, 3))  # a row would be one and a half of the columns

    """
    left = [part for axis in axes for part in axis if part[0] != 1]
    made: list[Axis] = []
    for length in reversed(shape):
        parts: list[tuple[int, int]] = []
        while length > 1:
            n, stride = left.pop()
            while left and left[-1][1] == stride * n:  # one run of equal steps
                n *= left.pop()[0]
            if n > length:
                if n % length:
                    return None
                left.append((n // length, stride * length))
                n = length
            if length % n:
                return None
            parts.append((n, stride))
            length //= n
        made.append(tuple(reversed(parts)) or ((1, 1),))
    return tuple(reversed(made))
