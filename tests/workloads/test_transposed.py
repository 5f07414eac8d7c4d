"""Transposed convolutions: phases against scattering every input, one by one."""

import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.workloads import oracles
from workloads import Graph, Network, ShapeError, Weight
from workloads.operations import TransposedConvolution
from workloads.operations.transposed import phases
from workloads.table import Kind


def rows(operation, shape, mask=None):
    graph = Graph("one")
    graph.output(graph.add(operation, graph.input("x", shape)))
    net = Network(graph)
    if mask is not None:
        net = net.with_weights(Weight("t.weight", mask.shape).with_mask(mask))
    return net, net.lowering().rows


@given(
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 2),
)
@settings(max_examples=200, deadline=None)
def test_phases_do_what_scattering_does(length, kernel, stride, dilation, before, after, extra):
    """Run each phase as the convolution it claims to be: every scattered product once, no other inside."""
    outputs, hits = oracles.transposed_hits(length, kernel, stride, dilation, before, after, extra)
    assume(outputs > 0)
    done = Counter()
    covered = []
    for phase in phases(outputs, kernel, stride, dilation, before):
        for step in range(phase.outputs):
            output = phase.first + step * stride
            covered.append(output)
            for i, tap in enumerate(phase.taps):
                # the convolution runs over its taps from the highest, which lies at the lowest input
                lowest = (phase.first + before - phase.taps[-1] * dilation) // stride
                position = lowest + step + (len(phase.taps) - 1 - i) * phase.dilation
                assert position >= -phase.pad
                if 0 <= position < length:
                    done[output, tap, position] += 1
    assert sorted(covered) == list(range(outputs))
    assert done == Counter(hits)


@given(
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 2),
    st.tuples(st.integers(2, 4), st.integers(2, 4)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 1),
)
@settings(max_examples=100, deadline=None)
def test_weights_outputs_and_inputs_are_counted_once(channels, filters, groups, spatial, kernel, stride, pad):
    operation = TransposedConvolution("t", filters * groups, kernel, stride, pad, groups=groups)
    try:
        net, parts = rows(operation, (2, channels * groups, *spatial))
    except ShapeError:
        assume(False)
    out = net.graph.tensors["t"]
    assert sum(part.repeats * part.write_elements for part in parts) == out.elements
    read = 2 * channels * groups * spatial[0] * spatial[1] if net.macs else 0
    assert sum(part.repeats * part.read_elements for part in parts) == read
    enough = all(n >= s for n, s in zip(out.shape[2:], stride, strict=True))
    total = channels * groups * filters * kernel[0] * kernel[1]
    assert (sum(part.repeats * part.weight_elements for part in parts) == total) or not enough


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "extra"),
    [(4, 2, 1, 0), (3, 2, 1, 1), (2, 2, 0, 0), (16, 8, 4, 0), (5, 1, 2, 0)],
)
def test_macs_are_inputs_times_taps_where_the_output_is_stride_times_the_input(kernel, stride, pad, extra):
    """Then padding crops as many products as borders add, and the usual count H W C K R S holds exactly."""
    operation = TransposedConvolution("t", 6, kernel, stride, pad, extra, bias=False)
    net, _ = rows(operation, (1, 5, 8, 8))
    assert net.graph.tensors["t"].shape == (1, 6, 8 * stride, 8 * stride)
    assert net.macs == 8 * 8 * 5 * 6 * kernel * kernel


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(0, 2**31 - 1),
)
@settings(max_examples=100, deadline=None)
def test_along_an_axis_of_one_position_every_scattered_product_is_counted_once(
    kernel, dilation, pad, extra, length, stride, seed
):
    mask = np.random.default_rng(seed).random((2, 3, *kernel)) < 0.6
    operation = TransposedConvolution("t", 3, kernel, stride, pad, extra, dilation, bias=False)
    try:
        net, parts = rows(operation, (2, 2, 1, length), mask)
    except ShapeError:
        assume(False)
    hits = [
        oracles.transposed_hits(n, k, stride, d, pad, pad, extra)[1]
        for n, k, d in zip((1, length), kernel, dilation, strict=True)
    ]
    taps = Counter(tap for _, tap, _ in hits[0])
    if length == 1 and kernel[1] > 1:  # both axes: exactly what is scattered
        along = Counter(tap for _, tap, _ in hits[1])
        assert net.macs == 2 * 2 * 3 * taps.total() * along.total()
        live = sum(int(mask[:, :, i, j].sum()) for i in taps for j in along)
        assert net.effectual_macs == 2 * live
    elif kernel[0] > 1:
        assert net.macs % max(1, taps.total()) == 0
    assert sum(part.repeats * part.write_elements for part in parts) == net.graph.tensors["t"].elements


def test_the_first_layer_of_a_generator_is_a_product():
    net, (row,) = rows(TransposedConvolution("t", 6, 4, bias=False), (2, 5, 1, 1))
    assert (net.macs, row.n, row.c, row.k, row.p, row.r) == (2 * 5 * 6 * 16, 2, 5, 96, 1, 1)
    assert (row.read_elements, row.write_elements, row.weight_elements) == (10, 2 * 6 * 16, 5 * 96)


def test_kernel_shorter_than_stride_writes_what_no_tap_reaches():
    net, parts = rows(TransposedConvolution("t", 3, 1, 2, bias=False), (1, 2, 4, 4))
    assert net.macs == 4 * 4 * 2 * 3
    assert sum(part.repeats for part in parts if part.kind == Kind.MOVEMENT) == 3
    assert sum(part.repeats * part.write_elements for part in parts) == 3 * 7 * 7


def test_phases_see_their_own_zeros():
    mask = np.zeros((2, 3, 2, 2), dtype=bool)
    mask[:, :, 0, 0] = True
    net, parts = rows(TransposedConvolution("t", 3, 2, 2, bias=False), (1, 2, 4, 4), mask)
    assert [part.effectual_macs for part in parts] == [16 * 6, 0, 0, 0]
    assert net.effectual_macs == 96
    assert net.row_names == ("t[phase 0]", "t[phase 1]", "t[phase 2]", "t[phase 3]")


def test_what_does_not_fit_is_named():
    with pytest.raises(ShapeError, match=r"'t': spatial axis 0: padding \(9, 9\) leaves nothing"):
        rows(TransposedConvolution("t", 3, 2, 2, 9), (1, 2, 4, 4))
    with pytest.raises(ShapeError, match="padding must be numbers, got 'valid'"):
        TransposedConvolution("t", 3, 2, padding="valid")
    with pytest.raises(ShapeError, match="output_padding must be 0 or more"):
        TransposedConvolution("t", 3, 2, output_padding=-1)


@pytest.mark.parametrize("stride", [7, 64, 3000])
def test_rows_do_not_grow_with_the_stride(stride):
    started = time.process_time()
    net, parts = rows(TransposedConvolution("t", 3, stride, stride, bias=False), (1, 2, 4, 4))
    assert len(parts) <= 4
    assert net.macs == 4 * 4 * 2 * 3 * stride**2
    assert sum(part.repeats * part.weight_elements for part in parts) == 2 * 3 * stride**2
    assert sum(part.repeats * part.read_elements for part in parts) == 2 * 4 * 4
    net.table()
    assert time.process_time() - started < 2.0
