"""Count sets of machines of levels: 100,000 configurations cold, one more array, and with sets kept."""

import os
import sys
import tempfile
import time
from operator import attrgetter
from pathlib import Path

import numpy as np

import dse
import workloads
from hwmodels import LevelMachine
from hwmodels.components.main_memory import main_memory
from hwmodels.counts import sets
from hwmodels.counts.form import form_of
from hwmodels.counts.sets import covered
from hwmodels.level import Level
from hwmodels.mapping import Constraints, LevelConstraints
from hwmodels.models.nest_mappings import problem_of
from workloads.table import Kind, LayerTable, deduplicate, take_rows

ARRAYS = (
    *((7, 8), (8, 8), (10, 10), (12, 12), (12, 14), (14, 14), (14, 16), (16, 16), (12, 28), (14, 28)),
    *((16, 24), (16, 28), (20, 20), (24, 24), (16, 32), (28, 28), (24, 32), (32, 32), (16, 64), (20, 32)),
)
PADS = (64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048)  # bytes
BUFFERS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # KiB
MEMORIES = ("lpddr4", "lpddr5", "ddr3", "ddr4", "hbm2")
CLOCKS = tuple(1e8 * i for i in range(1, 11))
ONE_MORE = (18, 30)


def machine() -> LevelMachine:
    """A pad in every PE, a buffer that feeds the array over 144 bits a cycle, main memory; all is kept."""
    levels = (
        Level(name="pad", kind="registers", bytes=512),
        Level(
            name="buffer",
            bytes=108 * 1024,
            fanout_x=14,
            fanout_y=12,
            read_port_bits=144,
            write_port_bits=144,
        ),
        Level(name="dram", kind="main_memory"),
    )
    kept = tuple(LevelConstraints(level=level.name, keep=frozenset("WIO")) for level in levels)
    return LevelMachine(
        name="three_levels",
        levels=levels,
        main_memory=main_memory("lpddr4"),
        clock_hz=500e6,
        mapspace=Constraints(levels=kept),
    )


def space(arrays: tuple[tuple[int, int], ...]) -> dse.Space:
    """Arrays x pads x buffers x memories x clocks."""
    return dse.Space(
        machine(),
        axes={
            "array": [{"array.rows": rows, "array.cols": cols} for rows, cols in arrays],
            "levels.pad.bytes": list(PADS),
            "levels.buffer.bytes": [f"{size} KiB" for size in BUFFERS],
            "main_memory": list(MEMORIES),
            "clock_hz": list(CLOCKS),
        },
    )


def parted(name: str) -> tuple[LayerTable, LayerTable]:
    """Operations of a network that sets cover (with all that is no nest), and those they do not."""
    layers = deduplicate(workloads.load(name).table())[0]
    nests = np.flatnonzero(layers.kind == Kind.NEST)
    three = machine()
    form = form_of(three.architecture, three.mapspace, three.factors, three.rules)
    assert form is not None
    left = [int(row) for row in nests if not covered(problem_of(layers, int(row)), three.rules, form)]
    rest = np.setdiff1d(np.arange(layers.rows), left)
    return take_rows(layers, rest), take_rows(layers, np.array(left, dtype=np.int64))


def timed(layers: LayerTable, of: dse.Space) -> float:
    """CPU seconds of a sweep."""
    start = time.process_time()
    dse.sweep(layers, of, workers=1, progress=False)
    return time.process_time() - start


def main() -> None:
    """Print CPU seconds and sizes, by network."""
    networks = [name for name in sys.argv[2:] if name.islower()] or ["resnet50", "bert_base"]
    with tempfile.TemporaryDirectory() as kept:
        os.environ["SPRINGBOARD_COUNTS"] = ""
        compiling = dse.Space(machine(), axes={"clock_hz": [1e8, 2e8], "levels.pad.bytes": [256, 512]})
        timed(take_rows(parted("lenet5")[0], slice(0, 8)), compiling)
        os.environ["SPRINGBOARD_COUNTS"] = kept
        for name in networks:
            layers, windows = parted(name)
            nests = int((layers.kind == Kind.NEST).sum())
            whole, more = space(ARRAYS), space((ONE_MORE,))
            cold = timed(layers, whole)
            files = list(Path(kept).glob("*.counts"))
            size = sum(file.stat().st_size for file in files) / 2**20
            held = [made for arrays in sets._SETS.values() for made in arrays.values()]
            vectors, rows = (
                sum(len(column(made.found)) for made in held)
                for column in (attrgetter("spread"), attrgetter("rows"))
            )
            one = timed(layers, more)
            warm = timed(layers, whole)
            sets.forget()
            stored = timed(layers, whole)
            print(
                f"{name}: {nests} shapes that sets cover, {windows.rows} with windows that they do not; "
                f"{whole.size:,} configurations of {len(ARRAYS)} arrays cold {cold:.1f} CPU-s (at most 200), "
                f"{more.size:,} of one more array {one:.1f} (10), all again {warm:.2f}, from sets on disk "
                f"{stored:.2f} (1); {len(files)} sets, {vectors:,} vectors, {rows / len(files) / 100:.1f} a "
                f"bucket, {size:.1f} MiB on disk",
                flush=True,
            )


if __name__ == "__main__":
    main()
