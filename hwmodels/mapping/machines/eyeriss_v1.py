"""Eyeriss v1: 12 x 14 PEs, row stationary.

Chen, Krishna, Emer, Sze, "Eyeriss: An Energy-Efficient Reconfigurable Accelerator for Deep Convolutional
Neural Networks", IEEE JSSC 52(1), 2017: sections III to V and table IV.
"""

from hwmodels.components.arithmetic import mac
from hwmodels.components.main_memory import main_memory
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.machines.machine import Machine, memory, only

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
IFMAP_BANKS = 4  # of 25, unless a layer says otherwise: most layers of table III use 2 to 4


def machine(ifmap_banks: int = IFMAP_BANKS) -> Machine:
    """Eyeriss with this many of its 25 banks given to ifmaps, the rest to psums.

    Levels, innermost first: the three scratch pads of a PE; the filter banks, which feed the array over a
    64-bit bus before a pass starts (so their transfers are exposed); the ifmap banks behind a 16-bit bus; the
    psum banks behind a 64-bit bus each way; main memory behind the 64-bit, 60 MHz link.
    """
    if not 1 <= ifmap_banks < BANKS:
        raise ValueError(f"ifmap_banks must be 1 to {BANKS - 1} of the {BANKS}, got {ifmap_banks!r}")
    pes = ROWS * COLS
    dram = main_memory("ddr3")
    unit = mac(WORD_BITS, WORD_BITS, WORD_BITS, NODE_NM, VOLTAGE)

    def pads(name: str, words: int, operand: str) -> StorageLevel:
        return memory(
            name,
            words=words,
            word_bits=WORD_BITS,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            instances=pes,
            operands=frozenset(operand),
        )

    def banks(name: str, words: int, operand: str, read: float, write: float, **more: int) -> StorageLevel:
        return memory(
            name,
            words=words,
            word_bits=WORD_BITS,
            block_words=4,
            banks=words // BANK_WORDS,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            read_words_per_cycle=read,
            write_words_per_cycle=write,
            operands=frozenset(operand),
            **more,
        )

    inf = float("inf")
    psum_words = (BANKS - ifmap_banks) * BANK_WORDS
    levels = (
        pads("psum_spad", PSUM_SPAD, "O"),
        pads("ifmap_spad", IFMAP_SPAD, "I"),
        pads("filter_spad", FILTER_SPAD, "W"),
        banks("filters", FILTER_WORDS, "W", FILTER_PORT, inf, fanout_x=COLS, fanout_y=ROWS, overlapped=False),
        banks("ifmaps", ifmap_banks * BANK_WORDS, "I", IFMAP_PORT, inf),
        banks("psums", psum_words, "O", PSUM_PORT, PSUM_PORT),
        StorageLevel(
            name="dram",
            word_bits=WORD_BITS,
            block_words=LINK_WORDS,
            shared_words_per_cycle=LINK_WORDS * LINK_HZ / CORE_HZ,
            read_pj=dram.read_pj_per_bit * WORD_BITS * LINK_WORDS,
            fill_pj=dram.write_pj_per_bit * WORD_BITS * LINK_WORDS,
            update_pj=dram.write_pj_per_bit * WORD_BITS * LINK_WORDS,
        ),
    )
    return Machine(
        name="eyeriss_v1",
        architecture=Architecture(
            name="eyeriss_v1",
            levels=levels,
            macs=pes,
            clock_hz=CORE_HZ,
            mac_pj=float(unit.energy_pj),
            mac_leakage_w=float(unit.leakage_w),
            mac_area_um2=float(unit.area_um2),
        ),
        constraints=ROW_STATIONARY,
        source=SOURCE,
    )


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
