"""NVDLA's performance sheet, 2048 INT8 multipliers: AlexNet and ResNet-50."""

from functools import partial

from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import nvdla

TITLE = "NVDLA's performance sheet: 2048 INT8 multipliers, 512 KB buffer, 1 GHz, 10 GB/s"
SOURCE = "NVDLA_OpenSource_Performance.xlsx (github nvdla/hw@8e06b1b)"
PUBLISHED_CYCLES = {"alexnet": 895443.5625, "resnet50": 7113691.0}  # ms per frame at 1 GHz, times 1e6

_SHAPES = (
    "Rules read off the sheet's cells and the same for every layer: the greater of multiply and memory "
    "cycles; 100 cycles a KiB; 3x3 kernels of stride 1 by Winograd; kernels padded to the stride; images as "
    "four channels. The sheet itself departs from them in conv1 (three channels on AlexNet, eight on "
    "ResNet-50), in ResNet-50's second stage (64 filters at half rate) and in the memory cycles of "
    "res3a_branch1 and res5c_branch2c."
)

_MACHINE = (
    "The machine of that name, 2048 multipliers behind 512 KB at 10 GB/s, each layer a plain convolution "
    "under its fastest mapping. The sheet counts what the machine leaves out: an image's three channels side "
    "by side (our first layer has 3 of 64 lanes at work); Winograd, 2.25 times as fast with kernels 16/9 as "
    "large; strided 1x1 kernels stored as 2x2; maps that an addition reads, which are an operation of its "
    "own here; maps stored after pooling."
)
_PLAIN = (
    "The layers that have none of what the machine leaves out; 10 GB/s are 100 cycles a KiB in the sheet, "
    "102.4 here."
)

_row = partial(Row.simulated, unit="cycles", source=SOURCE)


def rows() -> list[Row]:
    """Both networks from shapes and from the sheet's own counts; the layers that differ by over 5 %."""
    return [row for network in PUBLISHED_CYCLES for row in _network(network)]


def _network(network: str) -> list[Row]:
    layers = nvdla.sheet(network)

    total = PUBLISHED_CYCLES[network]
    on_machine = partial(_row, tolerance=None, made=Made.EVALUATE)
    found = [
        on_machine(f"{network}: frame, on nvdla_like", total, nvdla.machine_cycles(layers), note=_MACHINE),
        _row(
            f"{network}: frame, from shapes",
            total,
            nvdla.network_cycles(layers),
            0.05,
            _SHAPES,
            made=Made.RULE,
        ),
        _row(
            f"{network}: frame, given the sheet's counts",
            total,
            nvdla.sheet_cycles(layers),
            0.001,
            "The rule alone: the sheet's own multiply and memory cycles of each layer go in.",
            made=Made.RULE,
            evidence=Evidence.DERIVED,
        ),
    ]
    if plain := [layer for layer in layers if layer.plain]:
        published, ours = nvdla.sheet_cycles(plain), nvdla.machine_cycles(plain)
        found.append(
            on_machine(f"{network}: {len(plain)} plain layers, on nvdla_like", published, ours, note=_PLAIN)
        )
    for layer in layers:
        ours = max(nvdla.mac_cycles(layer), nvdla.dram_cycles(layer))
        published = max(layer.mac_cycles, layer.dram_cycles)
        if abs(ours / published - 1) > 0.05:
            quantity = f"{network}: {layer.name}, from shapes"
            found.append(_row(quantity, published, ours, None, _SHAPES, made=Made.RULE))
    return found
