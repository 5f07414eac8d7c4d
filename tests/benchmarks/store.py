"""Ten million rows written as parts and read back: CPU time of the writing, and the front of all of them."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Final

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


def main() -> None:
    """Print CPU seconds and bytes of writing ten million rows in parts of the default size."""
    layers, _ = deduplicate(load("resnet50").table())
    large = space()
    size = chunk_size(layers, large)
    starts = range(0, ROWS, size)
    rng = np.random.default_rng(0)
    some = np.sort(rng.choice(len(starts), DIFFERENT, replace=False)).tolist()
    costed = [cost_range(layers, large, number * size, (number + 1) * size) for number in some]
    manifest = manifest_of("resnet50", layers, large, "edp", {"rows": "all"}, size)
    running = RunningFront(objectives_of(OBJECTIVES))
    writing = watching = 0.0
    with tempfile.TemporaryDirectory() as folder, Store(folder, manifest) as store:
        for number, start in enumerate(starts):
            chunk = _moved(costed[number % DIFFERENT], start, rng)
            begun = time.process_time()
            store.write(start, start + size, encode(large, chunk, store.parts.owner, start, start + size))
            written = time.process_time()
            running.add(chunk.columns)
            writing += written - begun
            watching += time.process_time() - written
        files = list(Path(folder).glob("parts/*.parquet"))
        mib = sum(file.stat().st_size for file in files) / 2**20
        begun = time.process_time()
        for start in starts:
            store.parts.read(start, start + size, ["index", "feasible", "latency_s", "energy_j", "area_mm2"])
        reading = time.process_time() - begun
        begun = time.process_time()
        for start in starts:
            store.parts.content(start, start + size)
        verifying = time.process_time() - begun
    rows = len(starts) * size
    print(
        f"{rows:,} rows in {len(files):,} parts of {size:,}: {mib:,.0f} MiB, {mib * 2**20 / rows:.0f} B each"
    )
    print(f"writing: {writing:.1f} CPU-s; target {TARGET_WRITING_S:g}")
    print(f"front of three objectives kept on the way: {watching:.1f} CPU-s, {running.size:,} points")
    print(f"objectives read back: {reading:.1f} CPU-s")
    print(f"verifying: {verifying:.1f} CPU-s; target {TARGET_VERIFYING_S:g}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


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
