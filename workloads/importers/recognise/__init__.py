"""The same function at the same cost: attention however spelt, repetitions that broadcast, caches that grow.

Works on finished graphs, so that it serves every importer.
"""

from workloads.errors import WorkloadError, shown
from workloads.importers.recognise.attention import with_attention
from workloads.importers.recognise.caches import with_caches
from workloads.importers.recognise.heads import with_heads
from workloads.importers.recognise.softmax import with_softmax
from workloads.network import Network

CACHES = ("append", "copy")
"""What is done with a cache of keys and values: new ones are written behind it, or all of it is copied."""


def check_caches(caches: str) -> None:
    """Refuse another word for what is done with caches."""
    if caches not in CACHES:
        raise WorkloadError(f"caches must be 'append' or 'copy', got {shown(caches)}")


def recognised(network: Network, *, caches: str) -> Network:
    """Return a network whose attention is one operation, and that appends to its caches or copies them."""
    graph = with_heads(with_attention(with_softmax(network.graph)))
    if caches == "append":
        graph = with_caches(graph)
    return network if graph is network.graph else Network(graph, network.source)
