"""TPU v1: 256 x 256 INT8 MACs, weight stationary, weights streamed from their own memory.

Jouppi et al., "In-Datacenter Performance Analysis of a Tensor Processing Unit", ISCA 2017, sections 2 and
7, table 2.
"""

from hwmodels.components.arithmetic import mac
from hwmodels.components.main_memory import main_memory
from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.mapping.machines.machine import Machine, memory, only, registers

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


def machine() -> Machine:
    """Levels, innermost first: weight registers, accumulators, weight FIFO, unified buffer, and two outside.

    Weights have a memory of their own; inputs come from the host's memory, where outputs go.
    """
    dram = main_memory("ddr3")
    unit = mac(WORD_BITS, WORD_BITS, SUM_BITS, NODE_NM, VOLTAGE)

    def sram(name: str, words: int, bits: int, keep: str, **more: int) -> StorageLevel:
        return memory(
            name,
            words=words,
            word_bits=bits,
            block_words=SIDE,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            operands=frozenset(keep),
            **more,
        )

    def outside(name: str, bytes_per_s: float, keep: str) -> StorageLevel:
        return StorageLevel(
            name=name,
            word_bits=WORD_BITS,
            shared_words_per_cycle=bytes_per_s / CLOCK_HZ,
            operands=frozenset(keep),
            read_pj=dram.read_pj_per_bit * WORD_BITS,
            fill_pj=dram.write_pj_per_bit * WORD_BITS,
            update_pj=dram.write_pj_per_bit * WORD_BITS,
        )

    levels = (
        registers(
            "weight_registers",
            words=2,
            word_bits=WORD_BITS,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
            instances=SIDE * SIDE,
            multiple_buffering=2,  # the next tile shifts in while this one computes
            operands=frozenset("W"),
        ),
        sram("accumulators", SUM_WORDS, SUM_BITS, "O", fanout_x=SIDE, fanout_y=SIDE),
        sram("weight_fifo", FIFO_WORDS, WORD_BITS, "W"),
        sram("unified_buffer", BUFFER_WORDS, WORD_BITS, "IO"),
        outside("weight_memory", WEIGHT_BYTES_PER_S, "W"),
        outside("host", HOST_BYTES_PER_S, "IO"),
    )
    return Machine(
        name="tpu_v1",
        architecture=Architecture(
            name="tpu_v1",
            levels=levels,
            macs=SIDE * SIDE,
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
            level="accumulators",
            temporal=only("N", "P", "Q"),
            spatial_x=frozenset("K"),
            spatial_y=frozenset("CRS"),
            keep=frozenset("O"),
        ),
        LevelConstraints(level="weight_fifo", temporal=only("C", "R", "S"), keep=frozenset("W")),
        LevelConstraints(
            level="unified_buffer",
            temporal=only("K", "N", "P", "Q"),
            keep=frozenset("IO"),
            bypass=frozenset("W"),
        ),
        LevelConstraints(level="weight_memory", temporal=only(), keep=frozenset("W")),
        LevelConstraints(level="host", temporal=only("N"), keep=frozenset("IO")),
    )
)
"""Weight stationary: positions of a batch stream past a tile of 256 reduction steps by 256 output channels,
tiles of the same outputs follow one another into the accumulators, then come the next outputs."""
