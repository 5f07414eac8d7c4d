"""Pairs that broke a law when thousands were drawn, shrunk; each was mended at its root."""

import pytest

import hwmodels
from hwmodels.levels import Level, LevelMachine
from tests.laws import laws
from workloads import Graph, Network
from workloads.operations import Convolution, Linear

SMALL = {"array.rows": 1, "array.cols": 1, "array.dataflow": "ws", "clock_hz": 1e8}
SMALL |= {f"buffers.{operand}.bytes": 64 for operand in ("weight", "input", "output")}


def network(shape, operation):
    graph = Graph("found")
    graph.output(graph.add(operation, graph.input("x", shape)))
    return Network(graph)


@pytest.mark.compiled
def test_an_energy_that_stands_by_counts_when_mappings_are_chosen():
    """The engine minimised what levels take; the result added what main memory takes while it stands by."""
    machine = LevelMachine(
        name="found",
        levels=(
            Level(name="pad", bytes=3, read_port_bits=8),
            Level(name="buffer", bytes=1000, write_port_bits=128, overlapped=False),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory="ddr4",
        clock_hz=1e8,
    )
    laws.batches(network((1, 7), Linear("fc", 1, bias=False)), machine, "edp", 2)


@pytest.mark.compiled
@pytest.mark.parametrize("format_", ["coo", "csr", "csc", "block"])
def test_images_need_not_be_told_apart(format_):
    """Coordinates of a batch had bits for the image."""
    changes = {"array.dataflow": "os", "buffers.double_buffered": False, "sparsity.input.format": format_}
    changes |= {"sparsity.input.on_chip": False, "main_memory.bandwidth_bytes_per_s": 1e8}
    machine = hwmodels.load("edge_16x16").replace(SMALL | changes)
    laws.batches(network((1, 1, 3, 3), Convolution("conv", out_channels=1, kernel=1)), machine, "latency", 2)


@pytest.mark.compiled
def test_images_of_groups_run_one_after_the_other():
    """One whole image of a group filled a buffer; two had to share it with the next, though they need not."""
    machine = hwmodels.load("edge_16x16").replace(SMALL | {"main_memory.bandwidth_bytes_per_s": 3e9})
    net = network((1, 6, 6, 4), Convolution("conv", out_channels=2, kernel=2, groups=2))
    laws.batches(net, machine, "latency", 2)


@pytest.mark.compiled
def test_images_of_a_template_run_one_after_the_other():
    """Its one loop order spilled the sums of two images where those of one stay."""
    machine = hwmodels.load("template").replace(
        {"loop_order": "if_of_xy", "groups": 2, "macs_per_group": 4, "bank_height": 64, "tile_if": 4}
        | {"tile_ix": 4, "tile_iy": 4, "tile_of": 1, "weight_banks": 2, "input_banks": 1}
    )
    net = network((1, 24, 4, 4), Convolution("conv", out_channels=1, kernel=1))
    laws.batches(net, machine, "latency", 2)
