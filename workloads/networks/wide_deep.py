"""Wide and deep learning for recommendation: one sample is a user and an item.

Source: Cheng et al., "Wide & deep learning for recommender systems", DLRS 2016, section 4 and Figure 4:
embeddings of 32 dimensions joined with continuous features to about 1,200, then 1,024, 512 and 256 ReLU units
and one output. How many features there are, and how many values they take, the paper does not say: the sizes
below are ours.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import dense
from workloads.operations import Concat, Elementwise, Embedding, Linear, Reduce, Reshape

_HIDDEN = (1024, 512, 256)
_EMBEDDED = 32
_CATEGORICAL, _CONTINUOUS = 37, 16  # ours: 37 * 32 + 16 = 1,200
_VALUES = 10_000  # ours: values of a categorical feature
_CROSSED, _ACTIVE = 1_000_000, 100  # ours: crossed features of the wide part, and how many a sample has


def wide_deep(batch: int = 1) -> Network:
    """Wide & Deep: 14,726,209 parameters, 1.884 MMAC, and table look-ups."""
    graph = Graph("wide_deep")
    categories = graph.input("categories", (batch, _CATEGORICAL), bits=32)
    continuous = graph.input("continuous", (batch, _CONTINUOUS))
    crossed = graph.input("crossed", (batch, _ACTIVE), bits=32)
    x = graph.add(Embedding("deep.embedding", _CATEGORICAL * _VALUES, _EMBEDDED), categories, bits=0)
    x = graph.add(Reshape("deep.flatten", (batch, -1)), x)
    x = graph.add(Concat("deep.concat", 1), x, continuous)
    for i, width in enumerate(_HIDDEN, start=1):
        x = dense(graph, f"deep.fc{i}", x, width)
    deep = graph.add(Linear("deep.out", 1), x)
    wide = graph.add(Embedding("wide.weights", _CROSSED, 1), crossed, bits=0)
    wide = graph.add(Reduce("wide.sum", "sum", (1,), keep=False), wide)
    x = graph.add(Elementwise("add", "add"), deep, wide)
    graph.output(graph.add(Elementwise("probability", "sigmoid"), x))
    return Network(graph, "Cheng et al., DLRS 2016, Figure 4; numbers of features are ours")
