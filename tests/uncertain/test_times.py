"""Latency from its parts: at nominal speeds it is the sweep's, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
import hwmodels
from dse.strategies.problem import work_of
from hwmodels.models.two_level import tiles_of
from hwmodels.times import OperationTimes, latency_at, operation_times
from workloads.table import deduplicate


@pytest.mark.compiled
@pytest.mark.parametrize("network", ["mobilenet_v2", "bert_base", "resnet18"])
@pytest.mark.parametrize("space", ["systolic", "sparse", "spring"])
def test_nominal_speeds_give_the_sweeps_latency(network, space):
    work = work_of(network)
    tiles = tiles_of(work.layers)
    named = dse.named_space(space)
    configs = named.pack(np.sort(named.sample(8, seed=1)))
    for objective in hwmodels.OBJECTIVES:
        times = operation_times(work.layers, configs, objective, tiles)
        unlimited = configs._replace(temperature_limit_c=np.zeros(8))
        wanted = hwmodels.evaluate(work.layers, unlimited, objective, tiles=tiles).latency_s
        one = np.ones(1)
        got = latency_at(work.layers, configs, times, one, one[:, None], np.zeros(8, np.int64))[:, 0]
        known = np.isfinite(wanted)
        assert known.sum() >= 4
        assert (got[known] == wanted[known]).all()


times = st.floats(min_value=0.0, max_value=1.0)


@given(
    chip=times, dram=times, share=times, double=st.booleans(), slow=st.lists(st.floats(0.1, 9.0), min_size=2)
)
def test_latency_is_the_sum_over_operations(chip, dram, share, double, slow):
    layers, _ = deduplicate(work_of("lenet5").table)
    configs = hwmodels.pack(hwmodels.load("edge_16x16").replace({"buffers.double_buffered": double}))
    shape = (1, layers.rows)
    edge = share * dram
    parts = OperationTimes(np.full(shape, chip), np.full(shape, dram), np.full(shape, edge))
    chip_slow, dram_slow = np.array(slow), np.array(slow[::-1])
    got = latency_at(layers, configs, parts, chip_slow, dram_slow[None], np.zeros(1, np.int64))[0]
    for sample in range(len(slow)):
        u, t = slow[sample], slow[-1 - sample]
        one = edge * t + max(chip * u, dram * t - edge * t) if double else chip * u + dram * t
        assert got[sample] == pytest.approx(layers.repeats.sum() * one, rel=1e-13)
