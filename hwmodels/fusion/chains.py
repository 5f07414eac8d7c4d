"""Which operations of a network may hand on tiles: chains of nests, read off the layer table and its edges.

A nest hands on to the next one if the tensor that it writes is read there as the input, position by position:
batch, channels and positions of the one are those of the other. What follows the nest on its way out of the
array (activation, folded normalisation, residual sum) lies between them and goes with it.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from workloads.edges import OUTSIDE, EdgeTable, Operand, Passage
from workloads.table import Kind, LayerTable


class Link(NamedTuple):
    """A tensor that one nest of a chain writes and the next one reads."""

    producer: int  # rows of the layer table
    consumer: int
    elements: int
    leaves: bool  # main memory gets it all the same: somebody else reads it later, or it leaves the network


def links_of(layers: LayerTable, edges: EdgeTable) -> dict[int, Link]:
    """Tensors that may be handed on, by the row of the nest that writes them.

    Parameters
    ----------
    layers, edges
        Tables of one network, not deduplicated; columns of shape (n_operations,) and (n_edges,).

    """
    nest = layers.kind == Kind.NEST
    stored = edges.passage != Passage.STREAM
    found: dict[int, Link] = {}
    for place in np.unique(edges.place[stored]):
        mine = np.flatnonzero(stored & (edges.place == place))
        producer, readers = int(edges.producer_row[mine[0]]), edges.consumer_row[mine]
        if (edges.producer_row[mine] != producer).any() or (edges.passage[mine] != Passage.STORED).any():
            continue  # several writers, or views of it
        following = nest.nonzero()[0][nest.nonzero()[0] > producer]
        if producer == OUTSIDE or not nest[producer] or not following.size:
            continue
        consumer = int(following[0])
        first = mine[readers == consumer]
        between = slice(producer + 1, consumer)
        handed = (
            len(first) == 1
            and int(edges.operand[first[0]]) == Operand.INPUT
            and bool(((layers.kind[between] == Kind.VECTOR) & (layers.fused[between] == 1)).all())
            and _fits(layers, producer, consumer, int(edges.elements[first[0]]))
        )
        if handed:
            leaves = len(mine) > 1
            found[producer] = Link(producer, consumer, int(edges.elements[first[0]]), leaves)
    return found


def _fits(layers: LayerTable, producer: int, consumer: int, elements: int) -> bool:
    """Whether the one's results are the other's input, position by position."""
    made = tuple(int(getattr(layers, name)[producer]) for name in ("n", "p", "q"))
    read = tuple(int(getattr(layers, name)[consumer]) for name in ("n", "in_rows", "in_cols"))
    channels = int(layers.g[producer] * layers.k[producer])
    return (
        made == read
        and channels == int(layers.g[consumer] * layers.c[consumer])
        and elements == channels * made[0] * made[1] * made[2]
        and int(layers.write_elements[producer]) == elements
        and int(layers.read_elements[consumer]) > 0
        and int(layers.repeats[producer]) == int(layers.repeats[consumer]) == 1
    )


def chains_of(layers: LayerTable, edges: EdgeTable, fixed: Collection[int] = ()) -> list[tuple[Link, ...]]:
    """Longest chains of links: each hands on to the next; `fixed` rows, whose mapping is given, are in none.

    Examples
    --------
    The depthwise layers of MobileNet-v2 lie between the layers that widen and those that narrow:

    >>> import workloads
    >>> net = workloads.load("mobilenet_v2")
    >>> first = chains_of(net.table(), net.edges())[0]
    >>> [(net.row_names[link.producer], link.leaves) for link in first[:3]]
    [('conv1', False), ('block0.dw', False), ('block0.project', False)]

    """
    links = {
        row: link
        for row, link in links_of(layers, edges).items()
        if row not in fixed and link.consumer not in fixed
    }
    starts = set(links) - {link.consumer for link in links.values()}
    chains = []
    for row in sorted(starts):
        chain = []
        while row in links:
            chain.append(links[row])
            row = links[row].consumer
        chains.append(tuple(chain))
    return chains
