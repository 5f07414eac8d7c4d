"""Reference points of this project: no products, sizes common in their class."""

import dataclasses

from hwmodels.components.main_memory import main_memory
from hwmodels.level import Level
from hwmodels.levels import LevelMachine
from hwmodels.spec import Accelerator, Array, Buffer, Buffers, Dataflow, Technology
from hwmodels.template import Template

KIB = 1024


def _reference(
    name: str, edge: int, buffers_kib: tuple[int, int, int], memory: str, **more: float
) -> Accelerator:
    """A reference machine of ours: a square int8 weight-stationary array with sizes common in its class."""
    weight, inputs, output = (size * KIB for size in buffers_kib)
    return Accelerator(
        name=name,
        array=Array(rows=edge, cols=edge, dataflow=Dataflow.WEIGHT_STATIONARY),
        buffers=Buffers(
            weight=Buffer(bytes=weight, resident=True),
            input=Buffer(bytes=inputs, resident=True),
            output=Buffer(bytes=output),
        ),
        main_memory=main_memory(memory),
        clock_hz=more["clock_hz"],
        technology=Technology(node_nm=more["node_nm"]),
        source="a reference point of this project, no product (assumed)",
        assumptions=(
            "what a schedule keeps on chip is written from the output buffer to the one that reads it",
        ),
    )


def edge_16x16() -> Accelerator:
    """A microcontroller-class machine: 256 PEs at 500 MHz, 22 nm, LPDDR4 [assumed]."""
    return _reference("edge_16x16", 16, (64, 64, 32), "lpddr4", clock_hz=500e6, node_nm=22)


def edge_32x32() -> Accelerator:
    """A phone-class machine: 1,024 PEs at 800 MHz, 22 nm, LPDDR4 [assumed]."""
    return _reference("edge_32x32", 32, (256, 256, 128), "lpddr4", clock_hz=800e6, node_nm=22)


def edge_lanes() -> Accelerator:
    """A phone-class machine of 1,024 multipliers in lanes of 16 before an adder tree; no zero is skipped."""
    lanes = {"n": 1, "k": 8, "c": 16, "p": 2, "q": 4}
    changed = edge_32x32().replace(
        {
            "array.interconnect": "unrolled",
            **{f"array.unroll.{loop}": factor for loop, factor in lanes.items()},
            "array.dataflow": "os",
            "sparsity.imbalance": "fitted",
        }
    )
    return dataclasses.replace(changed, name="edge_lanes")


def datacentre_128x128() -> Accelerator:
    """A data-centre core: 16,384 PEs at 940 MHz, 7 nm, HBM2 [assumed]."""
    return _reference(
        "datacentre_128x128", 128, (4 * KIB, 8 * KIB, 4 * KIB), "hbm2", clock_hz=940e6, node_nm=7
    )


def template() -> Template:
    """The ten-parameter template at its defaults; see `hwmodels.template`."""
    return Template()


def edge_levels() -> LevelMachine:
    """A phone-class machine of levels: 256 PEs that accumulate, around one buffer, 22 nm, LPDDR4 [assumed].

    Its buffer hands on tiles within fused groups.
    """
    ports = 512
    return LevelMachine(
        name="edge_levels",
        levels=(
            Level(name="accumulator", kind="registers", bytes=4, operands=("output",)),
            Level(
                name="buffer",
                bytes=256 * KIB,
                fanout_x=16,
                fanout_y=16,
                read_port_bits=ports,
                write_port_bits=ports,
            ),
            Level(name="dram", kind="main_memory"),
        ),
        main_memory=main_memory("lpddr4"),
        clock_hz=500e6,
        technology=Technology(node_nm=22),
        fusion="buffer",
        source="a reference point of this project, no product (assumed)",
    )
