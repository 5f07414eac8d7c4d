"""Two GPUs as machines of levels: cores with a register file and shared memory around a second-level cache.

A100: Nvidia, "A100 Tensor Core GPU architecture" (2020): 108 cores of four tensor cores, each 256 fp16
products a cycle, 256 KiB of registers and 192 KiB of shared memory; 40 MiB of cache that passes 5,120 bytes a
cycle. MI210: AMD, "CDNA 2 architecture" (2021) and data sheet: 104 cores of 1,024 fp16 operations a cycle,
512 KiB of registers and 64 KiB of shared memory, 8 MiB of cache. A product is cut into tiles of 256 x 128
outputs, one a core at a time (Nvidia, "Matrix multiplication background", which counts waves of 108 of them).
How long an operation takes to start was measured: github PrincetonUniversity/LLMCompass,
hardware_model/compute_module.py.
"""

from hwmodels.components.main_memory import main_memory, of_bandwidth
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints, only
from hwmodels.parts import Datapath, Technology
from hwmodels.timing import Timing

KIB, MIB = 1024, 2**20
WORD_BITS, SUM_BITS = 16, 32
TILE_ROWS, TILE_COLS = 256, 128


def _tiles(rows: int, cols: int, depth: int) -> Constraints:
    """Tiles of outputs in registers, the reduction streaming past them; cores share out tiles."""
    one = dict.fromkeys("PRS", 1)
    return Constraints(
        levels=(
            LevelConstraints(
                level="registers",
                temporal=Factors(fixed={"N": TILE_ROWS // rows, "K": TILE_COLS // cols, "C": 1, **one}),
                spatial=Factors(greatest={"N": rows, "Q": rows, "K": cols, "C": depth}),
                spatial_x=frozenset("NQK"),
                spatial_y=frozenset("C"),
                keep=frozenset("O"),
            ),
            LevelConstraints(
                level="shared",
                temporal=Factors(fixed={"N": 1, "K": 1, "Q": 1, "C": 4, **one}),
                keep=frozenset("WI"),
            ),
            LevelConstraints(
                level="cache",
                temporal=only("C", "R", "S"),
                spatial_x=frozenset("NKPQ"),
                spatial_y=frozenset(),
                keep=frozenset("WIO"),
            ),
            LevelConstraints(level="hbm", innermost=("C", "R", "S"), keep=frozenset("WIO")),
        )
    )
    # one wave of tiles at a time: the cache holds what a wave reads of a stretch of the reduction


def _gpu(name: str, **more: float) -> LevelMachine:
    rows, cols, depth = 16, 8, int(more["macs"]) // 128
    return LevelMachine(
        name=name,
        levels=(
            Level(
                name="registers",
                bytes=int(more["register_bytes"]),
                operands=("output",),
                block_words=cols,
                banks=16,
                fanout_x=rows * cols,
                fanout_y=depth,
            ),
            Level(
                name="shared",
                bytes=int(more["shared_bytes"]),
                operands=("weight", "input"),
                block_words=64,
                banks=32,
                buffering=2,
            ),
            Level(
                name="cache",
                bytes=int(more["cache_bytes"]),
                word_bits=WORD_BITS,
                block_words=64,
                fanout_x=int(more["cores"]),
                read_port_bits=8 * more["cache_bytes_per_cycle"],
            ),
            Level(name="hbm", kind="main_memory", bytes_per_s=more["memory_bytes_per_s"], block_words=32),
        ),
        main_memory=of_bandwidth(main_memory("hbm2e"), more["memory_bytes_per_s"]),
        clock_hz=more["clock_hz"],
        datapath=Datapath(
            weight_bits=WORD_BITS,
            input_bits=WORD_BITS,
            output_bits=WORD_BITS,
            accumulator_bits=SUM_BITS,
            number_format="fp16",
        ),
        technology=Technology(node_nm=more["node_nm"]),
        array_level="cache",
        vector_lanes=int(more["cores"]) * 64,
        mapspace=_tiles(rows, cols, depth),
        factors="ceil",
        timing=Timing(launch_s=more["launch_s"]),
        source="data sheet and white paper; time to start an operation as measured by LLMCompass",
        assumptions=(
            "convolutions are products of unrolled windows; tiles of 256 x 128, in the best order",
            "the clock is the highest of the data sheet; instruction issue and power limits are left out",
        ),
    )


def a100() -> LevelMachine:
    """Nvidia A100 40 GB: 108 cores at 1.41 GHz, 312 TFLOP/s of dense fp16, 1,555 GB/s of HBM2."""
    return _gpu(
        "a100",
        macs=1024,
        cores=108,
        clock_hz=1.41e9,
        register_bytes=256 * KIB,
        shared_bytes=192 * KIB,
        cache_bytes=40 * MIB,
        cache_bytes_per_cycle=5120,
        memory_bytes_per_s=1555e9,
        node_nm=7,
        launch_s=21e-6,
    )


def mi210() -> LevelMachine:
    """AMD MI210: 104 cores at 1.7 GHz, 181 TFLOP/s of fp16, 1,638 GB/s of HBM2e."""
    return _gpu(
        "mi210",
        macs=512,
        cores=104,
        clock_hz=1.7e9,
        register_bytes=512 * KIB,
        shared_bytes=64 * KIB,
        cache_bytes=8 * MIB,
        cache_bytes_per_cycle=4096,
        memory_bytes_per_s=1638e9,
        node_nm=7,
        launch_s=34e-6,
    )
