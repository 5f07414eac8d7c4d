"""A network of a thousand operations, for what has to stay fast."""

from workloads import Graph
from workloads.operations import Convolution, Elementwise


def thousand_nodes() -> Graph:
    """A chain of residual blocks, 1,002 operations."""
    graph = Graph("deep")
    x = graph.input("x", (1, 8, 8, 8))
    for i in range(334):
        y = graph.add(Convolution(f"conv{i}", 8, 3, padding=1), x)
        y = graph.add(Elementwise(f"act{i}", "relu"), y)
        x = graph.add(Elementwise(f"sum{i}", "add"), x, y)
    return graph
