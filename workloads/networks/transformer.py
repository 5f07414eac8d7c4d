"""What transformers are built of: norms, perceptrons, projections to queries, keys and values.

Activations are (n, tokens, width). Attention is fused: scores stay on chip. Masked positions count as MACs,
as padding does in convolutions.
"""

from typing import NamedTuple

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.networks.sizes import whole
from workloads.operations import Elementwise, Embedding, Linear, Normalisation, Split


def layer_norm(graph: Graph, name: str, x: str) -> str:
    """Add a layer norm over the channels, with scale and shift."""
    return graph.add(Normalisation(name, affine=(graph.tensors[x].shape[-1],)), x)


def rms_norm(graph: Graph, name: str, x: str) -> str:
    """Add an RMS norm over the channels, with scale."""
    width = graph.tensors[x].shape[-1]
    return graph.add(Normalisation(name, centred=False, affine=(width,), shift=False, label="rmsnorm"), x)


def perceptron(graph: Graph, here: str, x: str, hidden: int, act: str) -> str:
    """Add two linear layers with an activation between."""
    width = graph.tensors[x].shape[-1]
    x = graph.add(Linear(f"{here}.fc1", hidden), x)
    x = graph.add(Elementwise(f"{here}.{act}", act), x)
    return graph.add(Linear(f"{here}.fc2", width), x)


def joint_projection(graph: Graph, name: str, x: str) -> tuple[str, str, str]:
    """Add query, key and value as one linear layer, cut in three."""
    width = graph.tensors[x].shape[-1]
    joint = graph.add(Linear(name, 3 * width), x)
    query, key, value = graph.add_many(Split(f"{name}.split", 2, (width,) * 3), joint)
    return query, key, value


def add(graph: Graph, name: str, y: str, x: str) -> str:
    """Add a residual sum."""
    return graph.add(Elementwise(name, "add"), y, x)


def word_embedding(graph: Graph, name: str, batch: int, tokens: int, entries: int, width: int) -> str:
    """Add a sequence of tokens as input, and the table they are looked up in."""
    words = graph.input("tokens", (batch, tokens), bits=32)
    return graph.add(Embedding(name, entries, width), words, bits=0)


def position_embedding(graph: Graph, name: str, x: str, entries: int) -> str:
    """Add to each token the learned row of its position; positions are the same for all sequences."""
    _, tokens, width = graph.tensors[x].shape
    positions = graph.input("positions", (1, tokens), bits=32, batch_axis=None)
    return add(graph, f"{name}.add", x, graph.add(Embedding(name, entries, width), positions, bits=0))


class Width(NamedTuple):
    """Sizes of a transformer's layers."""

    layers: int
    features: int  # of a token
    heads: int
    hidden: int  # neurons of a perceptron


def need_width(what: str, layers: int, width: int, heads: int, hidden: int | None) -> Width:
    """Return sizes of layers, or refuse by name what is no size; None gives perceptrons of four widths."""
    made = Width(
        whole(f"{what}: layers", layers),
        whole(f"{what}: width", width),
        whole(f"{what}: heads", heads),
        4 * width if hidden is None else whole(f"{what}: hidden", hidden),
    )
    need_operations(f"{what}: layers", 20 * made.layers)
    if made.features % made.heads:
        raise WorkloadError(f"{what}: heads must divide width {width}, got {shown(heads)}")
    return made


def need_tokens(what: str, tokens: int, most: int) -> None:
    """Refuse a number of tokens that a network has no positions for."""
    whole(what, tokens, most=most)
