"""flex_attention: attention with functions of scores and masks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

import workloads
from tests.torch.modules import Function

pytestmark = pytest.mark.filterwarnings("ignore")
MACS = 2 * 2 * 4 * 16 * 16 * 8


def read(forward, heads=4, **held):
    q, k, v = torch.zeros(2, 4, 16, 8), torch.zeros(2, heads, 16, 8), torch.ones(2, heads, 16, 8)
    return workloads.from_torch(Function(forward, **held), (q, k, v))


def causal(self, q, k, v):
    return flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: torch.where(i >= j, s, -float("inf")))


def causal_blocks(self, q, k, v):
    mask = create_block_mask(lambda b, h, i, j: j <= i, None, None, 16, 16, device="cpu")
    return flex_attention(q, k, v, block_mask=mask)


def test_scores_stay_on_chip_whatever_is_done_with_them():
    network = read(lambda self, q, k, v: flex_attention(q, k, v))
    asked = read(lambda self, q, k, v: F.scaled_dot_product_attention(q, k, v))
    capped = read(
        lambda self, q, k, v: flex_attention(q, k, v, score_mod=lambda s, *_: torch.tanh(s / 20) * 20)
    )
    rows = (network.table(), asked.table(), capped.table())
    assert network.macs == capped.macs == MACS
    assert all(rows[0].read_elements.sum() == row.read_elements.sum() for row in rows)
    assert rows[0].vector_ops.sum() == rows[1].vector_ops.sum() < rows[2].vector_ops.sum()
    shared = read(lambda self, q, k, v: flex_attention(q, k, v, enable_gqa=True), heads=2)
    assert shared.macs == MACS
    assert shared.table().weight_elements.sum() == rows[0].weight_elements.sum() / 2


@pytest.mark.parametrize("forward", [causal, causal_blocks])
def test_a_triangle_is_found_however_it_is_said(forward):
    network = read(forward)
    assert (network.macs, network.effectual_macs) == (MACS, MACS * 17 / 32)


def test_what_functions_of_scores_read_is_read_and_what_they_learn_counts():
    slopes = nn.Parameter(torch.randn(4))
    network = read(
        lambda self, q, k, v: flex_attention(
            q, k, v, score_mod=lambda s, b, h, i, j: s + self.a[h] * (i - j)
        ),
        a=slopes,
    )
    assert (network.macs, network.parameters, network.effectual_macs) == (MACS, 4, MACS)

    def documents(self, q, k, v, ids):
        mask = create_block_mask(lambda b, h, i, j: ids[i] == ids[j], None, None, 16, 16, device="cpu")
        return flex_attention(q, k, v, block_mask=mask)

    given = (*(torch.zeros(2, 4, 16, 8) for _ in range(3)), torch.zeros(16, dtype=torch.long))
    assert workloads.from_torch(Function(documents), given).macs == MACS


def test_a_module_whose_weights_learn():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(32, 96)

        def forward(self, x):
            q, k, v = (z.view(2, 16, 4, 8).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
            return flex_attention(q, k, v).transpose(1, 2).reshape(x.shape)

    assert workloads.from_torch(Block(), torch.zeros(2, 16, 32)).macs == 32 * 32 * 96 + MACS
