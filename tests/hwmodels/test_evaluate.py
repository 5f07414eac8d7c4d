"""From specs to totals: the staircase, the batch against its operations, and laws of the model."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.columns import LIMITS, MetricTable
from tests.hwmodels.tables import layer_table
from tests.oracles.tiling import Nest
from workloads.table import Kind, LayerTable, deduplicate, take_rows

CONV = Nest(k=64, c=32, p=28, q=28, r=3, s=3, pad=1, in_rows=28, in_cols=28)
PRODUCT = Nest(n=10, k=100, c=256)
SMALL_AXES = {
    "array.rows": [8, 32],
    "array.cols": [8, 16],
    "array.dataflow": ["os", "ws", "is"],
    "buffers.weight.bytes": [4096, 262144],
    "main_memory": ["lpddr4", "hbm2"],
}


def network() -> LayerTable:
    """Two nests, one of them twice, an element-wise row and a movement row."""
    table = layer_table([CONV, PRODUCT, CONV, CONV, CONV])
    kind = table.kind.copy()
    kind[3:] = Kind.VECTOR, Kind.MOVEMENT
    columns = {
        name: getattr(table, name).copy() for name in ("vector_ops", "read_elements", "write_elements")
    }
    columns["vector_ops"][3] = 50_000
    columns["read_elements"][3:] = 50_000
    columns["write_elements"][3:] = 25_000
    return table._replace(kind=kind, **columns)


def grid(axes):
    """Every combination of axis values, as `pack` takes it."""
    codes = np.indices([len(values) for values in axes.values()]).reshape(len(axes), -1)
    return {path: (values, codes[i]) for i, (path, values) in enumerate(axes.items())}, codes.shape[1]


def test_packing_axes_equals_replacing_specs():
    base = hwmodels.load("edge_16x16")
    axes, size = grid(SMALL_AXES)
    together = hwmodels.pack(base, axes, size)
    for i in range(size):
        spec = base.replace({path: values[codes[i]] for path, (values, codes) in axes.items()})
        alone = hwmodels.pack(spec)
        for name in together._fields:
            assert getattr(together, name)[i] == getattr(alone, name)[0], name


def test_totals_are_the_sums_of_operations():
    layers = network()
    unique, index = deduplicate(layers)
    assert unique.rows == 4
    acc = hwmodels.load("edge_32x32")
    totals = hwmodels.evaluate(unique, hwmodels.pack(acc))
    operations = hwmodels.evaluate_operations(layers, acc)
    for name in ("latency_s", "energy_j", "compute_cycles", "dram_read_bytes", "dram_write_bytes"):
        assert getattr(totals, name)[0] == pytest.approx(getattr(operations, name).sum(), rel=1e-12)
    assert index.tolist() == [0, 1, 0, 2, 3]


def test_energy_is_the_sum_of_its_parts():
    metrics = hwmodels.evaluate(network(), hwmodels.pack(hwmodels.load("edge_32x32")))
    parts = sum(
        getattr(metrics, f"{part}_energy_j")[0] for part in ("mac", "buffer", "dram", "vector", "static")
    )
    assert metrics.energy_j[0] == pytest.approx(parts, rel=1e-12)
    assert metrics.power_w[0] * metrics.latency_s[0] == pytest.approx(metrics.energy_j[0], rel=1e-12)


def test_ranges_of_a_batch_equal_the_whole():
    base = hwmodels.load("edge_16x16")
    axes, size = grid(SMALL_AXES)
    configs = hwmodels.pack(base, axes, size)
    whole = hwmodels.evaluate(network(), configs)
    for start in range(0, size, 7):
        stop = min(start + 7, size)
        part = hwmodels.evaluate(network(), configs, start=start, stop=stop)
        for got, want in zip(part, take_rows(whole, slice(start, stop)), strict=True):
            np.testing.assert_array_equal(got, want)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.sampled_from([1, 4, 16]),
    flow=st.sampled_from(["os", "ws", "is"]),
    objective=st.sampled_from(hwmodels.OBJECTIVES),
)
def test_laws_of_a_configuration(rows, flow, objective):
    acc = hwmodels.load("edge_16x16").replace({"array.rows": rows, "array.dataflow": flow})
    layers = network()
    metrics = hwmodels.evaluate(layers, hwmodels.pack(acc), objective)
    assert 0 < metrics.utilisation[0] <= 1
    assert metrics.macs[0] == layers.macs.sum()
    assert metrics.latency_s[0] >= metrics.compute_cycles[0] / acc.clock_hz
    bandwidth = acc.main_memory.bandwidth_bytes_per_s
    traffic = metrics.dram_read_bytes[0] + metrics.dram_write_bytes[0]
    assert metrics.latency_s[0] >= traffic / bandwidth * (1 - 1e-12)
    best = {name: hwmodels.evaluate(layers, hwmodels.pack(acc), name) for name in hwmodels.OBJECTIVES}
    assert metrics.latency_s[0] >= best["latency"].latency_s[0]
    assert metrics.energy_j[0] >= best["energy"].energy_j[0] * (1 - 1e-12)


def test_a_faster_memory_is_never_slower():
    acc = hwmodels.load("edge_16x16")
    slow = acc.replace({"main_memory": dataclasses.replace(acc.main_memory, bandwidth_bytes_per_s=1e9)})
    pair = [hwmodels.evaluate(network(), hwmodels.pack(a), "latency").latency_s[0] for a in (acc, slow)]
    assert pair[0] <= pair[1]


def test_nothing_fits_names_the_buffer_and_costs_are_nan():
    acc = hwmodels.load("edge_16x16").replace({"buffers.output.bytes": 2})
    metrics = hwmodels.evaluate(network(), hwmodels.pack(acc))
    assert not metrics.feasible[0]
    assert LIMITS[metrics.limit[0]] == "buffers.output.bytes"
    counts = {"feasible", "limit", "area_mm2", "footprint_mm2", "mappings_costed"}
    assert all(np.isnan(getattr(metrics, name)[0]) for name in MetricTable._fields if name not in counts)


def test_a_shared_buffer_holds_what_has_no_buffer_of_its_own():
    private = hwmodels.load("edge_16x16")
    pool = private.replace(
        {
            "buffers.weight.bytes": 0,
            "buffers.input.bytes": 0,
            "buffers.output.bytes": 0,
            "buffers.shared.bytes": 160 * 1024,
        }
    )
    costs = [hwmodels.evaluate(network(), hwmodels.pack(acc), "latency") for acc in (private, pool)]
    # One pool of the same size holds every tile set that three buffers hold.
    assert costs[1].dram_read_bytes[0] <= costs[0].dram_read_bytes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array.rows": 0}, r"Array\.rows must be an integer >= 1, got 0"),
        ({"array.rows": -8}, r"Array\.rows must be an integer >= 1, got -8"),
        ({"array.dataflow": "xs"}, r"array\.dataflow: must be one of os, ws, is, got \'xs\'"),
        ({"clock_hz": 0}, r"Accelerator\.clock_hz must be a positive number, got 0"),
        (
            {"buffers.wieght.bytes": 1},
            r"unknown field 'buffers\.wieght\.bytes'; did you mean 'buffers\.weight\.bytes'",
        ),
        (
            {"buffers.weight.bytes": 0},
            r"Buffers\.weight\.bytes must be positive where there is no shared buffer",
        ),
        ({"main_memory": "hmb2"}, r"hbm2"),
        ({"datapath.number_format": "fp8"}, r"number_format must be one of int, fp16, .*mxfp4.*, got 'fp8'"),
        ({"datapath.number_format": "fp16"}, r"Datapath\.weight_bits must be at least 16, .* got 8"),
    ],
)
def test_bad_specs_name_field_and_value(changes, message):
    with pytest.raises((ValueError, KeyError), match=message):
        hwmodels.load("edge_16x16").replace(changes)


def test_unknown_accelerator_names_the_nearest():
    with pytest.raises(hwmodels.UnknownAcceleratorError, match=r"did you mean tpu_v"):
        hwmodels.load("tpu_v2")


def test_ragged_and_wrapping_tables_are_refused():
    configs = hwmodels.pack(hwmodels.load("edge_16x16"))
    layers = network()
    with pytest.raises(ValueError, match=r"LayerTable: columns need one common, nonzero length"):
        hwmodels.evaluate(layers._replace(k=layers.k[:2]), configs)
    with pytest.raises(ValueError, match=r"LayerTable\.k\[0\] must be at least 1, got 0"):
        hwmodels.evaluate(layers._replace(k=np.zeros_like(layers.k)), configs)
    with pytest.raises(ValueError, match=r"counts are exact to 2\*\*53 only"):
        hwmodels.evaluate(layers._replace(k=np.full_like(layers.k, 2**50)), configs)
    with pytest.raises(
        ValueError, match=r"mapping objective must be one of latency, energy, edp, got 'speed'"
    ):
        hwmodels.evaluate(layers, configs, "speed")
