"""ResNet-50 as the trunk of detectors and segmenters: its four stages' features, strides traded for dilation.

Source: He et al., CVPR 2016, version 1.5; dilation as in Chen et al., arXiv 1706.05587, section 3.1, and in
torchvision. Operations are called as torchvision calls its modules.
"""

from workloads.graph import Graph
from workloads.networks.blocks import conv_norm
from workloads.operations import BatchNorm, Convolution, Elementwise, Pool

_BLOCKS = (3, 4, 6, 3)


def dilated_conv_norm(
    graph: Graph, name: str, x: str, channels: int, *, norm: str, stride: int = 1, dilation: int = 1
) -> str:
    """Add a 3x3 convolution without bias that keeps the size but for its stride, batch norm and ReLU."""
    convolution = Convolution(name, channels, 3, stride, dilation, dilation, bias=False)
    x = graph.add(BatchNorm(norm), graph.add(convolution, x))
    return graph.add(Elementwise(f"{name}.relu", "relu"), x)


def resnet50_stages(graph: Graph, image: str, *, dilated: int = 0) -> list[str]:
    """Add ResNet-50 without its classifier.

    Parameters
    ----------
    graph
        What to add to.
    image
        Name of the input tensor, (n, 3, rows, columns).
    dilated
        How many stages from the last keep the size, and double their dilation instead.

    Returns
    -------
    list of str
        The outputs of the four stages.

    """
    x = conv_norm(graph, "backbone.conv1", image, 64, 7, stride=2, norm="backbone.bn1")
    x = graph.add(Pool("backbone.maxpool", "max", 3, 2, 1), x)
    stages, dilation = [], 1
    for stage, blocks in enumerate(_BLOCKS):
        keeps = stage >= len(_BLOCKS) - dilated
        for i in range(blocks):
            # The first block of a dilated stage still has the dilation of the stage before.
            stride = 2 if stage and i == 0 and not keeps else 1
            if i == 1 and keeps:
                dilation *= 2
            x = _bottleneck(graph, f"backbone.layer{stage + 1}.{i}", x, 64 << stage, stride, dilation)
        stages.append(x)
    return stages


def _bottleneck(graph: Graph, here: str, x: str, width: int, stride: int, dilation: int) -> str:
    y = conv_norm(graph, f"{here}.conv1", x, width, 1, norm=f"{here}.bn1")
    y = dilated_conv_norm(
        graph, f"{here}.conv2", y, width, norm=f"{here}.bn2", stride=stride, dilation=dilation
    )
    y = conv_norm(graph, f"{here}.conv3", y, 4 * width, 1, norm=f"{here}.bn3", act="")
    if graph.tensors[x].shape != graph.tensors[y].shape:
        norm = f"{here}.downsample.1"
        x = conv_norm(graph, f"{here}.downsample.0", x, 4 * width, 1, stride=stride, norm=norm, act="")
    x = graph.add(Elementwise(f"{here}.add", "add"), y, x)
    return graph.add(Elementwise(f"{here}.relu", "relu"), x)
