"""Published and reference machines by name; one entry is one function."""

import dataclasses
import difflib
from collections.abc import Callable
from functools import cache

from hwmodels.components.main_memory import main_memory
from hwmodels.spec import Accelerator, Array, Buffer, Buffers, Dataflow, Datapath, Technology

KIB = 1024
MIB = 1024 * KIB


class UnknownAcceleratorError(KeyError, ValueError):
    """No preset of that name; the message lists the nearest."""

    def __str__(self) -> str:
        """Return the message without KeyError's quotes."""
        return str(self.args[0])


def tpu_v1() -> Accelerator:
    """Google's first TPU: 256 x 256 weight-stationary int8 array at 700 MHz.

    Jouppi et al., ISCA 2017 [published]: array, clock, 28 nm, 24 MiB unified buffer, 4 MiB accumulators, 34
    GB/s of DDR3. The weight FIFO of four 64 KiB tiles is recalled, not read [memory]. Its unified buffer is
    the input buffer here, its accumulators the output buffer; activations cross the same main memory as
    weights, where the chip had a host link [assumed].
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
    )


def _reference(
    name: str, edge: int, buffers_kib: tuple[int, int, int], memory: str, **more: float
) -> Accelerator:
    """A reference machine of ours: a square int8 weight-stationary array with sizes common in its class."""
    weight, inputs, output = (Buffer(bytes=size * KIB) for size in buffers_kib)
    return Accelerator(
        name=name,
        array=Array(rows=edge, cols=edge, dataflow=Dataflow.WEIGHT_STATIONARY),
        buffers=Buffers(weight=weight, input=inputs, output=output),
        main_memory=main_memory(memory),
        clock_hz=more["clock_hz"],
        technology=Technology(node_nm=more["node_nm"]),
        source="a reference point of this project, no product (assumed)",
    )


def edge_16x16() -> Accelerator:
    """A microcontroller-class machine: 256 PEs at 500 MHz, 22 nm, LPDDR4 [assumed]."""
    return _reference("edge_16x16", 16, (64, 64, 32), "lpddr4", clock_hz=500e6, node_nm=22)


def edge_32x32() -> Accelerator:
    """A phone-class machine: 1,024 PEs at 800 MHz, 22 nm, LPDDR4 [assumed]."""
    return _reference("edge_32x32", 32, (256, 256, 128), "lpddr4", clock_hz=800e6, node_nm=22)


def datacentre_128x128() -> Accelerator:
    """A data-centre core: 16,384 PEs at 940 MHz, 7 nm, HBM2 [assumed]."""
    return _reference(
        "datacentre_128x128", 128, (4 * KIB, 8 * KIB, 4 * KIB), "hbm2", clock_hz=940e6, node_nm=7
    )


PRESETS: dict[str, Callable[[], Accelerator]] = {
    preset.__name__: preset for preset in (tpu_v1, edge_16x16, edge_32x32, datacentre_128x128)
}


def names() -> list[str]:
    """Names of the accelerators that `load` knows."""
    return sorted(PRESETS)


@cache
def load(name: str) -> Accelerator:
    """Return a published or reference accelerator.

    Raises
    ------
    UnknownAcceleratorError
        If there is none of that name; the nearest names are given.

    Examples
    --------
    >>> import hwmodels
    >>> hwmodels.load("tpu_v1").array.pes
    65536

    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=3, cutoff=0.4) or names()
        raise UnknownAcceleratorError(f"unknown accelerator {name!r}; did you mean {', '.join(near)}?")
    return PRESETS[name]()
