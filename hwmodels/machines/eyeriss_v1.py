"""Eyeriss v1: 12 x 14 PEs, row stationary.

Chen, Krishna, Emer, Sze, "Eyeriss: An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional
Neural Networks", IEEE JSSC 52(1), 2017: sections III to V and table IV.
"""

import dataclasses

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath, Technology
from workloads.errors import InputError, shown

SOURCE = "Chen et al., IEEE JSSC 52(1), 2017"
NODE_NM, VOLTAGE = 65, 1.0  # table IV; measurements at 1 V
WORD_BITS = 16
ROWS, COLS = 12, 14  # of PEs
PSUM_SPAD, IFMAP_SPAD, FILTER_SPAD = 24, 12, 224  # words of a PE; section V-C
BANK_WORDS = 2048  # 512 x 64 bits; section V-A
BANKS = 25  # each of ifmaps or of psums, as the layer asks; section V-A
FILTER_WORDS = 4096  # two more banks, which preload the filters of the next pass; section V-A
FILTER_PORT, PSUM_PORT, IFMAP_PORT = 4, 4, 1  # words a cycle of the buses to the array; section V-B
CORE_HZ, LINK_HZ, LINK_WORDS = 200e6, 60e6, 4  # tables V and VI; a 64-bit bus to main memory (section III-A)
RUN_BITS = 5  # of a run of zeros before a word; section IV-B
IFMAP_BANKS = 4  # of 25, unless a layer says otherwise: most layers of table III use 2 to 4


ROW_STATIONARY = Constraints(
    levels=(
        LevelConstraints(level="psum_spad", temporal=only("K", "C", "S"), keep=frozenset("O")),
        LevelConstraints(level="ifmap_spad", temporal=only(), keep=frozenset("I")),
        LevelConstraints(level="filter_spad", temporal=only(), keep=frozenset("W")),
        LevelConstraints(
            level="filters",
            temporal=only("N", "Q"),
            spatial=only("R", "C", "K", "P"),
            spatial_x=frozenset("PK"),
            spatial_y=frozenset("RCKP"),
            innermost=("Q",),
            keep=frozenset("W"),
        ),
        LevelConstraints(level="ifmaps", temporal=only("K"), keep=frozenset("I")),
        LevelConstraints(level="psums", temporal=only("C"), keep=frozenset("O")),
        LevelConstraints(level="dram", temporal=only("N", "K", "P"), keep=frozenset("WIO")),
    )
)
"""Row stationary in the words of section IV: a PE convolves rows of a filter and an ifmap (S, and Q one
column after the other) for p filters and q channels; a set of PEs holds the filter's rows (R) by output
rows (P); sets side by side take further filters or channels; a pass repeats over images (N); ifmaps stay
for the passes of further filters, psums for the passes of further channels."""


def eyeriss_v1(ifmap_banks: int = IFMAP_BANKS) -> LevelMachine:
    """Eyeriss with this many of its 25 banks given to ifmaps, the rest to psums.

    Levels, innermost first: the three scratch pads of a PE; the filter banks, which feed the array over a
    64-bit bus before a pass starts (so their transfers are exposed); the ifmap banks behind a 16-bit bus; the
    psum banks behind a 64-bit bus each way; main memory behind the 64-bit, 60 MHz link.
    """
    if not 1 <= ifmap_banks < BANKS:
        raise InputError(
            f"ifmap_banks must be 1 to {BANKS - 1} of the {BANKS}, got {shown(ifmap_banks)}",
            path="ifmap_banks",
        )
    word = WORD_BITS // 8
    filters, ifmaps = FILTER_WORDS, ifmap_banks * BANK_WORDS
    psums = (BANKS - ifmap_banks) * BANK_WORDS
    return LevelMachine(
        name="eyeriss_v1",
        levels=(
            Level(name="psum_spad", kind="registers", bytes=PSUM_SPAD * word, operands=("output",)),
            Level(name="ifmap_spad", kind="registers", bytes=IFMAP_SPAD * word, operands=("input",)),
            Level(name="filter_spad", bytes=FILTER_SPAD * word, operands=("weight",)),
            Level(
                name="filters",
                bytes=filters * word,
                operands=("weight",),
                block_words=4,
                banks=filters // BANK_WORDS,
                read_port_bits=FILTER_PORT * WORD_BITS,
                fanout_x=COLS,
                fanout_y=ROWS,
                overlapped=False,
            ),
            Level(
                name="ifmaps",
                bytes=ifmaps * word,
                operands=("input",),
                block_words=4,
                banks=ifmap_banks,
                read_port_bits=IFMAP_PORT * WORD_BITS,
            ),
            Level(
                name="psums",
                bytes=psums * word,
                operands=("output",),
                block_words=4,
                banks=BANKS - ifmap_banks,
                read_port_bits=PSUM_PORT * WORD_BITS,
                write_port_bits=PSUM_PORT * WORD_BITS,
            ),
            Level(
                name="dram",
                kind="main_memory",
                block_words=LINK_WORDS,
                bytes_per_s=LINK_WORDS * word * LINK_HZ,
            ),
        ),
        main_memory=dataclasses.replace(main_memory("ddr3"), interface_mm2=0.0),
        clock_hz=CORE_HZ,
        datapath=Datapath(
            weight_bits=WORD_BITS, input_bits=WORD_BITS, output_bits=WORD_BITS, accumulator_bits=WORD_BITS
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE, device="lop", clock_gated=0.0),
        array_level="filters",
        mapspace=ROW_STATIONARY,
        source=f"{SOURCE} (published): array, banks, pads, ports, clocks",
        assumptions=(
            f"{ifmap_banks} of the {BANKS} banks hold ifmaps, the others psums, for every layer",
            "main memory lies behind the chip's 64-bit, 60 MHz link (levels.dram.bytes_per_s); prices are of "
            "components, and leave out buses and control",
            "pads of ifmaps and psums are flip-flops (memory), whose clock is never gated: only the filter "
            "read and the multiplier are (section V-C)",
            "pins of a plain 64-bit bus, no PHY",
        ),
    )


def eyeriss_v1_zeros() -> LevelMachine:
    """Eyeriss with what it does about zeros: coded ifmaps and ofmaps in main memory, gated PEs.

    Maps are run-length coded between chip and main memory, 5 bits of run before a word, three pairs in 64
    bits (section IV-B); the image, which has no zeros to speak of, is not. A PE neither reads a filter nor
    multiplies where the ifmap is zero (section V-C), and takes the cycle all the same.
    """
    plain = eyeriss_v1()
    coded = f"dense|rle:{RUN_BITS}"
    return dataclasses.replace(
        plain.replace(
            {
                "levels.dram.sparsity.input.format": coded,
                "levels.dram.sparsity.output.format": coded,
                "levels.ifmap_spad.sparsity.input.format": "UB",
                "levels.ifmap_spad.sparsity.metadata": "uncounted",
                "levels.filter_spad.sparsity.weight.mode": "gate",
                "levels.filter_spad.sparsity.weight.leaders": "input",
                "sparsity.mac": "gate",
            }
        ),
        name="eyeriss_v1_zeros",
        source=f"{plain.source}, code of maps, gated PEs",
        assumptions=(
            *plain.assumptions,
            "bits that tell zeros in a PE, coder and decoder take no energy; runs beyond 31 zeros no fillers",
        ),
    )
