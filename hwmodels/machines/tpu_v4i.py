"""TPU v4i: four arrays of 128 x 128 INT8 MACs under a common memory of 128 MiB.

As stated by AccelForge (accelforge@1c1929c2, examples/arches/tpu_v4i.yaml), after Jouppi et al., "Ten Lessons
From Three Generations Shaped Google's TPUv4i", ISCA 2021.
"""

import dataclasses

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level, MacPrices, Prices
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints
from hwmodels.parts import Datapath, Technology

SOURCE = "AccelForge 1.0.467, tpu_v4i, after Jouppi et al., ISCA 2021"
BITS, SIDE, ARRAYS = 8, 128, 4
CLOCK_HZ = 1.05e9
MIB = 2**20
MEMORY_BYTES_PER_S = 614e9
READ_BYTES_PER_S, WRITE_BYTES_PER_S = 2048e9, 1024e9  # of the common memory
MEMORY_PJ, COMMON_PJ, LOCAL_PJ = (7.03, 7.03), (1.88, 2.36), (0.249, 0.293)  # a bit: read, written
MAC_PJ = 0.084


def _prices(read_pj_per_bit: float, write_pj_per_bit: float) -> Prices:
    written = write_pj_per_bit * BITS
    return Prices(read_pj=read_pj_per_bit * BITS, fill_pj=written, update_pj=written)


def tpu_v4i() -> LevelMachine:
    """Levels, innermost first: a weight register in each PE, a memory an array, a common one, outside."""
    return LevelMachine(
        name="tpu_v4i",
        levels=(
            Level(name="register", bytes=1, operands=("weight",), word_bits=BITS, prices=Prices()),
            Level(
                name="local",
                bytes=4 * MIB,
                operands=("input", "output"),
                word_bits=BITS,
                fanout_x=SIDE,
                fanout_y=SIDE,
                prices=_prices(*LOCAL_PJ),
            ),
            Level(
                name="common",
                bytes=128 * MIB,
                word_bits=BITS,
                fanout_x=ARRAYS,
                read_port_bits=READ_BYTES_PER_S * 8 / CLOCK_HZ,
                write_port_bits=WRITE_BYTES_PER_S * 8 / CLOCK_HZ,
                prices=_prices(*COMMON_PJ),
            ),
            Level(
                name="dram",
                kind="main_memory",
                word_bits=BITS,
                bytes_per_s=MEMORY_BYTES_PER_S,
                prices=_prices(*MEMORY_PJ),
            ),
        ),
        main_memory=dataclasses.replace(main_memory("hbm2"), background_w=0.0, refresh_w=0.0),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(weight_bits=BITS, input_bits=BITS, output_bits=BITS, accumulator_bits=BITS),
        technology=Technology(node_nm=7),
        array_level="local",
        fusion="common",
        mapspace=Constraints(
            levels=(
                LevelConstraints(level="register", keep=frozenset("W")),
                LevelConstraints(
                    level="local", spatial_x=frozenset("K"), spatial_y=frozenset("CRS"), keep=frozenset("IO")
                ),
            )
        ),
        mac=MacPrices(energy_pj=MAC_PJ),
        source=f"{SOURCE} (another tool's description): levels, ports, energies",
        assumptions=(
            "weights that arrays have in common are read once, where AccelForge reads them for each array",
            "leakage and area are left out",
        ),
    )
