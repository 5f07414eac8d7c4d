"""Vision transformers for 224x224 images.

Source: Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR
2021, Table 1, as torchvision has it.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.transformer import add, joint_projection, layer_norm, perceptron
from workloads.operations import (
    Attention,
    Concat,
    Convolution,
    Elementwise,
    Embedding,
    Linear,
    Reshape,
    Slice,
    Transpose,
)

_LAYERS, _WIDTH, _HEADS, _HIDDEN = 12, 768, 12, 3072
_PATCH, _PATCHES = 16, 14 * 14


def vit_b16(batch: int = 1) -> Network:
    """ViT-B/16: 86,567,656 parameters, 17.56 GMAC."""
    graph = Graph("vit_b16")
    x = graph.input("image", (batch, 3, 224, 224))
    x = graph.add(Convolution("conv_proj", _WIDTH, _PATCH, _PATCH), x)
    x = graph.add(Reshape("patches", (batch, _WIDTH, _PATCHES)), x)
    x = graph.add(Transpose("tokens", (0, 2, 1)), x)
    # The learned token for the class is the one row of a table, looked up for every image.
    first = graph.add(Embedding("class_token", 1, _WIDTH), graph.input("class", (batch, 1), bits=8), bits=0)
    x = graph.add(Concat("sequence", 1), first, x)
    x = graph.add(Elementwise("encoder.pos_embedding", "add", constants=((_PATCHES + 1, _WIDTH),)), x)
    for i in range(_LAYERS):
        x = _layer(graph, f"encoder.layer.{i}", x)
    x = graph.add(Slice("first", ((1, 0, 1, 1),)), layer_norm(graph, "encoder.ln", x))
    graph.output(graph.add(Linear("heads.head", 1000), graph.add(Reshape("row", (batch, _WIDTH)), x)))
    return Network(graph, "Dosovitskiy et al., ICLR 2021, Table 1; torchvision vit_b_16")


def _layer(graph: Graph, here: str, x: str) -> str:
    y = layer_norm(graph, f"{here}.ln_1", x)
    y = graph.add(Attention(f"{here}.attention", _HEADS), *joint_projection(graph, f"{here}.in_proj", y))
    x = add(graph, f"{here}.attention.add", graph.add(Linear(f"{here}.out_proj", _WIDTH), y), x)
    y = perceptron(graph, f"{here}.mlp", layer_norm(graph, f"{here}.ln_2", x), _HIDDEN, "gelu")
    return add(graph, f"{here}.add", y, x)
