"""The optimal mapper on ResNet-50, mappings costed per CPU-second, and a constrained optimum."""

import dataclasses
import time
from dataclasses import replace
from typing import Any

import numpy as np

import workloads
from hwmodels.interop.timeloop import load, map_project
from hwmodels.levels import Level
from hwmodels.machines.eyeriss_v1 import COLS, ROWS, WORD_BITS, eyeriss_v1
from hwmodels.mapping import (
    Architecture,
    Constraints,
    LevelConstraints,
    LevelMapping,
    Mapping,
    convolution,
    evaluate_mappings,
    map_network,
    pack_mappings,
    problems,
)
from tests.interop.goldens import ROOT, inputs

BUFFER_BYTES = 108 * 1024  # JSSC 2017, table IV
PORT_BITS = (4 + 4 + 1) * WORD_BITS  # bits a cycle to the array: filters, psums, ifmaps (section V-B)
MAPPINGS = 200_000


def machine() -> Architecture:
    """Eyeriss v1 with its buffer shared: three pads a PE, 108 KB under 12 x 14 PEs, main memory."""
    banked = eyeriss_v1()
    pads = tuple(banked.level(name) for name in ("psum_spad", "ifmap_spad", "filter_spad"))
    buffer = Level(
        name="buffer",
        bytes=BUFFER_BYTES,
        block_words=4,
        read_port_bits=PORT_BITS,
        write_port_bits=PORT_BITS,
        fanout_x=COLS,
        fanout_y=ROWS,
    )
    levels = (*pads, buffer, banked.level("dram"))
    return dataclasses.replace(
        banked, name="eyeriss_shared", levels=levels, array_level="buffer", mapspace=Constraints()
    ).architecture


def kept(architecture: Architecture) -> Constraints:
    """Every level keeps what it may; loop orders, tilings and the spread over the array are free."""
    return Constraints(
        levels=tuple(
            LevelConstraints(level=level.name, keep=level.operands or frozenset("WIO"))
            for level in architecture.levels
        )
    )


def rate() -> float:
    """Mappings of a three-level machine costed per CPU-second in one batch."""
    layer = convolution(k=64, c=64, p=56, q=56, r=3, s=3)
    whole = machine()
    three = replace(whole, levels=(replace(whole.levels[0], operands=None), *whole.levels[3:]))
    everything = frozenset("WIO")
    mapping = Mapping(
        levels=(
            LevelMapping(level="psum_spad", temporal=(("R", 3), ("S", 3)), keep=everything),
            LevelMapping(
                level="buffer",
                temporal=(("K", 8), ("Q", 8)),
                spatial_x=(("P", 14),),
                spatial_y=(("K", 8),),
                keep=everything,
            ),
            LevelMapping(level="dram", temporal=(("C", 64), ("P", 4), ("Q", 7)), keep=everything),
        )
    )
    one = pack_mappings(layer, three, [mapping])
    batch = one._replace(**{field: np.repeat(getattr(one, field), MAPPINGS, 0) for field in one._fields})
    evaluate_mappings(layer, three, one)  # compile
    start = time.process_time()
    evaluate_mappings(layer, three, batch)
    return MAPPINGS / (time.process_time() - start)


def constrained_optimum() -> tuple[float, float] | None:
    """CPU seconds and energy-delay product of a Timeloop project's proved optimum; None without its files."""
    case = ("eyeriss_like", "r18_l3_3x3", "edp_linear_exhaustive")
    if not ROOT.is_dir():
        return None
    project = load(inputs(case))
    map_project(project, "edp")  # compile
    start = time.process_time()
    result, _certificate = map_project(project, "edp")
    return time.process_time() - start, result.edp_uj_mcycle


def main() -> None:
    """Print each figure beside its target; then CPU seconds a shape of ResNet-50, with the certificate."""
    print(f"evaluate_mappings, three levels: {rate():,.0f} mappings per CPU-second (at least 1,000,000)")
    optimum = constrained_optimum()
    if optimum:
        print(f"eyeriss_like r18_l3_3x3, EDP {optimum[1]:.1f}: {optimum[0]:.3f} CPU-s (at most 0.05)")
    architecture = machine()
    constraints = kept(architecture)
    layers = problems(workloads.load("resnet50").table())
    map_network([convolution(k=4, c=4, p=4, q=4, r=3, s=3)], architecture, constraints=constraints)  # compile
    for objective in ("edp", "energy", "latency"):
        total = 0.0
        shapes: dict[Any, Any] = {}
        for problem in layers:
            before, start = len(shapes), time.process_time()
            (result,) = map_network(
                [problem],
                architecture,
                objective,
                constraints=constraints,
                cache=shapes,
            )
            seconds = time.process_time() - start
            total += seconds
            if len(shapes) > before:
                sizes = " ".join(f"{d}{n}" for d, n in problem.extents.items() if n > 1)
                print(f"  {objective} {sizes}: {seconds:.3f} CPU-s; {result.certificate}", flush=True)
        print(
            f"ResNet-50, {objective}: {len(layers)} operations, {len(shapes)} shapes in {total:.2f} CPU-s "
            "(at most 2)"
        )


if __name__ == "__main__":
    main()
