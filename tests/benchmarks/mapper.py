"""The optimal mapper on ResNet-50, mappings costed per CPU-second, and a constrained optimum."""

import time
from dataclasses import replace

import numpy as np

import workloads
from hwmodels.mapping import (
    Architecture,
    Constraints,
    LevelConstraints,
    LevelMapping,
    Mapping,
    convolution,
    evaluate_mappings,
    map_problem,
    pack_mappings,
)
from hwmodels.mapping.machines import eyeriss_v1
from hwmodels.mapping.machines.machine import memory
from hwmodels.mapping.network import problems

BUFFER_WORDS = 108 * 1024 // 2  # JSSC 2017, table IV
PORT_WORDS = 4 + 4 + 1  # words a cycle to the array: filters, psums, ifmaps (section V-B)
MAPPINGS = 200_000


def machine() -> Architecture:
    """Eyeriss v1 with its buffer shared: three pads a PE, 108 KB under 12 x 14 PEs, main memory."""
    banked = eyeriss_v1.machine().architecture
    pads = tuple(banked.level(name) for name in ("psum_spad", "ifmap_spad", "filter_spad"))
    buffer = memory(
        "buffer",
        words=BUFFER_WORDS,
        word_bits=eyeriss_v1.WORD_BITS,
        block_words=4,
        node_nm=eyeriss_v1.NODE_NM,
        voltage=eyeriss_v1.VOLTAGE,
        read_words_per_cycle=PORT_WORDS,
        write_words_per_cycle=PORT_WORDS,
        fanout_x=eyeriss_v1.COLS,
        fanout_y=eyeriss_v1.ROWS,
    )
    return replace(banked, name="eyeriss_shared", levels=(*pads, buffer, banked.level("dram")))


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


def main() -> None:
    """Print the rate, and CPU seconds a shape of ResNet-50 by objective, with the certificate."""
    print(f"evaluate_mappings, three levels: {rate():,.0f} mappings per CPU-second")
    architecture = machine()
    constraints = kept(architecture)
    unique = {(*problem.bounds, problem.operands[1]): problem for problem in problems(_resnet50())}
    map_problem(convolution(k=4, c=4, p=4, q=4), architecture, constraints=constraints)  # compile
    for objective in ("latency", "energy", "edp"):
        total = 0.0
        for problem in unique.values():
            start = time.process_time()
            result = map_problem(problem, architecture, objective, constraints=constraints)  # type: ignore[arg-type]
            seconds = time.process_time() - start
            total += seconds
            print(f"{objective} {problem.bounds}: {seconds:.2f} CPU-s; {result.certificate}", flush=True)
        print(f"{objective}: {len(unique)} unique shapes in {total:.2f} CPU-s")


def _resnet50() -> workloads.LayerTable:
    return workloads.load("resnet50").table()


if __name__ == "__main__":
    main()
