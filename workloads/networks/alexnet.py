"""AlexNet in one tower, the form torchvision has; the grouped form of NeurIPS 2012 has other widths.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv 1404.5997.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, dense, flatten, image
from workloads.networks.sizes import whole
from workloads.operations import Pool


def alexnet(batch: int = 1, *, resolution: int = 224, classes: int = 1000) -> Network:
    """AlexNet as in torchvision, 224x224 images: 61,100,840 parameters, 714.2 MMAC."""
    graph = Graph("alexnet")
    x = image(graph, batch, resolution)
    x = conv_act(graph, "conv1", x, 64, 11, stride=4, padding=2)
    x = graph.add(Pool("pool1", "max", 3, 2), x)
    x = conv_act(graph, "conv2", x, 192, 5, padding=2)
    x = graph.add(Pool("pool2", "max", 3, 2), x)
    x = conv_act(graph, "conv3", x, 384, 3, padding=1)
    x = conv_act(graph, "conv4", x, 256, 3, padding=1)
    x = conv_act(graph, "conv5", x, 256, 3, padding=1)
    x = graph.add(Pool("pool5", "max", 3, 2), x)
    x = dense(graph, "fc6", flatten(graph, x), 4096)
    x = dense(graph, "fc7", x, 4096)
    graph.output(dense(graph, "fc8", x, whole("alexnet: classes", classes), act=""))
    return Network(graph, "Krizhevsky, arXiv 1404.5997; torchvision alexnet")
