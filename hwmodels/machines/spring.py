"""SPRING: sparse training and inference with stochastic rounding under a monolithic-3D RRAM memory."""

from hwmodels.components.main_memory import main_memory
from hwmodels.components.spring import CLOCK_HZ, NODE_NM
from hwmodels.components.tables import read
from hwmodels.spec import (
    Accelerator,
    Array,
    Buffer,
    Buffers,
    Dataflow,
    Datapath,
    Macro,
    Module,
    OperandSparsity,
    Sparsity,
    Stacking,
    Technology,
    Unroll,
)

VOLTAGE = 0.8
TILE = Unroll(n=4, k=4, c=64, p=64, q=64)
"""The tiling that the group's simulator runs as released; its four output channels leave half of the eight
lanes idle."""
GROUP_SHARE = 0.5 * 0.5 * 0.8
"""Work left by half of the activations and half of the weights, times the group's overlap factor: less than
the 0.25 that independent zeros allow."""

LANES, WIDTH, BITS, POSITIONS = 72, 16, 20, 64
"""Lanes of a PE, multipliers of a lane, bits of an operand, mask positions that the front end is taken to
examine in a cycle."""
# When each module spends its dynamic power, and what it does in a busy cycle.
ROLES = {
    "mac lane": ("mac", float(WIDTH)),
    "batch norm": ("vector", 32.0),  # 16 elements a cycle, a multiplication and an addition each
    "loss": ("standby", 1.0),
    "pooling": ("standby", 1.0),
    "scalar": ("standby", 1.0),
    "pre-sparsity": ("zeros", 1.0),
    "post-sparsity": ("zeros", 1.0),
}
# What a module grows with: multipliers that its figures are for, where it serves them (assumed).
SERVES = {"data flow": LANES * WIDTH}


def spring() -> Accelerator:
    """64 PEs of 72 lanes of 16 multipliers at 700 MHz, 14 nm.

    Yu and Jha, IEEE TETC 2020 [published: headline]; configuration, modules and buffers from its authors'
    group (github jha-lab/codebench) [simulated].
    """
    masked = OperandSparsity(mode="skip", format="bitmask")
    buffers = {row["component"].split()[0]: _macro(row) for row in read("spring_buffers")}
    return Accelerator(
        name="spring",
        array=Array(
            interconnect="unrolled",
            unroll=Unroll(n=2, k=8, c=16, p=4, q=8, r=3, s=3),
            dataflow=Dataflow.OUTPUT_STATIONARY,
        ),
        buffers=Buffers(
            weight=Buffer(bytes=buffers["weight"].bytes, resident=True, reported=buffers["weight"]),
            shared=Buffer(bytes=buffers["activation"].bytes, resident=True, reported=buffers["activation"]),
            mask=Buffer(bytes=buffers["mask"].bytes, reported=buffers["mask"]),
        ),
        main_memory=main_memory("rram_m3d"),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=BITS,
            input_bits=BITS,
            output_bits=BITS,
            accumulator_bits=BITS,
            rounding="stochastic",
            rounds="partial",
            lfsr_bits=16,
            fraction_bits=16,
        ),
        sparsity=Sparsity(
            weight=masked,
            input=masked,
            output=OperandSparsity(format="bitmask"),
            front_end_positions_per_cycle=POSITIONS,
            fifo_depth=32,
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE),
        stacking=Stacking(
            style="monolithic", memory_tier=1, memory_area_mm2=166.0, temperature_limit_c=105.0
        ),
        modules=_modules(),
        source="Yu and Jha, IEEE TETC 2020 (published); github jha-lab/codebench (simulated)",
        assumptions=(
            "the front end examines 64 mask positions a cycle and lane, what a speed-up of four needs; the "
            "module is 32 wide and its RTL serial",
            "lanes do not wait for one another",
            "the reported banks give an access each a cycle, 1 KiB of every buffer, and no more",
            "an output stays in its lane's accumulator for a tile, weights are sent again for each position",
            "parts of a lane, and the data flow of a PE, grow with the multipliers they serve; a front end "
            "beyond 64 positions in proportion; multipliers with their widths as the component model does",
            "vector operations all run on the batch-norm units, 16 elements a cycle and two operations each",
            "the dynamic power of im2col, 1.9 kW in all, is impossible and left out",
            "the LFSR is as wide as the fraction, 16 bits; the released one has 15",
            "the RRAM tier covers the logic tier",
        ),
    )


def _macro(row: dict[str, str]) -> Macro:
    return Macro(
        bytes=int(row["bytes"]),
        banks=int(row["banks"]),
        block_bytes=int(row["block_bytes"]),
        read_pj=float(row["read_nj"]) * 1e3,
        write_pj=float(row["write_nj"]) * 1e3,
        leakage_w=float(row["leakage_mw_per_bank"]) * 1e-3 * int(row["banks"]),
        area_mm2=float(row["area_mm2"]),
        node_nm=NODE_NM,
        voltage=VOLTAGE,
    )


def _modules() -> tuple[Module, ...]:
    modules = []
    for row in read("spring_modules"):
        role, operations = ROLES.get(row["component"], ("array", 1.0))
        dynamic_w = float(row["dynamic_mw"]) * 1e-3 if row["plausible_dynamic"] == "1" else 0.0
        modules.append(
            Module(
                name=row["component"],
                per=row["per"],
                area_um2=float(row["area_um2"]),
                dynamic_w=dynamic_w,
                leakage_w=float(row["leakage_mw"]) * 1e-3,
                role=role,
                operations=operations,
                multipliers=WIDTH if row["per"] == "lane" else SERVES.get(row["component"], 0),
                positions=POSITIONS if row["component"] == "pre-sparsity" else 0,
                bits=BITS if role == "mac" else 0,
                clock_hz=CLOCK_HZ,
                node_nm=NODE_NM,
                voltage=VOLTAGE,
            )
        )
    return tuple(modules)
