"""Latency against dimension: mechanisms by counting, nothing where they are off, choices by exhaustion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import workloads
from dse.results.dimension import choose_dimension, latency_curve, sized_latency_s
from hwmodels.size_effects import CPU_LIBRARY, GPU_LIBRARY, SizeEffects, Tile
from workloads.spaces.builders import perceptron, recurrent
from workloads.training.rebatch import rebatched


def mlp(size):
    return rebatched(perceptron(features=256, depth=2, width=(size, size)), 64)


def of_linear(outputs, sums, rows=64):
    return rebatched(perceptron(features=sums, depth=1, width=(outputs,)), rows).table()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.sampled_from([16, 32, 64]))
def test_lines_touched_are_those_counted_row_by_row(length, line):
    table = of_linear(line, length)
    bits = np.full(len(table.kind), 8, dtype=np.int64)
    table = table._replace(weight_bits=bits, read_elements=0 * bits, write_elements=0 * bits)
    starts = [(row * length) % line for row in range(line)]  # all places where rows can begin, equally often
    touched = np.mean([(start + length - 1) // line + 1 for start in starts])
    found = SizeEffects(line_bytes=line).main_memory(table)[0]
    assert found == pytest.approx(touched * line / length)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(8, 70), st.integers(1, 5))
def test_tiles_are_those_counted_one_by_one(outputs, rows, processors):
    effects = SizeEffects(tiles=(Tile(16, 8, 0.8),), processors=processors)
    tiles = len({(r // 16, c // 8) for r in range(rows) for c in range(outputs)})
    waves = len({number // processors for number in range(tiles)})
    wanted = waves * processors * 16 * 8 / 0.8 / (rows * outputs)
    assert effects.on_chip(of_linear(outputs, 16, rows))[0] == pytest.approx(wanted)


def test_banks_conflict_where_rows_are_multiples_of_them():
    effects = SizeEffects(banks=32, bank_bytes=4, bank_share=0.25)
    factor = {}
    for length in (32, 33, 36):
        table = of_linear(8, length)
        words = table._replace(weight_bits=np.full(len(table.kind), 32))
        factor[length] = float(effects.on_chip(words)[0])
    assert factor == {32: 8.0, 33: 1.0, 36: 1.0}


@pytest.mark.parametrize("machine", ["gtx_1080_ti", "pixel_1_cpu", "edge_16x16"])
def test_nothing_changes_where_it_is_off_and_nothing_gets_faster_where_it_is_on(machine):
    for network in (mlp(50), workloads.load("lenet5")):
        own = dse.evaluate(network, machine, mapping_objective="latency").totals["latency_s"]
        assert sized_latency_s(network, machine) == own
        assert sized_latency_s(network, machine, GPU_LIBRARY) >= own * (1 - 1e-12)
        assert sized_latency_s(network, machine, CPU_LIBRARY) >= own * (1 - 1e-12)


def test_a_roofline_is_monotone_until_an_effect_is_on():
    sizes = range(496, 521, 4)
    plain = latency_curve(mlp, "gtx_1080_ti", sizes)
    assert plain["latency_s"].is_monotonic_increasing
    assert not plain["minimum"].any()
    assert not plain["wasted"].any()
    odd = latency_curve(mlp, "gtx_1080_ti", [508, 510, 511, 512, 513], GPU_LIBRARY)
    assert odd["minimum"][512]
    assert odd["wasted"][[510, 511]].all()
    assert odd["latency_s"][511] > odd["latency_s"][512]


def test_dimension_and_density_are_chosen_together():
    def lstm(size):
        return recurrent(features=32, steps=4, hidden=size)

    need = lstm(64).parameters // 4
    found = choose_dimension(lstm, "eie", [32, 48, 64], need, densities=(1.0, 0.5, 0.25))
    assert (found["nonzero_parameters"] >= need).all()
    assert found["latency_s"].is_monotonic_increasing
    best = found.iloc[0]
    for size in (32, 48, 64):
        for density in (1.0, 0.5, 0.25):
            net = lstm(size) if density == 1 else lstm(size).sparsify("uniform", density=density)
            if net.nonzero_parameters >= need:
                assert sized_latency_s(net, "eie") >= best["latency_s"]
    cell = choose_dimension(
        lambda n: recurrent(features=32, steps=4, hidden=n, cell="h_lstm"), "eie", [32], 1
    )
    assert len(cell) == 5


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: SizeEffects(line_bytes=-1), "line_bytes must be 0 or more"),
        (lambda: SizeEffects(processors=0), "processors must be positive"),
        (lambda: SizeEffects(unaligned=0.0), r"unaligned must be in \(0, 1\]"),
        (lambda: latency_curve(mlp, "edge_16x16", []), "sizes must be positive"),
        (lambda: choose_dimension(mlp, "edge_16x16", [8], 10**9), "no size and density keeps"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
