"""Which axis is the batch."""

import pytest
import torch
from torch import nn

import workloads
from workloads.errors import WorkloadError

STEPS, BATCH = 7, 3


def test_sequences_first():
    module = nn.LSTM(16, 32)
    network = workloads.from_torch(module, torch.zeros(STEPS, BATCH, 16), batch_axis=1)
    cells = STEPS * 4 * 32 * (16 + 32)
    assert (network.batch, network.macs) == (BATCH, BATCH * cells)
    table = network.table(5)
    assert (table.repeats * table.macs).sum() == 5 * cells
    other = workloads.from_torch(module, torch.zeros(STEPS, BATCH, 16), batch_axis=1, batch=5)
    assert (other.batch, other.macs) == (5, 5 * cells)
    assert network.training(5).macs == other.training().macs


def test_a_transformer_with_a_mask_for_every_sample():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    inputs = {"src": torch.zeros(STEPS, BATCH, 8), "src_key_padding_mask": torch.zeros(BATCH, STEPS) > 0}
    network = workloads.from_torch(layer, inputs, batch_axis=(1, 0), batch=2)
    assert network.batch == 2
    assert {t.name: t.shape for t in network.graph.inputs()}["src"] == (STEPS, 2, 8)
    assert network.macs == 2 * (4 * STEPS * 64 + 2 * STEPS * STEPS * 8 + 2 * STEPS * 8 * 16)


def test_no_batch_at_all():
    network = workloads.from_torch(nn.Linear(4, 4), torch.zeros(6, 4), batch_axis=None)
    assert (network.batch, network.table(3).macs.sum()) == (1, 6 * 16)


@pytest.mark.parametrize(
    ("module", "shape", "options", "words"),
    [
        (nn.GRU(4, 4), (7, 3, 4), {"batch": 4}, r"^batch=4: GRU has sequences first .* batch_axis=1 or"),
        (nn.Sequential(nn.Linear(4, 4), nn.GRU(4, 4)), (7, 3, 4), {"batch": 4}, r"^batch=4: 1 has sequences"),
        (nn.Linear(4, 4), (3, 4), {"batch_axis": 2}, r"batch_axis: 2 is no axis of inputs of 2 dimensions"),
        (nn.Linear(4, 4), (3, 4), {"batch_axis": True}, r"^batch_axis must be an axis from 0 on.* got True"),
        (nn.Linear(4, 4), (3, 4), {"batch_axis": -1}, r"^batch_axis must be an axis from 0 on"),
        (nn.Linear(4, 4), (3, 4), {"batch_axis": (0, 1)}, r"batch_axis: 2 axes for 1 tensors"),
        (nn.Linear(4, 4), (3, 4), {"batch_axis": None, "batch": 2}, r"^batch=2: batch_axis=None says"),
    ],
)
def test_a_batch_is_checked_against_its_axis(module, shape, options, words):
    with pytest.raises(WorkloadError, match=words):
        workloads.from_torch(module, torch.zeros(shape), **options)


def test_a_batch_that_is_there_is_no_doubt():
    assert workloads.from_torch(nn.GRU(4, 4), torch.zeros(7, 3, 4), batch=7).batch == 7
    assert workloads.from_torch(nn.GRU(4, 4), torch.zeros(7, 3, 4), batch=2, batch_axis=0).batch == 2
    assert workloads.from_torch(nn.GRU(4, 4, batch_first=True), torch.zeros(3, 7, 4), batch=2).batch == 2
