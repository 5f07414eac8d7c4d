"""A Simba-like chiplet: 16 PEs of eight vector MACs of width eight, weights held beside them.

Shao et al., "Simba: Scaling Deep-Learning Inference with Multi-Chip-Module-Based Architecture", MICRO 2019,
table 1. Capacities are recalled from memory; 16 x 64 MACs at 2 GHz agree with the 4 TOPS printed for a
chiplet. "Like", because the router, the controllers and the other 35 chiplets are left out.
"""

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath, Technology

SOURCE = "Shao et al., MICRO 2019 (capacities from memory)"
NODE_NM, VOLTAGE = 16, 0.8  # 16 nm FinFET, 0.42 to 1.2 V; memory
PE_ROWS, PE_COLS = 4, 4
LANES, WIDTH = 8, 8  # vector MACs of a PE, and products a vector MAC adds up; memory
WEIGHT_BITS, SUM_BITS = 8, 24
SUM_WORDS, WEIGHT_WORDS, INPUT_WORDS = 1024, 32768, 8192  # of a PE: 3, 32 and 8 KiB; memory
GLOBAL_WORDS = 65536  # 64 KiB; memory
CLOCK_HZ = 1e9  # within the 0.48 to 1.8 GHz of the chip; memory


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


def simba_like() -> LevelMachine:
    """Levels, innermost first: weight registers, the three buffers of a PE, the chiplet's global buffer."""

    def buffer(name: str, words: int, bits: int, operand: str, fanout: tuple[int, int] = (1, 1)) -> Level:
        return Level(
            name=name,
            bytes=words * bits // 8,
            word_bits=bits,
            operands=(operand,),
            block_words=8,
            fanout_x=fanout[0],
            fanout_y=fanout[1],
        )

    return LevelMachine(
        name="simba_like",
        levels=(
            Level(name="weight_registers", kind="registers", bytes=WEIGHT_BITS // 8, operands=("weight",)),
            buffer("sums", SUM_WORDS, SUM_BITS, "output", (WIDTH, LANES)),
            buffer("weights", WEIGHT_WORDS, WEIGHT_BITS, "weight"),
            buffer("inputs", INPUT_WORDS, WEIGHT_BITS, "input"),
            Level(
                name="global",
                bytes=GLOBAL_WORDS * WEIGHT_BITS // 8,
                operands=("input", "output"),
                block_words=32,
                fanout_x=PE_COLS,
                fanout_y=PE_ROWS,
            ),
            Level(name="dram", kind="main_memory", block_words=8),
        ),
        main_memory=main_memory("lpddr4"),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=WEIGHT_BITS,
            input_bits=WEIGHT_BITS,
            output_bits=WEIGHT_BITS,
            accumulator_bits=SUM_BITS,
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE, device="lop"),
        array_level="global",
        mapspace=WEIGHT_STATIONARY,
        source=SOURCE,
        assumptions=(
            "capacities of the pads and of the global buffer are recalled",
            "the router, the controllers and the other 35 chiplets are left out; LPDDR4 is assumed",
        ),
    )
