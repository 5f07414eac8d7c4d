"""BERT, an encoder of text.

Source: Devlin, Chang, Lee, Toutanova, "BERT: pre-training of deep bidirectional transformers for language
understanding", NAACL 2019, section 3, with the pooler and without a head for a task.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.transformer import (
    Width,
    add,
    layer_norm,
    need_tokens,
    need_width,
    perceptron,
    position_embedding,
    word_embedding,
)
from workloads.operations import Attention, Elementwise, Embedding, Linear, Reshape, Slice

_WORDS, _POSITIONS, _SEGMENTS = 30522, 512, 2


def bert_base(
    batch: int = 1,
    *,
    tokens: int = 128,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    hidden: int | None = None,
) -> Network:
    """BERT-base: 109,482,240 parameters, 11.17 GMAC.

    Parameters
    ----------
    batch
        Sequences in a run.
    tokens
        Tokens in a sequence, at most 512.
    layers, width, heads, hidden
        Layers, features of a token, heads of attention, neurons of perceptrons (four times the width where
        not given): 24, 1024 and 16 are BERT-large.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none, or a size is none.

    """
    need_tokens("bert_base: tokens", tokens, _POSITIONS)
    size = need_width("bert_base", layers, width, heads, hidden)
    graph = Graph("bert_base")
    x = word_embedding(graph, "embeddings.words", batch, tokens, _WORDS, size.features)
    segments = graph.input("segments", (batch, tokens), bits=8)
    segments = graph.add(Embedding("embeddings.segments", _SEGMENTS, size.features), segments, bits=0)
    x = add(graph, "embeddings.segments.add", x, segments)
    x = layer_norm(graph, "embeddings.norm", position_embedding(graph, "embeddings.positions", x, _POSITIONS))
    for i in range(size.layers):
        x = _layer(graph, f"layer.{i}", x, size)
    first = graph.add(Slice("pooler.first", ((1, 0, 1, 1),)), x)
    pooled = graph.add(
        Linear("pooler", size.features), graph.add(Reshape("pooler.row", (batch, size.features)), first)
    )
    graph.output(x, graph.add(Elementwise("pooler.tanh", "tanh"), pooled))
    return Network(graph, "Devlin et al., NAACL 2019, section 3")


def _layer(graph: Graph, here: str, x: str, size: Width) -> str:
    operands = [graph.add(Linear(f"{here}.{role}", size.features), x) for role in ("query", "key", "value")]
    y = graph.add(Attention(f"{here}.attention", size.heads), *operands)
    y = graph.add(Linear(f"{here}.attention.output", size.features), y)
    x = layer_norm(graph, f"{here}.attention.norm", add(graph, f"{here}.attention.add", y, x))
    y = perceptron(graph, here, x, size.hidden, "gelu")
    return layer_norm(graph, f"{here}.norm", add(graph, f"{here}.add", y, x))
