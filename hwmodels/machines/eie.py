"""EIE: sparse matrix times sparse vector from on-chip memory."""

import dataclasses

from hwmodels.components.main_memory import main_memory
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
    Technology,
    Unroll,
)

KIB = 1024
CLOCK_HZ, NODE_NM, VOLTAGE, PES = 800e6, 45, 1.0, 64

# Part of a PE: power [mW] and area [um2] (github cucapra/fodlam raw/eie-raw.csv: EIE's Table II).
PARTS = {
    "arithmetic": (1.162, 3110.0),
    "activation queue": (0.112, 758.0),
    "pointer read": (1.807, 121849.0),
    "matrix read": (4.955, 469412.0),
    "activations": (1.122, 18934.0),
}


def eie() -> Accelerator:
    """64 PEs at 800 MHz, 45 nm: rows interleaved over PEs, weights run-length coded, zero inputs skipped.

    Han et al., ISCA 2016 [published].
    """
    modules = tuple(
        Module(
            name=name,
            per="lane",
            area_um2=area_um2,
            dynamic_w=milliwatts * 1e-3,
            role="mac" if name == "arithmetic" else "array",
            multipliers=1,
            clock_hz=CLOCK_HZ,
            node_nm=NODE_NM,
            voltage=VOLTAGE,
        )
        for name, (milliwatts, area_um2) in PARTS.items()
    )
    inside = Macro(
        bytes=KIB,
        banks=PES,
        block_bytes=8,
        read_pj=0.0,
        write_pj=0.0,
        leakage_w=0.0,
        area_mm2=0.0,
        node_nm=NODE_NM,
        voltage=VOLTAGE,
    )
    itself = dataclasses.replace(
        main_memory("sram_only"), read_pj_per_bit=0.0, write_pj_per_bit=0.0, background_w=0.0
    )
    return Accelerator(
        name="eie",
        array=Array(interconnect="unrolled", unroll=Unroll(k=PES), dataflow=Dataflow.OUTPUT_STATIONARY),
        buffers=Buffers(
            weight=Buffer(bytes=PES * 128 * KIB, resident=True, reported=inside),
            shared=Buffer(bytes=PES * 4 * KIB, resident=True, reported=inside),
        ),
        main_memory=itself,
        clock_hz=CLOCK_HZ,
        datapath=Datapath(weight_bits=4, input_bits=16, output_bits=16, accumulator_bits=16),
        sparsity=Sparsity(
            weight=OperandSparsity(mode="skip", format="rle", run_bits=4),
            input=OperandSparsity(mode="skip"),
            fifo_depth=8,
            imbalance="fitted",
            outputs_between_waits=0,
        ),
        technology=Technology(node_nm=NODE_NM, voltage=VOLTAGE),
        modules=modules,
        source="Han et al., ISCA 2016 (published); PE breakdown from github cucapra/fodlam",
        assumptions=(
            "4 KiB of activations a PE and 128 KiB of weights (memory)",
            "weights lie in the PEs of as many chips as it takes: what stands for main memory costs nothing "
            "besides the PEs' own memories",
            "PEs wait for one another at the end of a matrix only; their filters are unevenly pruned by the "
            "fitted dispersion",
            "a PE's power is dynamic and spent in every busy cycle, its memories included",
        ),
    )
