"""LeNets for MNIST, in the two forms that the pruning literature starts from.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
IEEE, 1998.
"""

from collections.abc import Sequence

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, dense, flatten
from workloads.networks.sizes import whole, wholes
from workloads.operations import Pool


def lenet_300_100(
    batch: int = 1, *, features: int = 784, hidden: Sequence[int] = (300, 100), classes: int = 10
) -> Network:
    """LeNet-300-100, two hidden layers on 28x28 pixels: 266,610 parameters, 266,200 MACs.

    Parameters
    ----------
    batch
        Images in a run.
    features
        Pixels of an image.
    hidden, classes
        Neurons of the hidden layers, and of the last.

    """
    graph = Graph("lenet_300_100")
    x = graph.input("image", (batch, whole("lenet_300_100: features", features)))
    layers = wholes("lenet_300_100: hidden", hidden)
    for i, neurons in enumerate(layers, start=1):
        x = dense(graph, f"fc{i}", x, neurons)
    last = whole("lenet_300_100: classes", classes)
    graph.output(dense(graph, f"fc{len(layers) + 1}", x, last, act=""))
    return Network(graph, "LeCun et al., Proc. IEEE 1998; as in Han et al., NeurIPS 2015, Table 3")


def lenet5(batch: int = 1) -> Network:
    """LeNet-5 as Caffe's MNIST example has it: 431,080 parameters, 2,293,000 MACs."""
    graph = Graph("lenet5")
    x = graph.input("image", (batch, 1, 28, 28))
    x = conv_act(graph, "conv1", x, 20, 5, act="")
    x = graph.add(Pool("pool1", "max", 2), x)
    x = conv_act(graph, "conv2", x, 50, 5, act="")
    x = graph.add(Pool("pool2", "max", 2), x)
    x = dense(graph, "fc1", flatten(graph, x), 500)
    graph.output(dense(graph, "fc2", x, 10, act=""))
    return Network(graph, "LeCun et al., Proc. IEEE 1998; as in Han et al., NeurIPS 2015, Table 4 (Caffe)")
