"""Convolutions: against loops over every position and tap, and by law."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.workloads import oracles
from workloads import Graph, Kind, Network, ShapeError, Weight
from workloads.operations import Convolution
from workloads.operations.window import Window
from workloads.shapes import window_positions

small = st.integers(1, 5)
SETTINGS = settings(max_examples=100, deadline=None)


def network(operation, shape):
    graph = Graph("one")
    graph.output(graph.add(operation, graph.input("x", shape)))
    return Network(graph)


def row(operation, shape):
    (only,) = network(operation, shape).lowering().rows
    return only


@given(st.integers(1, 9), small, small, st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))
@SETTINGS
def test_window_positions_are_those_of_a_sliding_window(length, kernel, stride, dilation, before, after):
    hits = oracles.convolution_hits(length, kernel, stride, dilation, before, after)
    expected = len({output for output, _, _ in hits})
    assert max(0, window_positions(length, kernel, stride, dilation, (before, after))) == expected


@given(
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.tuples(st.integers(3, 6), st.integers(3, 6)),
    st.tuples(small, small),
    st.tuples(small, small),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2),
)
@SETTINGS
def test_nest_is_the_convolution(n, per_group, filters, groups, spatial, kernel, stride, dilation, padding):
    shape = (n, per_group * groups, *spatial)
    hits = [
        oracles.convolution_hits(spatial[a], kernel[a], stride[a], dilation[a], *padding[a]) for a in (0, 1)
    ]
    outputs = [len({output for output, _, _ in axis}) for axis in hits]
    assume(min(outputs) > 0)
    operation = Convolution("conv", filters * groups, kernel, stride, padding, dilation, groups)
    nest = row(operation, shape)
    assert nest.macs == oracles.dense_convolution_macs(shape, filters * groups, kernel, groups, outputs)
    assert nest.macs == n * filters * groups * per_group * len(hits[0]) * len(hits[1])
    assert (nest.n, nest.g, nest.k, nest.c) == (n, groups, filters, per_group)
    assert (nest.p, nest.q, nest.r, nest.s) == (*outputs, *kernel)
    assert (nest.pad_top, nest.pad_left, nest.in_rows, nest.in_cols) == (
        padding[0][0],
        padding[1][0],
        *spatial,
    )
    assert (nest.stride_p, nest.stride_q, nest.dilation_r, nest.dilation_s) == (*stride, *dilation)
    assert nest.weight_elements == nest.g * nest.k * nest.c * nest.r * nest.s
    assert nest.read_elements == np.prod(shape)
    assert nest.write_elements == n * filters * groups * outputs[0] * outputs[1]


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "pads"),
    [(224, 7, 2, (2, 3)), (7, 3, 2, (1, 1)), (6, 3, 2, (0, 1)), (5, 1, 2, (0, 0))],
)
def test_same_padding_keeps_the_ceiling(length, kernel, stride, pads):
    window = Window.of((kernel,), (stride,), "same_upper")
    assert window.pads((length,)) == (pads,)
    assert window.positions((length,)) == (-(-length // stride),)
    assert Window.of((kernel,), (stride,), "same_lower").pads((length,)) == (pads[::-1],)


def test_depthwise_has_one_channel_a_group():
    nest = row(Convolution("dw", 32, 3, padding=1, groups=32, bias=False), (1, 32, 8, 8))
    assert (nest.g, nest.k, nest.c, nest.macs) == (32, 1, 1, 32 * 64 * 9)


def test_one_and_three_dimensions():
    line = row(Convolution("line", 4, (3,), (2,), (1,)), (2, 5, 9))
    assert (line.n, line.p, line.q, line.r, line.s, line.in_rows, line.in_cols) == (2, 1, 5, 1, 3, 1, 9)
    volume = row(Convolution("volume", 4, (3, 3, 3), 1, 1), (1, 5, 6, 7, 8))
    assert volume.macs == 4 * 5 * 6 * 7 * 8 * 27
    assert (volume.n, volume.c, volume.weight_elements) == (6, 15, 4 * 5 * 27)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            Convolution("c", 4, 3, groups=2),
            r"'c': 3 input channels \(dimension 1\) do not divide into 2",
        ),
        (
            Convolution("c", 4, 9),
            r"'c': spatial axis 0: a window of 9 does not fit 8 padded positions",
        ),
        (Convolution("c", 4, (3,)), r"convolution 'c': input has 4 dimensions, expected 3"),
    ],
)
def test_misfits_are_named(operation, message):
    with pytest.raises(ShapeError, match=message):
        network(operation, (1, 3, 8, 8))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"out_channels": 0, "kernel": 3}, "out_channels must be positive, got 0"),
        ({"out_channels": 4, "kernel": (3, -1)}, r"kernel must be positive, got \(3, -1\)"),
        ({"out_channels": 4, "kernel": 3, "stride": 0}, "stride must be positive, got 0"),
        ({"out_channels": 4, "kernel": 3, "padding": -1}, "padding must be 0 or more, got -1"),
        ({"out_channels": 4, "kernel": 3, "padding": "same"}, "padding must be a number, pairs or one of"),
        ({"out_channels": 4, "kernel": 3, "stride": (1, 1, 1)}, "stride has 3 axes, kernel has 2"),
        ({"out_channels": 4, "kernel": 3, "groups": 3}, "4 output channels do not divide into 3 groups"),
    ],
)
def test_bad_sizes_are_named(arguments, message):
    with pytest.raises(ShapeError, match=f"convolution 'c': {message}"):
        Convolution("c", **arguments)


@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
@SETTINGS
def test_effectual_macs_use_channel_profiles(groups, per_group, filters, seed):
    """Masks whose activations are constant in each channel: the profile sum is then exact."""
    rng = np.random.default_rng(seed)
    live = rng.random(groups * per_group) < 0.6
    assume(live.any())
    mask = rng.random((groups * filters, per_group, 2, 2)) < 0.5
    activations = np.broadcast_to(live[None, :, None, None], (1, groups * per_group, 4, 4))
    net = network(
        Convolution("c", groups * filters, 2, groups=groups, bias=False), (1, groups * per_group, 4, 4)
    )
    tensor = net.graph.tensors["x"]
    profile = tuple(float(x) for x in live)
    tensor = replace(tensor, density=float(live.mean()), profile=profile, known="measured")
    net = net.with_tensors(tensor).with_weights(Weight("c.weight", mask.shape).with_mask(mask))
    assert net.effectual_macs == oracles.effectual_convolution_macs(activations, mask, 1, groups)


def test_nests_are_nests():
    assert row(Convolution("c", 4, 3), (1, 3, 8, 8)).kind == Kind.NEST
