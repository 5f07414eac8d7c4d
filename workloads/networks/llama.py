"""A decoder of text of the Llama kind with 1.24 billion parameters: a prompt at once, or one token more.

Sources: the shape is that of Llama 3.2 1B (its model card and configuration): 16 layers of width 2,048, 32
query heads that share 8 key and value heads, gated perceptrons of 8,192, a table of 128,256 words that makes
the logits too; RMS norms, gated SiLU and rotary positions as in Touvron et al., "LLaMA", arXiv 2302.13971.

Logits are made for the last token only; caches are as in `gpt2`.
"""

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.transformer import add, need_tokens, rms_norm, word_embedding
from workloads.operations import Attention, Elementwise, Linear, Rotary, Slice

_LAYERS, _WIDTH, _HIDDEN = 16, 2048, 8192
_HEADS, _KV_HEADS, _HEAD = 32, 8, 64
_WORDS, _POSITIONS = 128256, 131072


def llama_1b_prefill(batch: int = 1, *, tokens: int = 2048) -> Network:
    """Llama 3.2 1B reading a prompt: 1,235,814,400 parameters, 2.268 TMAC at 2,048 tokens.

    Parameters
    ----------
    batch
        Sequences in a run.
    tokens
        Tokens in a prompt, at most 131,072.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none.

    """
    need_tokens("llama_1b_prefill: tokens", tokens, _POSITIONS)
    return _llama("llama_1b_prefill", batch, tokens, context=0)


def llama_1b_decode(batch: int = 1, *, context: int = 2048) -> Network:
    """Llama 3.2 1B writing one token: 1,235,814,400 parameters, 1.370 GMAC after 2,047 tokens.

    Parameters
    ----------
    batch
        Sequences in a run.
    context
        Tokens that attention sees, the new one among them; at most 131,072.

    Raises
    ------
    WorkloadError
        If there are too many tokens, or none.

    """
    need_tokens("llama_1b_decode: context", context, _POSITIONS)
    return _llama("llama_1b_decode", batch, 1, context)


def _llama(name: str, batch: int, tokens: int, context: int) -> Network:
    graph = Graph(name)
    x = word_embedding(graph, "embed_tokens", batch, tokens, _WORDS, _WIDTH)
    kept: list[str] = []
    for i in range(_LAYERS):
        x = _layer(graph, f"layers.{i}", x, context, kept)
    if tokens > 1:
        x = graph.add(Slice("last", ((1, tokens - 1, tokens, 1),)), x)
    x = rms_norm(graph, "norm", x)
    logits = graph.add(Linear("lm_head", _WORDS, bias=False), x, weights={"weight": "embed_tokens.weight"})
    graph.output(logits, *kept)
    return Network(graph, "Llama 3.2 1B, model card; Touvron et al., arXiv 2302.13971")


def _layer(graph: Graph, here: str, x: str, context: int, kept: list[str]) -> str:
    """Add a layer; where there is a context, append the new key and value to `kept`."""
    y = rms_norm(graph, f"{here}.input_layernorm", x)
    query = graph.add(Linear(f"{here}.self_attn.q_proj", _HEADS * _HEAD, bias=False), y)
    query = graph.add(Rotary(f"{here}.self_attn.q_rotary"), query)
    key = graph.add(Linear(f"{here}.self_attn.k_proj", _KV_HEADS * _HEAD, bias=False), y)
    key = graph.add(Rotary(f"{here}.self_attn.k_rotary"), key)
    value = graph.add(Linear(f"{here}.self_attn.v_proj", _KV_HEADS * _HEAD, bias=False), y)
    if context:
        kept += (key, value)
        shape = (graph.tensors[x].shape[0], context, _KV_HEADS * _HEAD)
        key, value = (graph.input(f"{here}.cache.{role}", shape) for role in ("key", "value"))
    y = graph.add(Attention(f"{here}.self_attn", _HEADS, _KV_HEADS, causal=True), query, key, value)
    x = add(
        graph,
        f"{here}.self_attn.add",
        graph.add(Linear(f"{here}.self_attn.o_proj", _WIDTH, bias=False), y),
        x,
    )
    y = rms_norm(graph, f"{here}.post_attention_layernorm", x)
    gate = graph.add(Linear(f"{here}.mlp.gate_proj", _HIDDEN, bias=False), y)
    gate = graph.add(Elementwise(f"{here}.mlp.silu", "silu"), gate)
    up = graph.add(Linear(f"{here}.mlp.up_proj", _HIDDEN, bias=False), y)
    y = graph.add(Elementwise(f"{here}.mlp.gated", "mul"), up, gate)
    return add(graph, f"{here}.mlp.add", graph.add(Linear(f"{here}.mlp.down_proj", _WIDTH, bias=False), y), x)
