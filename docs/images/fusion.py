"""The two figures of docs/fusion.md: tensors that stay, and a chain of fused groups.

Run `python docs/images/fusion.py` in the root of the checkout; it writes schedule.png and fused.png beside
itself.
"""

from pathlib import Path

import dse
import hwmodels
import workloads

HERE = Path(__file__)

stays = dse.evaluate("resnet18", "edge_32x32", schedule="resident")
stays.plot_schedule().savefig(HERE.with_name("schedule.png"), dpi=200)
print(stays.plan.certificate)

graph = workloads.Graph("fsrcnn")  # seven layers of Dong et al., ECCV 2016, on a small image
x = graph.input("image", (1, 1, 32, 48))
for i, (channels, kernel) in enumerate([(56, 5), (12, 1), (12, 3), (12, 3), (12, 3), (12, 3), (56, 1)]):
    layer = workloads.operations.Convolution(f"conv{i}", channels, kernel, padding=kernel // 2)
    x = graph.add(workloads.operations.Elementwise(f"relu{i}", "relu"), graph.add(layer, x))
graph.output(x)
network = workloads.Network(graph, "Dong et al., ECCV 2016")
machine = hwmodels.load("edge_levels").replace({"levels.buffer.bytes": "32 KiB"})
fused = dse.evaluate(network, machine, schedule="fused")
fused.plot_schedule().savefig(HERE.with_name("fused.png"), dpi=200)
layers = dse.evaluate(network, machine)
print(fused, fused.schedule(), sep="\n\n")
for name in ("latency_s", "energy_j", "edp_js", "dram_read_bytes", "dram_write_bytes"):
    print(f"{name}: {layers.totals[name]:.5g} layer by layer, {fused.totals[name]:.5g} fused")
