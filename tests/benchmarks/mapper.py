"""The optimal mapper on ResNet-50, on levels around an array and within constraints; its rates."""

import dataclasses
import time
from dataclasses import replace

import numpy as np

import dse
import hwmodels
import workloads
from hwmodels.interop.timeloop import load, map_project
from hwmodels.level import LETTERS, Level
from hwmodels.levels import LevelMachine
from hwmodels.machines.eyeriss_v1 import COLS, ROWS, WORD_BITS, eyeriss_v1
from hwmodels.mapping import (
    Architecture,
    Certificate,
    Constraints,
    LevelConstraints,
    LevelMapping,
    Mapping,
    StorageLevel,
    Watch,
    convolution,
    evaluate_mappings,
    map_problem,
    pack_mappings,
)
from hwmodels.mapping.certificate import Objective
from tests.interop.goldens import ROOT, TOTALS, inputs
from workloads.table import take_rows

BUFFER_BYTES = 108 * 1024  # JSSC 2017, table IV
PORT_BITS = (4 + 4 + 1) * WORD_BITS  # bits a cycle to the array: filters, psums, ifmaps (section V-B)
MAPPINGS = 200_000


def machine() -> LevelMachine:
    """Eyeriss v1 with its buffer shared: three pads a PE, 108 KB under 12 x 14 PEs, main memory.

    Every level keeps what it may; loop orders, tilings and the spread over the array are free.
    """
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
    kept = tuple(
        LevelConstraints(level=level.name, keep=frozenset(LETTERS[name] for name in level.operands))
        for level in levels
    )
    return dataclasses.replace(
        banked,
        name="eyeriss_shared",
        levels=levels,
        array_level="buffer",
        mapspace=Constraints(levels=kept),
    )


def rate() -> float:
    """Mappings of a three-level machine costed per CPU-second in one batch."""
    layer = convolution(k=64, c=64, p=56, q=56, r=3, s=3)
    whole = machine().architecture
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


def timeloop_cases() -> float | None:
    """CPU seconds of the proved optima of eight Timeloop projects together; None without their files."""
    if not ROOT.is_dir():
        return None
    seconds = 0.0
    for architecture, layer in dict.fromkeys(case[:2] for case in TOTALS):
        case = next(case for case in TOTALS if case[:2] == (architecture, layer))
        project = load(inputs(case))
        map_project(project, "edp")  # compile
        start = time.process_time()
        map_project(project, "edp")
        seconds += time.process_time() - start
    return seconds


def both_sides(objective: Objective) -> tuple[float, Certificate]:
    """CPU seconds and certificate of a convolution on pad - buffer - L2 - main memory, all operands free."""
    levels = (
        StorageLevel(name="pad", capacity_words=256, instances=168, read_pj=1, fill_pj=1, update_pj=1),
        StorageLevel(
            name="buffer",
            capacity_words=54 * 1024,
            fanout_x=14,
            fanout_y=12,
            read_pj=6,
            fill_pj=6,
            update_pj=6,
        ),
        StorageLevel(name="L2", capacity_words=512 * 1024, read_pj=20, fill_pj=20, update_pj=20),
        StorageLevel(name="memory", read_pj=200, fill_pj=200, update_pj=200),
    )
    machine_ = Architecture(name="both_sides", levels=levels, macs=168, mac_pj=1.0)
    map_problem(convolution(k=4, c=4, p=4, q=4, r=3, s=3), machine_, objective)  # compile
    start = time.process_time()
    layer = convolution(k=128, c=128, p=28, q=28, r=3, s=3)
    found = map_problem(layer, machine_, objective, watch=Watch(seconds=30.0))
    return time.process_time() - start, found.certificate


def two_arrays(objective: Objective) -> tuple[float, Certificate]:
    """CPU seconds and certificate of a convolution on four arrays of a TPU, one fanout inside another."""
    machine_ = hwmodels.load("tpu_v4i")
    map_problem(convolution(k=4, c=4, p=2, q=2), machine_.architecture, objective)  # compile
    start = time.process_time()
    layer = convolution(k=128, c=128, p=28, q=28, r=3, s=3)
    limits, rules = machine_.mapspace, machine_.rules
    found = map_problem(
        layer, machine_.architecture, objective, constraints=limits, rules=rules, watch=Watch(seconds=30.0)
    )
    return time.process_time() - start, found.certificate


def main() -> None:
    """Print each figure beside its target; then CPU seconds of ResNet-50, with what its certificates say."""
    print(f"evaluate_mappings, three levels: {rate():,.0f} mappings per CPU-second (at least 1,000,000)")
    optimum = constrained_optimum()
    if optimum:
        print(f"eyeriss_like r18_l3_3x3, EDP {optimum[1]:.1f}: {optimum[0]:.3f} CPU-s (at most 0.05)")
    together = timeloop_cases()
    if together:
        print(f"eight Timeloop projects: {together:.2f} CPU-s (at most 2)")
    wanted: tuple[Objective, ...] = ("latency", "edp", "energy")
    for objective in wanted:
        seconds, certificate = both_sides(objective)
        print(
            f"pad - buffer - L2 - main memory, {objective}: {seconds:.2f} CPU-s (at most 2); of "
            f"{certificate.represented:.0e} mappings {certificate.costed:,} costed, gap {certificate.gap:.1%}"
        )
    for objective in wanted:
        seconds, certificate = two_arrays(objective)
        print(f"tpu_v4i, 3x3, {objective}: {seconds:.2f} CPU-s, gap {certificate.gap:.1%}")
    accelerator = machine()
    compiles = take_rows(workloads.load("lenet5").table(), slice(0, 1))
    dse.evaluate(compiles, accelerator, progress=False)
    for objective in wanted:
        start = time.process_time()
        result = dse.evaluate("resnet50", accelerator, mapping_objective=objective, progress=False)
        seconds = time.process_time() - start
        nests = result.operations.query("kind == 'nest'")
        costed, energy_j = nests["mappings_costed"].sum(), result.totals["energy_j"]
        proved = "all optimal" if nests["optimal"].all() else "not all proved"
        print(
            f"ResNet-50, {objective}: {len(nests)} operations in {seconds:.2f} CPU-s (at most 2); of up to "
            f"{nests['mappings'].max():.0e} mappings {costed:,.0f} costed, {proved}; {energy_j:.4g} J, "
            f"{result.totals['latency_s']:.4g} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
