"""Decoders of text of the Llama kind and its descendants: a prompt at once, or one token more.

RMS norms, gated perceptrons and rotary positions as in Touvron et al., "LLaMA", arXiv 2302.13971; keys shared
by several query heads (Ainslie et al., EMNLP 2023); experts chosen token by token (see `operations.experts`);
latent attention (DeepSeek-AI, arXiv 2405.04434, section 2.1). Shapes are in `decoders`, operations are called
as in the released weights.

Logits are made for the last token only. Keys and values are kept in caches called "<layer>.cache.<role>".
When a prompt is read they leave the network; when a token is written they enter it, with room for those of
the new token, which leave it, and attention reads them whole. Masked scores count as MACs.

Latent attention reads a prompt with keys and values of all heads, made from the short rows; it writes a token
on the short rows themselves, the matrices that make keys and values moved to queries and results ("absorbed",
section 2.1.2): 128 heads then share one key.
"""

from functools import partial
from typing import Any

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.decoders import DECODERS, Decoder, Latent, Mixture
from workloads.networks.sizes import whole
from workloads.networks.transformer import add, rms_norm, word_embedding
from workloads.operations import (
    Attention,
    Concat,
    Elementwise,
    Expand,
    Experts,
    Linear,
    MatMul,
    Normalisation,
    Reduce,
    Reshape,
    Rotary,
    Slice,
    Softmax,
    Split,
    TopK,
)

_OPERATIONS = 45
"""Of a layer, at most."""
PHASES = ("prefill", "decode")


def __getattr__(name: str) -> "partial[Network]":
    """Return the builder of one of the published decoders."""
    if name not in DECODERS:
        raise AttributeError(name)
    return partial(decoder, name)


def decoder(
    name: str,
    batch: int = 1,
    *,
    phase: str = "prefill",
    context: int = 2048,
    layers: int | None = None,
    width: int | None = None,
    heads: int | None = None,
    kv_heads: int | None = None,
    hidden: int | None = None,
    words: int | None = None,
    experts: int | None = None,
    active: int | None = None,
) -> Network:
    """Build a decoder of `DECODERS`.

    Parameters
    ----------
    name
        Which.
    batch
        Sequences in a run.
    phase
        "prefill" reads a prompt at once, "decode" writes one token.
    context
        Tokens of the prompt; when a token is written, those that attention sees, the new one among them.
    layers, width, heads, kv_heads, hidden, words
        Layers, features of a token, query heads and heads of keys and values, neurons of perceptrons (not of
        experts), and words, where they are not the published ones.
    experts, active
        Of a mixture: perceptrons, and how many of them a token meets.

    """
    shape = DECODERS[name]
    if phase not in PHASES:
        raise WorkloadError(f"{name}: phase must be one of {', '.join(PHASES)}, got {shown(phase)}")
    seen = whole(f"{name}: context", context, most=shape.positions)
    sizes = {
        **{"layers": layers, "width": width, "heads": heads},
        **{"kv_heads": kv_heads, "hidden": hidden, "words": words},
    }
    shape = shape._replace(**_given(name, sizes))
    chosen = _given(name, {"experts": experts, "active": active})
    if chosen and shape.mixture is None:
        raise WorkloadError(f"{name}: {min(chosen)}: it has no experts")
    if shape.mixture is not None:
        shape = shape._replace(mixture=shape.mixture._replace(**chosen))
        if shape.mixture is not None and shape.mixture.active > shape.mixture.experts:
            raise WorkloadError(
                f"{name}: active must be at most {shape.mixture.experts} experts, got {shape.mixture.active}"
            )
    if not (shape.head or shape.latent) and shape.width % shape.heads:
        raise WorkloadError(f"{name}: heads must divide width {shape.width}, got {shape.heads}")
    need_operations(f"{name}: layers", _OPERATIONS * shape.layers)
    return build(name, shape, batch, phase=phase, context=seen)


def _given(name: str, sizes: dict[str, int | None]) -> dict[str, Any]:
    """Return the sizes that are given, checked."""
    return {size: whole(f"{name}: {size}", value) for size, value in sizes.items() if value is not None}


def build(name: str, shape: Decoder, batch: int, *, phase: str, context: int) -> Network:
    """Build a decoder of any shape; parameters as for `decoder`."""
    graph = Graph(name)
    tokens = context if phase == "prefill" else 1
    x = word_embedding(graph, "embed_tokens", batch, tokens, shape.words, shape.width)
    if shape.scaled:
        x = graph.add(Elementwise("embed_tokens.scale", "mul", constants=((),), trained=False), x)
    kept: list[str] = []
    for i in range(shape.layers):
        seen = min(context, shape.window) if _local(shape, i) else context
        past = seen if phase == "decode" else 0
        x = _layer(graph, f"layers.{i}", x, shape, past=past, dense=_dense(shape.mixture, i), kept=kept)
    if tokens > 1:
        x = graph.add(Slice("last", ((1, tokens - 1, tokens, 1),)), x)
    head: dict[str, str] = {"weight": "embed_tokens.weight"} if shape.tied else {}
    x = rms_norm(graph, "norm", x)
    graph.output(graph.add(Linear("lm_head", shape.words, bias=False), x, weights=head), *kept)
    return Network(graph, shape.source)


def _dense(mixture: Mixture | None, layer: int) -> bool:
    return mixture is None or layer < mixture.dense


def _layer(
    graph: Graph, here: str, x: str, shape: Decoder, *, past: int, dense: bool, kept: list[str]
) -> str:
    """Add a layer; `past` is what a new token sees, 0 where a prompt is read; `kept` gets keys and values."""
    y = rms_norm(graph, f"{here}.input_layernorm", x)
    attend = _attention if shape.latent is None else _expanded if not past else _absorbed
    y = attend(graph, here, y, shape, past, kept)
    y = graph.add(Linear(f"{here}.self_attn.o_proj", shape.width, bias=False), y)
    after, before = "post_attention_layernorm", "pre_feedforward_layernorm"
    if shape.sandwich:
        y = rms_norm(graph, f"{here}.{after}", y)
    x = add(graph, f"{here}.self_attn.add", y, x)
    y = rms_norm(graph, f"{here}.{before if shape.sandwich else after}", x)
    if dense or shape.mixture is None:
        y = _gated(graph, f"{here}.mlp", y, shape.hidden, shape.act)
    else:
        y = _mixed(graph, f"{here}.mlp", y, shape.mixture, shape.act)
    if shape.sandwich:
        y = rms_norm(graph, f"{here}.post_feedforward_layernorm", y)
    return add(graph, f"{here}.mlp.add", y, x)


def _attention(graph: Graph, here: str, y: str, shape: Decoder, past: int, kept: list[str]) -> str:
    """Add attention of query heads that share keys."""
    head, kv_heads = shape.head or shape.width // shape.heads, shape.kv_heads or shape.heads
    batch, tokens, _ = graph.tensors[y].shape
    made = {}
    for role, heads in (("q", shape.heads), ("k", kv_heads), ("v", kv_heads)):
        x = graph.add(Linear(f"{here}.self_attn.{role}_proj", heads * head, bias=shape.bias), y)
        if shape.head_norm and role != "v":
            x = graph.add(Reshape(f"{here}.self_attn.{role}_heads", (batch, tokens, heads, head)), x)
            norm = Normalisation(
                f"{here}.self_attn.{role}_norm", centred=False, affine=(head,), shift=False, label="rmsnorm"
            )
            x = graph.add(norm, x)
            x = graph.add(Reshape(f"{here}.self_attn.{role}_row", (batch, tokens, heads * head)), x)
        made[role] = x if role == "v" else graph.add(Rotary(f"{here}.self_attn.{role}_rotary"), x)
    keys, values = made["k"], made["v"]
    kept += _kept(graph, here, shape, past, key=keys, value=values)
    if past:
        cache = (batch, past, kv_heads * head)
        keys, values = (graph.input(f"{here}.cache.{role}", cache) for role in ("key", "value"))
    attention = Attention(f"{here}.self_attn", shape.heads, kv_heads, causal=True)
    return graph.add(attention, made["q"], keys, values)


def _kept(graph: Graph, here: str, shape: Decoder, past: int, **made: str) -> list[str]:
    """Return what leaves the network: rows of one new token, or caches as a prompt leaves them."""
    if past:
        return list(made.values())
    caches = []
    for role, rows in made.items():
        tokens, name = graph.tensors[rows].shape[1], f"{here}.cache.{role}"
        seen = min(tokens, shape.window) if _local(shape, int(here.rpartition(".")[2])) else tokens
        if seen < tokens:
            caches.append(graph.add(Slice(name, ((1, tokens - seen, tokens, 1),)), rows))
        else:  # the same rows under the cache's name
            caches.append(graph.add(Reshape(name, graph.tensors[rows].shape), rows))
    return caches


def _local(shape: Decoder, layer: int) -> bool:
    """Whether a layer sees a window of tokens only."""
    return bool(shape.window) and (layer + 1) % shape.every != 0


def _latent_rows(graph: Graph, here: str, y: str, shape: Decoder, latent: Latent) -> tuple[str, str, str]:
    """Add queries of all heads, (n, tokens, heads, plain + turned), and the rows and the key to be kept."""
    batch, tokens, _ = graph.tensors[y].shape
    x = y
    if latent.query:
        x = graph.add(Linear(f"{here}.self_attn.q_a_proj", latent.query, bias=False), x)
        x = rms_norm(graph, f"{here}.self_attn.q_a_layernorm", x)
    name = "q_b_proj" if latent.query else "q_proj"
    head = latent.plain + latent.turned
    x = graph.add(Linear(f"{here}.self_attn.{name}", shape.heads * head, bias=False), x)
    queries = graph.add(Reshape(f"{here}.self_attn.q_heads", (batch, tokens, shape.heads, head)), x)
    both = graph.add(Linear(f"{here}.self_attn.kv_a_proj", latent.kept + latent.turned, bias=False), y)
    rows, key = graph.add_many(Split(f"{here}.self_attn.kv_a_split", 2, (latent.kept, latent.turned)), both)
    rows = rms_norm(graph, f"{here}.self_attn.kv_a_layernorm", rows)
    return queries, rows, graph.add(Rotary(f"{here}.self_attn.k_rotary"), key)


def _turned(graph: Graph, here: str, queries: str, latent: Latent) -> tuple[str, str]:
    """Cut queries into what no position turns and what one did."""
    plain, turned = graph.add_many(
        Split(f"{here}.self_attn.q_split", 3, (latent.plain, latent.turned)), queries
    )
    return plain, graph.add(Rotary(f"{here}.self_attn.q_rotary"), turned)


def _expanded(graph: Graph, here: str, y: str, shape: Decoder, past: int, kept: list[str]) -> str:
    """Add latent attention with keys and values of all heads made from the kept rows."""
    latent = shape.latent
    assert latent is not None
    queries, rows, key = _latent_rows(graph, here, y, shape, latent)
    kept += _kept(graph, here, shape, past, latent=rows, key=key)
    batch, tokens, _ = graph.tensors[y].shape
    lead, head = (batch, tokens, shape.heads), latent.plain + latent.turned
    plain, turned = _turned(graph, here, queries, latent)
    queries = graph.add(Concat(f"{here}.self_attn.q_join", 3), plain, turned)
    wide = shape.heads * (latent.plain + latent.value)
    x = graph.add(Linear(f"{here}.self_attn.kv_b_proj", wide, bias=False), rows)
    x = graph.add(Reshape(f"{here}.self_attn.kv_heads", (*lead, latent.plain + latent.value)), x)
    keys, values = graph.add_many(Split(f"{here}.self_attn.kv_b_split", 3, (latent.plain, latent.value)), x)
    key = graph.add(Reshape(f"{here}.self_attn.k_one", (batch, tokens, 1, latent.turned)), key)
    key = graph.add(Expand(f"{here}.self_attn.k_all", (*lead, latent.turned)), key)
    keys = graph.add(Concat(f"{here}.self_attn.k_join", 3), keys, key)
    operands = [
        graph.add(Reshape(f"{here}.self_attn.{role}_row", (batch, tokens, shape.heads * size)), tensor)
        for role, tensor, size in (("q", queries, head), ("k", keys, head), ("v", values, latent.value))
    ]
    return graph.add(Attention(f"{here}.self_attn", shape.heads, causal=True), *operands)


def _absorbed(graph: Graph, here: str, y: str, shape: Decoder, past: int, kept: list[str]) -> str:
    """Add latent attention of one token on the kept rows: all heads share one key and one value."""
    latent = shape.latent
    assert latent is not None
    queries, rows, key = _latent_rows(graph, here, y, shape, latent)
    kept += _kept(graph, here, shape, past, latent=rows, key=key)
    batch, heads = graph.tensors[y].shape[0], shape.heads
    plain, turned = _turned(graph, here, queries, latent)
    # One token: an axis of one token moves past the heads for nothing.
    plain = graph.add(Reshape(f"{here}.self_attn.q_plain", (batch, heads, 1, latent.plain)), plain)
    turned = graph.add(Reshape(f"{here}.self_attn.q_turned", (batch, heads, 1, latent.turned)), turned)
    moved = MatMul(
        f"{here}.self_attn.kv_b_key", constant="b", constant_shape=(heads, latent.plain, latent.kept)
    )
    queries = graph.add(Concat(f"{here}.self_attn.q_join", 3), graph.add(moved, plain), turned)
    wide = latent.kept + latent.turned
    cache = graph.input(f"{here}.cache.latent", (batch, 1, past, wide))
    values = graph.add(Slice(f"{here}.self_attn.v_rows", ((3, 0, latent.kept, 1),)), cache)
    x = graph.add(Attention(f"{here}.self_attn", heads, 1, causal=True), queries, cache, values)
    moved = MatMul(
        f"{here}.self_attn.kv_b_value", constant="b", constant_shape=(heads, latent.kept, latent.value)
    )
    x = graph.add(moved, x)
    return graph.add(Reshape(f"{here}.self_attn.row", (batch, 1, heads * latent.value)), x)


def _gated(graph: Graph, here: str, y: str, hidden: int, act: str) -> str:
    """Add a perceptron whose hidden layer is the product of two, one of them activated."""
    width = graph.tensors[y].shape[-1]
    gate = graph.add(Linear(f"{here}.gate_proj", hidden, bias=False), y)
    gate = graph.add(Elementwise(f"{here}.{act}", act), gate)
    up = graph.add(Linear(f"{here}.up_proj", hidden, bias=False), y)
    y = graph.add(Elementwise(f"{here}.gated", "mul"), up, gate)
    return graph.add(Linear(f"{here}.down_proj", width, bias=False), y)


def _mixed(graph: Graph, here: str, y: str, mixture: Mixture, act: str) -> str:
    """Add perceptrons chosen by a router, their results weighed and summed, and the shared one."""
    width, lead = graph.tensors[y].shape[-1], graph.tensors[y].shape[:-1]
    scores = graph.add(Linear(f"{here}.gate", mixture.experts, bias=mixture.corrected), y)
    scores = graph.add(Softmax(f"{here}.gate.softmax"), scores)
    best, choices = graph.add_many(TopK(f"{here}.gate.top", mixture.active), scores)
    best = graph.add(Reshape(f"{here}.gate.weights", (*lead, mixture.active, 1)), best)
    there = f"{here}.experts"
    gate = graph.add(Experts(f"{there}.gate_proj", mixture.experts, mixture.hidden), y, choices)
    gate = graph.add(Elementwise(f"{there}.{act}", act), gate)
    up = graph.add(Experts(f"{there}.up_proj", mixture.experts, mixture.hidden), y, choices)
    x = graph.add(Elementwise(f"{there}.gated", "mul"), up, gate)
    x = graph.add(Experts(f"{there}.down_proj", mixture.experts, width, apart=True), x, choices)
    x = graph.add(Elementwise(f"{there}.weighed", "mul"), x, best)
    x = graph.add(Reduce(f"{there}.sum", "sum", (len(lead),), keep=False), x)
    if not mixture.shared:
        return x
    return add(
        graph, f"{here}.add_shared", x, _gated(graph, f"{here}.shared_experts", y, mixture.shared, act)
    )
