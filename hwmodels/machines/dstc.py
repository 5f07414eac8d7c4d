"""The dual-side sparse tensor core: outer products of vectors from which zeros have been squeezed."""

from hwmodels.components.main_memory import main_memory, of_bandwidth
from hwmodels.spec import (
    Accelerator,
    Array,
    Buffer,
    Buffers,
    Datapath,
    OperandSparsity,
    Sparsity,
    Technology,
)

MIB = 1024 * 1024


def dstc() -> Accelerator:
    """640 tensor cores of 64 fp16 multiply-accumulates at 1.53 GHz; zeros of both operands are skipped.

    Wang et al., ISCA 2021, on a V100 [memory]: a warp's 32 x 32 outer product takes 32 elements of a column
    of the first factor 8 at a time and 32 of a row of the second 16 at a time, non-zeros first.
    """
    return Accelerator(
        name="dstc",
        array=Array(rows=640, cols=64, interconnect="ideal"),
        buffers=Buffers(shared=Buffer(bytes=6 * MIB)),
        main_memory=of_bandwidth(main_memory("hbm2"), 900e9),
        clock_hz=1.53e9,
        datapath=Datapath(
            weight_bits=16, input_bits=16, output_bits=16, accumulator_bits=32, number_format="fp16"
        ),
        sparsity=Sparsity(
            weight=OperandSparsity(mode="skip", format="bitmask", group=32, width=16),
            input=OperandSparsity(mode="skip", format="bitmask", group=32, width=8),
            output=OperandSparsity(format="bitmask"),
        ),
        technology=Technology(node_nm=12),
        source="Wang et al., ISCA 2021; V100 data sheet (memory)",
        assumptions=(
            "a roofline but for the packing: any product fills the tensor cores, bitmap decoding is free",
            "operands go through 6 MiB of second-level cache",
        ),
    )
