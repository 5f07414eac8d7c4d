"""Eyeriss v1 against its measurements: what the ledger says, what the port is worth, and hand counts."""

from dataclasses import replace

import pytest

import hwmodels
from hwmodels import validation as ledger
from hwmodels.machine import Effort
from hwmodels.mapping import MappingError, evaluate
from hwmodels.models.nest_mappings import problem_of
from hwmodels.question import Question
from hwmodels.validation.silicon import eyeriss_v1 as chip
from hwmodels.validation.silicon.eyeriss_v1.nest import machine, pieces, placed, table

pytestmark = pytest.mark.published

# Chen et al., JSSC 2017, tables V and VI: processing latency in ms, whole batch.
PROCESSING_MS = {
    "alexnet": [16.5, 39.2, 21.8, 16.0, 10.0],
    "vgg16": [38.0, 810.6, 405.3, 810.8, 204.0, 408.1, 408.1, 105.1, 210.0, 210.0, 48.3, 48.5, 48.5],
}
# The same tables: active PEs, as printed but for conv5-1, whose 163 is printed as 100 %.
ACTIVE_PES = {"alexnet": [154, 135, 156, 156, 156], "vgg16": [156] * 7 + [168] * 6}


def layer(network, name):
    return next(found for found in chip.layers(network) if found.name == name)


def row(quantity):
    return next(found for found in ledger.rows(["eyeriss_v1"]) if found.quantity == quantity)


@pytest.mark.parametrize(("network", "aim"), [("alexnet", 0.10), ("vgg16", 0.15)])
def test_processing_latency_of_every_layer(network, aim):
    ours = [1e3 * chip.run(found).processing_s for found in chip.layers(network)]
    assert ours == pytest.approx(PROCESSING_MS[network], rel=aim)


def test_processing_latency_of_alexnet():
    ours = sum(chip.run(found).processing_s for found in chip.layers("alexnet"))
    assert 1e3 * ours == pytest.approx(103.5, rel=0.05)


@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_active_pes_are_those_printed(network):
    assert [chip.run(found).active_pes for found in chip.layers(network)] == ACTIVE_PES[network]


def test_rows_that_hold_and_rows_that_do_not():
    """Aims that are missed stay in the ledger, and their errors where they were measured, to a point."""
    missed = {found.quantity: found.error for found in ledger.rows(["eyeriss_v1"]) if found.holds is False}
    assert missed == {
        "AlexNet conv3: DRAM accesses": pytest.approx(-0.109, abs=0.01),
    }


def test_energy_from_components_alone():
    """Nothing is calibrated on the chip here; the clock of its flip-flops is most of it."""
    assert abs(row("AlexNet total: chip energy from components").error) < 0.25  # +5.0 %
    assert abs(row("VGG-16 total: chip energy from components").error) < 0.25  # +11.2 %
    machine = hwmodels.load("eyeriss_v1")
    assert [level.flip_flops for level in machine.levels[:3]] == [24 * 16, 12 * 16, 0]
    assert machine.replace({"technology.clock_gated": 1.0}).clock_w < 0.2 * machine.clock_w


def test_energy_of_layers_that_calibrated_nothing():
    assert abs(row("AlexNet total: chip energy").error) < 0.10
    assert abs(row("VGG-16 total: chip energy").error) < 0.10
    one, other = layer("alexnet", "conv1"), layer("alexnet", "conv5")
    constants = chip.calibrate(one, other)
    for known in (one, other):
        assert chip.energy_j(known, known.total_s, constants) == pytest.approx(known.energy_j, rel=1e-12)


def test_without_the_finite_port_early_layers_are_four_times_too_fast():
    slow = layer("vgg16", "conv1-2")
    wide = {f"levels.{name}.{way}_port_bits": 0 for name in ("ifmaps", "psums") for way in ("read", "write")}
    chip_, parts = machine(slow), pieces(slow)
    given = {row: part.mapping for row, part in enumerate(parts)}
    ran = [
        Question(table(parts), one, "latency", Effort(given=given)).operations()
        for one in (chip_, chip_.replace(wide))
    ]
    assert [chip_.model.bounds(chip_)[found["bound"][0]] for found in ran] == ["psums port", "compute"]
    assert ran[0]["latency_s"][0] > 4 * ran[1]["latency_s"][0]


def test_buffer_accesses_contradict_the_printed_mapping_of_conv3():
    """Table V's 50.2 MB are those of conv4's parameters, not of the ones printed for conv3."""
    printed = layer("alexnet", "conv3")
    assert chip.run(printed).buffer_bytes / 2**20 == pytest.approx(69.0, abs=0.1)
    as_conv4 = replace(printed, q=3, r=2, t=2)
    assert chip.run(as_conv4).buffer_bytes / 2**20 == pytest.approx(50.2, abs=0.05)  # the printed digit


@pytest.mark.parametrize("name", ["conv4", "conv5"])
def test_buffer_accesses_to_the_printed_digit(name):
    found = layer("alexnet", name)
    assert chip.run(found).buffer_bytes == pytest.approx(found.buffer_bytes, abs=0.05 * 2**20)


def test_psums_of_conv4_by_hand():
    """192/6 = 32 passes accumulate into 4 x 2 x 192 x 13 x 13 ofmap words: 32 writes, 31 reads."""
    words = chip.run(layer("alexnet", "conv4")).words
    ofmap = 4 * 2 * 192 * 13 * 13
    assert words["psums", "output", "update"] == 32 * ofmap
    assert words["psums", "output", "read"] == 31 * ofmap


def test_storage_of_table_iii():
    """Global buffer allocation printed for conv3: 7.0 KB of ifmaps, 84.5 KB of psums."""
    conv3 = layer("alexnet", "conv3")
    (piece,) = pieces(conv3)
    result = evaluate(problem_of(table([piece]), 0), machine(conv3).architecture, piece.mapping)
    assert 2 * result.at("ifmaps", "I").tile_words / 1024 == pytest.approx(7.0, abs=0.05)
    assert 2 * result.at("psums", "O").tile_words / 1024 == pytest.approx(84.5, abs=0.05)


def test_strips_cover_the_ofmap_and_every_mac():
    for found in chip.layers("vgg16"):
        parts = pieces(found)
        assert sum(part.strips * part.e for part in parts) == found.ofmap
        assert table(parts).macs.sum() == found.macs


def test_coded_maps():
    assert chip.coded_bytes(960, 1.0) == 960 * 8 / 3
    assert chip.coded_bytes(960, 0.1) > 960 * 0.1 * 8 / 3  # long runs of zeros need levels of zero
    assert chip.coded_bytes(960, 1e-9) == pytest.approx(960 / 32 * 8 / 3, rel=1e-6)


def test_sets_that_do_not_fit_are_refused():
    too_many = replace(layer("alexnet", "conv3"), t=5)
    assert not placed(too_many)
    with pytest.raises(MappingError, match="5 sets of 3 x 13 PEs do not fit on 12 x 14"):
        chip.run(too_many)
    with pytest.raises(ValueError, match=r"mapping breaks levels\.filter_spad\.bytes"):
        chip.run(replace(layer("alexnet", "conv4"), p=24, q=4, r=1, t=2, m=96))
    with pytest.raises(ValueError, match="network must be alexnet or vgg16"):
        chip.layers("resnet50")
