"""Decoders of text: sizes of released weights, counts of modules with random weights, caches, experts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from workloads import Graph, Network
from workloads.networks.decoders import DECODERS, Decoder, Latent, Mixture
from workloads.networks.language import build
from workloads.operations import Experts
from workloads.operations.experts import expected_experts
from workloads.table import Kind

# Parameters as the released weights have them (model cards; sums over their tensors), and what papers print.
RELEASED = {
    "deepseek_v2": (235_741_434_880, "236B"),
    "deepseek_v2_lite": (15_706_484_224, "15.7B"),
    "deepseek_v3": (671_026_419_200, "671B"),
    "gemma3_1b": (999_885_952, "1000M"),
    "gemma_2b": (2_506_172_416, "2.51B"),
    "gemma_7b": (8_537_680_896, "8.54B"),
    "llama2_13b": (13_015_864_320, "13.0B"),
    "llama2_70b": (68_976_648_192, "69.0B"),
    "llama2_7b": (6_738_415_616, "6.74B"),
    "llama3_1b": (1_235_814_400, "1.24B"),
    "llama3_3b": (3_212_749_824, "3.21B"),
    "llama3_405b": (405_853_388_800, "406B"),
    "llama3_70b": (70_553_706_496, "70.6B"),
    "llama3_8b": (8_030_261_248, "8.03B"),
    "mistral_7b": (7_248_023_552, "7.25B"),
    "mixtral_8x22b": (140_630_071_296, "141B"),
    "mixtral_8x7b": (46_702_792_704, "46.7B"),
    "qwen2_0_5b": (494_032_768, "494M"),
    "qwen2_7b": (7_615_616_512, "7.62B"),
    "qwen3_30b_a3b": (30_532_122_624, "30.5B"),
    "qwen3_8b": (8_190_735_360, "8.19B"),
}


@pytest.mark.published
@pytest.mark.parametrize("phase", ["prefill", "decode"])
@pytest.mark.parametrize("name", DECODERS)
def test_parameters_are_those_of_the_released_weights(name, phase):
    exact, printed = RELEASED[name]
    net = workloads.load(name, phase=phase, context=64)
    assert net.parameters == exact
    unit = 10 ** {"B": 9, "M": 6}[printed[-1]]
    digits = len(printed[:-1].partition(".")[2])
    assert round(exact / unit, digits) == float(printed[:-1])


@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "active"),
    [("mixtral_8x7b", 12.9e9), ("deepseek_v2", 21e9), ("deepseek_v3", 37e9), ("qwen3_30b_a3b", 3.3e9)],
)
def test_a_token_meets_the_active_parameters_that_papers_print(name, active):
    """Jiang et al. 2024, Table 2 (12.9B); DeepSeek-AI 2024, abstracts; Qwen3, Table 2 (3.3B)."""
    net = workloads.load(name, phase="decode", context=1)
    table = net.table()
    met = (table.repeats * table.weight_elements)[table.kind == Kind.NEST].sum()
    words = DECODERS[name].words * DECODERS[name].width
    # Papers count the table of words too, which a token reads one row of; some round up.
    assert met - words < active < met + 2 * words + 0.05 * active
    assert abs(met + words - active) / active < 0.04


LATENT = Latent(query=24, kept=16, plain=8, turned=4, value=12)
SHAPES = {
    "plain": Decoder("", 2, 32, 4, 48, 100, 4096),
    "grouped": Decoder("", 2, 32, 8, 40, 64, 4096, kv_heads=2, head=6, tied=True),
    "normed": Decoder("", 2, 24, 4, 40, 64, 4096, kv_heads=2, bias=True, head_norm=True, sandwich=True),
    "mixed": Decoder("", 2, 32, 4, 48, 50, 4096, kv_heads=2, mixture=Mixture(6, 2, 20)),
    "latent": Decoder("", 2, 32, 4, 48, 50, 4096, latent=LATENT),
    "deepseek": Decoder(
        "",
        *(3, 32, 4, 48, 50, 4096),
        latent=LATENT._replace(query=0),
        mixture=Mixture(8, 3, 20, shared=40, dense=1, corrected=True),
    ),
}


def counted(module, *arguments, **how):
    """MACs that PyTorch counts."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*arguments, **how)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("shape", SHAPES)
def test_counts_are_those_of_a_module_with_random_weights(shape):
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    from tests.workloads.language_module import TorchDecoder

    one, batch, tokens, context = SHAPES[shape], 3, 7, 9
    module = TorchDecoder(one).eval()
    read = build("test", one, batch, phase="prefill", context=tokens)
    write = build("test", one, batch, phase="decode", context=context)
    assert read.parameters == write.parameters == sum(p.numel() for p in module.parameters())
    assert read.macs == counted(module, torch.randint(one.words, (batch, tokens)))
    head = one.head or one.width // one.heads
    if one.latent:
        past = [torch.randn(batch, context - 1, size) for size in (one.latent.kept, one.latent.turned)]
        how = {"absorbed": True}
    else:
        past = [torch.randn(batch, one.kv_heads or one.heads, context - 1, head) for _ in range(2)]
        how = {}
    assert write.macs == counted(module, torch.randint(one.words, (batch, 1)), [past] * one.layers, **how)
    cache = sum(tensor.numel() * 2 for tensor in past) // (context - 1) * one.layers
    assert write.cache_bytes() == cache * context
    assert read.cache_bytes() == cache * tokens
    assert read.cache_bytes(datapath_bits=4) == cache * tokens // 4
    assert write.cache_bytes(2 * batch) == 2 * cache * context


def test_absorbed_latent_attention_is_the_same_function():
    torch = pytest.importorskip("torch", reason="needs the torch extra")
    from tests.workloads.language_module import TorchDecoder

    torch.manual_seed(0)
    module = TorchDecoder(SHAPES["latent"]).double().eval()
    past = [torch.randn(2, 8, size, dtype=torch.float64) for size in (LATENT.kept, LATENT.turned)]
    ids = torch.tensor([[3], [7]])
    with torch.no_grad():
        made, absorbed = (module(ids, [past] * 2, absorbed=how) for how in (False, True))
    assert torch.allclose(made, absorbed, rtol=1e-9)


@pytest.mark.published
def test_caches_are_as_big_as_papers_say():
    """DeepSeek-V2, Table 1: 9/2 times a head's 128 features, 576 elements a token and layer."""
    for name, layers in (("deepseek_v2", 60), ("deepseek_v3", 61)):
        for phase in ("prefill", "decode"):
            net = workloads.load(name, phase=phase, context=100, batch=2)
            assert net.cache_bytes(datapath_bits=8) == 2 * 100 * layers * 576
    net = workloads.load("gemma3_1b", phase="decode", context=2048)
    assert net.cache_bytes(datapath_bits=8) == 2 * 256 * (
        4 * 2048 + 22 * 512
    )  # 26 layers, each sixth sees all
    assert workloads.load("gemma3_1b", context=2048).cache_bytes(datapath_bits=8) == net.cache_bytes(
        datapath_bits=8
    )
    assert workloads.load("gpt2_decode", context=10).cache_bytes(datapath_bits=8) == 12 * 2 * 768 * 10
    assert workloads.load("lenet5").cache_bytes() == 0


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 50), st.integers(1, 4), st.integers(1, 9))
def test_experts_share_all_tokens_and_read_what_they_meet(experts, active, tokens, features, out):
    active = min(active, experts)
    graph = Graph("experts")
    x, choices = graph.input("x", (1, tokens, features)), graph.input("choices", (1, tokens, active))
    y = graph.add(Experts("up", experts, out), x, choices)
    graph.output(graph.add(Experts("down", experts, features, apart=True), y, choices))
    net = Network(graph)
    assert graph.tensors["up"].shape == (1, tokens, active, out)
    assert net.macs == net.effectual_macs == 2 * tokens * active * features * out
    assert net.parameters == 2 * experts * features * out
    met = expected_experts(experts, active, tokens)
    assert active <= met <= min(experts, tokens * active)
    for name in ("up", "down"):
        rows = [
            row
            for row, owner in zip(net.lowering().rows, net.lowering().operations, strict=True)
            if owner == name
        ]
        assert sum(row.weight_elements for row in rows) == met * features * out
        assert sum(row.g for row in rows) == met
        assert max(row.n for row in rows) - min(row.n for row in rows) <= 1
        assert f"{met} of {experts} experts expected at {tokens} tokens" in rows[0].note


def test_expected_experts_are_the_mean_of_draws():
    rng = np.random.default_rng(0)
    for experts, active, tokens in ((8, 2, 3), (64, 6, 20), (16, 1, 16)):
        met = [
            len({e for _ in range(tokens) for e in rng.choice(experts, active, replace=False)})
            for _ in range(2000)
        ]
        assert abs(expected_experts(experts, active, tokens) - np.mean(met)) < 0.6


def test_experts_keep_densities_and_refuse_what_does_not_fit():
    net = build("test", SHAPES["mixed"], 1, phase="prefill", context=5).sparsify("n_m", n=1, m=2)
    assert net.mask("layers.0.mlp.experts.up_proj").reshape(-1, 2).sum(axis=1).max() == 1
    assert net.effectual_macs < net.macs
    graph = Graph("bad")
    x = graph.input("x", (1, 5, 8))
    for choices, message in (
        ((1, 5, 9), "9 choices of 8 experts"),
        ((1, 4, 2), r"tokens of \(1, 5\), choices for"),
    ):
        given_ = graph.input(f"choices{choices}", choices)
        with pytest.raises(workloads.ShapeError, match=message):
            graph.add(Experts("up", 8, 4), x, given_)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"phase": "train"}, "llama3_8b: phase must be one of prefill, decode, got 'train'"),
        ({"context": 0}, "llama3_8b: context must be an integer in 1 .. 131072, got 0"),
        ({"context": 200_000}, "llama3_8b: context must be an integer in 1 .. 131072, got 200000"),
        ({"layers": 1.5}, "llama3_8b: layers must be an integer of at least 1, got 1.5"),
        ({"tokens": 3}, "network 'llama3_8b' has no parameter 'tokens'; there are: phase, context, layers, "),
        ({"heads": 7}, "llama3_8b: heads must divide width 4096, got 7"),
        (
            {"heads": 12, "width": 48},
            "attention 'layers.0.self_attn': 12 query heads do not share 8 key heads",
        ),
        ({"experts": 4}, "llama3_8b: experts: it has no experts"),
        ({"words": 0}, "llama3_8b: words must be an integer of at least 1, got 0"),
    ],
)
def test_nonsense_is_refused(sizes, message):
    with pytest.raises(workloads.WorkloadError) as caught:
        workloads.load("llama3_8b", **sizes)
    assert str(caught.value).startswith(message)


def test_decoders_of_other_sizes():
    sizes = {"layers": 2, "width": 64, "heads": 8, "kv_heads": 2, "hidden": 96, "words": 50}
    net = workloads.load("llama3_8b", phase="decode", context=9, **sizes)
    layer = 64 * 64 * 2 + 2 * 64 * 16 + 3 * 64 * 96
    assert net.macs == 2 * (layer + 2 * 9 * 64) + 64 * 50
    assert net.parameters == 2 * (layer + 2 * 64) + 64 + 2 * 64 * 50
    mixed = workloads.load(
        "mixtral_8x7b", context=4, layers=1, width=32, heads=4, kv_heads=4, experts=5, active=3
    )
    assert mixed.weight("layers.0.mlp.experts.up_proj").shape == (5, 14336, 32)
    assert mixed.graph.tensors["layers.0.mlp.experts.up_proj"].shape == (1, 4, 3, 14336)
    with pytest.raises(workloads.WorkloadError, match="active must be at most 8 experts, got 9"):
        workloads.load("mixtral_8x7b", active=9)


def test_a_training_step_of_experts_is_three_times_forward():
    shape = SHAPES["mixed"]._replace(mixture=Mixture(6, 2, 20, shared=8))
    net = build("test", shape, 2, phase="prefill", context=5)
    step = net.training()
    rows = list(zip(step.lowering().rows, step.lowering().operations, strict=True))

    def macs(end):
        return sum(row.macs for row, owner in rows if ".experts." in owner and owner.endswith(end))

    forward = 2 * 10 * 2 * 3 * 32 * 20  # layers, tokens, choices, matrices
    assert macs("_proj") == macs("_proj.input_gradient") == macs("_proj.weight_gradient") == forward
    met = expected_experts(6, 2, 10)
    written = sum(
        row.write_elements for row, owner in rows if owner == "layers.0.mlp.experts.up_proj.weight_gradient"
    )
    assert written == met * 32 * 20
    edges = step.edge_summary()
    here = edges[edges.consumer == "layers.0.mlp.experts.up_proj.weight_gradient"]
    assert set(here.operand) == {"input", "weight"}
