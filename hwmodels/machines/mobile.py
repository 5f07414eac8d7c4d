"""A phone's processor core and its signal processor: platforms to choose networks for, as Chameleon does."""

import dataclasses

from hwmodels.array import Unroll
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.spec import Accelerator, Array, Buffer, Buffers, Datapath, Macro, Module, Technology

KIB = 1024
NODE_NM, VOLTAGE = 14, 0.8

CORE_HZ = 2.15e9
CORE_MACS = 4
"""fp32 multiply-accumulates of one 128-bit NEON unit in a cycle."""
CORE_W = 1.5
CORE_EFFICIENCY = 0.465
"""MobileNetV2 (300 M multiply-accumulates) takes 75 ms on one large core of the Pixel 1: Sandler et al., CVPR
2018, table 4 [published, memory]; 4.0 of 8.6 GMAC/s. One figure for every network."""

DSP_HZ = 500e6
DSP_CONTEXTS, DSP_WORDS, DSP_BYTES = 2, 32, 4
"""Vector contexts of 1024 bits; 32-bit sums of a vector; bytes that `vrmpy` multiplies into each."""
DSP_W = 0.4
DSP_EFFICIENCY = 0.5


def pixel_1_cpu() -> Accelerator:
    """One large core of the Snapdragon 821 at 2.15 GHz with 4 fp32 lanes: a roofline, 14 nm.

    Efficiency from the latency of MobileNetV2 on the Pixel 1 (Sandler et al., CVPR 2018) [published]; clock
    and lanes [memory]; 1.5 W a busy core [memory, low].
    """
    return Accelerator(
        name="pixel_1_cpu",
        array=Array(rows=1, cols=CORE_MACS, interconnect="ideal", efficiency=CORE_EFFICIENCY),
        buffers=Buffers(shared=Buffer(bytes=1024 * KIB, reported=_cache(1024 * KIB))),
        main_memory=_memory(),
        clock_hz=CORE_HZ,
        datapath=Datapath(
            weight_bits=32, input_bits=32, output_bits=32, accumulator_bits=32, number_format="fp32"
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE),
        vector_lanes=CORE_MACS,
        modules=(_whole("core", CORE_W, CORE_MACS, CORE_HZ, 3e6),),
        source="Snapdragon 821 (memory); Sandler et al., CVPR 2018, table 4",
        assumptions=(
            f"{CORE_EFFICIENCY:.1%} of the arithmetic peak in every nest, as MobileNetV2 sustains",
            f"the core draws {CORE_W} W whatever it does, memory included; its area is assumed",
            "operands go through 1 MiB of second-level cache",
        ),
    )


def hexagon_680() -> Accelerator:
    """Two contexts of 1024-bit vectors at 500 MHz; a `vrmpy` adds 4 products of bytes into each of 32 words.

    Qualcomm, HVX programmer's reference [published: vectors, instruction]; Hot Chips 2015 [published, by
    press reports: threads of 500 MHz, a tenth of the processor's power]. What a vector does not fill is lost,
    so that channels in multiples of 32 run best, as Chameleon found of its successor.
    """
    return Accelerator(
        name="hexagon_680",
        array=Array(
            interconnect="unrolled",
            unroll=Unroll(k=DSP_WORDS, c=DSP_BYTES, p=DSP_CONTEXTS),
            im2col=True,
            efficiency=DSP_EFFICIENCY,
        ),
        buffers=Buffers(shared=Buffer(bytes=512 * KIB, reported=_cache(512 * KIB))),
        main_memory=_memory(),
        clock_hz=DSP_HZ,
        datapath=Datapath(weight_bits=8, input_bits=8, output_bits=8, accumulator_bits=32),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE),
        vector_lanes=DSP_CONTEXTS * DSP_WORDS,
        modules=(_whole("dsp", DSP_W, DSP_CONTEXTS * DSP_WORDS * DSP_BYTES, DSP_HZ, 3e6),),
        source="Qualcomm Hexagon V60 HVX reference; Hot Chips 2015 (press)",
        assumptions=(
            f"{DSP_EFFICIENCY:.0%} of the cycles issue a multiplication (assumed)",
            f"it draws {DSP_W} W whatever it does, memory included; its area is assumed",
            "operands go through 512 KiB of second-level cache",
        ),
    )


def _whole(name: str, power_w: float, multipliers: int, clock_hz: float, area_um2: float) -> Module:
    """All of a processor as one module whose power stands."""
    return Module(
        name=name,
        per="chip",
        area_um2=area_um2,
        leakage_w=power_w,
        role="standby",
        multipliers=multipliers,
        clock_hz=clock_hz,
        node_nm=NODE_NM,
        voltage=VOLTAGE,
    )


def _cache(size: int) -> Macro:
    """A cache whose energy is within the processor's."""
    return Macro(
        bytes=size, banks=8, block_bytes=64, read_pj=0.0, write_pj=0.0, leakage_w=0.0, area_mm2=0.0,
        node_nm=NODE_NM, voltage=VOLTAGE,
    )  # fmt: skip


def _memory() -> MainMemory:
    """The phone's memory, its power within the processor's."""
    return dataclasses.replace(
        main_memory("lpddr4"),
        read_pj_per_bit=0.0,
        write_pj_per_bit=0.0,
        interface_pj_per_bit=0.0,
        interface_mm2=0.0,
        background_w=0.0,
        refresh_w=0.0,
    )
