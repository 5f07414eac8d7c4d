"""Llama 3.2 1B under two names: reading a prompt, and writing one token; see `language`."""

from workloads.network import Network
from workloads.networks.decoders import DECODERS
from workloads.networks.language import build
from workloads.networks.transformer import need_tokens

_SHAPE = DECODERS["llama3_1b"]


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
    need_tokens("llama_1b_prefill: tokens", tokens, _SHAPE.positions)
    return build("llama_1b_prefill", _SHAPE, batch, phase="prefill", context=tokens)


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
    need_tokens("llama_1b_decode: context", context, _SHAPE.positions)
    return build("llama_1b_decode", _SHAPE, batch, phase="decode", context=context)
