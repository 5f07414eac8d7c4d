"""The edge table: which operation's results which operation reads, one row an edge, beside the layer table.

What stays on chip between a producer and its readers is decided below, under capacity; the edges say what
could: where a tensor is written and read in the layer table, how many elements it has, and which tensors are
the same elements under other names.
"""

from enum import IntEnum
from typing import NamedTuple

from workloads.table import FloatColumn, IntColumn

OUTSIDE = -1
"""Producer of what enters a network, consumer of what leaves it."""


class Operand(IntEnum):
    """Which column of the layer table counts what an edge's reader reads."""

    INPUT = 0
    """I: `read_elements` of its row."""
    WEIGHT = 1
    """W: `weight_elements` of its row; keys, values, the second factor of a product of activations."""
    OUTPUT = 2
    """O: nobody reads it here, it leaves the network."""


class Passage(IntEnum):
    """How an edge's elements come from its producer to its reader."""

    STORED = 0
    """Written by the one, read by the other."""
    STREAM = 1
    """On their way out of a nest or of vector work: never stored (see `fusion`)."""
    VIEW = 2
    """The reader is an address: it reads nothing, and its results are these elements, or hold them."""


class EdgeTable(NamedTuple):
    """Edges of one network; every column has shape (n_edges,).

    One row for each producer, consumer and operand: a tensor that three operations read is three rows, one
    that an operation reads twice as one operand is one. Rows are in the order of their consumers, those that
    leave the network last. `density` and `tensor` are what is known of the zeros: the mean, and the handle
    under which `Network.tensor_names` and the graph know the profile.

    Tensors of one `place` are the same elements under other names: a reshape's or a split's results lie in
    what they are cut from, what a free join joins lies in its result, and what is appended in place in its
    cache. A place is as big as its biggest tensor; what only repeats elements counts them once.
    """

    producer: IntColumn  # position in Network.operations; -1: enters the network
    consumer: IntColumn  # position in Network.operations; -1: leaves the network
    producer_row: IntColumn  # row of the layer table that writes it, the last of several; -1: it enters
    consumer_row: IntColumn  # row of the layer table that reads it, the first of several; -1: it leaves
    operand: IntColumn  # a value of Operand
    passage: IntColumn  # a value of Passage
    tensor: IntColumn  # position in Network.tensor_names: the handle of its density and profile
    place: IntColumn  # tensors of one place share their elements; the least position of them
    elements: IntColumn
    bits: IntColumn  # 0: the datapath's
    density: FloatColumn  # fraction of non-zero elements

    @property
    def rows(self) -> int:
        """Number of edges."""
        return int(self.producer.size)
