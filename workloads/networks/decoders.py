"""Shapes of published decoders of text: what their configurations say, as far as cost depends on it."""

from typing import NamedTuple


class Mixture(NamedTuple):
    """Perceptrons of which a router chooses some for each token."""

    experts: int
    active: int  # experts of a token
    hidden: int  # neurons of an expert
    shared: int = 0  # neurons of the experts that every token meets
    dense: int = 0  # layers from the first that have one perceptron instead
    corrected: bool = False  # whether the router has a trained number an expert beside its matrix


class Latent(NamedTuple):
    """Multi-head latent attention: keys and values of all heads from one short row a token."""

    query: int  # features queries are made from; 0: from the token itself
    kept: int  # features keys and values are made from, cached
    plain: int  # features of a head that no position turns
    turned: int  # features that positions turn: of each query head, of one key for all heads, cached
    value: int  # features of a value


class Decoder(NamedTuple):
    """What the cost of a decoder depends on."""

    source: str
    layers: int
    width: int
    heads: int
    hidden: int
    words: int
    positions: int
    kv_heads: int = 0  # 0: as many as query heads
    head: int = 0  # features of a head; 0: width over heads
    tied: bool = False  # whether logits come from the table of words
    bias: bool = False  # of queries, keys and values
    head_norm: bool = False  # whether queries and keys are normalised head by head
    sandwich: bool = False  # whether what attention and perceptron give is normalised too
    act: str = "silu"
    scaled: bool = False  # whether words are scaled
    window: int = 0  # tokens that local layers see; 0: all layers see all
    every: int = 0  # each so many-th layer sees all
    mixture: Mixture | None = None
    latent: Latent | None = None


_META = "Touvron et al., arXiv 2307.09288; configuration of the released weights"
_LLAMA3 = "Grattafiori et al., arXiv 2407.21783, Table 3; configuration of the released weights"
_MISTRAL = "Jiang et al., arXiv 2310.06825, Table 1; version 0.3, 32,768 words and no window"
_MIXTRAL = "Jiang et al., arXiv 2401.04088, Table 1; configuration of the released weights"
_QWEN2 = "Yang et al., arXiv 2407.10671, Table 1; version 2.5 has the same shape"
_QWEN3 = "Yang et al., arXiv 2505.09388, Tables 1 and 2; configuration of the released weights"
_GEMMA = "Gemma team, arXiv 2403.08295, Table 1; configuration of the released weights"
_GEMMA3 = "Gemma team, arXiv 2503.19786, section 2; configuration of the released weights"
_DEEPSEEK2 = "DeepSeek-AI, arXiv 2405.04434, sections 2 and 3.1.2; configuration of the released weights"
_DEEPSEEK3 = "DeepSeek-AI, arXiv 2412.19437, section 4.2, without multi-token prediction"

DECODERS: dict[str, Decoder] = {
    "deepseek_v2": Decoder(
        _DEEPSEEK2,
        *(60, 5120, 128, 12288, 102400, 163840),
        mixture=Mixture(160, 6, 1536, shared=2 * 1536, dense=1),
        latent=Latent(1536, 512, 128, 64, 128),
    ),
    "deepseek_v2_lite": Decoder(
        _DEEPSEEK2,
        *(27, 2048, 16, 10944, 102400, 163840),
        mixture=Mixture(64, 6, 1408, shared=2 * 1408, dense=1),
        latent=Latent(0, 512, 128, 64, 128),
    ),
    "deepseek_v3": Decoder(
        _DEEPSEEK3,
        *(61, 7168, 128, 18432, 129280, 163840),
        mixture=Mixture(256, 8, 2048, shared=2048, dense=3, corrected=True),
        latent=Latent(1536, 512, 128, 64, 128),
    ),
    "gemma3_1b": Decoder(
        _GEMMA3,
        *(26, 1152, 4, 6912, 262144, 32768),
        kv_heads=1,
        head=256,
        tied=True,
        head_norm=True,
        sandwich=True,
        act="gelu_tanh",
        scaled=True,
        window=512,
        every=6,
    ),
    "gemma_2b": Decoder(
        _GEMMA,
        *(18, 2048, 8, 16384, 256000, 8192),
        kv_heads=1,
        head=256,
        tied=True,
        act="gelu_tanh",
        scaled=True,
    ),
    "gemma_7b": Decoder(
        _GEMMA, *(28, 3072, 16, 24576, 256000, 8192), head=256, tied=True, act="gelu_tanh", scaled=True
    ),
    "llama2_13b": Decoder(_META, 40, 5120, 40, 13824, 32000, 4096),
    "llama2_70b": Decoder(_META, 80, 8192, 64, 28672, 32000, 4096, kv_heads=8),
    "llama2_7b": Decoder(_META, 32, 4096, 32, 11008, 32000, 4096),
    "llama3_1b": Decoder(
        "Llama 3.2 1B, model card", 16, 2048, 32, 8192, 128256, 131072, kv_heads=8, tied=True
    ),
    "llama3_3b": Decoder(
        "Llama 3.2 3B, model card", 28, 3072, 24, 8192, 128256, 131072, kv_heads=8, tied=True
    ),
    "llama3_405b": Decoder(_LLAMA3, 126, 16384, 128, 53248, 128256, 131072, kv_heads=8),
    "llama3_70b": Decoder(_LLAMA3, 80, 8192, 64, 28672, 128256, 131072, kv_heads=8),
    "llama3_8b": Decoder(_LLAMA3, 32, 4096, 32, 14336, 128256, 131072, kv_heads=8),
    "mistral_7b": Decoder(_MISTRAL, 32, 4096, 32, 14336, 32768, 32768, kv_heads=8),
    "mixtral_8x22b": Decoder(
        _MIXTRAL, 56, 6144, 48, 16384, 32768, 65536, kv_heads=8, mixture=Mixture(8, 2, 16384)
    ),
    "mixtral_8x7b": Decoder(
        _MIXTRAL, 32, 4096, 32, 14336, 32000, 32768, kv_heads=8, mixture=Mixture(8, 2, 14336)
    ),
    "qwen2_0_5b": Decoder(_QWEN2, 24, 896, 14, 4864, 151936, 32768, kv_heads=2, tied=True, bias=True),
    "qwen2_7b": Decoder(_QWEN2, 28, 3584, 28, 18944, 152064, 131072, kv_heads=4, bias=True),
    "qwen3_30b_a3b": Decoder(
        _QWEN3,
        *(48, 2048, 32, 6144, 151936, 40960),
        kv_heads=4,
        head=128,
        head_norm=True,
        mixture=Mixture(128, 8, 768),
    ),
    "qwen3_8b": Decoder(_QWEN3, 36, 4096, 32, 12288, 151936, 40960, kv_heads=8, head=128, head_norm=True),
}
"""Source, then layers, width, query heads, neurons of a perceptron, words and positions."""
