"""Inception-v3 for 299x299 images.

Source: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception architecture for computer vision",
CVPR 2016, Table 1 and Figures 5 to 7, with the widths that torchvision has.

A branch is a chain of convolutions, each with batch norm and ReLU; the branches of a block are joined along
the channels.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Concat, GlobalPool, Linear, Pool, Reshape
from workloads.operations.window import Ints

Chain = tuple[tuple[str, int, Ints], ...]
"""Name, filters and kernel of each convolution of a branch."""

_ROW, _COLUMN = (1, 7), (7, 1)


def chain(graph: Graph, here: str, x: str, steps: Chain, *, halve: bool = False) -> str:
    """Add a branch; with `halve` its last convolution steps by two and is not padded."""
    for i, (name, filters, kernel) in enumerate(steps, start=1):
        stride, padding = (2, 0) if halve and i == len(steps) else (1, None)
        x = conv_norm(graph, f"{here}.{name}", x, filters, kernel, stride=stride, padding=padding)
    return x


def mixed(graph: Graph, here: str, x: str, *chains: Chain, pooled: int) -> str:
    """Add a block that keeps the size: branches, and a mean pool with a projection to `pooled` channels."""
    branches = [chain(graph, here, x, steps) for steps in chains]
    return graph.add(Concat(f"{here}.concat", 1), *branches, _pool_branch(graph, here, x, pooled))


def reduction(graph: Graph, here: str, x: str, *chains: Chain) -> str:
    """Add a block that halves the size: branches that end in a stride, and a maximum pool."""
    branches = [chain(graph, here, x, steps, halve=True) for steps in chains]
    pooled = graph.add(Pool(f"{here}.branch_pool", "max", 3, 2), x)
    return graph.add(Concat(f"{here}.concat", 1), *branches, pooled)


def stem(graph: Graph, batch: int) -> str:
    """Add the image and the seven layers that Inception networks begin with: 299x299x3 to 35x35x192."""
    x = graph.input("image", (batch, 3, 299, 299))
    x = conv_norm(graph, "Conv2d_1a_3x3", x, 32, 3, stride=2, padding=0)
    x = conv_norm(graph, "Conv2d_2a_3x3", x, 32, 3, padding=0)
    x = conv_norm(graph, "Conv2d_2b_3x3", x, 64, 3)
    x = graph.add(Pool("maxpool1", "max", 3, 2), x)
    x = conv_norm(graph, "Conv2d_3b_1x1", x, 80, 1)
    x = conv_norm(graph, "Conv2d_4a_3x3", x, 192, 3, padding=0)
    return graph.add(Pool("maxpool2", "max", 3, 2), x)


def inception_v3(batch: int = 1, *, auxiliary: bool = False) -> Network:
    """Inception-v3: 23,834,568 parameters, 5.713 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    auxiliary
        Whether the second classifier is there, which only training uses: 27,161,264 parameters.

    """
    graph = Graph("inception_v3")
    x = stem(graph, batch)
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _mixed_35(graph, name, x, pooled)
    x = reduction(
        graph,
        "Mixed_6a",
        x,
        (("branch3x3", 384, 3),),
        (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
    )
    for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _mixed_17(graph, name, x, width)
    second = [_auxiliary(graph, x)] if auxiliary else []
    x = reduction(
        graph,
        "Mixed_7a",
        x,
        (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)),
        (
            ("branch7x7x3_1", 192, 1),
            ("branch7x7x3_2", 192, _ROW),
            ("branch7x7x3_3", 192, _COLUMN),
            ("branch7x7x3_4", 192, 3),
        ),
    )
    for name in ("Mixed_7b", "Mixed_7c"):
        x = _mixed_8(graph, name, x)
    x = flatten(graph, graph.add(GlobalPool("avgpool"), x))
    graph.output(graph.add(Linear("fc", 1000), x), *second)
    return Network(graph, "Szegedy et al., CVPR 2016; torchvision inception_v3")


def _mixed_35(graph: Graph, here: str, x: str, pooled: int) -> str:
    """Add a block of the 35x35 stage."""
    return mixed(
        graph,
        here,
        x,
        (("branch1x1", 64, 1),),
        (("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        pooled=pooled,
    )


def _mixed_17(graph: Graph, here: str, x: str, width: int) -> str:
    """Add a block of the 17x17 stage, 7x7 kernels factorised into rows and columns."""
    return mixed(
        graph,
        here,
        x,
        (("branch1x1", 192, 1),),
        (("branch7x7_1", width, 1), ("branch7x7_2", width, _ROW), ("branch7x7_3", 192, _COLUMN)),
        (
            ("branch7x7dbl_1", width, 1),
            ("branch7x7dbl_2", width, _COLUMN),
            ("branch7x7dbl_3", width, _ROW),
            ("branch7x7dbl_4", width, _COLUMN),
            ("branch7x7dbl_5", 192, _ROW),
        ),
        pooled=192,
    )


def _mixed_8(graph: Graph, here: str, x: str) -> str:
    """Add a block of the 8x8 stage, whose longer branches fork into a row and a column of three."""
    branches = [chain(graph, here, x, (("branch1x1", 320, 1),))]
    for fork, steps in (
        ("branch3x3_2", (("branch3x3_1", 384, 1),)),
        ("branch3x3dbl_3", (("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))),
    ):
        y = chain(graph, here, x, steps)
        branches.append(chain(graph, here, y, ((f"{fork}a", 384, (1, 3)),)))
        branches.append(chain(graph, here, y, ((f"{fork}b", 384, (3, 1)),)))
    return graph.add(Concat(f"{here}.concat", 1), *branches, _pool_branch(graph, here, x, 192))


def _pool_branch(graph: Graph, here: str, x: str, width: int) -> str:
    y = graph.add(Pool(f"{here}.pool", "average", 3, 1, 1), x)
    return conv_norm(graph, f"{here}.branch_pool", y, width, 1)


def _auxiliary(graph: Graph, x: str) -> str:
    """Add the second classifier, on the 17x17 stage."""
    y = graph.add(Pool("AuxLogits.pool", "average", 5, 3), x)
    y = conv_norm(graph, "AuxLogits.conv0", y, 128, 1)
    y = conv_norm(graph, "AuxLogits.conv1", y, 768, 5, padding=0)
    y = graph.add(Reshape("AuxLogits.flatten", (graph.tensors[y].shape[0], -1)), y)
    return graph.add(Linear("AuxLogits.fc", 1000), y)
