"""Attention that is spelt out: a product, its scaling and mask, a softmax, and a product with the values.

The two products may be matrix products or einsums in any order of operands and axes, with heads in axes of
their own or in the batch, and with changes of order and shape anywhere between. Scores must be read by nobody
else. Keys and values that are repeated for several query heads (grouped queries) are read once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from workloads.graph import Graph, Node
from workloads.importers.recognise.axes import Atoms, Axes, Axis
from workloads.importers.recognise.operands import Operand, above, product, unrepeated
from workloads.importers.recognise.rewriting import Rewriting
from workloads.importers.recognise.scores import Scores, followed, scores
from workloads.operations import (
    Attention,
    Elementwise,
    Expand,
    MatMul,
    Reshape,
    Softmax,
    Stored,
    Transpose,
)
from workloads.operations.base import Operation
from workloads.shapes import Shape, broadcast


class Found(NamedTuple):
    """Attention in a graph, by the axes of its operands and its result; of length 1 there is only a batch.

    Attributes
    ----------
    query, key, value
        Operands.
    batch, heads
        Atoms that keys, values and the result have: samples, and heads of keys.
    shared
        Atoms of heads that share a key; only queries have them.
    places
        Atom along which queries lie.
    context
        Atom along which keys lie, and the softmax is taken.
    feature, column
        Atom summed over by the first product, and the one that values have alone.
    result
        Axes of the result.

    """

    query: Operand
    key: Operand
    value: Operand
    batch: Axis
    heads: Axis
    shared: Axis
    places: Axis
    context: Axis
    feature: Axis
    column: Axis
    result: Axis


class Spelt(NamedTuple):
    """Attention that was spelt out, and what it is made of."""

    found: Found
    scores: Scores
    scaled: bool


def with_attention(graph: Graph) -> Graph:
    """Return a graph with attention as one operation; the graph itself where there is nothing to do."""
    spelt: dict[str, tuple[Atoms, Spelt]] = {}
    inside: set[str] = set()
    touched = False
    for node in graph.nodes():
        if isinstance(node.operation, Softmax) and not _gives_logarithms(graph, node):
            atoms = Atoms()
            match = _spelt(graph, node, atoms)
            if match is not None and match.scores.first.operation.name not in spelt:
                parts = match.scores
                spelt[parts.last.operation.name] = atoms, match
                inside |= {one.operation.name for one in (parts.first, *parts.path)}
        touched = touched or isinstance(node.operation, Expand | Attention)
    if not spelt and not touched:
        return graph
    rewriting = Rewriting(graph)
    for node in graph.nodes():
        name = node.operation.name
        if name in spelt:
            _attend(rewriting, *spelt[name])
        elif isinstance(node.operation, Attention):
            _attend_narrowly(rewriting, node, node.operation)
        elif name not in inside:
            rewriting.copy(node, inputs=_unrepeated(rewriting.graph, node))
    return rewriting.finished()


def _gives_logarithms(graph: Graph, node: Node) -> bool:
    """Whether a softmax gives logarithms to somebody who does not only raise e to them."""
    readers = [graph.node(reader).operation for reader in graph.consumers(node.outputs[0])]
    raised = [isinstance(one, Elementwise) and one.function == "exp" for one in readers]
    return node.operation.logarithm and not (raised and all(raised))  # type: ignore[attr-defined]


def _spelt(graph: Graph, softmax: Node, atoms: Atoms) -> Spelt | None:
    """Return the attention around a softmax, None where it is none."""
    operation, shape = softmax.operation, graph.tensors[softmax.outputs[0]].shape
    assert isinstance(operation, Softmax)
    over = {axis % len(shape) for axis in operation.over}
    parts = scores(graph, softmax) if len(over) == 1 and len(shape) > 1 else None
    first = None if parts is None else product(graph, parts.first, atoms)
    if parts is None or first is None:
        return None
    axes = followed(graph, parts, first.axes, atoms)
    last = None if axes is None else product(graph, parts.last, atoms, Operand(parts.weights, axes[1]))
    if axes is None or last is None:
        return None
    context = axes[0][over.pop()]
    if not set(atoms.fine(context)).isdisjoint(atoms.flat(last.axes)):
        return None
    value = last.first if last.second.tensor == parts.weights else last.second
    query, key = first.first, first.second
    if set(atoms.fine(context)) <= set(atoms.flat(query.axes)):
        query, key = key, query
    splits = atoms.splits
    short, scaled = zip(*(unrepeated(graph, one, atoms) for one in (query, key)), strict=True)
    narrow = unrepeated(graph, value, atoms, scales=False)[0]
    for q, k, v, also in (
        (*short, narrow, any(scaled)),
        (query, short[1], narrow, scaled[1]),
        (query, key, value, False),
    ):
        found = _sorted(atoms, (q, k, v), context, last.axes)
        if found is not None:
            return Spelt(found, parts, parts.scaled or also)
    atoms.join(splits)  # places in two dimensions, say of an image, are one axis here
    found = _sorted(atoms, (query, key, value), context, last.axes)
    return None if found is None else Spelt(found, parts, parts.scaled)


def _sorted(
    atoms: Atoms, operands: tuple[Operand, Operand, Operand], context: Axis, result: Axes
) -> Found | None:
    """Tell what each axis of queries, keys and values is, None where they are not those of an attention."""
    of_query, of_key, of_value, made = (
        atoms.long(axes) for axes in (*(operand.axes for operand in operands), result)
    )
    along = atoms.long((context,))
    feature = tuple(atom for atom in of_query if atom in of_key and atom not in made)
    groups = tuple(atom for atom in of_key if atom in made)
    rows = tuple(atom for atom in of_query if atom not in of_key)
    column = tuple(atom for atom in of_value if atom in made and atom not in groups)
    parts = (*groups, *along, *feature), (*groups, *along, *column), (*groups, *rows, *column)
    exact = (
        len(along) == 1
        and max(len(feature), len(column)) <= 1
        and all(len(one) == len(set(one)) for one in (of_query, of_key, of_value, made))
        and all({*one} == {*part} for one, part in zip((of_key, of_value, made), parts, strict=True))
        and {*of_query} <= {*groups, *rows, *feature}
    )
    if not exact:
        return None
    ordered = (*(atom for atom in of_query if atom in groups), *(g for g in groups if g not in of_query))
    first = atoms.fine(operands[0].axes[0])
    batch = ordered[:1] if set(ordered[:1]) <= set(first) or not set(ordered) <= set(of_query) else ()
    heads = ordered[len(batch) :]
    if not batch and len(first) == 1 and atoms.length(first[0]) == 1:
        batch = first  # a batch of one
    made = tuple(atom for atom in atoms.flat(result) if atom in made or atom in batch)
    return Found(*operands, batch, heads, rows[:-1], rows[-1:], along, feature, column, made)


def _attend(rewriting: Rewriting, atoms: Atoms, spelt: Spelt) -> None:
    """Add attention that was spelt out, under the name of its last product."""
    graph, parts = rewriting.graph, spelt.scores
    name, shape = parts.last.operation.name, rewriting.source.tensors[parts.last.outputs[0]].shape
    masks = list(parts.masks)
    for i, learnt in enumerate(parts.learnt):  # positions that are learnt
        weight = rewriting.source.weights[learnt]
        stored = Stored(f"{name}.mask{i}", weight.shape, trained=True)
        masks.append(graph.add(stored, weights={"weight": weight}))
    like = Attention(name, 1, scaled=spelt.scaled, score_ops=parts.ops)
    _add(rewriting, atoms, spelt.found, like, masks, shape)


def _attend_narrowly(rewriting: Rewriting, node: Node, operation: Attention) -> None:
    """Add attention; keys and values that are repeated head by head are taken as they were before."""
    graph, atoms = rewriting.graph, Atoms()
    shapes = [graph.tensors[tensor].shape for tensor in node.inputs[:3]]
    kv_heads = operation.kv_heads or operation.heads
    if len(shapes[0]) != 4 or kv_heads == 1:
        rewriting.copy(node)
        return
    batch, places, context = (atoms.new(n) for n in (shapes[0][0], shapes[0][2], shapes[1][2]))
    heads, shared = atoms.new(kv_heads), atoms.new(operation.heads // kv_heads)
    feature, column = atoms.new(shapes[0][3]), atoms.new(shapes[2][3])
    query = Operand(node.inputs[0], (batch, heads + shared, places, feature))
    given = [
        Operand(node.inputs[i], (batch, heads, context, last)) for i, last in ((1, feature), (2, column))
    ]
    key, value = (unrepeated(graph, one, atoms, scales=False)[0] for one in given)
    result = batch, heads + shared, places, column
    found = None
    if (key, value) != tuple(given):
        found = _sorted(atoms, (query, key, value), context, result)
    if found is None:
        rewriting.copy(node)
        return
    alone = atoms.long((places,))
    rows = tuple(atom for atom in (*found.shared, *found.places) if atom not in alone)
    found = found._replace(shared=rows, places=alone)
    _add(rewriting, atoms, found, operation, node.inputs[3:], graph_shape(rewriting, node))


def graph_shape(rewriting: Rewriting, node: Node) -> Shape:
    """Return the shape of a node's first result."""
    return rewriting.source.tensors[node.outputs[0]].shape


def _add(
    rewriting: Rewriting,
    atoms: Atoms,
    found: Found,
    like: Attention,
    masks: Sequence[str],
    shape: Shape,
) -> None:
    """Add attention with its operands in order; the last operation that it takes has its name."""
    graph, name, length = rewriting.graph, like.name, atoms.size
    lead, kv_heads = (*found.batch, *found.heads), length(found.heads)
    heads = kv_heads * length(found.shared)
    apart = heads > 1 or len(graph.tensors[found.query.tensor].shape) > 3
    rows = (*found.shared, *found.places)
    inputs = [
        _laid_out(
            rewriting,
            atoms,
            Operand(f"{name}.{what}", (operand.axes)),
            operand.tensor,
            (
                (*lead, *own, *last),
                (length(found.batch), *((count,) if apart else ()), length(side), length(last)),
            ),
        )
        for what, operand, own, side, last, count in (
            ("q", found.query, rows, found.places, found.feature, heads),
            ("k", found.key, found.context, found.context, found.feature, kv_heads),
            ("v", found.value, found.context, found.context, found.column, kv_heads),
        )
    ]
    made = tuple(atom for atom in (*lead, *rows, *found.column) if atom in found.result)
    flat = (length(found.batch), *((heads,) if apart else ()), length(found.places), length(found.column))
    order = tuple(made.index(atom) for atom in found.result)
    steps: list[Operation] = []
    if order != tuple(range(len(order))):
        steps += [Reshape(f"{name}.apart", atoms.shape(made)), Transpose(f"{name}.turned", order)]
    steps.append(Reshape(f"{name}.shape", shape))
    have, needed = flat, []
    for step in steps:
        (then,) = step.infer([have])
        if isinstance(step, Transpose) or then != have:
            needed.append(step)
        have = then
    own = f"{name}.attention" if needed else name
    tensor = graph.add(replace(like, name=own, heads=heads, kv_heads=kv_heads), *inputs, *masks)
    for step in needed:
        tensor = graph.add(replace(step, name=name) if step is needed[-1] else step, tensor)


def _laid_out(
    rewriting: Rewriting, atoms: Atoms, named: Operand, tensor: str, wanted: tuple[Axis, Shape]
) -> str:
    """Add what brings a tensor into an order of atoms and a shape, from what it was before if that is less.

    What was turned once is turned from what it was before; atoms that it does not have repeat it.
    """
    (order, shape), name = wanted, named.tensor
    operand = nearest = Operand(tensor, named.axes)

    def held(one: Operand) -> Axis:
        return tuple(atom for atom in atoms.flat(one.axes) if atom in order)

    have = tuple(atom for atom in order if atom in held(operand))
    chosen: Operand | None = None
    above_it: Operand | None = operand
    while above_it is not None and held(above_it) != have:
        node = rewriting.graph.node(rewriting.graph.producer[above_it.tensor])
        if not isinstance(node.operation, Transpose | Reshape):
            above_it = None
            break
        splits = atoms.splits
        above_it = above(rewriting.graph, above_it, atoms)
        if atoms.splits > splits:  # it lies in parts there that are one axis here
            atoms.join(splits)
            above_it = None
            break
        if node.outputs[0] == operand.tensor and isinstance(node.operation, Transpose):
            chosen = above_it
    nearest = above_it or chosen or operand
    now = held(nearest)
    have = tuple(atom for atom in have if atom in now)
    turn = tuple(now.index(atom) for atom in have)
    tensor = nearest.tensor
    if turn != tuple(range(len(turn))):
        tensor = rewriting.step(Reshape(f"{name}.apart", atoms.shape(now)), tensor)
        tensor = rewriting.step(Transpose(name, turn), tensor)
    if len(have) < len([atom for atom in order if atoms.length(atom) > 1]):
        ones = tuple(atoms.length(atom) if atom in have else 1 for atom in order)
        tensor = rewriting.step(Reshape(f"{name}.ones", ones), tensor)
        tensor = rewriting.step(Expand(f"{name}.copies", atoms.shape(order)), tensor)
    return rewriting.step(Reshape(f"{name}.heads", shape), tensor)


def _unrepeated(graph: Graph, node: Node) -> list[str]:
    """Return a node's inputs, those that are repeated as they were before where the result is the same."""
    operation, inputs = node.operation, list(node.inputs)
    if not isinstance(operation, Elementwise | MatMul):
        return inputs
    shapes = [graph.tensors[tensor].shape for tensor in inputs]
    result = operation.infer(shapes)
    for i, tensor in enumerate(inputs):
        maker = graph.node(graph.producer[tensor])
        if not isinstance(maker.operation, Expand):
            continue
        few = graph.tensors[maker.inputs[0]].shape
        if isinstance(operation, MatMul) and (len(few) < 2 or few[-2:] != shapes[i][-2:]):
            continue
        tried = [*shapes[:i], few, *shapes[i + 1 :]]
        constants = operation.constants if isinstance(operation, Elementwise) else ()
        if isinstance(operation, Elementwise) and broadcast(*tried, *constants) != result[0]:
            continue
        if operation.infer(tried) == result:
            inputs[i], shapes = maker.inputs[0], tried
    return inputs
