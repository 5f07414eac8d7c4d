"""One PE of Eyeriss v2, which skips zeros of both operands within an input channel."""

from hwmodels.components.main_memory import main_memory
from hwmodels.spec import (
    Accelerator,
    Array,
    Buffer,
    Buffers,
    Dataflow,
    Datapath,
    OperandSparsity,
    Sparsity,
    Technology,
    Unroll,
)

KIB = 1024


def eyeriss_v2_pe() -> Accelerator:
    """One PE, one multiply-accumulate a cycle, operands in compressed sparse columns.

    Chen et al., JETCAS 2019. A cluster is more of them: replace `array.unroll`.
    """
    packed = OperandSparsity(mode="skip", format="csc")
    return Accelerator(
        name="eyeriss_v2_pe",
        array=Array(interconnect="unrolled", unroll=Unroll(), dataflow=Dataflow.OUTPUT_STATIONARY),
        buffers=Buffers(
            weight=Buffer(bytes=96 * 24 // 8), input=Buffer(bytes=1536), output=Buffer(bytes=1920)
        ),
        main_memory=main_memory("lpddr4"),
        clock_hz=200e6,
        datapath=Datapath(weight_bits=8, input_bits=8, output_bits=8, accumulator_bits=20),
        sparsity=Sparsity(weight=packed, input=packed, output=OperandSparsity(format="csc"), depthwise=False),
        technology=Technology(node_nm=65, device="lop"),
        source="Chen et al., JETCAS 2019 (published: 65 nm, 192 PEs); sizes and clock from memory",
        assumptions=(
            "one multiply-accumulate a cycle, as in the counts it is checked against; the chip's PE does two",
            "the buffers are the weight scratchpad and one bank of the cluster's global buffer",
            "LPDDR4 main memory",
            "a low-power process, as its predecessor's (TSMC 65 nm LP, Chen et al., JSSC 2017, table IV)",
        ),
    )
