"""TPU v1: 256 x 256 INT8 MACs, weight stationary, weights streamed from their own memory.

Jouppi et al., "In-Datacenter Performance Analysis of a Tensor Processing Unit", ISCA 2017, sections 2 and
7, table 2.
"""

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath, Technology

SOURCE = "Jouppi et al., ISCA 2017"
NODE_NM, VOLTAGE = 28, 0.9  # 28 nm in table 2; nominal voltage, assumed
SIDE = 256
WORD_BITS, SUM_BITS = 8, 32
SUM_WORDS = 4096 * SIDE  # 4 MiB of accumulators
BUFFER_WORDS = 24 * 2**20  # 24 MiB of unified buffer
FIFO_WORDS = 4 * SIDE * SIDE  # four tiles deep
CLOCK_HZ = 700e6
WEIGHT_BYTES_PER_S = 34e9  # two channels of DDR3-2133
HOST_BYTES_PER_S = 14e9  # PCIe Gen3 x16; figure 1


WEIGHT_STATIONARY = Constraints(
    levels=(
        LevelConstraints(level="weight_registers", temporal=only(), keep=frozenset("W")),
        LevelConstraints(
            level="accumulators",
            temporal=only("N", "P", "Q"),
            spatial_x=frozenset("K"),
            spatial_y=frozenset("CRS"),
            keep=frozenset("O"),
        ),
        LevelConstraints(level="weight_fifo", temporal=only("C", "R", "S"), keep=frozenset("W")),
        LevelConstraints(
            level="unified_buffer",
            temporal=only("K", "C", "R", "S", "N", "P", "Q"),
            keep=frozenset("IO"),
            bypass=frozenset("W"),
        ),
        LevelConstraints(level="weight_memory", temporal=only(), keep=frozenset("W")),
        LevelConstraints(level="host", temporal=only("N"), keep=frozenset("IO")),
    )
)
"""Weight stationary: positions of a batch stream past a tile of 256 reduction steps by 256 output channels,
tiles of the same outputs follow one another into the accumulators, then come the next outputs. The FIFO holds
four tiles and passes on as many as a sum needs: reduction loops may go on outside it."""


def tpu_v1() -> LevelMachine:
    """Levels, innermost first: weight registers, accumulators, weight FIFO, unified buffer, and two outside.

    Weights have a memory of their own; inputs come from the host's memory, where outputs go.
    """

    def outside(name: str, bytes_per_s: float, operands: tuple[str, ...]) -> Level:
        return Level(name=name, kind="main_memory", bytes_per_s=bytes_per_s, operands=operands)

    return LevelMachine(
        name="tpu_v1",
        levels=(
            Level(
                name="weight_registers",
                kind="registers",
                bytes=2 * WORD_BITS // 8,
                operands=("weight",),
                buffering=2,  # the next tile shifts in while this one computes
            ),
            Level(
                name="accumulators",
                bytes=SUM_WORDS * SUM_BITS // 8,
                operands=("output",),
                block_words=SIDE,
                fanout_x=SIDE,
                fanout_y=SIDE,
            ),
            Level(
                name="weight_fifo",
                bytes=FIFO_WORDS * WORD_BITS // 8,
                operands=("weight",),
                block_words=SIDE,
            ),
            Level(
                name="unified_buffer",
                bytes=BUFFER_WORDS * WORD_BITS // 8,
                word_bits=WORD_BITS,
                operands=("input", "output"),
                block_words=SIDE,
            ),
            outside("weight_memory", WEIGHT_BYTES_PER_S, ("weight",)),
            outside("host", HOST_BYTES_PER_S, ("input", "output")),
        ),
        main_memory=main_memory("ddr3"),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=WORD_BITS, input_bits=WORD_BITS, output_bits=WORD_BITS, accumulator_bits=SUM_BITS
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE, device="lop"),
        array_level="accumulators",
        resident="unified_buffer",
        mapspace=WEIGHT_STATIONARY,
        source=f"{SOURCE} (published): array, clock, node, buffers, accumulators, FIFO, both links",
        assumptions=(
            "both memories have the energy of DDR3 and the background of one of it",
            "tensors between layers come from the host and go back, unless the schedule keeps them resident",
        ),
    )
