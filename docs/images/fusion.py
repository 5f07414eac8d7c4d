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

network = workloads.load("mobilenet_v2", width=0.25, resolution=64)
machine = hwmodels.load("edge_levels").replace({"levels.buffer.bytes": "32 KiB"})
fused = dse.evaluate(network, machine, schedule="fused", mapping_objective="energy")
fused.plot_schedule().savefig(HERE.with_name("fused.png"), dpi=200)
layers = dse.evaluate(network, machine, mapping_objective="energy")
print(fused)
for name in ("energy_j", "dram_read_bytes", "dram_write_bytes"):
    print(f"{name}: {layers.totals[name]:.5g} layer by layer, {fused.totals[name]:.5g} fused")
