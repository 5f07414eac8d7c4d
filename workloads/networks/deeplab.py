"""DeepLab-v3 for semantic segmentation, 520x520 images, 21 classes, ResNet-50 at an output stride of 8.

Source: Chen, Papandreou, Schroff, Adam, "Rethinking atrous convolution for semantic image segmentation",
arXiv 1706.05587, section 3.3, as torchvision has it.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.backbone import dilated_conv_norm, resnet50_stages
from workloads.networks.blocks import conv_norm
from workloads.operations import Concat, Convolution, Expand, GlobalPool, Resize

_CLASSES = 21
_RATES = (12, 24, 36)
_WIDTH = 256


def deeplab_v3_resnet50(batch: int = 1, *, auxiliary: bool = False) -> Network:
    """DeepLab-v3: 39,638,869 parameters, 168.7 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    auxiliary
        Whether the second classifier is there, which only training uses: 42,004,074 parameters, 178.7 GMAC.

    """
    graph = Graph("deeplab_v3_resnet50")
    image = graph.input("image", (batch, 3, 520, 520))
    *_, third, last = resnet50_stages(graph, image, dilated=2)
    x = _pyramid(graph, "classifier.0", last)
    x = conv_norm(graph, "classifier.1", x, _WIDTH, 3, norm="classifier.2")
    outputs = [_labels(graph, "classifier.4", x, image)]
    if auxiliary:
        y = conv_norm(graph, "aux_classifier.0", third, _WIDTH, 3, norm="aux_classifier.1")
        outputs.append(_labels(graph, "aux_classifier.4", y, image))
    graph.output(*outputs)
    return Network(graph, "Chen et al., arXiv 1706.05587; torchvision deeplabv3_resnet50")


def _pyramid(graph: Graph, here: str, x: str) -> str:
    """Add the pyramid: one pixel, three dilations, and the whole image, joined and projected."""
    branches = [conv_norm(graph, f"{here}.convs.0", x, _WIDTH, 1)]
    for i, rate in enumerate(_RATES, start=1):
        name = f"{here}.convs.{i}"
        branches.append(dilated_conv_norm(graph, name, x, _WIDTH, norm=f"{name}.bn", dilation=rate))
    y = graph.add(GlobalPool(f"{here}.pool"), x)
    y = conv_norm(graph, f"{here}.convs.4", y, _WIDTH, 1)
    branches.append(graph.add(Expand(f"{here}.spread", graph.tensors[branches[0]].shape), y))
    x = graph.add(Concat(f"{here}.concat", 1), *branches)
    return conv_norm(graph, f"{here}.project", x, _WIDTH, 1)


def _labels(graph: Graph, name: str, x: str, image: str) -> str:
    """Add a score a class, at the image's size."""
    x = graph.add(Convolution(name, _CLASSES, 1), x)
    batch, _, *size = graph.tensors[image].shape
    return graph.add(Resize(f"{name}.resize", (batch, _CLASSES, *size), "linear"), x)
