"""How fast networks come in and are pruned: a file of 100 MB, graphs of many nodes, masks, SynFlow."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch

import workloads
from tests.workloads.deep import thousand_nodes
from tests.workloads.language_module import TorchDecoder
from tests.workloads.models import model, node, save, stored, tensor
from workloads.networks.decoders import DECODERS
from workloads.operations import Elementwise, Linear
from workloads.operations.base import filter_dispersion

WIDTH: Final = 5120  # a square float32 matrix of 105 MB

READ: Final = """
import sys, time
import onnx, workloads, workloads.importers.onnx.reader

def peak_bytes():
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

before, start = peak_bytes(), time.process_time()
workloads.from_onnx(sys.argv[1])
print(time.process_time() - start, peak_bytes() - before)
"""


def best_s(work: Callable[[], object], repeats: int = 5) -> float:
    """Least CPU time of a few runs, after one that warms up."""
    spent = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent[1:])


def imported(folder: Path) -> tuple[float, float]:
    """CPU time [s] and memory, in sizes of the file, of importing a file with three tenths of its weights."""
    kept = np.random.default_rng(0).random((WIDTH, WIDTH)) < 0.3
    weight = stored("w", np.where(kept, np.float32(1), np.float32(0)))
    path = folder / "big.onnx"
    product = node("MatMul", ["x", "w"], ["y"], "fc")
    save(path, model([product], [tensor("x", (1, WIDTH))], [tensor("y", None)], [weight]))
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    seconds, grown = (float(word) for word in done.stdout.split())
    return seconds, grown / path.stat().st_size


def opened(number: int, folder: Path) -> tuple[float, float]:
    """CPU time [s] and memory [GB] of importing an ONNX graph of so many nodes."""
    nodes, last = [], "x"
    for i in range(0, number, 4):
        nodes += [
            node("Mul", [last, "c"], [f"a{i}"], f"scaled{i}"),
            node("Add", [f"a{i}", "x"], [f"b{i}"], f"sum{i}"),
            node("Relu", [f"b{i}"], [f"r{i}"], f"relu{i}"),
            node("Sigmoid", [f"r{i}"], [f"s{i}"], f"gate{i}"),
        ]
        last = f"s{i}"
    path = folder / "many.onnx"
    half = stored("c", np.full(8, 0.5, np.float32))
    save(path, model(nodes, [tensor("x", (1, 8))], [tensor(last, None)], [half]))
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    seconds, grown = (float(word) for word in done.stdout.split())
    return seconds, grown / 1e9


def decoded(context: int) -> tuple[float, workloads.Network]:
    """CPU time [s] of importing a step of Llama-3-8B behind a context, without values; the network."""
    shape = DECODERS["llama3_8b"]
    with torch.device("meta"):
        module = TorchDecoder(shape)
        cache = torch.empty(1, shape.kv_heads, context, shape.width // shape.heads)
        given = torch.empty(1, 1, dtype=torch.long), [(cache, cache.clone()) for _ in range(shape.layers)]
    start = time.process_time()
    network = workloads.from_torch(module, given)
    return time.process_time() - start, network


def chained(number: int) -> float:
    """CPU time [s] of building a network of so many operations and of its layer table."""
    start = time.process_time()
    graph = workloads.Graph("chain")
    x = graph.input("x", (1, 64))
    for i in range(number):
        kind = Linear(f"fc{i}", 64) if i % 2 else Elementwise(f"relu{i}", "relu")
        x = graph.add(kind, x)
    graph.output(x)
    workloads.Network(graph).table()
    return time.process_time() - start


def synflow() -> float:
    """CPU time [s] of pruning ResNet-18 for 224 x 224 images to a tenth in the paper's hundred steps."""
    start = time.process_time()
    workloads.load("resnet18").sparsify("synflow", density=0.1)
    return time.process_time() - start


def main() -> None:
    """Print each beside its target."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, share = imported(Path(folder))
        opening, held = opened(100_000, Path(folder))
    print(f"ONNX graph of 100,000 nodes: {opening:.1f} CPU-s, {held:.2f} GB; targets 10 and 1")
    seconds_decoding, network = decoded(8192)
    print(
        f"Llama-3-8B, a step behind 8,192 tokens, {len(network.operations)} operations: "
        f"{seconds_decoding:.1f} CPU-s; target 20"
    )
    print(f"100 MB ONNX file with zeros: {seconds:.2f} CPU-s, {share:.1f} times the file; targets 5 and 3")
    graph = thousand_nodes()
    lowering = best_s(lambda: workloads.Network(graph).table())
    print(f"table of {len(graph):,} nodes: {lowering:.3f} CPU-s; target 0.2")
    kept = np.random.default_rng(0).random((1000, 10_000)) < 0.3
    reduction = best_s(lambda: filter_dispersion(workloads.Weight("w", kept.shape).with_mask(kept)))
    print(f"100,000 operations built and tabled: {chained(100_000):.1f} CPU-s; target 10")
    print(f"SynFlow on ResNet-18, 100 steps: {synflow():.1f} CPU-s; target 20")
    print(f"imbalance statistics of a mask of 10^7: {reduction:.4f} CPU-s with packing; target 0.1")


if __name__ == "__main__":
    main()
