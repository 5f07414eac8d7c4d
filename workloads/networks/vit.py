"""Vision transformers for 224x224 images.

Source: Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR
2021, Table 1, as torchvision has it.
"""

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import image
from workloads.networks.sizes import whole
from workloads.networks.transformer import Width, add, joint_projection, layer_norm, need_width, perceptron
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


def vit_b16(
    batch: int = 1,
    *,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    hidden: int | None = None,
    patch: int = 16,
    resolution: int = 224,
    classes: int = 1000,
) -> Network:
    """ViT-B/16: 86,567,656 parameters, 17.56 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    layers, width, heads, hidden
        Layers, features of a token, heads of attention, neurons of perceptrons (four times the width where
        not given): 24, 1024 and 16 are ViT-L.
    patch
        Rows and columns of the patches that become tokens; it divides the resolution.
    resolution, classes
        Rows and columns of an image, and what it is sorted into.

    """
    size = need_width("vit_b16", layers, width, heads, hidden)
    side, rest = divmod(whole("vit_b16: resolution", resolution), whole("vit_b16: patch", patch))
    if rest:
        raise WorkloadError(f"vit_b16: patch must divide resolution {resolution}, got {shown(patch)}")
    patches = side * side
    graph = Graph("vit_b16")
    x = image(graph, batch, resolution)
    x = graph.add(Convolution("conv_proj", size.features, patch, patch), x)
    x = graph.add(Reshape("patches", (batch, size.features, patches)), x)
    x = graph.add(Transpose("tokens", (0, 2, 1)), x)
    # The learned token for the class is the one row of a table, looked up for every image.
    first = graph.add(
        Embedding("class_token", 1, size.features), graph.input("class", (batch, 1), bits=8), bits=0
    )
    x = graph.add(Concat("sequence", 1), first, x)
    x = graph.add(Elementwise("encoder.pos_embedding", "add", constants=((patches + 1, size.features),)), x)
    for i in range(size.layers):
        x = _layer(graph, f"encoder.layer.{i}", x, size)
    x = graph.add(Slice("first", ((1, 0, 1, 1),)), layer_norm(graph, "encoder.ln", x))
    graph.output(
        graph.add(
            Linear("heads.head", whole("vit_b16: classes", classes)),
            graph.add(Reshape("row", (batch, size.features)), x),
        )
    )
    return Network(graph, "Dosovitskiy et al., ICLR 2021, Table 1; torchvision vit_b_16")


def _layer(graph: Graph, here: str, x: str, size: Width) -> str:
    y = layer_norm(graph, f"{here}.ln_1", x)
    y = graph.add(Attention(f"{here}.attention", size.heads), *joint_projection(graph, f"{here}.in_proj", y))
    x = add(graph, f"{here}.attention.add", graph.add(Linear(f"{here}.out_proj", size.features), y), x)
    y = perceptron(graph, f"{here}.mlp", layer_norm(graph, f"{here}.ln_2", x), size.hidden, "gelu")
    return add(graph, f"{here}.add", y, x)
