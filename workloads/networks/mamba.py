"""Mamba: decoders of text without attention, whose memory is a state of fixed size.

Source: Gu, Dao, "Mamba: linear-time sequence modeling with selective state spaces", arXiv 2312.00752, section
3.4, Figure 3 and Table 12 (sizes), and the released weights: states of 16, convolutions of 4, twice the width
inside, steps of rank width / 16, 50,280 words.

What a sequence leaves behind is kept in caches called "<layer>.cache.conv", the last 4 tokens of the
convolution, and "<layer>.cache.state"; they do not grow with the context.
"""

from functools import partial

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.sizes import whole
from workloads.networks.transformer import add, rms_norm, word_embedding
from workloads.operations import (
    Convolution,
    Elementwise,
    Linear,
    Reshape,
    SelectiveScan,
    Slice,
    Split,
    Transpose,
)

MAMBAS = {
    "mamba_130m": (24, 768),
    "mamba_1_4b": (48, 2048),
    "mamba_2_8b": (64, 2560),
    "mamba_370m": (48, 1024),
    "mamba_790m": (48, 1536),
}
"""Layers, and features of a token."""

_WORDS, _STATE, _KERNEL, _WIDENING, _RANK = 50280, 16, 4, 2, 16
_MOST = 2**20  # tokens a prompt may have; nothing in the network bounds them


def __getattr__(name: str) -> "partial[Network]":
    """Return the builder of one of the published sizes."""
    if name not in MAMBAS:
        raise AttributeError(name)
    return partial(mamba, name)


def mamba(
    name: str, batch: int = 1, *, phase: str = "prefill", context: int = 2048, layers: int | None = None
) -> Network:
    """Build Mamba of one of `MAMBAS`.

    Parameters
    ----------
    name
        Which.
    batch
        Sequences in a run.
    phase
        "prefill" reads a prompt at once, "decode" writes one token.
    context
        Tokens of the prompt; a written token costs the same after any number of them.
    layers
        Layers, if not as many as published.

    """
    if phase not in ("prefill", "decode"):
        raise WorkloadError(f"{name}: phase must be one of prefill, decode, got {shown(phase)}")
    tokens = whole(f"{name}: context", context, most=_MOST) if phase == "prefill" else 1
    depth, width = MAMBAS[name]
    depth = depth if layers is None else whole(f"{name}: layers", layers)
    need_operations(f"{name}: layers", 25 * depth)
    graph = Graph(name)
    x = word_embedding(graph, "embeddings", batch, tokens, _WORDS, width)
    kept: list[str] = []
    for i in range(depth):
        x = _layer(graph, f"layers.{i}", x, kept, writes=phase == "decode")
    if tokens > 1:
        x = graph.add(Slice("last", ((1, tokens - 1, tokens, 1),)), x)
    logits = Linear("lm_head", _WORDS, bias=False)
    x = graph.add(logits, rms_norm(graph, "norm_f", x), weights={"weight": "embeddings.weight"})
    graph.output(x, *kept)
    return Network(graph, "Gu and Dao, arXiv 2312.00752, section 3.4 and Table 12")


def _layer(graph: Graph, here: str, x: str, kept: list[str], *, writes: bool) -> str:
    batch, _, width = graph.tensors[x].shape
    inside, rank = _WIDENING * width, -(-width // _RANK)
    there = f"{here}.mixer"
    both = graph.add(Linear(f"{there}.in_proj", 2 * inside, bias=False), rms_norm(graph, f"{here}.norm", x))
    y, gate = graph.add_many(Split(f"{there}.in_split", 2, (inside, inside)), both)
    y = _convolved(graph, here, y, kept, writes=writes)
    parts = graph.add(Linear(f"{there}.x_proj", rank + 2 * _STATE, bias=False), y)
    low, into, out = graph.add_many(Split(f"{there}.x_split", 2, (rank, _STATE, _STATE)), parts)
    step = graph.add(Linear(f"{there}.dt_proj", inside), low)
    step = graph.add(Elementwise(f"{there}.softplus", "softplus"), step)
    shape = (batch, inside, _STATE)
    before = [graph.input(f"{here}.cache.state", shape)] if writes else []
    y, after = graph.add_many(SelectiveScan(f"{there}.scan"), y, step, into, out, *before)
    kept.append(after if writes else graph.add(Reshape(f"{here}.cache.state", shape), after))
    gate = graph.add(Elementwise(f"{there}.gate_silu", "silu"), gate)
    y = graph.add(Elementwise(f"{there}.gated", "mul"), y, gate)
    return add(graph, f"{here}.add", graph.add(Linear(f"{there}.out_proj", width, bias=False), y), x)


def _convolved(graph: Graph, here: str, y: str, kept: list[str], *, writes: bool) -> str:
    """Add a convolution along the tokens, channel by channel, that sees a token and the three before it."""
    batch, tokens, inside = graph.tensors[y].shape
    there, pads = f"{here}.mixer", (_KERNEL - 1, 0)
    if writes:
        kept.append(y)
        y, pads = graph.input(f"{here}.cache.conv", (batch, inside, _KERNEL)), (0, 0)
    else:
        y = graph.add(Transpose(f"{there}.channels_first", (0, 2, 1)), y)
        last = min(tokens, _KERNEL)
        kept.append(graph.add(Slice(f"{here}.cache.conv", ((2, tokens - last, tokens, 1),)), y))
    y = graph.add(Convolution(f"{there}.conv1d", inside, (_KERNEL,), 1, (pads,), groups=inside), y)
    y = graph.add(Elementwise(f"{there}.conv1d.silu", "silu"), y)
    return graph.add(Transpose(f"{there}.channels_last", (0, 2, 1)), y)
