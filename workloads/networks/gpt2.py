"""GPT-2 small, a decoder of text: a prompt at once, or one token after those before it.

Source: Radford, Wu, Child, Luan, Amodei, Sutskever, "Language models are unsupervised multitask learners",
2019, section 2.3 and Table 2 (12 layers; the released weights are 124 million parameters).

Logits are made for the last token only, from the table that words are looked up in. In decoding, the keys and
values of the tokens before lie in a cache that is an input, with room for those of the new token: what is
written for a new token leaves the network, and attention reads the cache whole.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.transformer import (
    Width,
    add,
    joint_projection,
    layer_norm,
    need_tokens,
    need_width,
    perceptron,
    position_embedding,
    word_embedding,
)
from workloads.operations import Attention, Linear, Slice

_WORDS, _POSITIONS = 50257, 1024


def gpt2_prefill(
    batch: int = 1,
    *,
    tokens: int = _POSITIONS,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    hidden: int | None = None,
) -> Network:
    """GPT-2 small reading a prompt: 124,439,808 parameters, 106.3 GMAC at 1,024 tokens.

    Parameters
    ----------
    batch
        Sequences in a run.
    tokens
        Tokens in a prompt, at most 1,024.
    layers, width, heads, hidden
        Layers, features of a token, heads of attention, neurons of perceptrons (four times the width where
        not given): 24, 1024 and 16 are GPT-2 medium, 48, 1600 and 25 the largest.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none, or a size is none.

    """
    need_tokens("gpt2_prefill: tokens", tokens, _POSITIONS)
    size = need_width("gpt2_prefill", layers, width, heads, hidden)
    return _gpt2("gpt2_prefill", batch, size, tokens, context=0)


def gpt2_decode(
    batch: int = 1,
    *,
    context: int = _POSITIONS,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    hidden: int | None = None,
) -> Network:
    """GPT-2 small writing one token: 124,439,808 parameters, 142.4 MMAC after 1,023 tokens.

    Parameters
    ----------
    batch
        Sequences in a run.
    context
        Tokens that attention sees, the new one among them; at most 1,024.
    layers, width, heads, hidden
        As for `gpt2_prefill`.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none, or a size is none.

    """
    need_tokens("gpt2_decode: context", context, _POSITIONS)
    size = need_width("gpt2_decode", layers, width, heads, hidden)
    return _gpt2("gpt2_decode", batch, size, 1, context)


def _gpt2(name: str, batch: int, size: Width, tokens: int, context: int) -> Network:
    graph = Graph(name)
    x = word_embedding(graph, "wte", batch, tokens, _WORDS, size.features)
    x = position_embedding(graph, "wpe", x, _POSITIONS)
    kept: list[str] = []
    for i in range(size.layers):
        x = _layer(graph, f"h.{i}", x, size, context, kept)
    if tokens > 1:
        x = graph.add(Slice("last", ((1, tokens - 1, tokens, 1),)), x)
    x = layer_norm(graph, "ln_f", x)
    logits = graph.add(Linear("lm_head", _WORDS, bias=False), x, weights={"weight": "wte.weight"})
    graph.output(logits, *kept)
    return Network(graph, "Radford et al., 2019, Table 2")


def _layer(graph: Graph, here: str, x: str, size: Width, context: int, kept: list[str]) -> str:
    """Add a layer; where there is a context, append the new key and value to `kept`."""
    query, key, value = joint_projection(graph, f"{here}.attn.c_attn", layer_norm(graph, f"{here}.ln_1", x))
    if context:
        kept += (key, value)
        shape = (graph.tensors[x].shape[0], context, size.features)
        key, value = (graph.input(f"{here}.cache.{role}", shape) for role in ("key", "value"))
    y = graph.add(Attention(f"{here}.attn", size.heads, causal=True), query, key, value)
    x = add(graph, f"{here}.attn.add", graph.add(Linear(f"{here}.attn.c_proj", size.features), y), x)
    y = perceptron(graph, f"{here}.mlp", layer_norm(graph, f"{here}.ln_2", x), size.hidden, "gelu_tanh")
    return add(graph, f"{here}.mlp.add", y, x)
