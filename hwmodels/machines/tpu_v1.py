"""Google's first TPU."""

import dataclasses

from hwmodels.components.main_memory import main_memory
from hwmodels.spec import Accelerator, Array, Buffer, Buffers, Dataflow, Datapath, Technology

KIB = 1024
MIB = 1024 * KIB


def tpu_v1() -> Accelerator:
    """256 x 256 weight-stationary int8 array at 700 MHz.

    Jouppi et al., ISCA 2017 [published]: array, clock, 28 nm, 24 MiB unified buffer, 4 MiB accumulators, 34
    GB/s of DDR3.
    """
    return Accelerator(
        name="tpu_v1",
        array=Array(rows=256, cols=256, dataflow=Dataflow.WEIGHT_STATIONARY),
        buffers=Buffers(
            weight=Buffer(bytes=256 * KIB), input=Buffer(bytes=24 * MIB), output=Buffer(bytes=4 * MIB)
        ),
        main_memory=dataclasses.replace(main_memory("ddr3"), bandwidth_bytes_per_s=34e9),
        clock_hz=700e6,
        datapath=Datapath(weight_bits=8, input_bits=8, output_bits=8, accumulator_bits=32),
        technology=Technology(node_nm=28),
        source="Jouppi et al., ISCA 2017, tables 1 and 2 (published); weight FIFO from memory",
        assumptions=(
            "the unified buffer is the input buffer, the accumulators are the output buffer",
            "activations cross the same main memory as weights, where the chip had a host link",
            "four 64 KiB tiles of weight FIFO (memory)",
        ),
    )
