"""An NVDLA-like machine: 2048 INT8 multipliers, 64 input by 32 output channels, a 512 KB buffer.

NVDLA hardware manual, full configuration (atomic-C 64, atomic-K 32 in INT8; from memory), and the 2048-MAC
column of NVDLA_OpenSource_Performance.xlsx (github nvdla/hw@8e06b1b): 512 KB, 1 GHz, 10 GB/s. "Like",
because image mode, Winograd and the pooling and bias units behind the array are left out.
"""

from hwmodels.components.arithmetic import mac
from hwmodels.components.main_memory import main_memory
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.machines.machine import Machine, memory, only, registers

SOURCE = "NVDLA hardware manual (atomics from memory); NVDLA_OpenSource_Performance.xlsx, 2048 MACs"
NODE_NM, VOLTAGE = 16, 0.8  # assumed: the sheet names no node
ATOMIC_C, ATOMIC_K = 64, 32  # channels of one atomic operation; memory
STRIPE = 32  # positions accumulated before weights change; memory
WORD_BITS, SUM_BITS = 8, 32
BUFFER_WORDS = 524288  # 512 KB; sheet
CLOCK_HZ = 1e9  # sheet
DRAM_WORDS_PER_CYCLE = 10  # 10 GB/s; sheet


def machine() -> Machine:
    """The machine; levels, innermost first, are weight registers, the accumulator, the convolution buffer."""
    dram = main_memory("lpddr4")
    unit = mac(WORD_BITS, WORD_BITS, SUM_BITS, NODE_NM, VOLTAGE)
    levels = (
        registers(
            "weight_registers",
            words=1,
            word_bits=WORD_BITS,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            instances=ATOMIC_C * ATOMIC_K,
            operands=frozenset("W"),
        ),
        memory(
            "accumulator",
            words=STRIPE * ATOMIC_K,
            word_bits=SUM_BITS,
            block_words=ATOMIC_K,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            fanout_x=ATOMIC_C,
            fanout_y=ATOMIC_K,
            operands=frozenset("O"),
        ),
        memory(
            "convolution_buffer",
            words=BUFFER_WORDS,
            word_bits=WORD_BITS,
            block_words=ATOMIC_C,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            operands=frozenset("WI"),
        ),
        StorageLevel(
            name="dram",
            word_bits=WORD_BITS,
            block_words=32,
            shared_words_per_cycle=DRAM_WORDS_PER_CYCLE,
            read_pj=dram.read_pj_per_bit * WORD_BITS * 32,
            fill_pj=dram.write_pj_per_bit * WORD_BITS * 32,
            update_pj=dram.write_pj_per_bit * WORD_BITS * 32,
        ),
    )
    return Machine(
        name="nvdla_like",
        architecture=Architecture(
            name="nvdla_like",
            levels=levels,
            macs=ATOMIC_C * ATOMIC_K,
            clock_hz=CLOCK_HZ,
            mac_pj=float(unit.energy_pj),
            mac_leakage_w=float(unit.leakage_w),
            mac_area_um2=float(unit.area_um2),
        ),
        constraints=DIRECT_CONVOLUTION,
        source=SOURCE,
    )


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
