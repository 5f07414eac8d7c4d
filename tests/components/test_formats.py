"""Number formats against every bit pattern of their documents."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
from hwmodels import formats
from hwmodels.components import arithmetic
from hwmodels.formats import matmul, number_format, quantize
from hwmodels.parts import NUMBER_FORMATS
from hwmodels.rounding import lfsr_mask, lfsr_states
from hwmodels.template import Template, pack_templates
from hwmodels.validation.silicon.products import product_table
from tests.oracles import number_formats as oracle

SMALL = ("fp8_e4m3", "fp8_e5m2", "fp6_e3m2", "fp6_e2m3", "fp4_e2m1", "fp16", "bf16")
BLOCKS = ("mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4", "mxint8", "msfp12", "msfp16")
INTEGERS = ("int2", "int3", "int4", "int8", "int11")

reals = st.one_of(
    st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-30),
    st.integers(-600, 600).map(lambda x: x / 16),  # ties
)


def numbers_of(name):
    form = number_format(name)
    if form.integer:
        return oracle.whole_numbers(form.element_bits, form.block > 1)
    return oracle.both_signs(oracle.decoded(form.exponent_bits, form.mantissa_bits, form.special))


TABLES = {name: numbers_of(name) for name in (*SMALL, *BLOCKS, *INTEGERS)}


@pytest.mark.parametrize(
    ("name", "bits", "largest", "smallest"),
    [
        ("fp8_e4m3", 8, 448.0, 2.0**-9),
        ("fp8_e5m2", 8, 57344.0, 2.0**-16),
        ("fp6_e3m2", 6, 28.0, 0.0625),
        ("fp6_e2m3", 6, 7.5, 0.125),
        ("fp4_e2m1", 4, 6.0, 0.5),
        ("fp16", 16, 65504.0, 2.0**-24),
    ],
)
def test_largest_and_smallest_are_those_of_the_documents(name, bits, largest, smallest):
    """OCP Microscaling v1.0, tables 3 to 5; arXiv 2209.05433, table 1; IEEE 754."""
    form = number_format(name)
    assert (form.element_bits, form.largest) == (bits, largest)
    assert float(TABLES[name][-1][0]) == largest
    assert quantize([smallest, smallest / 4], name).tolist() == [smallest, 0.0]


@pytest.mark.parametrize("name", [*SMALL, *INTEGERS])
@settings(max_examples=40, deadline=None)
@given(x=st.lists(reals, min_size=1, max_size=6))
def test_nearest_is_what_a_search_of_all_patterns_finds(name, x):
    found = quantize(x, name)
    assert found.tolist() == [float(oracle.nearest(Fraction(one), TABLES[name])) for one in x]


@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=20, deadline=None)
@given(x=st.lists(reals, min_size=1, max_size=70))
def test_a_block_is_read_in_the_scale_of_its_largest(name, x):
    form, expected = number_format(name), []
    for start in range(0, len(x), form.block):
        block = [Fraction(one) for one in x[start : start + form.block]]
        scale = oracle.block_scale(block, form.most_exponent)
        expected += [float(oracle.nearest(one / scale, TABLES[name]) * scale) for one in block]
    assert quantize(x, name).tolist() == expected


@pytest.mark.parametrize("name", [*SMALL, *BLOCKS, *INTEGERS])
@settings(max_examples=20, deadline=None)
@given(x=reals, seed=st.integers(0, 99))
def test_stochastic_rounding_takes_the_neighbour_that_its_random_number_says(name, x, seed):
    form, bits = number_format(name), 12
    exact = Fraction(x)
    scale = oracle.block_scale([exact], form.most_exponent) if form.block > 1 else Fraction(1)
    low, high = (pair[0] for pair in oracle.neighbours(exact / scale, TABLES[name]))
    state = int(lfsr_states(1, bits, seed)[0])
    state = (state >> 1) ^ (lfsr_mask(bits) if state & 1 else 0)
    inside = low <= exact / scale <= high and low != high
    share = (exact / scale - low) / (high - low) if inside else Fraction(0)
    kept = share * 2**bits
    kept = kept.numerator // kept.denominator
    expected = high if kept + state >= 2**bits else low
    if not inside:
        expected = low if exact > 0 else high
    assert quantize([x], name, "stochastic", lfsr_bits=bits, seed=seed)[0] == float(expected * scale)


def test_stochastic_rounding_is_unbiased():
    x = np.full(40000, 1.3)
    for name in ("fp8_e4m3", "fp4_e2m1", "int8", "mxfp4", "bf16", "tf32"):
        assert quantize(x, name, "stochastic").mean() == pytest.approx(1.3, rel=2e-2)


def test_fp32_bf16_and_tf32_are_numpys_bits():
    x = np.random.default_rng(0).standard_normal(999) * 10.0 ** np.arange(-30, 30).repeat(17)[:999]
    single = x.astype(np.float32)
    assert quantize(x, "fp32").tolist() == single.astype(float).tolist()
    assert quantize(x, "fp16").tolist() == np.clip(x, -65504, 65504).astype(np.float16).astype(float).tolist()
    for name, dropped in (("bf16", 16), ("tf32", 13)):
        words = quantize(x, name).astype(np.float32).view(np.uint32)
        assert not (words & np.uint32((1 << dropped) - 1)).any()


def test_a_tensor_takes_elements_and_a_scale_for_every_block():
    for name, elements, bytes_ in (
        ("int4", 3, 1.5),
        ("tf32", 8, 19.0),
        ("mxfp4", 32, 17.0),
        ("mxfp4", 33, 18.5),
        ("mxint8", 64, 66.0),
        ("msfp12", 16, 9.0),
    ):
        assert number_format(name).tensor_bytes(elements) == bytes_
    assert number_format("mxfp8_e4m3").bits == 8.25


def test_blocks_run_along_the_axis_asked_for():
    x = np.array([[1.0, 1000.0], [1.0, 1000.0]])
    assert quantize(x, "mxint8", axis=0)[0, 0] == 1.0
    assert quantize(x, "mxint8", axis=1)[0, 0] == 0.0


def test_integers_run_on_the_bit_true_datapath_and_others_are_refused():
    a, b = np.array([[3.0, -2.0]]), np.array([[5.0], [7.0]])
    assert matmul(a, b, "int8").item() == 1.0
    for name in ("fp8_e4m3", "mxint8", "int1", "msfp16"):
        with pytest.raises(ValueError, match=rf"the bit-true datapath runs int2 to int16, got '{name}'"):
            matmul(a, b, name)


def test_unknown_names_modes_and_numbers_are_refused():
    with pytest.raises(KeyError, match="unknown number format 'int17'; there are int1, int2"):
        number_format("int17")
    with pytest.raises(ValueError, match="mode must be one of nearest, stochastic, truncate"):
        quantize([1.0], "int8", "up")
    with pytest.raises(ValueError, match="x must be finite numbers"):
        quantize([np.nan], "int8")
    assert set(formats.format_names()) >= {"int1", "int16", "tf32", "mxint8", "fp4_e2m1"}
    assert quantize([-3.0, 0.5], "int1").tolist() == [-1.0, 1.0]


def on_chip(name, bits, **sparsity):
    """A machine whose buffers hold a small product whole, so that each operand crosses main memory once."""
    widths = dict.fromkeys(("weight_bits", "input_bits", "output_bits"), bits)
    zeros = {f"sparsity.weight.{field}": value for field, value in sparsity.items()}
    return hwmodels.load("edge_16x16").replace(
        {"datapath": hwmodels.spec.Datapath(number_format=name, **widths), **zeros}
    )


@pytest.mark.parametrize(
    ("name", "bits"), [("mxfp4", 4), ("mxint8", 8), ("msfp12", 4), ("fp8_e4m3", 8), ("int", 8)]
)
def test_a_scale_crosses_main_memory_with_its_block(name, bits):
    m, n, k = 64, 32, 64
    layers = product_table(*(np.array([size]) for size in (m, n, k)))
    totals = dse.evaluate(layers, on_chip(name, bits)).totals
    form = number_format("int8" if name == "int" else name)
    assert totals["dram_read_bytes"] == pytest.approx(form.tensor_bytes(m * k) + form.tensor_bytes(k * n))
    assert totals["dram_write_bytes"] == pytest.approx(form.tensor_bytes(m * n))


def test_two_of_four_and_a_scale_share_the_place_of_metadata():
    """Of four weights two are stored, each with two bits of its place and its share of a scale."""
    m, n, k = 64, 32, 64
    layers = product_table(*(np.array([size]) for size in (m, n, k)))._replace(weight_density=np.array([0.5]))
    weights = n * k * 0.5 * (4 + 2 + 0.25) / 8
    form = number_format("mxfp4")
    found = dse.evaluate(layers, on_chip("mxfp4", 4, mode="skip", format="n_m")).totals
    assert found["dram_read_bytes"] == pytest.approx(form.tensor_bytes(m * k) + weights)


def test_a_tensor_of_a_width_of_its_own_has_no_scale():
    layers = product_table(*(np.array([size]) for size in (64, 32, 64)))
    wide = layers._replace(weight_bits=np.array([8]), input_bits=np.array([8]), output_bits=np.array([8]))
    found = dse.evaluate(wide, on_chip("mxfp4", 4)).totals
    assert found["dram_read_bytes"] == 64 * 64 + 64 * 32


def test_narrower_formats_cost_less_and_a_format_that_does_not_fit_is_refused():
    layers = product_table(*(np.array([size]) for size in (64, 64, 64)))
    order = [("fp16", 16), ("mxfp8_e4m3", 8), ("mxfp6_e2m3", 6), ("mxfp4", 4)]
    spent = [dse.evaluate(layers, on_chip(name, bits)).totals["energy_j"] for name, bits in order]
    assert spent == sorted(spent, reverse=True)
    with pytest.raises(ValueError, match=r"Datapath\.weight_bits must be at least 8, .* of mxint8"):
        on_chip("mxint8", 4)
    space = dse.Space(
        on_chip("int", 8), axes={"datapath.number_format": ["int", "mxint8"], "datapath.weight_bits": [4, 8]}
    )
    with pytest.raises(ValueError, match=r"datapath\.weight_bits must be at least 8, .* got 4"):
        dse.sweep(layers, space)
    with pytest.raises(ValueError, match=r"number_format of eyeriss_v1: a level has no room for the scales"):
        hwmodels.load("eyeriss_v1").replace(
            {"datapath.number_format": "mxfp4", "datapath.weight_bits": 16, "datapath.input_bits": 16}
        )


def test_sums_hold_an_element_of_their_format():
    with pytest.raises(ValueError, match=r"Datapath\.accumulator_bits must be at least 32, .* of fp32 takes"):
        on_chip("int", 32).replace({"datapath.accumulator_bits": 8, "datapath.number_format": "fp32"})
    space = dse.Space(
        on_chip("int", 32),
        axes={"datapath.number_format": ["int", "fp32"], "datapath.accumulator_bits": [8, 32]},
    )
    with pytest.raises(ValueError, match=r"datapath\.accumulator_bits must be at least 32, .* got 8"):
        dse.sweep(product_table(*np.array([[8]] * 3)), space)


def test_a_template_pays_for_its_format_and_refuses_what_it_has_no_room_for():
    whole = Template().replace({f"datapath.{name}_bits": 16 for name in ("weight", "input", "output")})
    halves = whole.replace({"datapath.number_format": "fp16"})
    ours, theirs = (pack_templates(one) for one in (whole, halves))
    paid = [
        float(arithmetic.mac(16, 16, 32, whole.technology.node_nm, number_format=code).energy_pj)
        for code in (NUMBER_FORMATS["int"], NUMBER_FORMATS["fp16"])
    ]
    assert theirs.mac_pj[0] - ours.mac_pj[0] == pytest.approx(paid[1] - paid[0], rel=1e-9)
    assert paid[0] != paid[1]
    swept = pack_templates(whole, {"datapath.number_format": (["int", "fp16"], np.array([0, 1]))}, 2)
    assert swept.mac_pj.tolist() == [ours.mac_pj[0], theirs.mac_pj[0]]
    with pytest.raises(ValueError, match=r"Template\.datapath\.number_format: its banks have no room"):
        whole.replace({"datapath.number_format": "mxfp8_e4m3"})
