"""One TensorCore of TPU v3 and of v4: bf16 matrix units of 128 x 128 beside 16 MiB of vector memory.

Jouppi et al., "A domain-specific supercomputer for training deep neural networks", CACM 63(7) 2020 (v3);
Jouppi et al., "TPU v4", ISCA 2023, table 4; and what Google documents of a core (docs.jax.dev, "TPU hardware
reference"; cloud.google.com, "TPU v4"). A chip has two cores, which share its memory's bandwidth. Pallas'
documentation of the same cores says what time goes by: matrix units read vector memory only, so operands are
copied in, and results out; what fits is copied whole, larger operands in tiles, two of each.
"""

from hwmodels.components.main_memory import main_memory, of_bandwidth
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath, Technology
from hwmodels.timing import Timing

SIDE = 128
WORD_BITS, SUM_BITS = 16, 32
VECTOR_MEMORY_BYTES = 16 * 2**20
VECTOR_LANES = 8 * 128


WEIGHT_STATIONARY = Constraints(
    levels=(
        LevelConstraints(level="weights", temporal=only(), keep=frozenset("W")),
        LevelConstraints(
            level="unit",
            temporal=only(),
            spatial_x=frozenset("K"),
            spatial_y=frozenset("CRS"),
            keep=frozenset("I"),
        ),
        LevelConstraints(
            level="vector_memory",
            temporal=only("N", "P", "Q", "K", "C", "R", "S"),
            innermost=("N", "P", "Q"),
            spatial_x=frozenset("NKPQ"),
            spatial_y=frozenset(),
            keep=frozenset("WIO"),
        ),
        LevelConstraints(level="hbm", keep=frozenset("WIO")),
    )
)
"""Weight stationary: all positions of a tile stream past 128 x 128 weights, then come the next."""


def _core(name: str, units: int, memory: str, **more: float) -> LevelMachine:
    share = more["chip_bytes_per_s"] / 2
    return LevelMachine(
        name=name,
        levels=(
            Level(
                name="weights",
                kind="registers",
                bytes=2 * WORD_BITS // 8,
                operands=("weight",),
                buffering=2,
                write_port_bits=WORD_BITS / SIDE,  # a row of weights shifts in a cycle: 128 for all of them
            ),
            Level(
                name="unit",
                kind="registers",
                bytes=SIDE * WORD_BITS // 8,
                operands=("input",),
                fanout_x=SIDE,
                fanout_y=SIDE,
            ),
            Level(
                name="vector_memory",
                bytes=VECTOR_MEMORY_BYTES,
                word_bits=WORD_BITS,
                block_words=SIDE,
                fanout_x=units,
                buffering=2,
            ),
            Level(name="hbm", kind="main_memory", bytes_per_s=share, block_words=16),
        ),
        main_memory=of_bandwidth(main_memory(memory), share),
        clock_hz=more["clock_hz"],
        datapath=Datapath(
            weight_bits=WORD_BITS,
            input_bits=WORD_BITS,
            output_bits=WORD_BITS,
            accumulator_bits=SUM_BITS,
            number_format="bf16",
        ),
        technology=Technology(node_nm=more["node_nm"]),
        array_level="unit",
        vector_lanes=VECTOR_LANES,
        resident="vector_memory",
        mapspace=WEIGHT_STATIONARY,
        timing=Timing(staged="vector_memory", launch_s=more["launch_s"]),
        source="Jouppi et al., CACM 63(7) 2020 and ISCA 2023; cloud.google.com and docs.jax.dev on TPUs",
        assumptions=(
            "one of the two cores of a chip, with half of the memory's bandwidth",
            "the 128 MiB of common memory, the sparse cores and the links are left out; sums are stored as "
            "words of 16 bits",
        ),
    )


def tpu_v4() -> LevelMachine:
    """A core of TPU v4: four units at 1.05 GHz, 137.5 TFLOP/s, 614 GB/s of HBM2, 7 nm.

    The time to start an operation is not published; `replace({"timing.launch_s": ...})` says it.
    """
    return _core("tpu_v4", 4, "hbm2", clock_hz=1.05e9, chip_bytes_per_s=1228e9, node_nm=7, launch_s=0.0)


def tpu_v3() -> LevelMachine:
    """A core of TPU v3: two units at 940 MHz, 61.6 TFLOP/s, 450 GB/s of HBM2, 16 nm.

    An operation takes 110 us to start, measured from its host (github PrincetonUniversity/LLMCompass,
    hardware_model/compute_module.py).
    """
    return _core("tpu_v3", 2, "hbm2", clock_hz=0.94e9, chip_bytes_per_s=900e9, node_nm=16, launch_s=110e-6)
