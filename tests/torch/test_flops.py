"""MACs and parameters of many modules against PyTorch's own counter, which counts two operations a MAC."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import workloads
from tests.torch.modules import Function

R = torch.randn


def counted(module, inputs):
    """Return the MACs PyTorch counts in one run; its fused CPU paths are opaque to it, so they are off."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    torch._C._set_mkldnn_enabled(False)
    try:
        with (
            torch.no_grad(),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            module.eval()(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
        torch._C._set_mkldnn_enabled(True)
    return counter.get_total_flops() / 2


class Cells(nn.Module):
    """Cells in a loop, and a layer that is run twice: every weight is used again."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.layer = nn.LSTMCell(5, 7), nn.GRUCell(7, 7), nn.LSTM(7, 7)

    def forward(self, x):
        h = c = g = x.new_zeros(x.shape[1], 7)
        for step in x:
            h, c = self.lstm(step, (h, c))
            g = self.gru(h, g)
        y, _ = self.layer(x[..., [0, 1, 2, 3, 4, 0, 1]])
        y, _ = self.layer(y)
        return g + y[-1]


class Queries(nn.Module):
    """Learned queries for a decoder, as in DETR: its first layer works on parameters alone."""

    def __init__(self, norm_first):
        super().__init__()
        layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
        self.decoder, self.queries = nn.TransformerDecoder(layer, 2), nn.Embedding(5, 8)

    def forward(self, memory):
        return self.decoder(self.queries.weight.unsqueeze(0).repeat(memory.shape[0], 1, 1), memory)


MODULES = {
    "learned_queries": (Queries(False), R(2, 7, 8)),
    "learned_queries_normalised": (Queries(True), R(1, 7, 8)),
    "conv1d_dilated": (nn.Conv1d(3, 8, 3, dilation=2), R(2, 3, 17)),
    "conv2d_strided": (nn.Conv2d(3, 8, (3, 5), 2, 1), R(2, 3, 17, 15)),
    "conv2d_same": (nn.Conv2d(3, 8, 4, padding="same"), R(2, 3, 9, 9)),
    "conv2d_reflecting": (nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"), R(2, 3, 9, 9)),
    "conv2d_without_batch": (nn.Conv2d(3, 8, 3), R(3, 9, 9)),
    "depthwise_multiplied": (nn.Conv2d(6, 12, 3, groups=6), R(2, 6, 9, 9)),
    "grouped_dilated": (nn.Conv2d(6, 12, 3, groups=3, dilation=2), R(2, 6, 9, 9)),
    "conv3d_grouped": (nn.Conv3d(4, 8, 3, groups=4), R(2, 4, 7, 8, 9)),
    "transposed_1d": (nn.ConvTranspose1d(3, 8, 4, 2, 1), R(2, 3, 9)),
    "transposed_2d": (nn.ConvTranspose2d(4, 8, 3, 2, 1, 1, groups=2), R(2, 4, 9, 9)),
    "transposed_from_a_point": (nn.ConvTranspose2d(4, 8, 4), R(2, 4, 1, 1)),
    "rnn": (nn.RNN(5, 7), R(11, 2, 5)),
    "gru_both_ways": (nn.GRU(5, 7, 2, batch_first=True, bidirectional=True), R(2, 11, 5)),
    "lstm_without_bias": (nn.LSTM(5, 7, bias=False), R(11, 2, 5)),
    "lstm_without_batch": (nn.LSTM(5, 7), R(11, 5)),
    "lstm_projected": (nn.LSTM(5, 7, 2, proj_size=3, bidirectional=True), R(11, 2, 5)),
    "lstm_cell": (nn.LSTMCell(5, 7), R(2, 5)),
    "gru_cell_without_bias": (nn.GRUCell(5, 7, bias=False), R(2, 5)),
    "cells_and_layers_again": (Cells(), R(4, 2, 5)),
    "self_attention": (
        Function(lambda s, x: s.a(x, x, x), a=nn.MultiheadAttention(8, 2, batch_first=True)),
        R(2, 5, 8),
    ),
    "cross_attention": (
        Function(
            lambda s, x, y: s.a(x, y, y, need_weights=False)[0],
            a=nn.MultiheadAttention(8, 2, kdim=6, vdim=6, batch_first=True),
        ),
        (R(2, 5, 8), R(2, 7, 6)),
    ),
    "attention_grouped": (
        Function(lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True)),
        (R(2, 4, 5, 8), R(2, 2, 5, 8), R(2, 2, 5, 8)),
    ),
    "attention_causal": (
        Function(lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
        (R(2, 4, 5, 8),) * 3,
    ),
    "attention_without_heads": (
        Function(lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v)),
        (R(5, 8), R(7, 8), R(7, 6)),
    ),
    "attention_to_one_sample": (
        Function(lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v)),
        (R(2, 4, 5, 8), R(1, 4, 7, 8), R(1, 4, 7, 6)),
    ),
    "attention_to_parameters": (
        Function(
            lambda s, q: F.scaled_dot_product_attention(q, s.k, s.v),
            k=nn.Parameter(R(1, 4, 7, 8)),
            v=nn.Parameter(R(1, 4, 7, 8)),
        ),
        R(1, 4, 5, 8),
    ),
    "encoder": (nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), R(5, 2, 8)),
    "decoder": (nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), (R(2, 5, 8), R(2, 7, 8))),
    "transformer": (nn.Transformer(8, 2, 1, 1, 16, batch_first=True), (R(2, 5, 8), R(2, 7, 8))),
    "bmm": (Function(lambda s, a, b: torch.bmm(a, b)), (R(2, 3, 4), R(2, 4, 5))),
    "baddbmm": (
        Function(lambda s, c, a, b: torch.baddbmm(c, a, b, beta=2, alpha=0.5)),
        (R(2, 3, 5), R(2, 3, 4), R(2, 4, 5)),
    ),
    "matmul_broadcast": (Function(lambda s, a, b: a @ b), (R(2, 1, 3, 4), R(5, 4, 6))),
    "einsum_of_three": (
        Function(lambda s, a, b, c: torch.einsum("ij,jk,kl->il", a, b, c)),
        (R(3, 4), R(4, 5), R(5, 6)),
    ),
    "einsum_with_weight": (
        Function(lambda s, a: torch.einsum("bsd,dhk->bshk", a, s.w), w=nn.Parameter(R(8, 2, 4))),
        R(2, 5, 8),
    ),
    "experts": (
        Function(lambda s, x: torch.bmm(x, s.w).relu().sum(0), w=nn.Parameter(R(3, 4, 5))),
        R(3, 2, 4),
    ),
    "prelu_of_one_number": (nn.Sequential(nn.Linear(4, 4), nn.PReLU()), R(2, 4)),
    "embedding_bag": (
        nn.Sequential(nn.EmbeddingBag(10, 4, mode="mean"), nn.Linear(4, 3)),
        torch.randint(0, 10, (2, 3)),
    ),
    "norm_of_the_batch": (
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)),
        R(2, 3, 4, 4),
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_macs_and_parameters_are_those_pytorch_counts(name):
    module, inputs = MODULES[name]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    network = workloads.from_torch(module, inputs)
    assert network.macs == counted(module, inputs)
    assert network.parameters == sum(p.numel() for p in module.parameters())
    assert (network.summary().macs.sum(), network.table().repeats.sum() >= len(network.operations)) == (
        network.macs,
        True,
    )


@st.composite
def stacks(draw):
    """Draw convolutions of one to three axes one after the other, padded so that any kernel fits."""
    rank, channels = draw(st.integers(1, 3)), draw(st.sampled_from([2, 4, 6]))
    layers, width = [], channels
    for _ in range(draw(st.integers(1, 3))):
        groups = draw(st.sampled_from([1, 2]))
        out = 2 * draw(st.integers(1, 3))
        kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
        options = {"stride": draw(st.integers(1, 2)), "padding": dilation * (kernel - 1), "groups": groups}
        layers += [layer(width, out, kernel, dilation=dilation, bias=draw(st.booleans()), **options)]
        layers += draw(st.sampled_from([[], [nn.ReLU()], [nn.PReLU(out)]]))
        width = out
    shape = [draw(st.integers(1, 3)), channels, *(draw(st.integers(1, 5)) for _ in range(rank))]
    return nn.Sequential(*layers, nn.Flatten()), R(*shape)


@settings(max_examples=25, deadline=None)
@given(stacks())
def test_random_stacks_of_convolutions(drawn):
    module, inputs = drawn
    network = workloads.from_torch(module, inputs)
    assert network.macs == counted(module, (inputs,))
    assert network.parameters == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("options", [{}, {"proj_size": 3}, {"num_layers": 2, "bidirectional": True}])
def test_training_an_lstm_has_the_products_pytorch_counts(options):
    """But for one: we multiply back to the state before the first step, as the layer multiplies with it."""
    module, batch = nn.LSTM(5, 7, **options), 2
    inputs = R(11, batch, 5)
    step = workloads.from_torch(module, inputs).training()
    torch._C._set_mkldnn_enabled(False)
    with FlopCounterMode(display=False) as counter:
        result, (hidden, cell) = module(inputs)
        (result.sum() + hidden.sum() + cell.sum()).backward()
    torch._C._set_mkldnn_enabled(True)
    recurrent = sum(p.numel() for name, p in module.named_parameters() if "weight_hh" in name)
    assert step.macs == counter.get_total_flops() / 2 + batch * recurrent
