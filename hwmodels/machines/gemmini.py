"""Gemmini at its default size: 16 x 16 int8 multipliers, weight stationary, 256 KiB scratchpad.

Genc et al., "Gemmini: Enabling Systematic Deep-Learning Architecture Evaluation via Full-Stack Integration",
DAC 2021, and the project's manual (github ucb-bar/gemmini, README: "Architectural parameters"). Its software
(github ucb-bar/gemmini-rocc-tests, gemmini.h) calls the array for blocks of 16 positions, each beside the
next weights shifting in, and for one tile after another of positions, output channels, kernel and input
channels, from the outside in.
"""

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.mapping.rules import Gaps, Reuse, Rules
from hwmodels.parts import Datapath, Technology
from hwmodels.timing import Timing

SOURCE = "Genc et al., DAC 2021, and the manual of github ucb-bar/gemmini"
NODE_NM = 16  # implemented in Intel 22FFL and TSMC 16 nm; the second
SIDE = 16
WORD_BITS, SUM_BITS = 8, 32
SCRATCHPAD_BYTES, ACCUMULATOR_BYTES = 256 * 1024, 64 * 1024
CLOCK_HZ = 1e9
MEMORY_BYTES_PER_S = 8e9
"""Eight bytes a cycle: what Timeloop's model of the same machine gives its memory (github ucb-bar/dosa)."""


WEIGHT_STATIONARY = Constraints(
    levels=(
        LevelConstraints(level="weights", temporal=only("N", "P", "Q"), keep=frozenset("W")),
        LevelConstraints(
            level="accumulators",
            temporal=only("N", "K", "C", "P", "Q", "R", "S"),
            spatial_x=frozenset(),
            spatial_y=frozenset("C"),
            keep=frozenset("O"),
        ),
        LevelConstraints(
            level="scratchpad",
            temporal=only(),
            spatial_x=frozenset("K"),
            spatial_y=frozenset(),
            keep=frozenset("WI"),
        ),
        LevelConstraints(level="dram", keep=frozenset("WIO")),
    )
)


def gemmini() -> LevelMachine:
    """Levels, innermost first: weight registers, accumulators of each column, scratchpad, memory."""
    return LevelMachine(
        name="gemmini",
        levels=(
            Level(
                name="weights",
                kind="registers",
                bytes=2 * WORD_BITS // 8,
                operands=("weight",),
                buffering=2,  # the next weights shift in while these are used
                block_cycles=SIDE,
            ),
            Level(
                name="accumulators",
                bytes=ACCUMULATOR_BYTES // SIDE,
                operands=("output",),
                fanout_y=SIDE,
            ),
            Level(
                name="scratchpad",
                bytes=SCRATCHPAD_BYTES,
                operands=("weight", "input"),
                block_words=SIDE,
                banks=4,
                fanout_x=SIDE,
            ),
            Level(name="dram", kind="main_memory", bytes_per_s=MEMORY_BYTES_PER_S, block_words=8),
        ),
        main_memory=main_memory("ddr3"),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=WORD_BITS, input_bits=WORD_BITS, output_bits=WORD_BITS, accumulator_bits=SUM_BITS
        ),
        technology=Technology(node_nm=NODE_NM),
        array_level="scratchpad",
        mapspace=WEIGHT_STATIONARY,
        rules=Rules(reuse=Reuse.NOTHING, gaps=Gaps.FETCHED),
        timing=Timing(ramp=True, drained=True),
        source=SOURCE,
        assumptions=(
            "the second buffer of a tile lies in the other half of the memories, whose sizes are a tile's",
            "tiles of inputs are fetched whole, halos with them, whenever they move; accumulators are "
            "emptied before the next tile of outputs begins",
            "host core, caches and the bus between them are left out",
        ),
    )
