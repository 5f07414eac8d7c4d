"""An NVDLA-like machine: 2048 INT8 multipliers, 64 input by 32 output channels, a 512 KB buffer.

NVDLA hardware manual, full configuration (atomic-C 64, atomic-K 32 in INT8; from memory), and the 2048-MAC
column of NVDLA_OpenSource_Performance.xlsx (github nvdla/hw@8e06b1b): 512 KB, 1 GHz, 10 GB/s. "Like",
because image mode, Winograd and the pooling and bias units behind the array are left out.
"""

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath, Technology

SOURCE = "NVDLA hardware manual (atomics from memory); NVDLA_OpenSource_Performance.xlsx, 2048 MACs"
NODE_NM, VOLTAGE = 16, 0.8  # assumed: the sheet names no node
ATOMIC_C, ATOMIC_K = 64, 32  # channels of one atomic operation; memory
STRIPE = 32  # positions accumulated before weights change; memory
WORD_BITS, SUM_BITS = 8, 32
BUFFER_WORDS = 524288  # 512 KB; sheet
CLOCK_HZ = 1e9  # sheet
DRAM_WORDS_PER_CYCLE = 10  # 10 GB/s; sheet


DIRECT_CONVOLUTION = Constraints(
    levels=(
        LevelConstraints(level="weight_registers", temporal=only(), keep=frozenset("W")),
        LevelConstraints(
            level="accumulator",
            temporal=only("P", "Q"),
            spatial_x=frozenset("C"),
            spatial_y=frozenset("K"),
            keep=frozenset("O"),
        ),
        LevelConstraints(
            level="convolution_buffer",
            temporal=only("P", "Q", "R", "S", "C", "K"),
            innermost=("C", "S", "R"),
            keep=frozenset("WI"),
            bypass=frozenset("O"),
        ),
        LevelConstraints(level="dram", temporal=only("N", "K", "P", "Q"), keep=frozenset("WIO")),
    )
)
"""Direct convolution: a stripe of positions passes the held weights, then channels and kernel positions
follow until the sums of the stripe are done; they leave for the next unit without touching the buffer."""


def nvdla_like() -> LevelMachine:
    """The machine; levels, innermost first, are weight registers, the accumulator, the convolution buffer."""
    return LevelMachine(
        name="nvdla_like",
        levels=(
            Level(name="weight_registers", kind="registers", bytes=WORD_BITS // 8, operands=("weight",)),
            Level(
                name="accumulator",
                bytes=STRIPE * ATOMIC_K * SUM_BITS // 8,
                operands=("output",),
                block_words=ATOMIC_K,
                fanout_x=ATOMIC_C,
                fanout_y=ATOMIC_K,
            ),
            Level(
                name="convolution_buffer",
                bytes=BUFFER_WORDS * WORD_BITS // 8,
                operands=("weight", "input"),
                block_words=ATOMIC_C,
            ),
            Level(
                name="dram",
                kind="main_memory",
                block_words=32,
                bytes_per_s=DRAM_WORDS_PER_CYCLE * CLOCK_HZ * WORD_BITS / 8,
            ),
        ),
        main_memory=main_memory("lpddr4"),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=WORD_BITS, input_bits=WORD_BITS, output_bits=WORD_BITS, accumulator_bits=SUM_BITS
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE, device="lop"),
        array_level="accumulator",
        mapspace=DIRECT_CONVOLUTION,
        source=f"{SOURCE} (published): MACs, buffer, bandwidth, clock",
        assumptions=(
            "atoms of 64 channels by 32 kernels and stripes of 32 positions (from memory)",
            f"{NODE_NM} nm at {VOLTAGE} V: the sheet names no node",
        ),
    )
