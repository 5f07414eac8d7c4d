"""Ten million rows written as parts and read back: CPU time of the writing, and the front of all of them."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

import dse
from dse.metrics import OBJECTIVES, objectives_of
from dse.pareto.front import RunningFront
from dse.run.columns import Chunk
from dse.run.parts import encode
from dse.run.store import Store, manifest_of
from dse.run.sweep import chunk_size
from dse.run.task import cost_range
from workloads import deduplicate, load

ROWS: Final = 10_000_000
DIFFERENT: Final = 64  # chunks costed; the rest repeat them with metrics moved a little
TARGET_WRITING_S: Final = 60.0
TARGET_VERIFYING_S: Final = 5.0


def space() -> dse.Space:
    """Systolic arrays with fine steps of all buffers: just over ten million points."""
    edges = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    sizes = dse.powers_of_two("8 KiB", "8 MiB")
    return dse.Space(
        "edge_32x32",
        axes={
            "array.rows": edges,
            "array.cols": edges,
            "array.dataflow": ["os", "ws", "is"],
            **{f"buffers.{name}.bytes": sizes for name in ("weight", "input", "output")},
            "main_memory": ["lpddr4", "ddr4", "gddr5x", "hbm2"],
            "clock_hz": [f"{mhz} MHz" for mhz in (400, 500, 600, 700, 800, 900)],
        },
        name="ten million",
    )


class Times(NamedTuple):
    """What a store of many rows took."""

    rows: int
    parts: int
    mib: float
    writing_s: float
    watching_s: float  # for the front of three objectives, kept on the way
    on_front: int
    reading_s: float
    verifying_s: float


def main() -> None:
    """Print CPU seconds and bytes of writing ten million rows in parts of the default size."""
    taken = times(ROWS, reading=True)
    print(
        f"{taken.rows:,} rows in {taken.parts:,} parts: {taken.mib:,.0f} MiB, "
        f"{taken.mib * 2**20 / taken.rows:.0f} B each"
    )
    print(f"writing: {taken.writing_s:.1f} CPU-s; target {TARGET_WRITING_S:g}")
    print(
        f"front of three objectives kept on the way: {taken.watching_s:.1f} CPU-s, {taken.on_front:,} points"
    )
    print(f"objectives read back: {taken.reading_s:.1f} CPU-s")
    print(f"verifying: {taken.verifying_s:.1f} CPU-s; target {TARGET_VERIFYING_S:g}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def times(wanted: int, *, reading: bool) -> Times:
    """Write so many rows, some of their parts costed, the others those moved a little; check all of them."""
    layers, _ = deduplicate(load("resnet50").table())
    large = space()
    size = chunk_size(layers, large)
    starts = range(0, wanted, size)
    rng = np.random.default_rng(0)
    some = np.sort(rng.choice(len(starts), min(DIFFERENT, len(starts)), replace=False)).tolist()
    costed = [cost_range(layers, large, number * size, (number + 1) * size) for number in some]
    manifest = manifest_of("resnet50", layers, large, "edp", {"rows": "all"}, size)
    running = RunningFront(objectives_of(OBJECTIVES))
    writing = watching = 0.0
    with tempfile.TemporaryDirectory() as folder, Store(folder, manifest) as store:
        for number, start in enumerate(starts):
            chunk = _moved(costed[number % len(costed)], start, rng)
            begun = time.process_time()
            store.write(start, start + size, encode(large, chunk, store.parts.owner, start, start + size))
            written = time.process_time()
            running.add(chunk.columns)
            writing += written - begun
            watching += time.process_time() - written
        files = list(Path(folder).glob("parts/*.parquet"))
        mib = sum(file.stat().st_size for file in files) / 2**20
        begun = time.process_time()
        for start in starts if reading else ():
            store.parts.read(start, start + size, ["index", "feasible", "latency_s", "energy_j", "area_mm2"])
        reading_s = time.process_time() - begun
        begun = time.process_time()
        for start in starts:
            store.parts.content(start, start + size)
        verifying = time.process_time() - begun
    return Times(
        len(starts) * size,
        len(files),
        mib,
        writing,
        watching,
        running.size,
        reading_s,
        verifying,
    )


def _moved(chunk: Chunk, start: int, rng: np.random.Generator) -> Chunk:
    """A chunk of another range: every metric a little off, so that no two parts hold the same numbers."""
    columns = {
        name: column * rng.uniform(1.0, 1.01, len(column)) if column.dtype.kind == "f" else column
        for name, column in chunk.columns.items()
    }
    columns["index"] = chunk.columns["index"] - chunk.columns["index"][0] + start
    return Chunk(columns, chunk.counts)


if __name__ == "__main__":
    main()
