"""What zeros save: against counts on masks, against exact sums, and by law."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels.columns import ConfigTable
from hwmodels.kernels.two_level import rows
from hwmodels.kernels.two_level.formats import metadata_bits, stored_share
from hwmodels.kernels.two_level.imbalance import excess, largest_normal
from hwmodels.kernels.two_level.sparse import FITTED_DISPERSION, packing_loss, shares, vectors
from hwmodels.sparsity import FORMATS, MODES
from tests.hwmodels.tables import layer_table
from tests.oracles import sparse as oracle
from tests.oracles import systolic as stepped
from tests.oracles.tiling import Nest
from workloads.sparsity.formats import Format, format_bits
from workloads.sparsity.imbalance import expected_imbalance
from workloads.table import LayerTable, with_densities

CONV = Nest(k=64, c=32, p=28, q=28, r=3, s=3, pad=1, in_rows=28, in_cols=28)


def network(weight=1.0, inputs=1.0, output=1.0, effectual=None, dispersion=0.0) -> LayerTable:
    table = layer_table([CONV])
    share = weight * inputs if effectual is None else effectual
    return table._replace(
        weight_density=np.array([weight]),
        input_density=np.array([inputs]),
        output_density=np.array([output]),
        effectual_macs=share * table.macs,
        weight_dispersion=np.array([dispersion]),
    )


def machine(**changes):
    """An edge machine with `sparsity.*` (dots as double underscores) replaced."""
    paths = {f"sparsity.{path.replace('__', '.')}": value for path, value in changes.items()}
    return hwmodels.load("edge_16x16").replace(paths)


def cost(accelerator, layers, objective="latency"):
    return hwmodels.evaluate(layers, hwmodels.pack(accelerator), objective)


def share_of(accelerator, layers):
    config = rows.config_row(rows.config_matrix(hwmodels.pack(accelerator)), 0)
    return shares(rows.layer_row(rows.layer_matrix(layers), 0), config, float(layers.macs[0]))


def operand(**fields):
    values = dict.fromkeys(rows.Operand._fields, 1) | {"bits": 8, "scale_bits": 0.0, "mode": 2} | fields
    return rows.Operand(**values)


# --- formats


def test_format_codes_are_those_of_workloads():
    assert {one.name.lower(): int(one) for one in Format} == FORMATS


masks = st.integers(1, 6).flatmap(
    lambda r: st.integers(1, 4).flatmap(
        lambda c: st.lists(
            st.lists(st.integers(0, 1), min_size=4 * c, max_size=4 * c), min_size=r, max_size=r
        )
    )
)


@settings(max_examples=100, deadline=None)
@given(mask=masks, code=st.sampled_from(["dense", "bitmask", "csr", "csc", "coo"]), bits=st.integers(1, 32))
def test_stored_bits_are_those_of_encoding_a_mask(mask, code, bits):
    elements = len(mask) * len(mask[0])
    nonzeros = sum(map(sum, mask))
    assume(nonzeros)
    share = stored_share(nonzeros / elements, operand(format=FORMATS[code]))
    index = metadata_bits(share, operand(format=FORMATS[code]), float(elements), float(len(mask)))
    data, metadata = oracle.encode(mask, code, bits)
    assert share * elements * bits == pytest.approx(data, rel=1e-12)
    assert index * elements == pytest.approx(metadata, rel=1e-12, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    density=st.floats(0.01, 1.0),
    code=st.sampled_from(list(Format)),
    length=st.integers(1, 64),
    lines=st.integers(1, 64),
    run_bits=st.integers(1, 8),
    pattern=st.sampled_from([(1, 4), (2, 4), (4, 8)]),
    block=st.sampled_from([1, 2, 4]),
)
def test_stored_bits_are_those_of_workloads(density, code, length, lines, run_bits, pattern, block):
    n, m = pattern
    if code == Format.N_M:
        density = min(density, n / m)
    elements = 8 * length * lines
    one = operand(format=int(code), run_bits=run_bits, n=n, m=m, block=block)
    share = stored_share(density, one)
    index = metadata_bits(share, one, float(elements), float(lines))
    want = format_bits(
        code,
        elements,
        density * elements,
        8,
        rows=lines,
        run_bits=run_bits,
        n=n,
        m=m,
        block=block,
        block_rows=lines,
        period_bits=block,
    )
    assert share * elements * 8 == pytest.approx(float(want.data_bits), rel=1e-9)
    # A ceiling of a logarithm may fall on either side when its argument is a float's breadth from a power.
    assert index * elements == pytest.approx(float(want.metadata_bits), rel=1e-9, abs=lines + 1)


def test_runs_expect_what_encoding_a_long_mask_gives():
    mask = (np.random.default_rng(0).random((1, 200_000)) < 0.04).astype(int).tolist()
    data, metadata = oracle.encode(mask, "rle", 8)
    one = operand(format=FORMATS["rle"], run_bits=4)
    share = stored_share(0.04, one)
    assert share * 8 * 200_000 == pytest.approx(data, rel=0.02)  # 8,000 non-zeros: 1.1 % standard deviation
    assert metadata_bits(share, one, 2e5, 1.0) * 200_000 == pytest.approx(metadata, rel=0.02)


def test_a_tensor_too_dense_for_its_pattern_is_stored_dense():
    pattern = operand(format=FORMATS["n_m"], n=2, m=4)
    assert stored_share(0.5, pattern) == 0.5
    assert metadata_bits(0.5, pattern, 64.0, 1.0) == 1.0  # two bits for each of two in four
    assert stored_share(0.51, pattern) == 1.0
    assert metadata_bits(1.0, pattern, 64.0, 1.0) == 0.0


# --- packing and imbalance


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0.001, 1.0), group=st.integers(1, 200), width=st.integers(1, 16))
def test_vectors_are_the_expected_ceiling(share, group, width):
    want = oracle.vectors(share, group, width)
    assert vectors(share, group, width) == pytest.approx(want, rel=2e-4)


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0.01, 0.99), group=st.integers(1, 60), width=st.integers(1, 16))
def test_packing_loses_and_more_density_never_takes_less(share, group, width):
    assert share * packing_loss(share, group, width) <= 1 + 1e-9
    assert packing_loss(share, group, width) >= 1 / math.ceil(group / width) / width * group * (1 - 1e-4)
    assert vectors(share, group, width) <= vectors(share + 0.01, group, width) * (1 + 1e-4)


@pytest.mark.parametrize("count", [4, 16, 64, 4608])
def test_largest_of_many_normals(count):
    from scipy import integrate, stats

    exact = integrate.quad(lambda x: x * count * stats.norm.pdf(x) * stats.norm.cdf(x) ** (count - 1), -9, 9)[
        0
    ]
    assert largest_normal(float(count)) == pytest.approx(exact, rel=0.02)


# Closed form over the exact sum: (elements, dispersion) -> most it may be above, as its docstring states.
ABOVE = {(9, 1): 0.18, (64, 1): 0.03, (256, 1): 0.03, (4608, 1): 0.03, (256, 4): 0.04, (1152, 10): 0.03}


@pytest.mark.parametrize(("elements", "dispersion"), ABOVE)
@pytest.mark.parametrize("lanes", [2, 16, 64, 4608])
@pytest.mark.parametrize("density", [0.05, 0.25, 0.5, 0.9])
def test_waiting_is_near_the_exact_expectation(elements, dispersion, lanes, density):
    exact = expected_imbalance(elements, density, lanes, dispersion)
    found = 1.0 + excess(float(elements), density, float(dispersion), float(lanes))
    assert exact * (1 - 0.003) <= found <= exact * (1 + ABOVE[elements, dispersion])


@settings(max_examples=100, deadline=None)
@given(
    elements=st.integers(2, 5000),
    density=st.floats(0.01, 0.98),
    dispersion=st.floats(1.0, 20.0),
    lanes=st.integers(1, 5000),
)
def test_waiting_laws(elements, density, dispersion, lanes):
    def work(density=density, dispersion=dispersion, lanes=lanes):
        return density * (1.0 + excess(float(elements), density, dispersion, float(lanes)))

    assert density <= work() <= 1.0 + 1e-12
    assert work() <= work(density=density + 0.02) + 1e-9
    assert work() <= work(lanes=2 * lanes) + 1e-9
    assert work() <= work(dispersion=2 * dispersion) + 1e-9


# --- shares of work, energy and time


bits = st.lists(st.integers(0, 1), min_size=6, max_size=6)
modes = st.sampled_from(list(MODES))


@settings(max_examples=100, deadline=None)
@given(
    weights=st.lists(bits, min_size=1, max_size=4),
    inputs=st.lists(bits, min_size=1, max_size=4),
    weight_mode=modes,
    input_mode=modes,
)
def test_shares_are_those_of_counting_products(weights, inputs, weight_mode, input_mode):
    assume(any(map(sum, weights)) and any(map(sum, inputs)))
    nest = Nest(n=len(inputs), k=len(weights), c=6)
    effectual = oracle.pairs(weights, inputs, "skip", "skip")[0]
    layers = layer_table([nest])
    layers = layers._replace(
        weight_density=np.array([np.mean(weights)]),
        input_density=np.array([np.mean(inputs)]),
        effectual_macs=np.array([float(effectual)]),
    )
    done, switched = oracle.pairs(weights, inputs, weight_mode, input_mode)
    found = share_of(machine(weight__mode=weight_mode, input__mode=input_mode), layers)
    assert found.kept * layers.macs[0] == pytest.approx(done, rel=1e-12, abs=1e-9)
    assert found.switched * layers.macs[0] == pytest.approx(switched, rel=1e-12, abs=1e-9)
    assert found.time == pytest.approx(found.kept, rel=1e-12)


def test_correlated_zeros_count_as_the_table_says():
    layers = network(0.5, 0.5, effectual=0.3)
    assert share_of(machine(weight__mode="skip", input__mode="skip"), layers).time == pytest.approx(0.3)


def test_gating_saves_energy_and_no_time():
    dense, gated = machine(), machine(weight__mode="gate", input__mode="gate")
    layers = network(0.4, 0.5)
    before, after = cost(dense, layers), cost(gated, layers)
    assert after.latency_s[0] == before.latency_s[0]
    assert after.mac_energy_j[0] == pytest.approx(0.2 * before.mac_energy_j[0])
    assert after.utilisation[0] == before.utilisation[0]


def test_skipping_saves_time_and_keeps_utilisation_a_fraction():
    before = cost(machine(), network(0.4, 0.5))
    after = cost(machine(weight__mode="skip", input__mode="skip"), network(0.4, 0.5))
    assert after.compute_cycles[0] < 0.5 * before.compute_cycles[0]
    assert 0 < after.utilisation[0] <= 1
    assert after.macs[0] == before.macs[0]


@pytest.mark.parametrize("format_", FORMATS)
def test_no_zeros_and_no_format_is_the_dense_machine(format_):
    sparse = machine(weight__mode="skip", input__mode="skip", imbalance="fitted")
    dense = machine()
    for objective in hwmodels.OBJECTIVES:
        before, after = cost(dense, network(), objective), cost(sparse, network(), objective)
        for name in ("latency_s", "compute_cycles", "dram_read_bytes", "mac_energy_j"):
            assert getattr(after, name)[0] == getattr(before, name)[0], name
    packed = cost(machine(weight__format=format_), network())
    assert packed.dram_read_bytes[0] >= cost(dense, network()).dram_read_bytes[0]


@settings(max_examples=40, deadline=None)
@given(
    weight=st.floats(0.02, 0.9),
    inputs=st.floats(0.02, 0.9),
    imbalance=st.sampled_from(["none", "binomial", "fitted"]),
    format_=st.sampled_from(["dense", "bitmask", "rle", "csr", "block"]),
    positions=st.sampled_from([0, 1, 4, 64]),
    ordered=st.booleans(),
)
def test_more_density_never_costs_less(weight, inputs, imbalance, format_, positions, ordered):
    sparse = machine(
        weight__mode="skip",
        input__mode="skip",
        weight__format=format_,
        input__format=format_,
        weight__block=4,
        input__block=4,
        imbalance=imbalance,
        sorted=ordered,
        front_end_positions_per_cycle=positions,
    )
    thin, thick = network(weight, inputs), network(weight + 0.1, inputs + 0.1)
    for objective, names in (("latency", ("latency_s", "mac_energy_j")), ("energy", ("energy_j",))):
        less, more = cost(sparse, thin, objective), cost(sparse, thick, objective)
        for name in names:  # what mappings are chosen by; main-memory traffic may rise where that falls
            assert getattr(less, name)[0] <= getattr(more, name)[0] * (1 + 1e-12), name


@settings(max_examples=60, deadline=None)
@given(
    weight=st.floats(0.02, 1.0),
    inputs=st.floats(0.02, 1.0),
    dispersion=st.floats(0.0, 30.0),
    imbalance=st.sampled_from(["none", "binomial", "masks", "fitted"]),
    format_=st.sampled_from(["dense", "n_m", "rle"]),
    skip_block=st.sampled_from([1, 8]),
    width=st.sampled_from([1, 8]),
)
def test_skipping_is_never_slower_but_for_front_end_and_metadata(
    weight, inputs, dispersion, imbalance, format_, skip_block, width
):
    skipping = machine(
        weight__mode="skip",
        input__mode="skip",
        weight__format=format_,
        weight__skip_block=skip_block,
        weight__group=32,
        weight__width=width,
        imbalance=imbalance,
    )
    share = share_of(skipping, network(weight, inputs, dispersion=dispersion))
    assert share.kept <= share.time <= 1.0
    assert share.switched <= share.kept * (1 + 1e-12)


def test_a_serial_front_end_is_slower_than_the_dense_machine():
    layers = network(0.5, 0.5)
    serial = machine(weight__mode="skip", input__mode="skip", front_end_positions_per_cycle=0.5)
    assert cost(serial, layers).compute_cycles[0] > 1.5 * cost(machine(), layers).compute_cycles[0]
    assert hwmodels.BOUNDS[hwmodels.evaluate_operations(layers, serial, "latency").bound[0]] == "front end"


def test_a_front_end_of_width_over_share_is_fast_enough():
    layers = network(0.5, 0.5)
    free = machine(weight__mode="skip", input__mode="skip")
    enough = machine(weight__mode="skip", input__mode="skip", front_end_positions_per_cycle=4)
    assert share_of(free, layers).time == share_of(enough, layers).time == 0.25


def test_n_m_does_n_of_m_where_the_tensor_was_pruned_so():
    held = machine(weight__mode="skip", weight__format="n_m", imbalance="fitted")
    streamed = held.replace({"array.dataflow": "os"})
    for density, share in ((0.5, 0.5), (0.3, 0.5), (0.6, 1.0)):
        assert share_of(streamed, network(density)).time == share
        assert share_of(held, network(density)).kept == share
        assert share_of(held, network(density)).time == 1.0  # fewer folds, each as long


def on_square(size, flow, pruned, n, m):
    """A square array that holds or streams an operand n of m, with room for whole products."""
    zeros = {
        f"sparsity.{pruned}.{name}": value
        for name, value in {"mode": "skip", "format": "n_m", "n": n, "m": m}.items()
    }
    room = {f"buffers.{name}.bytes": 1 << 24 for name in ("weight", "input", "output")}
    array = {"array.rows": size, "array.cols": size, "array.dataflow": flow}
    return hwmodels.load("edge_16x16").replace({**zeros, **room, **array})


def cycles_on(accelerator, m, k, n, **density):
    layers = with_densities(
        layer_table([Nest(n=m, c=k, k=n)]), **{"weight": 1.0, "activation": 1.0} | density
    )
    return hwmodels.evaluate_operations(layers, accelerator, "latency").compute_cycles[0]


@pytest.mark.parametrize(
    ("shape", "size", "pattern", "cycles"),
    [
        ((32, 64, 16), 8, (1, 4), 216),  # K in 16 rows, two folds by two
        ((3025, 363, 96), 128, (4, 8), 6814),  # AlexNet's first layer in blocks of eight
    ],
)
def test_weights_held_n_of_m_take_scalesims_cycles(shape, size, pattern, cycles):
    """SCALE-Sim v3's sparse mode, weight-stationary (github scalesim-project/SCALE-Sim@1d62b68a, test/)."""
    pruned = on_square(size, "ws", "weight", *pattern)
    assert cycles_on(pruned, *shape, weight=pattern[0] / pattern[1]) == cycles


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 40)] * 3),
    size=st.integers(2, 9),
    pattern=st.sampled_from([(1, 4), (2, 4), (4, 8), (2, 3)]),
    pruned=st.sampled_from(["weight", "input"]),
)
def test_what_is_held_n_of_m_takes_the_clocks_of_a_stepped_array(sizes, size, pattern, pruned):
    """The held operand packed along the sum, then multiplied clock by clock."""
    (m, k, n), (keep, of) = sizes, pattern
    flow, density = ("ws", "weight") if pruned == "weight" else ("is", "activation")
    packed = -(-k * keep // of)
    _, clocks = stepped.multiply(np.ones((m, packed)), np.ones((packed, n)), size, size, flow)
    accelerator = on_square(size, flow, pruned, keep, of)
    assert cycles_on(accelerator, m, k, n, **{density: keep / of}) == clocks
    whole = accelerator.replace({f"sparsity.{pruned}.mode": "none"})
    assert cycles_on(accelerator, m, k, n) == cycles_on(whole, m, k, n)  # not pruned so


def test_a_pe_that_finds_one_filter_a_channel_runs_depthwise_layers_dense():
    """Eyeriss v2's PE skips nothing there, and what has channels as before."""
    depthwise = layer_table([Nest(g=32, k=1, c=1, p=14, q=14, r=3, s=3, pad=1, in_rows=14, in_cols=14)])
    layers = with_densities(depthwise, weight=0.25, activation=0.25)
    chip = hwmodels.load("eyeriss_v2_pe")
    assert not chip.sparsity.depthwise
    assert share_of(chip, layers) == (1.0, 1.0, 1.0, 0)
    skips = chip.replace({"sparsity.depthwise": True})
    assert share_of(skips, layers).time == pytest.approx(0.0625, rel=1e-12)
    assert share_of(chip, network(0.25, 0.25)) == share_of(skips, network(0.25, 0.25))


def test_fillers_of_runs_are_work():
    layers = network(0.04)
    runs = machine(weight__mode="skip", weight__format="rle", weight__run_bits=4)
    assert share_of(runs, layers).time == pytest.approx(0.04 / (1 - 0.96**16))


def test_blocks_are_skipped_only_whole():
    layers = network(0.1)
    assert share_of(machine(weight__mode="skip", weight__skip_block=8), layers).time == pytest.approx(
        1 - 0.9**8
    )


def test_uneven_filters_wait_and_sorting_helps():
    skip = {"weight__mode": "skip", "imbalance": "masks"}
    even, uneven = network(0.3, dispersion=1.0), network(0.3, dispersion=16.0)
    assert share_of(machine(**skip), even).time < share_of(machine(**skip), uneven).time
    assert share_of(machine(**skip, sorted=True), uneven).time < share_of(machine(**skip), uneven).time
    unknown = share_of(machine(weight__mode="skip", imbalance="fitted"), network(0.3))
    known = share_of(
        machine(weight__mode="skip", imbalance="fitted"), network(0.3, dispersion=FITTED_DISPERSION)
    )
    assert unknown == known
    assert share_of(machine(weight__mode="skip", imbalance="binomial"), uneven).time == pytest.approx(
        share_of(machine(**skip), even).time
    )


def test_filters_without_zeros_wait_for_inputs_alone():
    skip = {"weight__mode": "skip", "input__mode": "skip", "imbalance": "masks"}
    times = {share_of(machine(**skip), network(1.0, 0.5, dispersion=by)).time for by in (1.0, 16.0)}
    assert len(times) == 1
    assert times.pop() > 0.5


@pytest.mark.parametrize("elements", [0.25, 0.5, 1.0])
def test_work_of_one_element_or_less_is_even(elements):
    assert excess(elements, 0.5, 1.0, 8.0) == 0.0
    assert excess(elements + 1.0, 0.5, 1.0, 8.0) > 0.0
    assert largest_normal(1.0) == 0.0
    assert excess(elements + 1.0, 0.5, 1.0, 1.0) == excess(elements + 1.0, 1.0, 1.0, 8.0) == 0.0


def test_longer_queues_wait_less():
    times = [
        share_of(
            machine(weight__mode="skip", input__mode="skip", imbalance="binomial", fifo_depth=d),
            network(0.3, 0.5),
        ).time
        for d in (0, 8, 64, 4096)
    ]
    assert times == sorted(times, reverse=True)
    assert times[-1] > 0.15


# --- where packed operands go


def test_formats_scale_traffic_and_metadata():
    layers = network(0.25, 0.5, 0.5)
    packed = machine(weight__format="bitmask", input__format="bitmask", output__format="bitmask")
    big = {f"buffers.{name}.bytes": 2**24 for name in ("weight", "input", "output")}
    before, after = (cost(one.replace(big), layers, "energy") for one in (machine(), packed))
    weights, inputs, outputs = 64 * 32 * 9, 32 * 28 * 28, 64 * 28 * 28
    assert before.dram_read_bytes[0] == weights + inputs
    assert after.dram_read_bytes[0] == pytest.approx(weights * (0.25 + 1 / 8) + inputs * (0.5 + 1 / 8))
    assert after.dram_write_bytes[0] == pytest.approx(outputs * (0.5 + 1 / 8))


def test_packed_buffers_hold_larger_tiles():
    small = {"buffers.weight.bytes": 4096, "buffers.input.bytes": 4096}
    layers = network(0.1, 0.1)
    packed = {"sparsity.weight.format": "bitmask", "sparsity.input.format": "bitmask"}
    in_memory = packed | {"sparsity.weight.on_chip": False, "sparsity.input.on_chip": False}
    dense, everywhere, only_outside = (
        cost(machine().replace(small | change), layers, "energy").dram_read_bytes[0]
        for change in ({}, packed, in_memory)
    )
    assert everywhere < only_outside < dense


def test_a_mask_buffer_too_small_is_named():
    masked = {
        "buffers.mask.bytes": 1,
        "sparsity.weight.format": "bitmask",
        "sparsity.input.format": "bitmask",
    }
    broken = cost(machine().replace(masked), network(0.5, 0.5))
    assert hwmodels.LIMITS[broken.limit[0]] == "buffers.mask.bytes"
    roomy = cost(machine().replace(masked | {"buffers.mask.bytes": 2**20}), network(0.5, 0.5))
    assert roomy.feasible[0]


def test_stored_activations_of_vector_rows_are_packed_too():
    table = network(0.5, 0.5)
    vector = table._replace(
        kind=np.array([1]),
        weight_elements=np.zeros(1, dtype=np.int64),
        read_elements=np.array([8000]),
        vector_ops=np.array([8000.0]),
        effectual_macs=np.zeros(1),
    )
    packed = cost(machine(input__format="bitmask"), vector)
    assert packed.dram_read_bytes[0] == 8000 * (0.5 + 1 / 8)


@pytest.mark.parametrize("format_", ["csr", "csc", "coo", "block", "bitmask", "rle"])
@pytest.mark.parametrize("shape", [Nest(n=1, k=100, c=256), Nest(n=8, k=64, c=64), CONV])
def test_metadata_of_vectors_and_planes_stays_small(format_, shape):
    """A vector is not one row (or column) an element: at a tenth dense it shrinks in every format."""
    layers = with_densities(layer_table([shape]), weight=0.1, activation=0.1)
    packed = {
        f"{name}__{field}": value
        for name in ("weight", "input", "output")
        for field, value in (("format", format_), ("block", 4))
    }
    big = {f"buffers.{name}.bytes": 2**24 for name in ("weight", "input", "output")}
    before, after = (cost(one.replace(big), layers, "energy") for one in (machine(), machine(**packed)))
    assert after.dram_read_bytes[0] < 0.55 * before.dram_read_bytes[0]
    assert after.dram_write_bytes[0] < 0.55 * before.dram_write_bytes[0]


# --- bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight__mode": "jump"}, r"OperandSparsity\.mode must be one of none, gate, skip, got 'jump'"),
        ({"weight__format": "zip"}, r"OperandSparsity\.format must be one of dense, bitmask"),
        (
            {"weight__run_bits": 0, "weight__format": "rle"},
            r"OperandSparsity\.run_bits must be an integer >= 1, got 0",
        ),
        ({"weight__n": 5}, r"OperandSparsity\.n must be at most m = 4, got 5"),
        (
            {"weight__group": 10, "weight__width": 4},
            r"OperandSparsity\.group must be a multiple of width = 4, got 10",
        ),
        ({"output__mode": "skip"}, r'Sparsity\.output\.mode must be "none", got \'skip\''),
        ({"imbalance": "some"}, r"Sparsity\.imbalance must be one of none, binomial, masks, fitted"),
        (
            {"front_end_positions_per_cycle": -1},
            r"front_end_positions_per_cycle must be a number >= 0, got -1",
        ),
    ],
)
def test_bad_sparsity_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        machine(**changes)


@pytest.mark.parametrize("density", [0.0, 1.5, float("nan")])
def test_densities_outside_their_range_are_refused(density):
    with pytest.raises(ValueError, match=r"LayerTable\.weight_density\[0\] must be in \(0, 1\]"):
        cost(machine(), network(density))


def test_rows_carry_every_column():
    """A column that a row forgets would be silently without effect."""
    carried = {name for name in rows.Config._fields if name not in ("weight", "input", "output", "static_w")}
    for name in ("weight", "input", "output"):
        carried |= {f"{name}_{field}" for field in rows.Operand._fields}
    elsewhere = {
        "leakage_w",
        "dram_background_w",
        "array_area_mm2",
        "buffer_area_mm2",
        "buffer_leakage_w",
        "clock_w",
    }
    elsewhere |= {"stack_style", "logic_tier", "buffer_tier", "memory_tier", "memory_area_mm2"}
    elsewhere |= {"via_pitch_um", "temperature_limit_c"}  # read after the kernels, in hwmodels.tiers
    elsewhere |= {"dram_capacity_bytes"}  # read before them, in hwmodels.feasibility
    elsewhere |= {"shared_port_bytes_per_s"}  # already in the port of each operand that lives there
    elsewhere |= {"leakage_curve"}  # after the kernels, in hwmodels.warming
    elsewhere |= {"weight_resident", "input_resident", "shared_resident"}  # read where a schedule is chosen
    assert set(ConfigTable._fields) - carried == elsewhere


def test_specs_stay_equal_when_rebuilt():
    one = machine(weight__mode="skip")
    assert dataclasses.replace(one) == one
    assert hwmodels.fingerprint(one) != hwmodels.fingerprint(machine())
