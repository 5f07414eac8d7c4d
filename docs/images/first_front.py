"""README's first figure: the front of ResNet-50 on systolic arrays, layer by layer and with residency.

Run `python docs/images/first_front.py` in the root of the checkout; it writes first_front.png beside itself.
"""

from pathlib import Path

import dse

OBJECTIVES = ("latency_s", "energy_j", "area_mm2")
space = dse.named_space("systolic")
layers, resident = (
    dse.sweep("resnet50", space, schedule=schedule, objectives=OBJECTIVES).front()
    for schedule in ("layers", "resident")
)
print(layers, resident, sep="\n")

axes = resident.plot(width="page", key=False)
before = layers.frame.sort_values("latency_s")
axes.scatter(
    before["latency_s"],
    before["energy_j"],
    s=9,
    facecolors="none",
    edgecolors="#555555",
    linewidths=0.4,
    label="front, layer by layer",
    zorder=1.5,
)
axes.legend(loc="upper left", frameon=False, fontsize=7)
axes.figure.savefig(Path(__file__).with_name("first_front.png"), dpi=200)

both = layers.frame["edp_js"].min(), resident.frame["edp_js"].min()
print(f"least EDP: {both[0]:.4g} Js layer by layer, {both[1]:.4g} Js resident ({both[1] / both[0] - 1:+.1%})")
