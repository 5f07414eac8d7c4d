"""The GPU that SPRING was compared with, as a roofline with a stated efficiency."""

import dataclasses

from hwmodels.components.main_memory import main_memory
from hwmodels.spec import Accelerator, Array, Buffer, Buffers, Datapath, Macro, Module, Technology

KIB = 1024
CLOCK_HZ, NODE_NM, VOLTAGE = 1.582e9, 16, 0.8
BOARD_W = 250.0
EFFICIENCY = 0.45
"""Share of the arithmetic peak that frameworks of 2017 to 2020 sustained: about 200 images/s of ResNet-50
training in fp32, three times 4.1 GMAC each, of 5.67 TMAC/s (memory; an assumption, one for every network)."""


def gtx_1080_ti() -> Accelerator:
    """28 multiprocessors of 128 fp32 lanes at 1.582 GHz: 11.34 TFLOP/s, 484 GB/s, 250 W.

    Nvidia data sheet [memory, high].
    """
    board = Module(
        name="board",
        per="chip",
        area_um2=471e6,
        leakage_w=BOARD_W,
        role="standby",
        multipliers=28 * 128,
        clock_hz=CLOCK_HZ,
        node_nm=NODE_NM,
        voltage=VOLTAGE,
    )
    inside = Macro(
        bytes=2816 * KIB,
        banks=22,
        block_bytes=32,
        read_pj=0.0,
        write_pj=0.0,
        leakage_w=0.0,
        area_mm2=0.0,
        node_nm=NODE_NM,
        voltage=VOLTAGE,
    )
    memory = dataclasses.replace(
        main_memory("gddr5x"),
        read_pj_per_bit=0.0,
        write_pj_per_bit=0.0,
        interface_pj_per_bit=0.0,
        interface_mm2=0.0,
        background_w=0.0,
        refresh_w=0.0,
    )
    return Accelerator(
        name="gtx_1080_ti",
        array=Array(rows=28, cols=128, interconnect="ideal", efficiency=EFFICIENCY),
        buffers=Buffers(shared=Buffer(bytes=2816 * KIB, reported=inside)),
        main_memory=memory,
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=32, input_bits=32, output_bits=32, accumulator_bits=32, number_format="fp32"
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE),
        vector_lanes=28 * 128,
        modules=(board,),
        source="Nvidia GTX 1080 Ti data sheet (memory)",
        assumptions=(
            f"{EFFICIENCY:.0%} of the arithmetic peak in every nest",
            "the board draws its 250 W whatever it does, memory included",
            "element-wise work is fused where the layer table fuses it, which that of a framework that runs "
            "every operation by itself does not; operands go through 2.75 MiB of cache",
        ),
    )
