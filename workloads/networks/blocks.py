"""What many networks are built of: convolution, batch norm and activation in one call."""

from workloads.graph import Graph
from workloads.networks.sizes import whole
from workloads.operations import BatchNorm, Convolution, Elementwise, Linear, Reshape
from workloads.operations.window import Ints, Padding


def image(graph: Graph, batch: int, resolution: int, channels: int = 3) -> str:
    """Add square images as input."""
    side = whole(f"{graph.name}: resolution", resolution)
    return graph.input("image", (batch, channels, side, side))


def conv_norm(
    graph: Graph,
    name: str,
    x: str,
    channels: int,
    kernel: Ints,
    *,
    stride: Ints = 1,
    padding: Padding | None = None,
    groups: int = 1,
    norm: str = "",
    act: str = "relu",
) -> str:
    """Add a convolution without bias, batch norm and an activation ("" for none); padding keeps the size."""
    if padding is None:
        padding = kernel // 2 if isinstance(kernel, int) else tuple(k // 2 for k in kernel)
    x = graph.add(Convolution(name, channels, kernel, stride, padding, groups=groups, bias=False), x)
    x = graph.add(BatchNorm(norm or f"{name}.bn"), x)
    return graph.add(Elementwise(f"{name}.{act}", act), x) if act else x


def conv_act(
    graph: Graph,
    name: str,
    x: str,
    channels: int,
    kernel: Ints,
    *,
    stride: Ints = 1,
    padding: Padding = 0,
    act: str = "relu",
) -> str:
    """Add a convolution with bias and an activation ("" for none)."""
    x = graph.add(Convolution(name, channels, kernel, stride, padding), x)
    return graph.add(Elementwise(f"{name}.{act}", act), x) if act else x


def dense(graph: Graph, name: str, x: str, features: int, *, act: str = "relu") -> str:
    """Add a linear layer with bias and an activation ("" for none)."""
    x = graph.add(Linear(name, features), x)
    return graph.add(Elementwise(f"{name}.{act}", act), x) if act else x


def flatten(graph: Graph, x: str) -> str:
    """Make every image one row."""
    return graph.add(Reshape("flatten", (graph.tensors[x].shape[0], -1)), x)
