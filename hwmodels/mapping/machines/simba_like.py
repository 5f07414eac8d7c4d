"""A Simba-like chiplet: 16 PEs of eight vector MACs of width eight, weights held beside them.

Shao et al., "Simba: Scaling Deep-Learning Inference with Multi-Chip-Module-Based Architecture", MICRO 2019,
table 1. Capacities are recalled from memory; 16 x 64 MACs at 2 GHz agree with the 4 TOPS printed for a
chiplet. "Like", because the router, the controllers and the other 35 chiplets are left out.
"""

from hwmodels.components.arithmetic import mac
from hwmodels.components.main_memory import main_memory
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.machines.machine import Machine, memory, only, registers

SOURCE = "Shao et al., MICRO 2019 (capacities from memory)"
NODE_NM, VOLTAGE = 16, 0.8  # 16 nm FinFET, 0.42 to 1.2 V; memory
PE_ROWS, PE_COLS = 4, 4
LANES, WIDTH = 8, 8  # vector MACs of a PE, and products a vector MAC adds up; memory
WEIGHT_BITS, SUM_BITS = 8, 24
SUM_WORDS, WEIGHT_WORDS, INPUT_WORDS = 1024, 32768, 8192  # of a PE: 3, 32 and 8 KiB; memory
GLOBAL_WORDS = 65536  # 64 KiB; memory
CLOCK_HZ = 1e9  # within the 0.48 to 1.8 GHz of the chip; memory


def machine() -> Machine:
    """Levels, innermost first: weight registers, the three buffers of a PE, the chiplet's global buffer."""
    pes = PE_ROWS * PE_COLS
    dram = main_memory("lpddr4")
    unit = mac(WEIGHT_BITS, WEIGHT_BITS, SUM_BITS, NODE_NM, VOLTAGE)

    def buffer(name: str, words: int, bits: int, keep: str, **more: int) -> StorageLevel:
        return memory(
            name,
            words=words,
            word_bits=bits,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            operands=frozenset(keep),
            **more,
        )

    levels = (
        registers(
            "weight_registers",
            words=1,
            word_bits=WEIGHT_BITS,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            instances=pes * LANES * WIDTH,
            operands=frozenset("W"),
        ),
        buffer(
            "sums", SUM_WORDS, SUM_BITS, "O", block_words=8, instances=pes, fanout_x=WIDTH, fanout_y=LANES
        ),
        buffer("weights", WEIGHT_WORDS, WEIGHT_BITS, "W", block_words=8, instances=pes),
        buffer("inputs", INPUT_WORDS, WEIGHT_BITS, "I", block_words=8, instances=pes),
        buffer("global", GLOBAL_WORDS, WEIGHT_BITS, "IO", block_words=32, fanout_x=PE_COLS, fanout_y=PE_ROWS),
        StorageLevel(
            name="dram",
            word_bits=WEIGHT_BITS,
            block_words=8,
            shared_words_per_cycle=dram.bandwidth_bytes_per_s / CLOCK_HZ,
            read_pj=dram.read_pj_per_bit * WEIGHT_BITS * 8,
            fill_pj=dram.write_pj_per_bit * WEIGHT_BITS * 8,
            update_pj=dram.write_pj_per_bit * WEIGHT_BITS * 8,
        ),
    )
    return Machine(
        name="simba_like",
        architecture=Architecture(
            name="simba_like",
            levels=levels,
            macs=pes * LANES * WIDTH,
            clock_hz=CLOCK_HZ,
            mac_pj=float(unit.energy_pj),
            mac_leakage_w=float(unit.leakage_w),
            mac_area_um2=float(unit.area_um2),
        ),
        constraints=WEIGHT_STATIONARY,
        source=SOURCE,
    )


WEIGHT_STATIONARY = Constraints(
    levels=(
        LevelConstraints(level="weight_registers", temporal=only(), keep=frozenset("W")),
        LevelConstraints(
            level="sums",
            temporal=only("P", "Q"),
            spatial_x=frozenset("C"),
            spatial_y=frozenset("K"),
            keep=frozenset("O"),
        ),
        LevelConstraints(level="weights", temporal=only("C", "R", "S"), keep=frozenset("W")),
        LevelConstraints(level="inputs", temporal=only("K"), keep=frozenset("I")),
        LevelConstraints(
            level="global",
            temporal=only("K", "C", "P", "Q"),
            spatial_x=frozenset("KP"),
            spatial_y=frozenset("CQ"),
            keep=frozenset("IO"),
            bypass=frozenset("W"),
        ),
        LevelConstraints(level="dram", temporal=only("N", "K", "C", "P", "Q"), keep=frozenset("WIO")),
    )
)
"""Weight stationary: a weight stays in its register for the positions of a tile; a PE's lanes take output
channels, the products of a lane input channels; PEs split channels or positions."""
