"""A GPU whose tensor cores skip two of four weights."""

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


def a100_2_4() -> Accelerator:
    """432 tensor cores of 256 fp16 multiply-accumulates at 1.41 GHz: 312 TFLOP/s dense, twice that for 2:4.

    Nvidia A100 40 GB data sheet [memory, high].
    """
    return Accelerator(
        name="a100_2_4",
        array=Array(rows=432, cols=256, interconnect="ideal"),
        buffers=Buffers(shared=Buffer(bytes=40 * MIB)),
        main_memory=of_bandwidth(main_memory("hbm2"), 1555e9),
        clock_hz=1.41e9,
        datapath=Datapath(
            weight_bits=16, input_bits=16, output_bits=16, accumulator_bits=32, number_format="fp16"
        ),
        sparsity=Sparsity(weight=OperandSparsity(mode="skip", format="n_m", n=2, m=4)),
        technology=Technology(node_nm=7),
        source="Nvidia A100 data sheet (memory)",
        assumptions=(
            "a roofline: any nest fills the tensor cores; operands go through 40 MiB of second-level cache",
            "a tensor at most half dense was pruned to 2:4",
        ),
    )
