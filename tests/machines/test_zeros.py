"""Zeros on machines of levels, through the door: fields, oracle, brute force over mappings, laws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dse
import hwmodels
from hwmodels.level import Level
from hwmodels.machine import BEST
from hwmodels.mapping import LevelMapping, Mapping
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.problem import MappingError
from hwmodels.mapping.uneven import chained_spaces, fold
from hwmodels.models.nest import NEST
from hwmodels.models.nest_mappings import problem_of
from hwmodels.models.nest_zeros import densities_of, model_of
from hwmodels.zeros.density import Density, Zeros
from hwmodels.zeros.formats import NonZeros, fibers, words
from hwmodels.zeros.spelling import read_format
from tests.machines.test_levels import machine, nest, table
from tests.mapping.brute import every_mapping
from tests.oracles import zeros as oracle
from workloads import Graph, Network
from workloads.operations import Convolution
from workloads.sparsity.density import Mask

OBJECTIVES = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}
EVEN = BEST._replace(without=frozenset({"uneven storage"}))  # as nests with zeros are searched
MOST = 60  # tilings and choices of operands kept: each is costed by the slow way round


def with_zeros(layers, weight, activation, output=None):
    """The same nests with zeros."""
    return layers._replace(
        weight_density=np.full(layers.rows, weight),
        input_density=np.full(layers.rows, activation),
        output_density=np.full(layers.rows, activation if output is None else output),
    )


def totals(layers, one, objective="edp", effort=BEST):
    found = NEST.evaluate(layers, NEST.pack(one), objective, effort)
    return {name: float(getattr(found, name)[0]) for name in found._fields}


# --- the oracle: every mask of tiny tensors


def two_levels(**changes):
    """Pads and main memory, both told what is zero."""
    one = machine(
        levels=(Level(name="pad", bytes=64), Level(name="dram", kind="main_memory")), array_level="pad"
    )
    return one.replace(
        {
            **{f"levels.dram.sparsity.{name}.format": "bitmask" for name in ("weight", "input")},
            "levels.pad.sparsity.metadata": "uncounted",
            "sparsity.mac": "skip",
            **changes,
        }
    )


@st.composite
def splits(draw):
    """A product on two levels: loops of main memory and of the pads, outermost first."""
    sizes = {d: draw(st.sampled_from((1, 2, 3))) for d in "NKC"}
    split = {d: draw(st.sampled_from([f for f in (1, 2, 3) if n % f == 0])) for d, n in sizes.items()}
    outer = [(d, sizes[d] // split[d]) for d in draw(st.permutations("NKC"))]
    return sizes, outer, [(d, split[d]) for d in draw(st.permutations("NKC"))]


def counted(one, layers, outer, inner):
    """Amounts of the account of such a mapping, by level, operand and action."""
    keep = frozenset("WIO")
    mapping = Mapping(
        levels=tuple(
            LevelMapping(level=name, temporal=tuple((d, n) for d, n in loops if n > 1), keep=keep)
            for name, loops in (("pad", inner), ("dram", outer))
        )
    )
    account = NEST.account(layers, NEST.pack(one), "edp", 0, BEST._replace(given={0: mapping}))
    account.operations()
    return {
        (line.component, line.operand, line.action): float(account.sheet.counts[0, i])
        for i, line in enumerate(account.lines)
    }


@settings(max_examples=12, deadline=None)
@given(data=st.data(), split=splits())
def test_counts_are_means_over_every_mask(data, split):
    """Effectual products, gated reads and compressed traffic; counts are whole accesses, so within one."""
    sizes, outer, inner = split
    elements = {"W": sizes["K"] * sizes["C"], "I": sizes["N"] * sizes["C"]}
    nonzeros = {name: data.draw(st.integers(1, count), label=name) for name, count in elements.items()}
    assume(min(n / elements[name] for name, n in nonzeros.items()) < 1.0)
    one = two_levels(
        **{f"levels.pad.sparsity.{name}.format": "UB" for name in ("weight", "input")},
        **{"levels.pad.sparsity.weight.mode": "gate", "levels.pad.sparsity.weight.leaders": "input"},
    )
    layers = with_zeros(
        table(nest(n=sizes["N"], k=sizes["K"], c=sizes["C"])),
        nonzeros["W"] / elements["W"],
        nonzeros["I"] / elements["I"],
    )
    count = counted(one, layers, outer, inner)
    wanted = oracle.counts([loop for loop in outer if loop[1] > 1], inner, nonzeros)
    assert count["MAC", "", "work"] == pytest.approx(wanted["effectual"], abs=2.0)  # rounded twice
    assert count["pad", "weight", "read"] == pytest.approx(wanted["reached W"], abs=1.0)
    for name, letter in (("weight", "W"), ("input", "I")):
        sent = count["dram", name, "read"]
        assert sent == pytest.approx(wanted[f"sent {letter}"], abs=1.0)
        width = one.word_bits(one.level("dram"))
        bits = count["dram", name, "metadata read"] * width
        assert wanted[f"bits {letter}"] - 1e-6 <= bits < wanted[f"bits {letter}"] + width


def with_mask(layers, mask, activation=1.0):
    """One nest with the weights' mask, of its shape (g, k, c, r, s)."""
    packed = np.empty(1, dtype=object)
    packed[0] = Mask.of(mask)
    share = max(1, int(mask.sum())) / mask.size
    return with_zeros(layers, share, activation)._replace(weight_mask=packed)


def drawn_mask(draw, shape):
    """A mask with a non-zero and a zero, in scattered places or none: whole channels, one of two, blocks."""
    kind = draw(st.sampled_from(("scattered", "filters", "channels", "alternate", "corner")))
    mask = np.zeros(shape, dtype=bool)
    if kind == "scattered":
        mask[:] = np.array(draw(st.lists(st.booleans(), min_size=mask.size, max_size=mask.size))).reshape(
            shape
        )
    elif kind == "filters":
        mask[:, : draw(st.integers(1, shape[1]))] = True
    elif kind == "channels":
        mask[:, :, : draw(st.integers(1, shape[2]))] = True
    elif kind == "alternate":
        mask[:, :, ::2] = True
    else:
        mask[:, : -(-shape[1] // 2), : -(-shape[2] // 2)] = True
    assume(0 < mask.sum() < mask.size)
    return mask


@settings(max_examples=15, deadline=None)
@given(data=st.data(), split=splits())
def test_counts_of_a_known_mask_are_those_of_a_walk_over_it(data, split):
    """Every element by itself: traffic, bitmasks of tiles that are not empty, room of the fullest one."""
    sizes, outer, inner = split
    mask = drawn_mask(data.draw, (1, sizes["K"], sizes["C"], 1, 1))
    places = [(int(k), int(c)) for _, k, c, _, _ in np.argwhere(mask)]
    pad = {"levels.pad.sparsity.weight.format": "B", "levels.pad.sparsity.input.mode": "gate"}
    one = two_levels(**pad, **{"levels.pad.sparsity.input.leaders": "weight"})
    layers = with_mask(table(nest(n=sizes["N"], k=sizes["K"], c=sizes["C"])), mask)
    count = counted(one, layers, outer, inner)
    full = {"W": len(places), "I": sizes["N"] * sizes["C"]}
    wanted = oracle.counts([loop for loop in outer if loop[1] > 1], inner, full, places)
    assert count["MAC", "", "work"] == wanted["effectual"]
    assert count["pad", "input", "read"] == wanted["reached I"]
    assert count["dram", "weight", "read"] == wanted["sent W"]
    width = one.word_bits(one.level("dram"))
    bits = count["dram", "weight", "metadata read"] * width
    assert wanted["bits W"] - 1e-6 <= bits < wanted["bits W"] + width
    for room in ("fullest", "expected"):
        model = zeros_of(one.replace({"levels.pad.sparsity.room": room}), layers, inner, outer)
        held = model.words_needed("pad", {"W": float(np.prod([n for d, n in inner if d in "KC"]))})["W"]
        tile = math.prod(n for d, n in inner if d in "KC")
        assert held == (wanted["fullest W"] if room == "fullest" else math.ceil(mask.mean() * tile - 1e-9))


def zeros_of(one, layers, inner, outer):
    """The model of a mapping."""
    model, _ = model_of(one, problem_of(layers, 0), densities_of(layers, 0))
    keep = frozenset("WIO")
    levels = tuple(
        LevelMapping(level=name, temporal=tuple((d, n) for d, n in loops if n > 1), keep=keep)
        for name, loops in (("pad", inner), ("dram", outer))
    )
    return replace(model, mapping=Mapping(levels=levels))


# --- brute force: every mapping given, through the same door


@st.composite
def sparse_machines(draw):
    """Two or three levels that do something about zeros."""
    three = draw(st.booleans())
    fan = draw(st.sampled_from((1, 2)))
    levels = [
        Level(
            name="pad", bytes=draw(st.sampled_from((4, 8, 24))), read_port_bits=draw(st.sampled_from((0, 8)))
        ),
        *([Level(name="glb", bytes=48, fanout_x=fan, block_words=2, overlapped=draw(st.booleans()))] * three),
        Level(name="dram", kind="main_memory", fanout_x=1 if three else fan),
    ]
    one = machine(levels=tuple(levels), array_level="glb" if three else "dram")
    forms = st.sampled_from(("dense", "bitmask", "rle:4", "coo:3", "csr", "dense|rle:4", "UOP:2[]-UOP[]-B"))
    changes = {}
    for level in one.levels[1:]:
        for operand in ("weight", "input", "output"):
            if operand != "output" or level.off_chip:
                changes[f"levels.{level.name}.sparsity.{operand}.format"] = draw(forms)
    mode = draw(st.sampled_from(("none", "gate", "skip")))
    changes["levels.pad.sparsity.weight.mode"] = mode
    changes["levels.pad.sparsity.weight.leaders"] = () if mode == "none" else ("input",)
    changes["levels.pad.sparsity.input.format"] = (
        "dense" if mode == "none" else draw(st.sampled_from(("UB", "B")))
    )
    changes["sparsity.mac"] = "none" if mode == "none" else draw(st.sampled_from(("none", "gate", "skip")))
    return one.replace(changes)


def brute(one, layers, objective):
    """Least cost of all mappings, each given, and the least energy at that cost; inf where none is costed."""
    problem = one.rules.seen(problem_of(layers, 0))
    space = Mapspace(problem=problem, architecture=one.architecture, constraints=one.mapspace)
    assume(len(space.keeps()) * math.prod(len(space.chains(d)) for d in problem.dimensions) <= MOST)
    return least_of(every_mapping(space), one, layers, objective)


def least_of(mappings, one, layers, objective):
    """Least cost of some mappings, each given, and the least energy at it; inf where none is costed."""
    costs = []
    for mapping in mappings:
        try:
            found = totals(layers, one, objective, BEST._replace(given={0: mapping}))
        except MappingError:
            continue
        if found["feasible"]:
            costs.append((found[OBJECTIVES[objective]], found["energy_j"]))
    least = min((cost for cost, _ in costs), default=math.inf)
    return least, min((joules for cost, joules in costs if cost <= least * (1 + 1e-12)), default=math.inf)


@settings(max_examples=6, deadline=None)
@given(
    one=sparse_machines(),
    sizes=st.sampled_from(({"k": 2, "c": 4}, {"k": 4, "n": 2}, {"c": 2, "p": 4, "r": 2}, {"k": 6})),
    weight=st.sampled_from((1.0, 0.5, 0.2)),
    activation=st.sampled_from((0.75, 0.3)),
    objective=st.sampled_from(tuple(OBJECTIVES)),
    masked=st.booleans(),
    data=st.data(),
)
def test_the_best_is_that_of_every_mapping_given(one, sizes, weight, activation, objective, masked, data):
    layers = with_zeros(table(nest(**sizes)), weight, activation)
    if masked:
        shape = tuple(sizes.get(d, 1) for d in "gkcrs")
        layers = with_mask(table(nest(**sizes)), drawn_mask(data.draw, shape), activation)
    least, energy_j = brute(one, layers, objective)
    found = totals(layers, one, objective, EVEN)
    assert bool(found["feasible"]) == (least < math.inf)
    if found["feasible"]:
        assert found[OBJECTIVES[objective]] == pytest.approx(least, rel=1e-9)
        if objective == "latency":
            assert found["energy_j"] == pytest.approx(energy_j, rel=1e-9)
        bound = NEST.least(layers, NEST.pack(one))
        assert bound.latency_s[0] <= found["latency_s"]
        assert bound.energy_j[0] <= found["energy_j"]


@settings(max_examples=4, deadline=None)
@given(
    one=sparse_machines(),
    weight=st.sampled_from((1.0, 0.5, 0.2)),
    activation=st.sampled_from((0.75, 0.3)),
    objective=st.sampled_from(tuple(OBJECTIVES)),
)
def test_the_score_is_the_account_and_what_operands_and_levels_cost_adds_up(
    one, weight, activation, objective
):
    layers = with_zeros(table(nest(k=4, c=3, p=2)), weight, activation)
    account = NEST.account(layers, NEST.pack(one), objective)
    costs = account.operations()
    assume(not costs["limit"][0])
    parts = account.breakdown(["nest"], layers.repeats)
    assert parts.energy_j.sum() == pytest.approx(float(costs["energy_j"][0]), rel=1e-12)
    assert totals(layers, one, objective)["energy_j"] == pytest.approx(float(costs["energy_j"][0]), rel=1e-12)


# --- uneven storage


def every_uneven_mapping(space):
    for part in chained_spaces(space):
        for mapping in every_mapping(part):
            yield fold(space.architecture, part.architecture, mapping)


@settings(max_examples=4, deadline=None)
@given(
    sizes=st.sampled_from(({"k": 2, "c": 2}, {"k": 2, "n": 2}, {"k": 4}, {"c": 3, "n": 2})),
    byts=st.sampled_from((3, 5, 8)),
    form=st.sampled_from(("dense", "bitmask", "UB", "coo:3")),
    mode=st.sampled_from(("none", "gate", "skip")),
    masked=st.booleans(),
    objective=st.sampled_from(tuple(OBJECTIVES)),
    data=st.data(),
)
def test_the_best_is_that_of_every_uneven_mapping_given(sizes, byts, form, mode, masked, objective, data):
    """Two levels, operands of the pads each at a loop of its own, with and without a mask of the weights."""
    leaders = () if mode == "none" else ("weight",)
    form = "bitmask" if form == "dense" and leaders else form
    one = two_levels(
        **{
            "levels.pad.bytes": byts,
            "levels.pad.read_port_bits": 8,
            "levels.pad.sparsity.weight.format": form,
            "levels.pad.sparsity.input.mode": mode,
            "levels.pad.sparsity.input.leaders": leaders,
            "sparsity.mac": "none" if form == "dense" else "skip",
        }
    )
    layers = with_zeros(table(nest(**sizes)), 0.5, 1.0)
    if masked:
        layers = with_mask(
            table(nest(**sizes)), drawn_mask(data.draw, tuple(sizes.get(d, 1) for d in "gkcrs"))
        )
    problem = problem_of(layers, 0)
    space = Mapspace(problem=problem, architecture=one.architecture, constraints=one.mapspace)
    best, energy_j = least_of(every_uneven_mapping(space), one, layers, objective)
    found = totals(layers, one, objective)
    assert bool(found["feasible"]) == (best < math.inf)
    if found["feasible"]:
        assert found[OBJECTIVES[objective]] == pytest.approx(best, rel=1e-9)
        if objective == "latency":
            assert found["energy_j"] == pytest.approx(energy_j, rel=1e-9)
        assert found[OBJECTIVES[objective]] <= totals(layers, one, objective, EVEN)[OBJECTIVES[objective]] * (
            1 + 1e-9
        )
        bound = NEST.least(layers, NEST.pack(one))
        assert bound.latency_s[0] <= found["latency_s"]
        assert bound.energy_j[0] <= found["energy_j"]


# --- laws


def test_without_zeros_it_is_the_dense_machine_bit_for_bit():
    minding, plain = compressed(), machine()
    layers = table(nest(k=16, c=8, p=4, q=4, r=3, s=3), nest(k=10, c=16))
    assert totals(layers, minding) == totals(layers, plain)
    zeros = with_zeros(layers, 0.5, 0.5)
    assert totals(zeros, plain) == totals(layers, plain) | {
        "effectual_macs": totals(zeros, plain)["effectual_macs"]
    }
    idle = plain.replace({"levels.dram.sparsity.weight.format": "bitmask"})  # minds weights alone
    assert totals(with_zeros(layers, 1.0, 0.5), idle)["energy_j"] == totals(layers, plain)["energy_j"]


def compressed(**more):
    """Compressed traffic, gated reads, skipped MACs."""
    return machine().replace(
        {
            "levels.dram.sparsity.weight.format": "dense|rle:4",
            "levels.dram.sparsity.input.format": "dense|rle:4",
            "levels.pad.sparsity.input.format": "UB",
            "levels.pad.sparsity.metadata": "uncounted",
            "levels.pad.sparsity.weight.mode": "skip",
            "levels.pad.sparsity.weight.leaders": ("input",),
            "sparsity.mac": "skip",
            **more,
        }
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_more_zeros_cost_no_more_and_never_more_than_none(objective):
    """Formats that may stay dense, savings that cost nothing: even storage, as zeros are searched."""
    one = compressed()
    layers = table(nest(k=4, c=6))
    dense = totals(layers, machine(), objective, EVEN)[OBJECTIVES[objective]]
    before = dense
    for share in (0.9, 0.5, 0.1):
        found = totals(with_zeros(layers, share, share), one, objective)[OBJECTIVES[objective]]
        assert found <= before * (1 + 1e-9)
        before = found
    assert before < dense


@pytest.mark.parametrize("mac", ["none", "gate"])
def test_gating_takes_the_time_of_the_dense_machine(mac):
    one = compressed(**{"levels.pad.sparsity.weight.mode": "gate", "sparsity.mac": mac})
    layers = table(nest(k=4, c=6))
    zeros = totals(with_zeros(layers, 0.5, 0.5), one, "latency", EVEN)
    dense = totals(layers, machine(), "latency", EVEN)
    assert zeros["compute_cycles"] >= dense["compute_cycles"]


def test_eyeriss_gates_and_codes_what_it_says():
    """At the densities of a layer of AlexNet, on a small one: less energy, coded traffic, equal time."""
    plain, minding = hwmodels.load("eyeriss_v1"), hwmodels.load("eyeriss_v1_zeros")
    layers = table(nest(k=16, c=8, p=6, q=6, r=3, s=3))
    dense = totals(layers, plain, "energy", EVEN)
    found = totals(with_zeros(layers, 1.0, 0.275, 0.303), minding, "energy")
    assert found["compute_cycles"] >= layers.macs[0] / plain.macs
    assert found["mac_energy_j"] == pytest.approx(0.275 * dense["mac_energy_j"], rel=0.01)
    assert found["dram_write_bytes"] == pytest.approx(
        0.303 * (1 + 16 / 48) * dense["dram_write_bytes"], rel=0.02
    )
    assert found["energy_j"] < dense["energy_j"]
    assert totals(layers, minding) == totals(layers, plain)


def network():
    graph = Graph("tiny")
    x = graph.input("image", (1, 6, 1, 1))
    x = graph.add(Convolution("conv1", out_channels=4, kernel=1), x)
    graph.add(Convolution("conv2", out_channels=2, kernel=1), x)
    return Network(graph)


def test_a_network_of_densities_or_masks_is_costed_with_them():
    net, one = network(), compressed()
    dense, few = dse.evaluate(net, one), dse.evaluate(net.assume(weights=0.25, activations=0.5), one)
    assert few.totals["latency_s"] < dense.totals["latency_s"]
    assert few.totals["energy_j"] < dense.totals["energy_j"]
    assert few.totals["dram_read_bytes"] < dense.totals["dram_read_bytes"]
    masked = dse.evaluate(net.sparsify("uniform", density=0.25), one)
    assert masked.totals["dram_read_bytes"] < dense.totals["dram_read_bytes"]
    parts = few.breakdown()
    assert "metadata read" in parts.index.get_level_values("action")
    assert "weight in dram stored as dense|rle:4" in one.model.premises(one, few.layers, ())


def test_structure_makes_the_difference_that_it_should():
    """Of equal density whole filters and channels leave tiles empty, scattered zeros none."""
    shape = (1, 8, 4, 1, 1)
    filters, channels = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    filters[:, ::2] = channels[:, :, ::2] = True
    scattered = np.random.default_rng(3).permutation(filters.ravel()).reshape(shape)
    layers = table(nest(k=8, c=4))
    energy = {}
    for form in ("bitmask", "UOP:4[K]-B[C]"):
        paths = ("levels.dram.sparsity.weight.format", "levels.buffer.sparsity.weight.format")
        one = machine().replace({"levels.buffer.bytes": 24, **dict.fromkeys(paths, form)})
        for name, mask in (("filters", filters), ("channels", channels), ("scattered", scattered)):
            energy[form, name] = totals(with_mask(layers, mask), one, "energy", EVEN)["energy_j"]
    assert energy["bitmask", "channels"] < energy["bitmask", "filters"] < energy["bitmask", "scattered"]
    ranks = {name: value for (form, name), value in energy.items() if form != "bitmask"}
    assert ranks["filters"] < ranks["channels"] == ranks["scattered"]


def test_the_fullest_tile_has_to_fit_unless_the_level_may_be_overbooked():
    """One filter of four is whole: a tile of two by two holds two weights, and one on average."""
    mask = np.zeros((1, 4, 2, 1, 1), dtype=bool)
    mask[:, 0] = True
    layers = with_mask(table(nest(k=4, c=2)), mask)
    keep = frozenset("WIO")
    mapping = Mapping(
        levels=(
            LevelMapping(level="pad", temporal=(("K", 2), ("C", 2)), keep=keep),
            LevelMapping(level="dram", temporal=(("K", 2),), keep=keep),
        )
    )
    fits = {}
    for room in ("fullest", "expected"):
        changes = {"levels.pad.bytes": 5, "levels.pad.sparsity.room": room}
        one = two_levels(**{"levels.pad.sparsity.weight.format": "B", **changes})
        found = NEST.evaluate(layers, NEST.pack(one), "edp", BEST._replace(given={0: mapping}))
        fits[room] = bool(found.feasible[0])
    assert fits == {"fullest": False, "expected": True}


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_drawn_metadata_is_the_mean_over_every_mask(data):
    """Two ranks, bit for bit the mean of what known masks take, of each format."""
    shape = (1, data.draw(st.sampled_from((2, 3))), data.draw(st.sampled_from((2, 4))), 1, 1)
    problem = problem_of(table(nest(k=shape[1], c=shape[2])), 0)
    tile = data.draw(st.sampled_from([f for f in (1, 2, 4) if shape[2] % f == 0]))
    nonzeros = data.draw(st.integers(1, math.prod(shape)))
    kinds = st.sampled_from(("UOP", "B", "CP", "RLE"))
    form = read_format(f"{data.draw(kinds)}[K,C]-{data.draw(kinds)}[C]", "KC")
    groups = [[("C", tile)], [("C", shape[2] // tile), ("K", shape[1])]]
    spans = fibers(problem.operand("W"), groups)

    def taken(mask=None):
        density = Density(value=nonzeros / math.prod(shape), distribution="hypergeometric", mask=mask)
        found = words(form, spans, Zeros.of(density, math.prod(shape)), 8, NonZeros.MEAN)
        return np.array([(one.metadata, one.payload) for one in found])

    each = []
    for places in oracle.masks(range(math.prod(shape)), nonzeros):
        mask = np.zeros(math.prod(shape), dtype=bool)
        mask[list(places)] = True
        each.append(taken(Mask.of(mask.reshape(shape))))
    np.testing.assert_allclose(taken(), np.mean(each, axis=0), atol=1e-9)


def test_masks_reach_the_machine_from_the_network_and_stay_with_a_sweep(tmp_path):
    net = network().sparsify("uniform", density=0.25, seed=1)
    table_of = net.table()
    assert [mask.shape for mask in table_of.weight_mask] == [(1, 4, 6, 1, 1), (1, 2, 4, 1, 1)]
    assert table_of.weight_mask[0].array.reshape(4, 6, 1, 1).tolist() == net.mask("conv1").tolist()
    space = dse.Space(compressed(), axes={"levels.buffer.bytes": [1024, 2048]})
    swept = dse.sweep(net, space, store=tmp_path / "kept")
    read = dse.open(tmp_path / "kept")
    assert read.frame.energy_j.tolist() == swept.frame.energy_j.tolist()


def test_a_sweep_over_formats_its_front_and_its_reasons():
    net = network().assume(weights=0.25, activations=0.5)
    space = dse.Space(
        machine(),
        axes={
            "levels.dram.sparsity.weight.format": ["dense", "bitmask", "rle:4"],
            "levels.buffer.bytes": [1024, 4096],
        },
    )
    swept = dse.sweep(net, space)
    front = swept.front(("energy_j", "area_mm2"))
    assert swept.evaluated == 6
    assert str(front.explain())
    changes = {"levels.dram.sparsity.weight.format": "bitmask", "levels.buffer.bytes": 1024}
    alone = dse.evaluate(net, machine().replace(changes)).totals["energy_j"]
    rows = swept.frame
    mine = rows[
        (rows["levels.dram.sparsity.weight.format"] == "bitmask") & (rows["levels.buffer.bytes"] == 1024)
    ]
    assert mine.energy_j.tolist() == [pytest.approx(alone, rel=1e-12)]
    dense = rows[rows["levels.dram.sparsity.weight.format"] == "dense"]
    assert mine.energy_j.min() < dense.energy_j.min()


def test_a_certified_front_is_the_sweeps():
    net = network().assume(weights=0.25, activations=0.5)
    axes = {"levels.dram.sparsity.weight.format": ["dense", "bitmask", "rle:4"], "array.cols": [2, 4]}
    space, wanted = dse.Space(machine(), axes=axes), ("latency_s", "energy_j", "area_mm2")
    front = dse.sweep(net, space).front(wanted)
    found = dse.search(net, space, objectives=wanted, strategy="certified", progress=False)
    assert sorted(found.front.frame.energy_j) == sorted(front.frame.energy_j)


def test_tensors_that_stay_and_fused_groups_are_never_worse():
    net = network().assume(weights=0.25, activations=0.5)
    one = compressed(resident="buffer", fusion="buffer")
    costs = [
        dse.evaluate(net, one, schedule=name).totals["edp_js"] for name in ("layers", "resident", "fused")
    ]
    assert costs[1] < costs[0]
    assert costs[2] <= costs[1]


# --- fields


def test_fields_survive_files_and_enter_fingerprints(tmp_path):
    one = compressed()
    one.save(tmp_path / "mine.yaml")
    assert hwmodels.load(str(tmp_path / "mine.yaml")) == one
    assert one.fingerprint() != machine().fingerprint()
    assert "stored as dense|rle:4" in str(one)
    properties = hwmodels.machine_file.schema()["oneOf"][1]["properties"]
    assert (
        "mode"
        in properties["levels"]["items"]["properties"]["sparsity"]["properties"]["weight"]["properties"]
    )
    assert "mac" in properties["sparsity"]["properties"]


WRONG = [
    ({"levels.pad.sparsity.weight.mode": "skip"}, "leaders must name the operands whose zeros save"),
    (
        {"levels.pad.sparsity.weight.mode": "skip", "levels.pad.sparsity.weight.leaders": "input"},
        r"levels\.pad\.sparsity\.weight\.mode of three: skip needs to know where zeros of input are",
    ),
    ({"levels.pad.sparsity.weight.leaders": "input"}, "leaders must be empty where mode is none"),
    (
        {"levels.pad.sparsity.weight.mode": "gate", "levels.pad.sparsity.weight.leaders": "output"},
        "leaders must be of weight, input, got 'output'; an output's zeros are known too late",
    ),
    ({"levels.dram.sparsity.weight.format": "n_m"}, "must be dense, bitmask, rle, coo, csr, or ranks UOP"),
    ({"levels.dram.sparsity.weight.format": "B[P]"}, "has a rank over P, which the operand does not have"),
    ({"levels.dram.sparsity.weight.mode": "zap"}, "mode must be one of none, gate, skip"),
    ({"levels.dram.sparsity.metadata": "beside"}, "metadata_access_bits must be positive"),
    ({"levels.dram.sparsity.weight.format": ""}, "must be dense, bitmask, .*, got ''"),
    ({"levels.dram.sparsity.weight.format": "rle|"}, "must be dense, bitmask, .*, got ''"),
    ({"levels.dram.sparsity.weight.format": "rle:"}, "bits of a word after ':', 1 at least, got 'rle:'"),
    ({"levels.dram.sparsity.weight.format": "csr:0/4"}, "bits of a word after ':', 1 at least"),
    ({"levels.dram.sparsity.weight.format": "UOP-RLE:4"}, r"gives every loop to offsets .* as UOP\[K\]"),
    ({"levels.dram.sparsity.weight.format": "RLE-UOP inner-to-outer"}, "gives every loop to offsets"),
    ({"levels.pad.sparsity.weight.mode": "skip_positions"}, "needs to know where zeros of weight are"),
    (
        {
            "levels.pad.sparsity.input.format": "dense|UB",
            "levels.pad.sparsity.weight.mode": "skip",
            "levels.pad.sparsity.weight.leaders": "input",
        },
        "needs to know where zeros of input are.*dense not among its candidates",
    ),
    (
        {"levels.pad.sparsity.weight.mode": "gate", "levels.pad.sparsity.weight.leaders": "weight"},
        "gate needs to know where zeros of weight are",
    ),
    (
        {
            "levels.pad.sparsity.weight.mode": "gate",
            "levels.pad.sparsity.weight.leaders": "input",
            "levels.pad.sparsity.input.mode": "gate",
            "levels.pad.sparsity.input.leaders": "weight",
        },
        "gate needs to know where zeros of input are",
    ),
    ({"sparsity.mac": "gate"}, "sparsity.mac of three: gate needs to know where zeros are"),
    (
        {"levels.pad.operands": ("weight",), "levels.pad.sparsity.input.format": "bitmask"},
        r"Level.sparsity.input.format of pad: the level holds weight",
    ),
    (
        {"factors": "ceil", "levels.dram.sparsity.weight.format": "bitmask"},
        "factors of three must be aligned or perfect where levels or MACs mind zeros",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_no_machine_can_do_is_one_line_with_its_path(changes, message):
    with pytest.raises(ValueError, match=message) as raised:
        machine().replace(changes)
    assert "\n" not in str(raised.value)
    assert raised.value.path


def test_a_mapping_whose_loops_a_format_cannot_hold_is_said():
    one = machine().replace({"levels.dram.sparsity.weight.format": "CP[]"})
    keep = frozenset("WIO")
    mapping = Mapping(
        levels=(
            LevelMapping(level="pad", keep=keep),
            LevelMapping(level="buffer", temporal=(("K", 2), ("C", 4)), keep=keep),
            LevelMapping(level="dram", temporal=(("K", 2),), keep=keep),
        )
    )
    layers = with_zeros(table(nest(k=4, c=4)), 0.5, 1.0)
    with pytest.raises(MappingError, match="W at dram: 1 ranks are too few"):
        totals(layers, one, "edp", BEST._replace(given={0: mapping}))
