"""The page docs/performance.md: `python -m tests.benchmarks.performance [MOST] > docs/performance.md`.

Times are processor seconds of this process, so that what else the machine does hardly moves them. MOST is how
many points the largest sweep of the small network has, 10^7 if nothing is said; of the large one a tenth.
"""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import dse
import hwmodels
import workloads
from tests.benchmarks.mapper import rate
from tests.benchmarks.sweep import configurations

_MAPPINGS: Final = "mappings of a machine of three levels, costed"
FIELD: Final = (
    (_MAPPINGS, "Timeloop 3.0.3, Eyeriss-like", "247 a s", "mappings"),
    (_MAPPINGS, "ZigZag 3.9.1", "260 a s", "mappings"),
    (
        "mappings of a machine of three levels, costed",
        "AccelForge 1.0.467, batched",
        "32,000 a s",
        "mappings",
    ),
    ("ResNet-18 on a machine of levels, best mappings", "ZigZag 3.9.1", "62 s", "levels"),
    ("ResNet-18 on a 32 x 32 systolic array", "SCALE-Sim 3.0.0", "280 s", "systolic"),
)
"""Work, tool, its time or rate (measured by us on one core, with its defaults), and which of ours it is."""
NETWORK: Final = "resnet50"
SMALL: Final = "lenet5"
NETWORKS: Final = ("lenet5", "resnet18", "resnet50", "inception_v3", "resnet152", "nasnet_mobile")
MACHINES: Final = ("nvdla_like", "tpu_v1", "simba_like", "eyeriss_v1")


def spent(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Processor seconds, wall seconds and result of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    return time.process_time() - cpu, time.perf_counter() - wall, found


def space(points: int) -> dse.Space:
    """Systolic arrays and their buffers, as many points as a power of ten asks for."""
    axes: dict[str, Any] = {
        "array.rows": [8, 16, 32, 64, 128],
        "array.cols": [8, 16, 32, 64, 128],
        "array.dataflow": ["os", "ws"],
        "main_memory": ["lpddr4", "hbm2"],
        "buffers.weight.bytes": [1 << bits for bits in range(14, 24)],
        "buffers.input.bytes": [1 << bits for bits in range(14, 24)],
        "buffers.output.bytes": [1 << bits for bits in range(14, 24)],
        "clock_hz": [1e8 * step for step in range(2, 12)],
        "buffers.double_buffered": [True, False],
        "datapath.accumulator_bits": [16, 24, 32, 40, 48],
    }
    small: dict[str, Any] = {}
    size = 1
    for name, values in axes.items():
        if size * len(values) > points:
            break
        small[name] = values
        size *= len(values)
    return dse.Space("edge_32x32", small, name=f"{size:,} points")


def rows(head: list[str], body: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def beside_the_field() -> str:
    """Ours beside other tools."""
    layers, _ = workloads.deduplicate(workloads.load("resnet18").table())
    configs = configurations(1)
    hwmodels.evaluate(layers, configs)
    dse.evaluate("lenet5", "eyeriss_v1", progress=False)
    once = spent(partial(hwmodels.evaluate, layers, configs))[0]
    mapped = spent(partial(dse.evaluate, "resnet18", "eyeriss_v1", progress=False))[0]
    ours = {
        "mappings": f"{rate():,.0f} a s",
        "levels": f"{mapped:.2f} s (eyeriss_v1, seven levels)",
        "systolic": f"{once:.2g} s, best of its mappings",
    }
    body = [[what, ours[key], tool, its] for what, tool, its, key in FIELD]
    return rows(["work", "ours", "another tool", "its"], body)


def by_points(network: str, most: int) -> str:
    """Sweeps of more and more points."""

    def front(chosen: dse.Space) -> dse.Front:
        swept: dse.Sweep = dse.sweep(network, chosen, workers=1, progress=False)
        return swept.front()

    body = []
    front(space(10))
    points = 1_000
    while points <= most:
        chosen = space(points)
        cpu, _, found = spent(partial(front, chosen))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        rate = f"{chosen.size / cpu:,.0f}"
        body.append([f"{chosen.size:,}", f"{cpu:.1f}", rate, f"{len(found):,}", f"{peak:.2f}"])
        points *= 10
    return rows(["points", "CPU-s", "points a CPU-s", "designs of the front", "peak memory so far, GB"], body)


def by_depth() -> str:
    """Networks of more and more operations on a thousand machines."""
    body = []
    chosen = space(1_000)
    for name in NETWORKS:
        table = workloads.load(name).table()
        unique = workloads.deduplicate(table)[0].rows
        cpu, _, _ = spent(partial(dse.sweep, name, chosen, workers=1, progress=False))
        body.append([name, f"{table.rows:,}", f"{unique}", f"{cpu:.2f}"])
    return rows(["network", "rows", "of them different", f"CPU-s of {chosen.size:,} points"], body)


def by_levels() -> str:
    """Machines of any number of levels: the best mapping of every operation of VGG-16, proved."""
    body = []
    for name in MACHINES:
        machine = hwmodels.load(name)
        dse.evaluate("lenet5", machine, progress=False)
        cpu, _, result = spent(partial(dse.evaluate, "vgg16", machine, progress=False))
        nests = result.operations.query("kind == 'nest'")
        proved = f"{int(nests['optimal'].sum())} of {len(nests)}" if "optimal" in nests else ""
        body.append([name, str(len(machine.levels)), f"{cpu:.2f}", proved])
    return rows(["machine", "levels", "CPU-s", "operations whose optimum is proved"], body)


def by_cores() -> str:
    """The same sweep on more and more threads."""
    body = []
    chosen = space(10_000)
    for workers in sorted({1, 2, os.cpu_count() or 1}):
        cpu, wall, _ = spent(partial(dse.sweep, NETWORK, chosen, workers=workers, progress=False))
        body.append([str(workers), f"{cpu:.1f}", f"{wall:.1f}", f"{cpu / wall:.2f}"])
    return rows(["threads", "CPU-s", "wall s", "cores kept busy"], body)


def conditions() -> str:
    """Where and with what it was measured."""
    said = Path("/proc/cpuinfo")
    names = [line for line in said.read_text().splitlines() if "model name" in line] if said.exists() else []
    processor = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "numba"))
    return (
        f"{processor}, {os.cpu_count()} cores, of which other work asked for {load:.1f} on average; "
        f"Python {platform.python_version()}, {libraries}; kernels compiled before."
    )


HEAD: Final = """\
# Performance

`python -m tests.benchmarks.performance > docs/performance.md` writes this page.
"""
READ: Final = """
Seconds are those of processors (CPU-s) where nothing else is said: other work hardly moves them. Every
point is costed with the best mapping of every operation; equal operations are costed once.
"""
NOTE: Final = """
Points differ in array and buffers here, so that each is mapped anew. Points that differ in clock, ports,
memory or prices alone share their tiles and cost less: `systolic` on ResNet-50 takes a few CPU-s of its
103,680 (`python -m tests.benchmarks sweep`). On machines of levels what the mappings of an operation count is
made once for an array, and a point is a scan of a few of them (`python -m tests.benchmarks counts`).

Other tools' times were measured on one core of the same kind with the tools' own defaults. Each does other
work for one mapping (SCALE-Sim follows every cycle): a ratio says how long a user waits, not whose code is
better. `python -m tests.benchmarks` has the benchmarks one by one.
"""


def main(most: int = 10_000_000) -> None:
    """Print the page."""
    print(HEAD)
    print(conditions())
    print(READ, end="")
    sections: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Beside the field", beside_the_field),
        ("Depth", by_depth),
        ("Levels: VGG-16 on machines of levels", by_levels),
        (f"Cores: {NETWORK} on {space(10_000).size:,} points", by_cores),
        (f"Points: {NETWORK} on one thread, with the front", partial(by_points, NETWORK, most // 10)),
        (f"Points: {SMALL} on one thread, with the front", partial(by_points, SMALL, most)),
    )
    for title, section in sections:
        print(f"\n## {title}\n\n{section()}", flush=True)
    print(NOTE, end="")


if __name__ == "__main__":
    main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000)
