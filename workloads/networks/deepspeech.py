"""DeepSpeech2, speech to letters.

Source: Amodei et al., "Deep Speech 2: end-to-end speech recognition in English and Mandarin", ICML 2016,
section 3, in the sizes of deepspeech.pytorch (github SeanNaren), on which compression papers build: two
convolutions over 161 frequencies, five bidirectional GRU layers of 800 units whose directions are summed, 29
letters. Batch norm is over the features of all time steps.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.operations import (
    BatchNorm,
    Convolution,
    Elementwise,
    Linear,
    Recurrent,
    Reshape,
    Softmax,
    Split,
    Transpose,
)

_FREQUENCIES, _FILTERS, _HIDDEN, _LAYERS, _LETTERS = 161, 32, 800, 5, 29


def deepspeech2(batch: int = 1, *, frames: int = 500) -> Network:
    """DeepSpeech2: 41,187,968 parameters, 12.94 GMAC for 5 seconds.

    Parameters
    ----------
    batch
        Utterances in a run.
    frames
        Spectra of an utterance, one each 10 ms.

    """
    graph = Graph("deepspeech2")
    x = graph.input("spectrum", (batch, 1, _FREQUENCIES, frames))
    for name, kernel, stride, padding in (
        ("conv1", (41, 11), (2, 2), (20, 5)),
        ("conv2", (21, 11), (2, 1), (10, 5)),
    ):
        x = graph.add(Convolution(name, _FILTERS, kernel, stride, padding), x)
        x = graph.add(Elementwise(f"{name}.clip", "clip"), graph.add(BatchNorm(f"{name}.bn"), x))
    _, _, rows, steps = graph.tensors[x].shape
    x = graph.add(Reshape("features", (batch, _FILTERS * rows, steps)), x)
    x = graph.add(Transpose("sequence", (2, 0, 1)), x)
    for i in range(1, _LAYERS + 1):
        if i > 1:
            x = _norm(graph, f"gru{i}.bn", x)
        x, _ = graph.add_many(Recurrent(f"gru{i}", _HIDDEN, cell="gru", directions=2), x)
        onward, back = graph.add_many(Split(f"gru{i}.directions", 2, (_HIDDEN, _HIDDEN)), x)
        x = graph.add(Elementwise(f"gru{i}.sum", "add"), onward, back)
    x = graph.add(Linear("letters", _LETTERS, bias=False), _norm(graph, "letters.bn", x))
    graph.output(graph.add(Softmax("softmax"), x))
    return Network(graph, "Amodei et al., ICML 2016, section 3; github SeanNaren/deepspeech.pytorch")


def _norm(graph: Graph, name: str, x: str) -> str:
    shape = graph.tensors[x].shape
    x = graph.add(BatchNorm(name), graph.add(Reshape(f"{name}.rows", (-1, shape[-1])), x))
    return graph.add(Reshape(f"{name}.steps", shape), x)
