"""SPRING: its authors' figures, exactly; its headline against a GPU, by our own rules."""

import dataclasses

from hwmodels.presets import load
from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import spring

TITLE = "SPRING: sparse training and inference under a monolithic-3D RRAM memory, against a GTX 1080 Ti"
GROUP = "github jha-lab/codebench (AccelBench): configuration, synthesis and memory files"
PAPER = "Yu and Jha, IEEE TETC 2020, abstract"

# VGG-19's convolutions at batch 32: (output channels of a tile, zeros counted) -> cycles.
CYCLES = {(4, True): 3_728_128, (8, True): 1_864_064, (4, False): 18_554_880, (8, False): 9_277_440}
HEADLINE = {False: (15.5, 4.5, 69.1), True: (15.6, 4.2, 66.0)}
QUANTITIES = ("performance", "power reduction", "energy efficiency")
AIM = 0.25

_RULE = (
    "Our rule: half of every tensor is zero and independent (0.25 of the work, the group takes 0.2); 64 mask "
    "positions a cycle and lane; each nest with its best tiles; main memory and buffers as described. The "
    "GPU is a roofline at 45 % of its arithmetic peak whose framework runs every operation by itself, 250 W. "
    "Nothing differs by network."
)
_PORTS = (
    " Missed: each of a buffer's sixteen reported banks gives one access of 64 bytes a cycle, and the array "
    "asks for several times as much; the group's rule waits for no port. With ports of any width: {wide:.3g}."
)
_ABLATION = "SPRING without one idea, or with another assumption, beside the headline it would have to reach."
_GROUP_RULE = (
    "The group's rule (0.2 of the work, fixed tiles, no memory stall) against our GPU. 1x1 kernels use one "
    "of nine kernel lanes, depthwise ones one of 128 channel places, in its rule as in ours."
)


_ALIKE = {
    "element-wise work fused on both machines": spring.Fused(spring=True, gpu=True),
    "element-wise work fused on neither": spring.Fused(spring=False, gpu=False),
}
_ALIKE_NOTE = (
    "The headline fuses on SPRING and lets the GPU's framework run every operation by itself; here both "
    "machines do the same."
)
_P100 = (
    "Another GPU of like peak (10.6 TFLOP/s against 11.3). 144 images a second are 1.26 of P100's "
    "multipliers at work in every cycle: its library transforms 3x3 kernels (Winograd), which our roofline "
    "at 45 % of the peak does not, so that SPRING's baseline is slow."
)


def rows() -> list[Row]:
    """The group's derived figures; the headline of both modes; ablations."""
    return [*_derived(), *_headline(), *_ablations()]


def _derived() -> list[Row]:
    machine = load("spring")
    area = machine.area_mm2().groupby("kind")["area_mm2"].sum()
    layers = spring.convolutions("vgg19", 32)

    def row(
        quantity: str, unit: str, published: float, ours: float, tolerance: float, made: Made = Made.SHEET
    ) -> Row:
        return Row(
            quantity=quantity,
            unit=unit,
            published=published,
            ours=ours,
            tolerance=tolerance,
            made=made,
            source=GROUP,
            evidence=Evidence.DERIVED,
        )

    found = []
    for (channels, sparse), cycles in CYCLES.items():
        kind = "sparse" if sparse else "dense"
        quantity = f"VGG-19 convolutions, batch 32, {channels} output channels a tile, {kind}"
        ours = spring.group_cycles(layers, output_channels=channels, sparse=sparse)
        found.append(row(quantity, "cycles", cycles, ours, 0.0, Made.RULE))
    memory = machine.main_memory
    return [
        *found,
        row("logic area", "mm2", 154.1, float(area["logic"]), 0.001),
        row("buffer area", "mm2", 11.91, float(area["buffer"]), 0.001),
        row("power, everything busy", "W", 41.3, float(machine.power_w()["power_w"].sum()), 0.002),
        row("main-memory bandwidth", "GB/s", 1024.0, memory.bandwidth_bytes_per_s / 1e9, 0.0),
        row("random read of the main memory", "ns", 13.5, memory.random_read_s * 1e9, 1e-9),
    ]


def _headline() -> list[Row]:
    found = []
    for training, published in HEADLINE.items():
        ours = spring.headline(training=training)
        wide = spring.headline(training=training, changes=spring.WIDE)
        for quantity, theirs, mine, freely in zip(QUANTITIES, published, ours, wide, strict=True):
            missed = abs(mine / theirs - 1) > AIM
            found.append(
                Row(
                    quantity=f"{'training' if training else 'inference'}, seven networks: {quantity}",
                    unit="x",
                    published=theirs,
                    ours=mine,
                    tolerance=AIM,
                    made=Made.EVALUATE,
                    source=PAPER,
                    evidence=Evidence.SIMULATED,
                    note=_RULE + _PORTS.format(wide=freely) if missed else _RULE,
                )
            )
    return found


def _ablations() -> list[Row]:
    def row(quantity: str, published: float, ours: float, note: str, made: Made = Made.EVALUATE) -> Row:
        return Row(
            quantity=quantity,
            unit="x",
            published=published,
            ours=ours,
            tolerance=None,
            made=made,
            source=PAPER,
            evidence=Evidence.OURS,
            note=note,
        )

    performance = HEADLINE[False][0]
    found = [
        row(
            f"inference performance, {name}",
            performance,
            spring.headline(training=False, changes=changes).performance,
            _ABLATION,
        )
        for name, changes in spring.ABLATIONS.items()
    ]
    for training, published in HEADLINE.items():
        for name, fused in _ALIKE.items():
            ours = spring.headline(training=training, fused=fused).performance
            way = "training" if training else "inference"
            found.append(row(f"{way} performance, {name}", published[0], ours, _ALIKE_NOTE))
    found.append(
        dataclasses.replace(
            row(
                "the GPU on VGG-16 training, batch 32",
                144.0,
                spring.gpu_images_per_s("vgg16", training=True),
                _P100,
            ),
            unit="images/s",
            source="TensorFlow benchmarks, one P100 (memory)",
        )
    )
    for channels in (4, 8):
        ours = spring.group_performance(output_channels=channels)
        quantity = f"inference performance, group's rule, {channels} output channels a tile"
        found.append(row(quantity, performance, ours, _GROUP_RULE, Made.RULE))
    return found
