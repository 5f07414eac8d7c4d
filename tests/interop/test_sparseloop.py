"""Zeros, formats and savings of the sparse model: against enumeration, by law, and what it refuses."""

from dataclasses import replace
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodels.interop.sparseloop_section import read_sparse
from hwmodels.interop.timeloop_files import TimeloopInputError, Value
from hwmodels.mapping import (
    Architecture,
    LevelMapping,
    Mapping,
    MappingError,
    StorageLevel,
    evaluate,
    matrix_product,
)
from hwmodels.zeros.density import Density, Zeros
from hwmodels.zeros.formats import fibers, rank_loops, words
from hwmodels.zeros.model import SparseModel
from hwmodels.zeros.section import Metadata, Optimization, Rank, Representation, SparseSection

PRODUCT = matrix_product(m=4, k=8, n=2)  # W is (K, N), I is (M, K), O is (M, N)
PRICES = {"read_pj": 2.0, "fill_pj": 3.0, "update_pj": 3.0}
MACHINE = Architecture(
    name="two",
    levels=(
        StorageLevel(name="buffer", word_bits=8, **PRICES),
        StorageLevel(name="dram", word_bits=8, **PRICES),
    ),
    macs=1,
    mac_pj=1.0,
)
MAPPING = Mapping(
    levels=(
        LevelMapping(level="buffer", temporal=(("M", 4), ("K", 8)), keep=frozenset("WIO")),
        LevelMapping(level="dram", temporal=(("N", 2),), keep=frozenset("WIO")),
    )
)


def rank(kind, bits=4, payload=0, dimensions=None):
    return Rank(format=kind, metadata_bits=bits, payload_bits=payload, dimensions=dimensions)


def stored(*ranks, inner_to_outer=True):
    return Representation(ranks=ranks, inner_to_outer=inner_to_outer)


def model(densities, formats=None, optimizations=None, **more):
    actions = {
        level: {"metadata_read": 0.5, "metadata_write": 0.5, "gated_read": 0.25}
        for level in ("buffer", "dram")
    }
    return SparseModel(
        problem=PRODUCT,
        architecture=MACHINE,
        mapping=MAPPING,
        densities={name: Density(value=densities.get(name, 1.0)) for name in "WIO"},
        metadata={level: Metadata(bits=4, width_bits=8) for level in ("buffer", "dram")},
        actions={**actions, MACHINE.mac_name: {"mac_gated": 0.1, "mac_skipped": 0.0}},
        section=SparseSection(formats=formats or {}, optimizations=optimizations or {}, **more),
    )


DENSE = evaluate(PRODUCT, MACHINE, MAPPING)


@given(elements=st.integers(2, 9), data=st.data())
def test_drawn_zeros_equal_an_enumeration_of_all_masks(elements, data):
    tile = data.draw(st.integers(1, elements - 1))
    density = data.draw(st.floats(0.05, 1.0))
    zeros = Zeros.of(Density(value=density, distribution="hypergeometric"), elements)
    nonzeros = round(zeros.share * elements)
    masks = list(combinations(range(elements), nonzeros))
    for occupancy, probability in zeros.occupancies(tile):
        held = [mask for mask in masks if sum(i < tile for i in mask) == occupancy]
        assert probability == pytest.approx(len(held) / len(masks), abs=1e-9)
        for part in range(1, tile + 1):
            empty = comb(tile - part, occupancy) / comb(tile, occupancy)
            assert zeros.empty(part, tile, occupancy) == pytest.approx(empty, abs=1e-9)


@given(elements=st.integers(2, 9), density=st.floats(0.05, 1.0), data=st.data())
def test_blocks_of_zeros_equal_an_enumeration_of_all_masks(elements, density, data):
    part = data.draw(st.integers(1, elements))
    zeros = Zeros.of(Density(value=density, distribution="hypergeometric"), elements)
    masks = list(combinations(range(elements), round(zeros.share * elements)))
    some = sum(any(i < part for i in mask) for mask in masks) / len(masks)
    assert zeros.nonempty(part) == pytest.approx(some, abs=1e-9)


@given(tile=st.integers(1, 500), density=st.floats(0.0, 1.0))
def test_structured_zeros_keep_their_mean(tile, density):
    zeros = Zeros.of(Density(value=density), 1000)
    found = zeros.occupancies(tile)
    assert sum(p for _, p in found) == pytest.approx(1.0, abs=1e-9)
    assert sum(k * p for k, p in found) == pytest.approx(tile * density, abs=1e-6)


def test_without_zeros_and_formats_it_is_the_dense_model():
    sparse = model({}).evaluate(DENSE)
    assert sparse.cycles == DENSE.cycles
    assert sparse.energy_pj == pytest.approx(DENSE.energy_pj, rel=1e-12)
    assert sparse.computes == PRODUCT.macs
    for counts in DENSE.counts:
        at = sparse.counts[counts.level, counts.operand]
        assert (at.reads, at.fills, at.updates) == (counts.reads, counts.fills, counts.updates)


def test_gating_saves_energy_and_no_time_skipping_both():
    wanted = {("buffer", "W"): ("I",)}
    gated, skipped = (
        model(
            {"I": 0.25},
            optimizations={k: Optimization(skips=skips, conditions=c) for k, c in wanted.items()},
        ).evaluate(DENSE)
        for skips in (False, True)
    )
    dense_reads = DENSE.at("buffer", "W").reads
    for found in (gated, skipped):
        assert found.counts["buffer", "W"].reads == 0.25 * dense_reads
        assert found.counts["buffer", "W"].saved_reads == 0.75 * dense_reads
        assert found.computes == 0.25 * PRODUCT.macs
        assert found.energy_pj < DENSE.energy_pj
    assert skipped.cycles == gated.cycles == 0.25 * PRODUCT.macs  # no port has a limit here


def test_a_level_that_an_operand_passes_saves_where_it_is_read():
    """Skipping inputs at a buffer that they pass is skipping them at main memory."""
    passing = Mapping(
        levels=(
            LevelMapping(level="buffer", temporal=(("M", 4), ("K", 8)), keep=frozenset("WO")),
            LevelMapping(level="dram", temporal=(("N", 2),), keep=frozenset("WIO")),
        )
    )
    dense = evaluate(PRODUCT, MACHINE, passing)
    found = []
    for level in ("buffer", "dram"):
        saving = {(level, "I"): Optimization(skips=True, conditions=("W",))}
        sparse = replace(model({"W": 0.25}, optimizations=saving), mapping=passing)
        found.append(sparse.evaluate(dense))
    assert found[0] == found[1]
    assert found[0].counts["dram", "I"].reads == 0.25 * dense.at("dram", "I").reads
    assert found[0].computes == 0.25 * PRODUCT.macs


def test_metadata_of_a_tile_by_hand():
    """The buffer's W is 8 x 1 of density a half: 8 bits of mask, 4 coordinates, or 4 run lengths."""
    operand, zeros = PRODUCT.operand("W"), Zeros.of(Density(value=0.5), 16)
    for kind, metadata in (("B", 8), ("CP", 4), ("RLE", 4)):
        form = stored(rank(kind))
        spans = fibers(operand, rank_loops(operand, MAPPING, 0, -1, form, None))
        (found,) = words(form, spans, zeros, 4)
        assert (found.metadata, found.payload) == (metadata, 0.0), kind


def test_outer_ranks_count_fibers():
    """Main memory's W is N x K = 2 x 8: offsets to two fibers (2 + 1), a mask of 8 in each."""
    operand, zeros = PRODUCT.operand("W"), Zeros.of(Density(value=0.5), 16)
    form = stored(rank("B"), rank("UOP", payload=5))
    inside = rank_loops(operand, MAPPING, 0, -1, stored(rank("B")), None)
    spans = fibers(operand, rank_loops(operand, MAPPING, 1, 0, form, inside))
    inner, outer = words(form, spans, zeros, 4)
    assert (inner.metadata, outer.payload) == (16.0, 3.0)


def test_words_do_not_straddle_accesses():
    operand, zeros = PRODUCT.operand("W"), Zeros.of(Density(value=0.5), 16)
    form = stored(rank("CP", bits=5))
    (found,) = words(form, fibers(operand, rank_loops(operand, MAPPING, 0, -1, form, None)), zeros, 4)
    assert found.stored_bits(8) == 4 * 8  # one word of five bits in each access of eight
    assert found.stored_bits(16) == 4 * 16 / 3  # three in sixteen


def test_compressed_operands_move_their_nonzeros():
    formats = {("dram", "W"): stored(rank("CP"), rank("UOP")), ("buffer", "W"): stored(rank("CP"))}
    found = model({"W": 0.5}, formats).evaluate(DENSE)
    dense = DENSE.at("buffer", "W")
    assert found.counts["buffer", "W"].fills == 0.5 * dense.fills
    assert found.counts["dram", "W"].reads == 0.5 * DENSE.at("dram", "W").reads
    assert found.counts["buffer", "I"].reads == DENSE.at("buffer", "I").reads


def test_what_is_not_supported_is_refused_by_name():
    saving = Optimization(skips=True, conditions=("I",))
    with pytest.raises(MappingError, match="W at dram is not supported: a level further in keeps it too"):
        model({}, optimizations={("dram", "W"): saving}).evaluate(DENSE)
    operand = PRODUCT.operand("W")
    with pytest.raises(MappingError, match="W at dram: 1 ranks are too few for its loops"):
        rank_loops(operand, MAPPING, 1, 0, stored(rank("B")), None)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"name": "cache"}, "unknown name 'cache'; supported: buffer, dram, mac"),
        (
            {"name": "dram", "compression": 1},
            "'sparse_optimizations.targets[0].compression' is not supported",
        ),
        (
            {
                "name": "dram",
                "representation-format": {"data-spaces": [{"name": "W", "ranks": [{"format": "CSR"}]}]},
            },
            "unknown name 'CSR'; supported: UOP, B, CP, RLE",
        ),
        (
            {"name": "dram", "representation-format": {"data-spaces": [{"name": "W", "ranks": []}]}},
            "ranks: needs at least one rank",
        ),
        (
            {
                "name": "buffer",
                "action-optimization": [
                    {"type": "skip", "options": [{"target": "W", "condition-on": ["I"]}]}
                ],
            },
            "unknown name 'skip'; supported: gating, skipping",
        ),
    ],
)
def test_a_bad_section_is_one_line_naming_the_key(target, message):
    section = Value("sparse.yaml", "sparse_optimizations", {"targets": [target]})
    with pytest.raises(TimeloopInputError) as raised:
        read_sparse(section, PRODUCT, MACHINE)
    assert message in str(raised.value)
    assert str(raised.value).startswith("sparse.yaml: ")
    assert "\n" not in str(raised.value)
