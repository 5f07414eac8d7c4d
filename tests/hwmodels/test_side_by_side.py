"""Configurations costed side by side are those costed alone, to the last bit, mappings counted too."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
import workloads
from hwmodels.alike import alike
from hwmodels.columns import ConfigTable, MetricTable
from hwmodels.kernels.two_level.lanes import WIDTH
from hwmodels.kernels.two_level.rows import Config, config_matrix, config_row, layer_matrix, layer_row
from hwmodels.tiles import TileLists
from tests.hwmodels.tables import config_table, layer_table
from tests.hwmodels.test_tiling import machines, nests
from workloads.table import make_table, take_rows

RATES = ("clock_hz", "dram_read_bytes_per_s", "dram_write_bytes_per_s", "mac_pj", "weight_read_pj_per_byte")
RATES += ("output_port_bytes_per_s", "dram_read_pj_per_byte", "leakage_w", "input_write_pj_per_byte")


def costed_alone(layers, configs, objective):
    """Each configuration in a batch of its own, which the scalar kernel takes."""
    rows = [take_rows(configs, slice(c, c + 1)) for c in range(configs.size)]
    return [hwmodels.evaluate(layers, row, objective) for row in rows]


def assert_equal(together, alone):
    for name in MetricTable._fields:
        each = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_array_equal(getattr(together, name), each, err_msg=name)


@st.composite
def alike_machines(draw):
    """From one machine several that differ in what things take."""
    one = config_table(draw(machines()))
    size = draw(st.integers(4, 11))
    columns = {name: np.repeat(getattr(one, name), size) for name in ConfigTable._fields}
    for name in RATES:
        factors = draw(st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=size, max_size=size))
        columns[name] = columns[name] * np.array(factors)
    return ConfigTable(**columns)


@settings(max_examples=60)
@given(st.lists(nests(), min_size=1, max_size=3), alike_machines(), st.sampled_from(hwmodels.OBJECTIVES))
def test_small_nests_cost_the_same_side_by_side_and_alone(some, configs, objective):
    layers = layer_table(some)
    together = hwmodels.evaluate(layers, configs, objective)
    assert_equal(together, costed_alone(layers, configs, objective))


@pytest.mark.parametrize("objective", hwmodels.OBJECTIVES)
@pytest.mark.parametrize("name", ["edge_16x16", "scnn", "spring", "eie"])
def test_networks_cost_the_same_side_by_side_and_alone(name, objective):
    """Depthwise layers are drained group by group; zeros shorten streams; a small buffer ends some."""
    base = hwmodels.load(name)
    memories = ["lpddr4", "ddr4", "hbm2"]
    choices = {
        "main_memory": memories,
        "clock_hz": [0.5 * base.clock_hz, base.clock_hz, 1.5 * base.clock_hz],
        "buffers.double_buffered": [True, False],
    }
    codes = np.indices([len(values) for values in choices.values()]).reshape(len(choices), -1)
    axes = {path: (values, codes[i]) for i, (path, values) in enumerate(choices.items())}
    configs = hwmodels.pack(base, axes, codes.shape[1])
    net = workloads.load("mobilenet_v2").sparsify("erk", density=0.3)
    layers, _ = workloads.deduplicate(net.table())
    some = take_rows(layers, slice(0, None, 7))
    assert_equal(hwmodels.evaluate(some, configs, objective), costed_alone(some, configs, objective))


def test_groups_hold_what_differs_in_rates_alone():
    base = hwmodels.load("edge_16x16")
    choices = {
        "clock_hz": [1e8 * (1 + i) for i in range(2 * WIDTH + 3)],
        "buffers.weight.bytes": [2**14, 2**15],
    }
    codes = np.indices([len(values) for values in choices.values()]).reshape(2, -1)
    axes = {path: (values, codes[i]) for i, (path, values) in enumerate(choices.items())}
    configs = hwmodels.pack(base, axes, codes.shape[1])
    tiles = TileLists(_layers()).table(configs)
    order, starts = alike(config_matrix(configs), tiles)
    assert sorted(order) == list(range(configs.size))
    assert starts[0] == 0
    assert starts[-1] == configs.size
    sizes = np.diff(starts)
    assert sizes.min() > WIDTH // 2, "a large group is cut evenly"
    assert sizes.max() <= WIDTH
    for start, stop in itertools.pairwise(starts):
        assert len(set(configs.weight_capacity_bytes[order[start:stop]])) == 1


def _layers():
    return workloads.load("lenet5").table()


def test_a_matrix_holds_what_a_row_reads():
    """Every column has a value of its own, and comes back under its own name."""
    values = np.arange(1.0, len(ConfigTable._fields) + 1)
    configs = make_table(ConfigTable, dict(zip(ConfigTable._fields, values, strict=True)), 1)
    row = config_row(config_matrix(configs), 0)
    fixed = {"mode": 0, "on_chip": 1, "skip_block": 1, "group": 1, "width": 1}
    for operand in Config._fields[:3]:
        read = getattr(row, operand)
        for name in read._fields:
            own = operand == "output" and name in fixed
            assert getattr(read, name) == (fixed[name] if own else getattr(configs, f"{operand}_{name}")[0])
    for name in Config._fields[3:-1]:
        if name != "static_w":
            assert getattr(row, name) == getattr(configs, name)[0], name
    assert row.static_w == configs.leakage_w[0] + configs.dram_background_w[0]
    layers = _layers()
    layer = layer_row(layer_matrix(layers), 1)
    for name in layer._fields:
        assert getattr(layer, name) == getattr(layers, name)[1], name


def test_what_zeros_spare_is_taken_from_none_but_machines_that_spare_alike():
    """Machines that follow one another differ in one cause each, or in capacities alone."""
    base = hwmodels.load("edge_16x16").replace(
        {"sparsity.weight.mode": "skip", "sparsity.input.mode": "skip"}
    )
    base = base.replace({"sparsity.weight.group": 8})
    choices = {
        "sparsity.weight.format": ["bitmask", "rle", "csr"],
        "sparsity.weight.width": [1, 4],
        "sparsity.imbalance": ["none", "binomial"],
        "array.cols": [8, 16],
        "datapath.input_bits": [4, 8],
        "buffers.mask.bytes": [2**14, 2**20],
        "buffers.weight.bytes": [2**14, 2**18],
        "clock_hz": [1e9, 2e9, 3e9],
    }
    codes = np.indices([len(values) for values in choices.values()]).reshape(len(choices), -1)
    codes = codes[:, np.random.default_rng(3).permutation(codes.shape[1])[:60]]
    configs = hwmodels.pack(
        base, {path: (values, codes[i]) for i, (path, values) in enumerate(choices.items())}, 60
    )
    net = workloads.load("lenet5").sparsify("erk", density=0.3)
    layers, _ = workloads.deduplicate(net.table())
    together = hwmodels.evaluate(layers, configs, "edp")
    assert np.unique(together.latency_s).size > 30
    assert_equal(together, costed_alone(layers, configs, "edp"))
    every = take_rows(configs, np.repeat(np.arange(60), 3))  # groups, which are costed side by side
    triple = hwmodels.evaluate(layers, every, "edp")
    np.testing.assert_array_equal(triple.latency_s, np.repeat(together.latency_s, 3))
