"""Machines as data: facts of their papers, and that the mapper can use every one of them."""

import pytest

import hwmodels
from hwmodels.machines.eyeriss_v1 import eyeriss_v1
from hwmodels.mapping import convolution
from hwmodels.mapping.search import map_problem

NAMES = ("eyeriss_v1", "nvdla_like", "simba_like", "tpu_v1")
LAYER = convolution(n=2, k=32, c=16, p=7, q=7, r=3, s=3, name="small")


def stored_bytes(architecture, *names):
    """Bytes of all instances of these levels."""
    levels = [architecture.level(name) for name in names]
    return sum(level.capacity_words * level.instances * level.word_bits / 8 for level in levels)


@pytest.mark.published
def test_eyeriss_is_the_chip_of_table_iv():
    chip = hwmodels.load("eyeriss_v1").architecture
    buffer = stored_bytes(chip, "filters", "ifmaps", "psums")
    spads = stored_bytes(chip, "filter_spad", "ifmap_spad", "psum_spad")
    assert buffer == 108 * 1024  # 108.0 KB
    assert stored_bytes(chip, "filter_spad") / chip.macs == 448  # bytes a PE
    assert (
        buffer + stored_bytes(chip, "filter_spad") == 181.5 * 1024
    )  # "on-chip SRAM"; other pads are registers
    assert spads / chip.macs == 448 + 24 + 48
    assert chip.macs * chip.clock_hz == 33.6e9  # "peak throughput is 33.6 GMAC/s with a 200-MHz core clock"


@pytest.mark.published
def test_tpu_is_the_chip_of_table_2():
    chip = hwmodels.load("tpu_v1").architecture
    assert 2 * chip.macs * chip.clock_hz == pytest.approx(92e12, rel=0.005)  # printed as 92
    assert stored_bytes(chip, "accumulators", "unified_buffer") == 28 * 2**20
    bytes_per_cycle = chip.level("weight_memory").shared_words_per_cycle
    # the ridge point, 1350 operations a weight byte
    assert chip.macs / bytes_per_cycle == pytest.approx(1350, rel=0.001)


@pytest.mark.published
def test_the_others_have_the_multipliers_they_are_known_for():
    assert hwmodels.load("nvdla_like").architecture.macs == 2048
    simba = hwmodels.load("simba_like").architecture
    assert simba.macs == 1024
    assert 2 * simba.macs * 2e9 == pytest.approx(4.01e12, rel=0.03)  # 4.01 TOPS a chiplet (VLSI 2019)


@pytest.mark.compiled
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("objective", ["latency", "energy"])
def test_the_mapper_maps_onto_every_machine(name, objective):
    machine = hwmodels.load(name)
    result = map_problem(LAYER, machine.architecture, objective, constraints=machine.mapspace, factors="ceil")
    assert result.certificate.optimal
    assert result.evaluation.feasible
    assert 0 < result.evaluation.utilisation <= 1
    assert result.evaluation.macs == LAYER.macs
    kept = {level.level: level.keep for level in result.mapping.levels}
    for level in machine.architecture.levels:
        assert level.operands is None or kept[level.name] <= level.operands


@pytest.mark.parametrize("name", NAMES)
def test_every_access_on_chip_has_a_price(name):
    machine = hwmodels.load(name)
    assert machine.source
    assert machine.architecture.mac_pj > 0
    assert machine.architecture.area_mm2 > 0
    for level in machine.architecture.levels:
        assert level.fill_pj > 0


def test_banks_go_to_ifmaps_or_to_psums():
    few, many = (eyeriss_v1(banks).architecture for banks in (1, 24))
    assert few.level("ifmaps").capacity_words == many.level("psums").capacity_words == 2048
    assert few.area_mm2 == pytest.approx(many.area_mm2, rel=1e-12)  # the same 25 banks, summed otherwise
    with pytest.raises(ValueError, match="ifmap_banks must be 1 to 24 of the 25, got 25"):
        eyeriss_v1(25)
