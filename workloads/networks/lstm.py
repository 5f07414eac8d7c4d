"""Recurrent networks for text and sensor data; sequences are (time steps, n, features).

Sources: PTB language models, Zaremba, Sutskever, Vinyals, "Recurrent neural network regularization", arXiv
1409.2329, section 4.1, one bias a gate; NeuralTalk, Karpathy, Fei-Fei, CVPR 2015, in the sizes of Han et al.,
"EIE", ISCA 2016, Table III (NT-We, NT-Wd, NT-LSTM); DiabNN-edge, Yin, Mukadam, Dai, Jha, "DiabDeep", arXiv
1910.04925, one H-LSTM layer.
"""

from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.sizes import whole
from workloads.operations import HLSTM, Concat, Embedding, Linear, Recurrent, Reshape, Softmax
from workloads.tensors import Weight

_PTB_WORDS, _PTB_STEPS = 10_000, 35
_IMAGE, _NEURALTALK, _NEURALTALK_WORDS = 4096, 600, 8791
_CAPTION = 16  # ours: words of a caption

_SECONDS, _READINGS = 15, 299  # from memory of the DiabDeep paper, not verified
_DIABNN_HIDDEN, _DIABNN_WIDTH, _DIABNN_CLASSES = 96, 96, 3  # ours, but for the three classes
_DIABNN_DENSITY = 0.1  # ours: the paper's weights are sparse, their density is not in its abstract


def ptb_lstm_medium(
    batch: int = 1,
    *,
    hidden: int = 650,
    layers: int = 2,
    words: int = _PTB_WORDS,
    steps: int = _PTB_STEPS,
    cell: str = "lstm",
) -> Network:
    """Two LSTM layers of 650 units, 10,000 words: 19,775,200 parameters, 464.1 MMAC at 35 steps.

    Parameters
    ----------
    batch
        Sequences in a run.
    hidden, layers, cell
        Units of a layer, how many layers, and what they are: "lstm", "gru" or "rnn".
    words, steps
        Words there are, and words of a sequence.

    """
    return _ptb("ptb_lstm_medium", batch, hidden=hidden, layers=layers, words=words, steps=steps, cell=cell)


def ptb_lstm_large(
    batch: int = 1,
    *,
    hidden: int = 1500,
    layers: int = 2,
    words: int = _PTB_WORDS,
    steps: int = _PTB_STEPS,
    cell: str = "lstm",
) -> Network:
    """Two LSTM layers of 1,500 units, 10,000 words: 66,022,000 parameters, 1.785 GMAC at 35 steps.

    Parameters are those of `ptb_lstm_medium`.
    """
    return _ptb("ptb_lstm_large", batch, hidden=hidden, layers=layers, words=words, steps=steps, cell=cell)


def neuraltalk_lstm(batch: int = 1) -> Network:
    """NeuralTalk: 4,096 features of an image, then 15 words, through an LSTM of 600 units: 132.9 MMAC."""
    graph = Graph("neuraltalk_lstm")
    image = graph.input("image", (batch, _IMAGE))
    words = graph.input("words", (_CAPTION - 1, batch), bits=32, batch_axis=1)
    first = graph.add(Reshape("first", (1, batch, _NEURALTALK)), graph.add(Linear("we", _NEURALTALK), image))
    others = graph.add(Embedding("words.table", _NEURALTALK_WORDS, _NEURALTALK), words, bits=0)
    x = graph.add(Concat("sequence", 0), first, others)
    x, *_ = graph.add_many(Recurrent("lstm", _NEURALTALK, biases=1), x)
    graph.output(graph.add(Softmax("softmax"), graph.add(Linear("wd", _NEURALTALK_WORDS), x)))
    return Network(graph, "Karpathy and Fei-Fei, CVPR 2015; sizes of Han et al., ISCA 2016, Table III")


def diabnn_edge(batch: int = 1) -> Network:
    """DiabNN-edge: one sparse H-LSTM layer over 15 seconds of wearable sensors' data, 3 classes."""
    graph = Graph("diabnn_edge")
    x = graph.input("readings", (_SECONDS, batch, _READINGS), batch_axis=1)
    layer = HLSTM("h_lstm", _DIABNN_HIDDEN, width=_DIABNN_WIDTH)
    sparse = {
        role: Weight(f"h_lstm.{role}", shape).with_density(_DIABNN_DENSITY)
        for role, shape in layer.weight_shapes([graph.tensors[x].shape]).items()
        if not role.endswith("bias")
    }
    _, last, _ = graph.add_many(layer, x, weights=sparse)
    x = graph.add(Reshape("last", (batch, _DIABNN_HIDDEN)), last)
    graph.output(graph.add(Linear("fc", _DIABNN_CLASSES), x))
    return Network(graph, "Yin et al., arXiv 1910.04925; hidden sizes and density are ours")


def _ptb(name: str, batch: int, *, hidden: int, layers: int, words: int, steps: int, cell: str) -> Network:
    graph = Graph(name)
    units, entries = whole(f"{name}: hidden", hidden), whole(f"{name}: words", words)
    x = graph.input("words", (whole(f"{name}: steps", steps), batch), bits=32, batch_axis=1)
    x = graph.add(Embedding("embedding", entries, units), x, bits=0)
    need_operations(f"{name}: layers", whole(f"{name}: layers", layers))
    for i in range(1, layers + 1):
        x, *_ = graph.add_many(Recurrent(f"lstm{i}", units, cell=cell, biases=1), x)
    graph.output(graph.add(Softmax("softmax"), graph.add(Linear("output", entries), x)))
    return Network(graph, "Zaremba et al., arXiv 1409.2329, section 4.1")
