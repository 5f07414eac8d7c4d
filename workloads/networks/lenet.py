"""LeNets for MNIST, in the two forms that the pruning literature starts from.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proceedings of the
IEEE, 1998.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_act, dense, flatten
from workloads.operations import Pool


def lenet_300_100(batch: int = 1) -> Network:
    """LeNet-300-100, two hidden layers on 28x28 pixels: 266,610 parameters, 266,200 MACs."""
    graph = Graph("lenet_300_100")
    x = graph.input("image", (batch, 784))
    x = dense(graph, "fc1", x, 300)
    x = dense(graph, "fc2", x, 100)
    graph.output(dense(graph, "fc3", x, 10, act=""))
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
