"""Small perceptrons for tables and sensor data, where grow-and-prune methods reach the highest compression.

Sources: data sets of Hassantabar, Wang, Jha, "SCANN: synthesis of compact and accurate neural networks",
arXiv 1904.09090 (features and classes; the paper's networks come from synthesis and are not printed, so the
hidden layers are ours); SECRET, Akmandor, Ortiz, Manotas, Jha, arXiv 1905.12356; DiabNN-server, Yin, Mukadam,
Dai, Jha, "DiabDeep", arXiv 1910.04925.
"""

from collections.abc import Sequence

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.sizes import whole, wholes
from workloads.operations import Elementwise, Linear, MatMul, Softmax
from workloads.tensors import Weight

_HIDDEN = (256, 128)  # ours, the same for every data set

_SCANN = {
    "sendrive": (48, 11),
    "har": (561, 6),
    "musk": (166, 2),
    "pen": (16, 10),
    "landsat": (36, 6),
    "letter": (16, 26),
    "seizure": (178, 2),
    "shar": (561, 12),
    "dna": (180, 3),
}
"""Features and classes of SCANN's nine data sets."""

_MEANING = 300  # ours: dimensions of a label's word embedding, as the usual word vectors have

_DIABNN_FEATURES, _DIABNN_HIDDEN, _DIABNN_CLASSES = (
    4096,
    (1024, 512, 256),
    3,
)  # ours, but for the three classes
_DIABNN_DENSITY = 0.1  # ours


def mlp_sendrive(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for sensorless drive diagnosis: 48 features, 11 classes."""
    return _scann("sendrive", batch, hidden)


def mlp_har(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for human activity recognition: 561 features, 6 classes."""
    return _scann("har", batch, hidden)


def mlp_musk(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for musk molecules: 166 features, 2 classes."""
    return _scann("musk", batch, hidden)


def mlp_pen(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for pen-written digits: 16 features, 10 classes."""
    return _scann("pen", batch, hidden)


def mlp_landsat(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for satellite images of soil: 36 features, 6 classes."""
    return _scann("landsat", batch, hidden)


def mlp_letter(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for printed letters: 16 features, 26 classes."""
    return _scann("letter", batch, hidden)


def mlp_seizure(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for epileptic seizures: 178 features, 2 classes."""
    return _scann("seizure", batch, hidden)


def mlp_shar(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for smartphone activity recognition: 561 features, 12 classes."""
    return _scann("shar", batch, hidden)


def mlp_dna(batch: int = 1, *, hidden: Sequence[int] = _HIDDEN) -> Network:
    """Perceptron for splice junctions of DNA: 180 features, 3 classes."""
    return _scann("dna", batch, hidden)


def secret(batch: int = 1) -> Network:
    """Two branches on 561 features: a classifier, and a regressor to the meaning of the label; combined.

    The second branch predicts the word embedding of the label; its likeness to each of 6 labels' embeddings,
    which are constants, is a second score a class.
    """
    graph = Graph("secret")
    features, classes = _SCANN["har"]
    x = graph.input("features", (batch, features))
    known = graph.add(Softmax("feature.softmax"), _hidden(graph, "feature", x, _HIDDEN, classes))
    meaning = _hidden(graph, "semantic", x, _HIDDEN, _MEANING)
    labels = Weight("semantic.labels", (_MEANING, classes), trained=False)
    likeness = MatMul("semantic.likeness", constant="b", constant_shape=labels.shape)
    meant = graph.add(Softmax("semantic.softmax"), graph.add(likeness, meaning, weights={"weight": labels}))
    graph.output(graph.add(Elementwise("combined", "add"), known, meant))
    return Network(graph, "Akmandor et al., arXiv 1905.12356; sizes are ours")


def diabnn_server(batch: int = 1) -> Network:
    """DiabNN-server: sparsely connected linear layers on a window of wearable sensors' data, 3 classes."""
    graph = Graph("diabnn_server")
    x = graph.input("features", (batch, _DIABNN_FEATURES))
    x = _hidden(graph, "fc", x, _DIABNN_HIDDEN, _DIABNN_CLASSES, density=_DIABNN_DENSITY)
    graph.output(x)
    return Network(graph, "Yin et al., arXiv 1910.04925; sizes and density are ours")


def mlp(
    batch: int = 1, *, features: int = 784, hidden: Sequence[int] = (512, 512), classes: int = 10
) -> Network:
    """Perceptron of any size, ReLU between linear layers: 669,706 parameters, 668.7 kMAC by default.

    Parameters
    ----------
    batch
        Samples in a run.
    features
        Numbers of a sample.
    hidden, classes
        Neurons of the hidden layers, and of the last.

    """
    graph = Graph("mlp")
    x = graph.input("features", (batch, whole("mlp: features", features)))
    neurons = wholes("mlp: hidden", hidden)
    graph.output(_hidden(graph, "fc", x, neurons, whole("mlp: classes", classes)))
    return Network(graph, "a perceptron; all sizes are ours")


def _scann(data: str, batch: int, hidden: Sequence[int]) -> Network:
    graph = Graph(f"mlp_{data}")
    features, classes = _SCANN[data]
    x = graph.input("features", (batch, features))
    graph.output(_hidden(graph, "fc", x, wholes(f"mlp_{data}: hidden", hidden), classes))
    return Network(graph, f"Hassantabar et al., arXiv 1904.09090, data set {data}; hidden layers are ours")


def _hidden(
    graph: Graph, name: str, x: str, widths: Sequence[int], outputs: int, *, density: float = 1.0
) -> str:
    """Add linear layers with ReLU, and one without; all weights of the given density."""
    for i, width in enumerate((*widths, outputs), start=1):
        weight = Weight(f"{name}{i}.weight", (width, graph.tensors[x].shape[-1]))
        if density < 1.0:
            weight = weight.with_density(density)
        x = graph.add(Linear(f"{name}{i}", width), x, weights={"weight": weight})
        if i <= len(widths):
            x = graph.add(Elementwise(f"{name}{i}.relu", "relu"), x)
    return x
