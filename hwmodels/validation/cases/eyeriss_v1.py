"""Eyeriss v1, measured: AlexNet (batch 4) and VGG-16 (batch 3), convolutions only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hwmodels.validation.row import Made, Row
from hwmodels.validation.silicon import eyeriss_v1 as chip

TITLE = "Eyeriss v1 silicon: AlexNet and VGG-16, latency, traffic, energy"
NETWORKS = {
    "alexnet": ("AlexNet", "Chen et al., JSSC 2017, table V"),
    "vgg16": ("VGG-16", "Chen et al., JSSC 2017, table VI"),
}
COMPONENT_AIM = 0.25
CALIBRATED_ON = ("conv1", "conv5")  # of AlexNet: the two layers whose power the paper breaks down (figure 16)

_LATENCY = "From bus widths, clocks and the mapping of table III; nothing fitted."
_VGG_LATENCY = (
    "The paper prints no mapping for VGG-16. Table VI's active PEs, buffer accesses and DRAM accesses give "
    "it; its latency and power columns were not used, and bus widths are those of section V-B, not a "
    "fitted rate."
)
_VGG_TRAFFIC = "A check of the inferred mapping, not a prediction: this column helped to infer it."
_TOTAL_NOTE = "Adds ifmaps and ofmaps over the 64-bit, 60 MHz link, coded."
_DRAM = (
    "Zeros of ifmaps as printed; zeros of ofmaps from the next layer's ifmaps, before pooling from "
    "Sparseloop's table 7; zeros fall independently. MB are 10^6 bytes here, which the paper's 37.4 "
    "accesses per input pixel imply, and 2^20 in the buffer column, as table III's KB are 1024 bytes. With "
    "2^20 here too, conv2 to conv4 and the total (-10.6 %) would miss their aims."
)
_DRAM_MISS = (
    "Filters are 1.8 of the 3.0 MB and move once, so what is short is in the maps. Zeros that come in "
    "clusters, as ours do not, would cost more runs of at most 31; how the chip's maps cluster is not "
    "printed. "
) + _DRAM
_CONV3 = (
    "Table III's parameters (q r = 4, p t = 64) cannot give table V's buffer accesses; q r = 6, p t = 32, "
    "as in conv4, give 50.2 MiB. The layer must have been run otherwise than printed."
)
_CALIBRATED = (
    "Two constants of the chip, standing power and the energy of an ungated multiply-accumulate, are "
    "calibrated on AlexNet's conv1 and conv5; every other layer of both networks is predicted with them."
)
_COMPONENTS = (
    "The component library's 65 nm prices and nothing else: accesses and multiplications, zeros gated, "
    "leakage, and the clock of every flip-flop (pads of ifmaps and psums, pipelines), none gated, with its "
    "wires. The clock alone is more than three quarters; buses and control have no price in it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    """A layer with what the model says about it."""

    layer: chip.Layer
    figures: chip.Figures
    energy_j: float
    component_energy_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of the paper's tables."""

    name: str
    unit: str
    scale: float  # from SI to that unit
    published: Callable[[chip.Layer], float]
    ours: Callable[[_Ran], float]


_PROCESSING = _Column(
    name="processing latency",
    unit="ms",
    scale=1e3,
    published=lambda layer: layer.processing_s,
    ours=lambda ran: ran.figures.processing_s,
)
_TOTAL = _Column(
    name="total latency",
    unit="ms",
    scale=1e3,
    published=lambda layer: layer.total_s,
    ours=lambda ran: ran.figures.total_s,
)
_BUFFER = _Column(
    name="buffer accesses",
    unit="MiB",
    scale=2.0**-20,
    published=lambda layer: layer.buffer_bytes,
    ours=lambda ran: ran.figures.buffer_bytes,
)
_DRAM_MB = _Column(
    name="DRAM accesses",
    unit="MB",
    scale=1e-6,
    published=lambda layer: layer.dram_bytes,
    ours=lambda ran: ran.figures.dram_bytes,
)
_ENERGY = _Column(
    name="chip energy",
    unit="mJ",
    scale=1e3,
    published=lambda layer: layer.energy_j,
    ours=lambda ran: ran.energy_j,
)
_COMPONENT_ENERGY = _Column(
    name="chip energy from components",
    unit="mJ",
    scale=1e3,
    published=lambda layer: layer.energy_j,
    ours=lambda ran: ran.component_energy_j,
)


def rows() -> list[Row]:
    """Both networks: each layer's latency, traffic and energy, and the totals."""
    alexnet = {layer.name: layer for layer in chip.layers("alexnet")}
    constants = chip.calibrate(*(alexnet[name] for name in CALIBRATED_ON))
    return [*_alexnet(_ran("alexnet", constants)), *_vgg16(_ran("vgg16", constants))]


def _alexnet(ran: Sequence[_Ran]) -> Iterator[Row]:
    for one in ran:
        yield _row(_PROCESSING, [one], 0.10, _LATENCY)
    yield _row(_PROCESSING, ran, 0.05, _LATENCY)
    yield _row(_TOTAL, ran, None, _TOTAL_NOTE)
    for one in ran:
        yield _row(_DRAM_MB, [one], 0.10, _DRAM_MISS if one.layer.name == "conv3" else _DRAM)
    yield _row(_DRAM_MB, ran, 0.10, _DRAM)
    for one in ran:
        yield _row(_BUFFER, [one], None, _CONV3 if one.layer.name == "conv3" else "")
    for one in ran:
        if one.layer.name not in CALIBRATED_ON:
            yield _row(_ENERGY, [one], 0.20, _CALIBRATED)
    yield _row(_ENERGY, ran, None, _CALIBRATED + " This total holds those two layers too.")
    yield _row(_COMPONENT_ENERGY, ran, COMPONENT_AIM, _COMPONENTS)


def _vgg16(ran: Sequence[_Ran]) -> Iterator[Row]:
    for one in ran:
        yield _row(_PROCESSING, [one], 0.15, _VGG_LATENCY)
    yield _row(_PROCESSING, ran, 0.15, _VGG_LATENCY)
    yield _row(_TOTAL, ran, None, _TOTAL_NOTE)
    yield _row(_DRAM_MB, ran, None, _VGG_TRAFFIC)
    yield _row(_BUFFER, ran, None, _VGG_TRAFFIC)
    yield _row(_ENERGY, ran, 0.10, _CALIBRATED)
    yield _row(_COMPONENT_ENERGY, ran, COMPONENT_AIM, _COMPONENTS)


def _ran(network: str, constants: chip.Calibration) -> list[_Ran]:
    found = []
    for layer in chip.layers(network):
        figures = chip.run(layer)
        found.append(
            _Ran(
                layer=layer,
                figures=figures,
                energy_j=chip.energy_j(layer, figures.total_s, constants),
                component_energy_j=chip.component_energy_j(layer, figures.total_s, figures.account),
            )
        )
    return found


def _row(column: _Column, ran: Sequence[_Ran], tolerance: float | None, note: str) -> Row:
    """One layer, or the sum of several."""
    name, source = NETWORKS[ran[0].layer.network]
    part = ran[0].layer.name if len(ran) == 1 else "total"
    return Row(
        quantity=f"{name} {part}: {column.name}",
        unit=column.unit,
        published=column.scale * sum(column.published(one.layer) for one in ran),
        ours=column.scale * sum(column.ours(one) for one in ran),
        tolerance=tolerance,
        made=Made.EVALUATE,
        source=source,
        note=note,
    )
