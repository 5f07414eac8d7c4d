"""Small networks for training tests."""

from workloads import Graph, Network
from workloads.operations import (
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    GlobalPool,
    Linear,
    Pool,
    Reshape,
    Softmax,
)


def plain(batch=2, **conv):
    """A 1x1 stem, the convolution under test, and a classifier."""
    graph = Graph("plain")
    x = graph.input("image", (batch, 3, conv.pop("rows", 6), conv.pop("cols", 6)))
    x = graph.add(Convolution("stem", conv.pop("channels", 4), 1), x)
    x = graph.add(Convolution("conv", **({"out_channels": 6, "kernel": 3} | conv)), x)
    x = graph.add(Reshape("flat", (batch, -1)), x)
    graph.output(graph.add(Linear("fc", 5), x))
    return Network(graph)


def residual(batch=2):
    """Batch norm, ReLU, a residual sum, a join, pools and a final softmax."""
    graph = Graph("residual")
    x = graph.input("image", (batch, 3, 8, 8))
    x = graph.add(Convolution("conv1", 8, 3, padding=1, bias=False), x)
    x = graph.add(BatchNorm("bn1"), x)
    x = graph.add(Elementwise("relu1", "relu"), x)
    x = graph.add(Pool("pool", "max", 2), x)
    y = graph.add(Convolution("conv2", 8, 3, padding=1), x)
    y = graph.add(Elementwise("add", "add"), y, x)
    y = graph.add(Elementwise("relu2", "relu"), y)
    z = graph.add(Concat("cat", 1), y, x)
    z = graph.add(GlobalPool("mean"), z)
    z = graph.add(Reshape("flat", (batch, -1)), z)
    z = graph.add(Linear("fc", 5), z)
    graph.output(graph.add(Softmax("softmax"), z))
    return Network(graph)
