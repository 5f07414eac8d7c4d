"""SCNN, which multiplies every non-zero input by every non-zero weight, and the dense machine beside it."""

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
PES = 64
ASSUMPTIONS = (
    "LPDDR4 main memory (the paper's is not said in what was read)",
    "32 KiB of weight FIFOs in all (memory)",
    "a stride is taken apart into phases, so that every product counts",
)


def scnn() -> Accelerator:
    """8 x 8 PEs of 4 x 4 multipliers at 1 GHz, 16 nm.

    Parashar et al., ISCA 2017 [published, from a close reading]: PEs, multipliers, 32 x 32 accumulators, 10
    KiB of inputs and 10 KiB of outputs a PE.
    """
    packed = OperandSparsity(mode="skip", format="rle", run_bits=4)
    return Accelerator(
        name="scnn",
        array=Array(
            interconnect="cartesian",
            unroll=Unroll(p=8, q=8, n=4, k=4),
            accumulators=32 * 32,
            dataflow=Dataflow.INPUT_STATIONARY,
        ),
        buffers=Buffers(
            weight=Buffer(bytes=32 * KIB),
            input=Buffer(bytes=PES * 10 * KIB, resident=True),
            output=Buffer(bytes=PES * 10 * KIB),
        ),
        main_memory=main_memory("lpddr4"),
        clock_hz=1e9,
        datapath=Datapath(weight_bits=16, input_bits=16, output_bits=16, accumulator_bits=24),
        sparsity=Sparsity(
            weight=packed,
            input=packed,
            output=OperandSparsity(format="rle", run_bits=4),
            imbalance="binomial",
        ),
        technology=Technology(node_nm=16),
        vector_lanes=PES,
        source="Parashar et al., ISCA 2017 (published)",
        assumptions=(
            *ASSUMPTIONS,
            "one lane of post-processing a PE",
            "activations that stay do so in the input RAM, beside the layer's inputs; the chip swaps the "
            "roles of its input and output RAMs instead",
            "PEs wait for one another after each group of output channels; zeros fall on them independently",
        ),
    )


def scnn_dense() -> Accelerator:
    """The dense counterpart, DCNN: the same 8 x 8 PEs share the plane, each a 16-wide dot product.

    Parashar et al., ISCA 2017 [published, from a close reading].
    """
    return Accelerator(
        name="scnn_dense",
        array=Array(
            interconnect="unrolled",
            unroll=Unroll(p=8, q=8, c=16),
            im2col=True,
            dataflow=Dataflow.OUTPUT_STATIONARY,
        ),
        buffers=Buffers(weight=Buffer(bytes=32 * KIB), shared=Buffer(bytes=2 * 1024 * KIB, resident=True)),
        main_memory=main_memory("lpddr4"),
        clock_hz=1e9,
        datapath=Datapath(weight_bits=16, input_bits=16, output_bits=16, accumulator_bits=24),
        technology=Technology(node_nm=16),
        source="Parashar et al., ISCA 2017 (published)",
        assumptions=(
            *ASSUMPTIONS,
            "the dot product runs over input channels and taps",
            "2 MiB of activations (memory)",
        ),
    )
