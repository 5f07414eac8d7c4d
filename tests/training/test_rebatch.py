"""Networks described for another batch: the same as if they had been built for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from tests.training.networks import plain, residual
from workloads import Graph, Network
from workloads.operations import Expand, Linear, MatMul, Opaque, Reshape, Transpose
from workloads.training.rebatch import rebatched


def same(ours, theirs):
    assert ours.batch == theirs.batch
    for name, tensor in theirs.graph.tensors.items():
        assert ours.graph.tensors[name].shape == tensor.shape, name
    for column, got, want in zip(ours.table()._fields, ours.table(), theirs.table(), strict=True):
        if column == "weight_mask":
            assert got.tolist() == want.tolist()
        else:
            np.testing.assert_allclose(got, want, rtol=1e-12, err_msg=column)


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "vit_b16", "bert_base", "ptb_lstm_medium", "wide_deep"]
)
@pytest.mark.parametrize("batches", [(1, 3), (2, 6)])
def test_built_in_networks(name, batches):
    before, after = (workloads.load(name, batch=batch) for batch in batches)
    same(rebatched(before, batches[1]), after)


@pytest.mark.parametrize("build", [plain, residual])
def test_there_and_back(build):
    same(rebatched(rebatched(build(2), 5), 2), build(2))
    assert rebatched(build(2), None) == build(2)


def attention(batch, heads, steps, width, *, first):
    """Heads cut out and joined again, batch or time first; a batch of 1 can be anywhere in a reshape."""
    graph = Graph("heads")
    shape = (batch, steps, heads * width) if first else (steps, batch, heads * width)
    x = graph.add(Linear("q", heads * width), graph.input("x", shape, batch_axis=0 if first else 1))
    if first:
        x = graph.add(Reshape("cut", (batch, steps, heads, width)), x)
        x = graph.add(Transpose("heads", (0, 2, 1, 3)), x)
        x = graph.add(Reshape("groups", (batch * heads, steps, width)), x)
    else:
        x = graph.add(Reshape("cut", (steps, batch * heads, width)), x)
        x = graph.add(Transpose("groups", (1, 0, 2)), x)
    y = graph.add(MatMul("scores", transpose_b=True), x, x)
    y = graph.add(MatMul("values"), y, x)
    if first:
        y = graph.add(Reshape("apart", (batch, heads, steps, width)), y)
        y = graph.add(Transpose("back", (0, 2, 1, 3)), y)
        y = graph.add(Reshape("join", (batch * steps, heads * width)), y)
    else:
        y = graph.add(Transpose("back", (1, 0, 2)), y)
        y = graph.add(Reshape("join", (steps * batch, heads * width)), y)
    y = graph.add(Linear("out", 3), y)
    graph.add(Reshape("end", (batch, steps, 3) if first else (steps, batch, 3)), y)
    return Network(graph)


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    times=st.integers(2, 3),
    heads=st.integers(1, 3),
    steps=st.integers(1, 4),
    width=st.integers(1, 4),
    first=st.booleans(),
)
def test_heads_are_cut_and_joined(batch, times, heads, steps, width, first):
    ours = rebatched(attention(batch, heads, steps, width, first=first), batch * times)
    theirs = attention(batch * times, heads, steps, width, first=first)
    assert ours.macs == theirs.macs
    assert ours.training().macs == theirs.training().macs


def test_shapes_that_operations_carry():
    def build(batch):
        graph = Graph("carried")
        x = graph.add(Linear("fc", 4), graph.input("x", (batch, 1, 4)))
        x = graph.add(Expand("expand", (batch, 3, 4)), x)
        graph.add(Opaque("strange", "strange", ((batch, 5),)), x)
        return Network(graph)

    same(rebatched(build(1), 4), build(4))


def test_measured_channels_stay_where_the_batch_is_not():
    network = plain(1)
    tensor = network.graph.tensors["conv"]
    profile = tuple(np.linspace(0.1, 0.6, 6))
    measured = type(tensor)("conv", tensor.shape, density=0.35, profile=profile, known="measured")
    grown = rebatched(network.with_tensors(measured), 4).graph.tensors["conv"]
    assert (grown.shape[0], grown.profile, grown.density) == (4, profile, 0.35)


def test_labels_follow_the_batch_where_it_is():
    step = workloads.load("ptb_lstm_medium", batch=5).training()
    assert step.batch == 5
    (labels,) = (tensor for tensor in step.graph.inputs() if tensor.name == "labels")
    assert labels.batch_axis is None or labels.shape[labels.batch_axis] == 5
    assert step.table(10).macs.sum() == 2 * step.table().macs.sum()
