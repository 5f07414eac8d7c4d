"""BERT, an encoder of text.

Source: Devlin, Chang, Lee, Toutanova, "BERT: pre-training of deep bidirectional transformers for language
understanding", NAACL 2019, section 3, with the pooler and without a head for a task.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.transformer import (
    add,
    layer_norm,
    need_tokens,
    perceptron,
    position_embedding,
    word_embedding,
)
from workloads.operations import Attention, Elementwise, Embedding, Linear, Reshape, Slice

_LAYERS, _WIDTH, _HEADS, _HIDDEN = 12, 768, 12, 3072
_WORDS, _POSITIONS, _SEGMENTS = 30522, 512, 2


def bert_base(batch: int = 1, *, tokens: int = 128) -> Network:
    """BERT-base: 109,482,240 parameters, 11.17 GMAC.

    Parameters
    ----------
    batch
        Sequences in a run.
    tokens
        Tokens in a sequence, at most 512.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none.

    """
    need_tokens("bert_base: tokens", tokens, _POSITIONS)
    graph = Graph("bert_base")
    x = word_embedding(graph, "embeddings.words", batch, tokens, _WORDS, _WIDTH)
    segments = graph.input("segments", (batch, tokens), bits=8)
    segments = graph.add(Embedding("embeddings.segments", _SEGMENTS, _WIDTH), segments, bits=0)
    x = add(graph, "embeddings.segments.add", x, segments)
    x = layer_norm(graph, "embeddings.norm", position_embedding(graph, "embeddings.positions", x, _POSITIONS))
    for i in range(_LAYERS):
        x = _layer(graph, f"layer.{i}", x)
    first = graph.add(Slice("pooler.first", ((1, 0, 1, 1),)), x)
    pooled = graph.add(Linear("pooler", _WIDTH), graph.add(Reshape("pooler.row", (batch, _WIDTH)), first))
    graph.output(x, graph.add(Elementwise("pooler.tanh", "tanh"), pooled))
    return Network(graph, "Devlin et al., NAACL 2019, section 3")


def _layer(graph: Graph, here: str, x: str) -> str:
    operands = [graph.add(Linear(f"{here}.{role}", _WIDTH), x) for role in ("query", "key", "value")]
    y = graph.add(Attention(f"{here}.attention", _HEADS), *operands)
    y = graph.add(Linear(f"{here}.attention.output", _WIDTH), y)
    x = layer_norm(graph, f"{here}.attention.norm", add(graph, f"{here}.attention.add", y, x))
    y = perceptron(graph, here, x, _HIDDEN, "gelu")
    return layer_norm(graph, f"{here}.norm", add(graph, f"{here}.add", y, x))
