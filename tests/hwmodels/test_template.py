"""The template machine: against a walk of its tiles, by law, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.columns import LIMITS
from hwmodels.template import LOOP_ORDERS, Template, account_templates, evaluate_templates, pack_templates
from tests.oracles import template as oracle
from workloads.table import Kind, blank_table

SMALL = {
    **{name: st.integers(1, 5) for name in ("k", "c", "p", "q")},
    **{name: st.integers(1, 2) for name in ("n", "g", "stride_p", "stride_q", "dilation_r", "dilation_s")},
    **{name: st.integers(1, 3) for name in ("r", "s")},
}
MACHINE = {
    "loop_order": st.sampled_from(LOOP_ORDERS),
    **{name: st.integers(1, 3) for name in ("groups", "macs_per_group", "weight_banks", "input_banks")},
    **{f"tile_{name}": st.integers(1, 6) for name in ("if", "ix", "iy", "of")},
    "bank_height": st.sampled_from([16, 64, 1024]),
    "bank_width_bits": st.sampled_from([8, 16, 32]),
}


def table(nest, **more):
    layers = blank_table(1)
    layers.kind[0] = Kind.NEST
    for name, value in {**nest, **more}.items():
        getattr(layers, name)[0] = value
    layers.in_rows[0] = layers.in_cols[0] = 99
    return layers


def row(configs):
    found = {name: float(getattr(configs, name)[0]) for name in configs._fields}
    for name in ("groups", "macs_per_group", "tile_if", "tile_ix", "tile_iy", "tile_of"):
        found[name] = int(found[name])
    widths = {"weight_b": "weight", "input_b": "input", "output_b": "output", "sum_b": "accumulator"}
    return {**found, **{short: found[f"{long}_bits"] / 8 for short, long in widths.items()}}


@given(
    nest=st.fixed_dictionaries(SMALL),
    fields=st.fixed_dictionaries(MACHINE),
    stays=st.sets(st.sampled_from(["weight", "input", "output"]), max_size=2),
)
@settings(max_examples=200, deadline=None)
def test_equals_the_walk(nest, fields, stays):
    configs = pack_templates(Template(**fields))
    names = {"weight": "weight_elements", "input": "read_elements", "output": "write_elements"}
    elements = {names[operand]: int(operand not in stays) for operand in names}  # 0 or not: how many is dims'
    found = account_templates(table(nest, **elements), configs).operations()
    expected = oracle.cost({**nest, "stays": stays}, {**row(configs), "loop_order": fields["loop_order"]})
    if found["limit"][0]:
        assert LIMITS[found["limit"][0]] == expected
        assert np.isnan(found["energy_j"][0])
        return
    columns = ("compute_cycles", "dram_read_bytes", "dram_write_bytes")
    assert tuple(found[name][0] for name in columns) == expected[1:4]  # whole bytes: exact
    assert found["latency_s"][0] == pytest.approx(expected[0], rel=1e-12)  # sums in another order
    assert found["buffer_energy_j"][0] * 1e12 == pytest.approx(expected[4], rel=1e-12)


@given(nest=st.fixed_dictionaries(SMALL), fields=st.fixed_dictionaries(MACHINE))
@settings(max_examples=100, deadline=None)
@pytest.mark.filterwarnings("ignore:invalid value")  # of kernels run uncompiled: 0 / 0 in an infeasible row
def test_laws(nest, fields):
    layers = table(nest)
    metrics = evaluate_templates(layers, pack_templates(Template(**fields)))
    if not metrics.feasible[0]:
        assert np.isnan(metrics.latency_s[0])
        return
    assert metrics.macs[0] == layers.macs[0]
    assert 0 < metrics.utilisation[0] <= 1
    weights = nest["g"] * nest["k"] * nest["c"] * nest["r"] * nest["s"]
    assert metrics.dram_read_bytes[0] >= weights
    assert metrics.dram_write_bytes[0] >= nest["n"] * nest["g"] * nest["k"] * nest["p"] * nest["q"]
    parts = ("mac", "buffer", "dram", "vector", "static")
    total = sum(getattr(metrics, f"{part}_energy_j")[0] for part in parts)
    assert metrics.energy_j[0] == pytest.approx(total, rel=1e-12)
    if any(nest[f"stride_{a}"] > (nest[b] - 1) * nest[f"dilation_{b}"] + 1 for a, b in ("pr", "qs")):
        return  # small tiles then skip what large ones fetch between windows
    roomy = Template(
        **{**fields, "tile_if": 9, "tile_of": 9, "tile_ix": 9, "tile_iy": 9, "bank_height": 65536}
    )
    whole = evaluate_templates(layers, pack_templates(roomy))
    assert whole.dram_read_bytes[0] <= metrics.dram_read_bytes[0]
    again = evaluate_templates(table(nest, repeats=3), pack_templates(Template(**fields)))
    assert again.latency_s[0] == pytest.approx(3 * metrics.latency_s[0], rel=1e-12)


def test_vector_work_runs_on_the_macs():
    layers = blank_table(1)
    layers.kind[0], layers.vector_ops[0], layers.read_elements[0] = Kind.VECTOR, 1e9, 8
    machine = Template()
    metrics = evaluate_templates(layers, pack_templates(machine))
    assert metrics.latency_s[0] == 1e9 / (256 * machine.clock_hz)
    layers.fused[0] = 1
    assert evaluate_templates(layers, pack_templates(machine)).latency_s[0] < 1e-6


@pytest.mark.parametrize(
    ("height", "limit"), [(128, ""), (127, "buffers.weight.bytes"), (64, "buffers.weight.bytes")]
)
def test_weight_banks_hold_twice_a_tile(height, limit):
    """A tile of 8 x 8 weights of 8 bits, in one bank of words of 8 bits."""
    nest = dict.fromkeys(SMALL, 1) | {"k": 8, "c": 8}
    tiles = {"tile_if": 8, "tile_of": 8, "tile_ix": 1, "tile_iy": 1}
    banks = {"groups": 1, "weight_banks": 1, "input_banks": 99, "bank_height": height, "bank_width_bits": 8}
    machine = Template(**tiles, **banks).replace({"datapath.weight_bits": 8})
    found = account_templates(table(nest), pack_templates(machine)).operations()
    assert LIMITS[found["limit"][0]] == limit


def test_axes_move_the_columns():
    axes = {
        "groups": ([4, 8], np.array([0, 1, 1])),
        "loop_order": (["xy_if_of", "of_if_xy"], np.array([1, 0, 1])),
        "main_memory": (["lpddr4", "hbm2"], np.array([0, 0, 1])),
        "main_memory.write_share": ([0.5, 1.0], np.array([1, 0, 1])),
    }
    configs = pack_templates(Template(), axes, 3)
    assert configs.groups.tolist() == [4, 8, 8]
    assert configs.order.tolist() == [0, 5, 0]
    for index in range(3):
        changes = {path: choices[codes[index]] for path, (choices, codes) in axes.items()}
        one = pack_templates(Template().replace(changes))
        for name in configs._fields:
            assert getattr(configs, name)[index] == getattr(one, name)[0], name


def test_a_low_power_process_leaks_less_at_old_nodes():
    old = {"technology.node_nm": 65}
    leakage = [
        pack_templates(Template().replace(old | {"technology.device": device})).leakage_w[0]
        for device in ("hp", "lop")
    ]
    assert leakage[1] < 0.1 * leakage[0]


def test_more_of_everything_is_more_area():
    small = pack_templates(Template()).area_mm2[0]
    for field in (
        "groups",
        "macs_per_group",
        "bank_height",
        "bank_width_bits",
        "weight_banks",
        "input_banks",
    ):
        assert pack_templates(Template(**{field: 4 * getattr(Template(), field)})).area_mm2[0] > small


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 0}, r"Template\.groups must be an integer >= 1, got 0"),
        ({"loop_order": "yx"}, r"Template\.loop_order must be one of of_if_xy, .*, got 'yx'"),
        ({"clock_hz": -1.0}, r"Template\.clock_hz must be a positive number"),
        ({"rows": 8}, r"unknown field 'rows'; did you mean 'groups'"),
    ],
)
def test_bad_input(changes, message):
    with pytest.raises(ValueError, match=message):
        Template().replace(changes)


def test_products_of_the_largest_counts_do_not_wrap():
    """Of counts up to 2**52 each: two were an int64, and a machine of 2**64 MACs took no room."""

    def area_mm2(**counts):
        return float(pack_templates(Template(**counts)).area_mm2[0])

    pairs = ("groups", "macs_per_group"), ("bank_height", "bank_width_bits"), ("groups", "input_banks")
    for one, other in pairs:
        few, twice, more = (area_mm2(**{one: 1 << 40, other: 1 << power}) for power in (49, 50, 51))
        assert 0.0 < few < twice < more
        if other != "bank_width_bits":  # whose area is no straight line
            assert (more - twice) / (twice - few) == pytest.approx(2.0, rel=1e-6)
    layers = blank_table(1)
    layers.kind[0], layers.vector_ops[0] = Kind.VECTOR, 1000
    large = pack_templates(Template(groups=1 << 40, macs_per_group=1 << 40))
    assert account_templates(layers, large).operations()["latency_s"][0] < 1e-6
