"""Speech to text: an encoder of sound, and a decoder of text that attends to it.

Source: Radford, Kim, Xu, Brockman, McLeavey, Sutskever, "Robust speech recognition via large-scale weak
supervision", ICML 2023 (arXiv 2212.04356), section 2.2 and Table 1, and the released weights.

Keys and values are kept in caches as in `language`: those of the decoder's own tokens, and those made once of
the encoded sound ("<layer>.cache.sound_<role>"). Writing a token runs the decoder only.
"""

from functools import partial

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.sizes import whole
from workloads.networks.transformer import add, layer_norm, perceptron, position_embedding, word_embedding
from workloads.operations import Attention, Convolution, Elementwise, Linear, Reshape, Slice, Transpose

SIZES = {
    "whisper_base": (6, 512, 8),
    "whisper_large": (32, 1280, 20),
    "whisper_medium": (24, 1024, 16),
    "whisper_small": (12, 768, 12),
    "whisper_tiny": (4, 384, 6),
}
"""Layers of the encoder and of the decoder, features of a token, heads."""

_MELS, _FRAMES, _WORDS, _POSITIONS = 80, 3000, 51865, 448


def __getattr__(name: str) -> "partial[Network]":
    """Return the builder of one of the published sizes."""
    if name not in SIZES:
        raise AttributeError(name)
    return partial(whisper, name)


def whisper(
    name: str, batch: int = 1, *, phase: str = "prefill", context: int = _POSITIONS, frames: int = _FRAMES
) -> Network:
    """Build Whisper of one of `SIZES`.

    Parameters
    ----------
    name
        Which.
    batch
        Utterances in a run.
    phase
        "prefill" encodes the sound and reads a prompt at once, "decode" writes one token.
    context
        Tokens of the prompt; when a token is written, those that it sees, itself among them. At most 448.
    frames
        Spectra of an utterance, one each 10 ms; even, at most 3,000.

    """
    if phase not in ("prefill", "decode"):
        raise WorkloadError(f"{name}: phase must be one of prefill, decode, got {shown(phase)}")
    seen = whole(f"{name}: context", context, most=_POSITIONS)
    if whole(f"{name}: frames", frames, least=2, most=_FRAMES) % 2:
        raise WorkloadError(f"{name}: frames must be even, got {shown(frames)}")
    layers, width, heads = SIZES[name]
    graph = Graph(name)
    reads = phase == "prefill"
    sound = _encoder(graph, batch, layers, width, heads, frames) if reads else ""
    tokens = seen if reads else 1
    x = word_embedding(graph, "decoder.embed_tokens", batch, tokens, _WORDS, width)
    x = position_embedding(graph, "decoder.embed_positions", x, _POSITIONS)
    kept: list[str] = []
    for i in range(layers):
        x = _decoder_layer(graph, f"decoder.layers.{i}", x, heads, sound, (seen, frames // 2), kept)
    if tokens > 1:
        x = graph.add(Slice("last", ((1, tokens - 1, tokens, 1),)), x)
    x = layer_norm(graph, "decoder.layer_norm", x)
    logits = Linear("proj_out", _WORDS, bias=False)
    graph.output(graph.add(logits, x, weights={"weight": "decoder.embed_tokens.weight"}), *kept)
    return Network(graph, "Radford et al., arXiv 2212.04356, Table 1")


def _encoder(graph: Graph, batch: int, layers: int, width: int, heads: int, frames: int) -> str:
    x = graph.input("spectrum", (batch, _MELS, frames))
    for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
        x = graph.add(Convolution(name, width, (3,), stride, 1), x)
        x = graph.add(Elementwise(f"{name}.gelu", "gelu"), x)
    x = graph.add(Transpose("encoder.tokens", (0, 2, 1)), x)
    # Sines of the positions: fixed, and kept for all that an utterance can have.
    positions = ((frames // 2, width),)
    x = graph.add(Elementwise("encoder.embed_positions", "add", constants=positions, trained=False), x)
    for i in range(layers):
        here = f"encoder.layers.{i}"
        y = layer_norm(graph, f"{here}.self_attn_layer_norm", x)
        operands = _operands(graph, f"{here}.self_attn", y, y)
        x = add(graph, f"{here}.self_attn.add", _attended(graph, f"{here}.self_attn", heads, *operands), x)
        y = layer_norm(graph, f"{here}.final_layer_norm", x)
        width = graph.tensors[x].shape[-1]
        x = add(graph, f"{here}.add", perceptron(graph, here, y, 4 * width, "gelu"), x)
    return layer_norm(graph, "encoder.layer_norm", x)


def _decoder_layer(
    graph: Graph, here: str, x: str, heads: int, sound: str, lengths: tuple[int, int], kept: list[str]
) -> str:
    """Add a layer; without sound it writes one token and finds all keys and values in caches."""
    batch, _, width = graph.tensors[x].shape
    y = layer_norm(graph, f"{here}.self_attn_layer_norm", x)
    query, key, value = _operands(graph, f"{here}.self_attn", y, y)
    if sound:
        key, value = (_cached(graph, here, role, one, kept) for role, one in (("key", key), ("value", value)))
    else:
        kept += (key, value)
        cache = (batch, lengths[0], width)
        key, value = (graph.input(f"{here}.cache.{role}", cache) for role in ("key", "value"))
    y = _attended(graph, f"{here}.self_attn", heads, query, key, value, causal=True)
    x = add(graph, f"{here}.self_attn.add", y, x)
    y = layer_norm(graph, f"{here}.encoder_attn_layer_norm", x)
    there = f"{here}.encoder_attn"
    if sound:
        query, key, value = _operands(graph, there, y, sound)
        pairs = (("sound_key", key), ("sound_value", value))
        key, value = (_cached(graph, here, role, one, kept) for role, one in pairs)
    else:
        query = graph.add(Linear(f"{there}.q_proj", width), y)
        cache = (batch, lengths[1], width)
        key, value = (graph.input(f"{here}.cache.sound_{role}", cache) for role in ("key", "value"))
    x = add(graph, f"{there}.add", _attended(graph, there, heads, query, key, value), x)
    y = layer_norm(graph, f"{here}.final_layer_norm", x)
    return add(graph, f"{here}.add", perceptron(graph, here, y, 4 * width, "gelu"), x)


def _operands(graph: Graph, here: str, asks: str, known: str) -> tuple[str, str, str]:
    """Add queries of one tensor, keys and values of another; keys have no bias."""
    width = graph.tensors[asks].shape[-1]
    query = graph.add(Linear(f"{here}.q_proj", width), asks)
    key = graph.add(Linear(f"{here}.k_proj", width, bias=False), known)
    return query, key, graph.add(Linear(f"{here}.v_proj", width), known)


def _attended(
    graph: Graph, here: str, heads: int, query: str, key: str, value: str, *, causal: bool = False
) -> str:
    y = graph.add(Attention(here, heads, causal=causal), query, key, value)
    return graph.add(Linear(f"{here}.out_proj", graph.tensors[query].shape[-1]), y)


def _cached(graph: Graph, here: str, role: str, rows: str, kept: list[str]) -> str:
    """Keep rows in a cache that leaves the network; they are read where they lie."""
    kept.append(graph.add(Reshape(f"{here}.cache.{role}", graph.tensors[rows].shape), rows))
    return rows
