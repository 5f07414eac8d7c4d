"""A file of 100 MB: how much memory it takes. How long, the benchmark `workloads` says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.workloads.models import model, node, save, stored, tensor

MIB = 1 << 20

READ = """
import sys
import onnx, workloads, workloads.importers.onnx.reader

def peak_bytes():
    # not getrusage: its maximum is inherited from the process that started this one
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

before = peak_bytes()
net = workloads.from_onnx(sys.argv[1])
grown = peak_bytes() - before
packed = sum(weight.packed.nbytes for weight in net.graph.weights.values())
print(grown, net.nonzero_parameters, packed)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("tensors", [1, 8])
def test_a_file_of_100_mb_takes_little_memory(tmp_path, tensors):
    width = {1: 5120, 8: 1810}[tensors]
    rng = np.random.default_rng(0)
    kept = rng.random((width, width)) < 0.3
    held = [stored(f"w{i}", np.where(kept, np.float32(i + 1), np.float32(0))) for i in range(tensors)]
    nodes = [
        node("MatMul", ["x" if i == 0 else f"h{i - 1}", f"w{i}"], [f"h{i}"], f"fc{i}") for i in range(tensors)
    ]
    path = tmp_path / "big.onnx"
    save(path, model(nodes, [tensor("x", (1, width))], [tensor(f"h{tensors - 1}", None)], held))
    size = path.stat().st_size
    assert size > 99 * MIB
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    grown, nonzeros, packed = (float(word) for word in done.stdout.split())
    assert nonzeros == tensors * kept.sum()
    assert packed == tensors * -(-(width**2) // 8)
    assert grown < 3 * size
