"""Machines of the ten-parameter template: one tiling and loop order, and so one mapping, for all layers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from hwmodels.columns import BOUNDS, LIMITS, MetricTable
from hwmodels.kernels.template.columns import TemplateMetrics, TemplateTable
from hwmodels.machine import BEST, Axes, Effort, Operations, metric_table
from hwmodels.template import Template, evaluate_templates, pack_templates
from hwmodels.times import OperationTimes
from workloads.errors import InputError
from workloads.grammar.quantities import binary_bytes
from workloads.table import Kind, LayerTable, take_rows

if TYPE_CHECKING:
    import pandas

_SECONDS_AN_OPERATION: Final = 0.35e-6
"""Typical time of one operation on one machine."""

_PARTS: Final = (
    "latency_s",
    "energy_j",
    "compute_cycles",
    "dram_read_bytes",
    "dram_write_bytes",
    "mac_energy_j",
    "buffer_energy_j",
    "dram_energy_j",
    "vector_energy_j",
    "static_energy_j",
)


class TemplateModel:
    """The model of `hwmodels.template.Template`; its equations are in `hwmodels.kernels.template`."""

    name = "template"
    columns = tuple(name for name in TemplateMetrics._fields if name not in ("feasible", "limit"))
    bounded = False
    perturbable = False
    tells = True
    maps = False

    def limits(self, machine: Template) -> tuple[str, ...]:
        """Names shared with machines of two levels; a template breaks those of its banks only."""
        return LIMITS

    def bounds(self, machine: Template) -> tuple[str, ...]:
        """Names shared with machines of two levels."""
        return BOUNDS

    def pack(self, base: Template, axes: Axes | None = None, size: int = 1) -> TemplateTable:
        """See `hwmodels.template.pack_templates`."""
        return pack_templates(base, axes, size)

    def evaluate(
        self, layers: LayerTable, configs: TemplateTable, objective: str = "edp", effort: Effort = BEST
    ) -> MetricTable:
        """See `hwmodels.template.evaluate_templates`; one mapping serves every objective."""
        return metric_table(evaluate_templates(layers, configs)._asdict(), configs.size)

    def operations(
        self,
        layers: LayerTable,
        configs: TemplateTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Operations:
        """Each operation costed as a network of its own: totals are sums over operations."""
        one = take_rows(configs, slice(row, row + 1))
        found = [
            evaluate_templates(take_rows(layers, slice(i, i + 1))._replace(repeats=np.ones(1, np.int64)), one)
            for i in range(layers.rows)
        ]
        columns = {name: np.array([getattr(costed, name)[0] for costed in found]) for name in _PARTS}
        columns["control_energy_j"] = np.zeros(layers.rows)
        dram_s = (
            columns["dram_read_bytes"] / one.dram_read_bytes_per_s[0]
            + columns["dram_write_bytes"] / one.dram_write_bytes_per_s[0]
        )
        nests = layers.kind == Kind.NEST
        lanes_s = np.where(
            layers.fused == 1,
            0.0,
            layers.vector_ops / (one.groups[0] * one.macs_per_group[0] * one.clock_hz[0]),
        )
        columns["compute_s"] = np.where(nests, columns["compute_cycles"] / one.clock_hz[0], lanes_s)
        columns["dram_s"] = dram_s
        on_chip = np.where(nests, BOUNDS.index("compute"), BOUNDS.index("vector"))
        columns["bound"] = np.where(dram_s > columns["compute_s"], BOUNDS.index("main memory"), on_chip)
        columns["limit"] = np.array([int(costed.limit[0]) for costed in found])
        return columns

    def times(self, layers: LayerTable, configs: TemplateTable, objective: str) -> OperationTimes:
        """Refuse: a template does not part its latency."""
        raise InputError("a template's latency has no parts to perturb; use a machine with buffers or levels")

    def tiers(self, configs: TemplateTable, metrics: MetricTable) -> "pandas.DataFrame":
        """One tier, whose temperature the template does not model."""
        import pandas

        power = float((metrics.energy_j[0] - metrics.dram_energy_j[0]) / metrics.latency_s[0])
        area = float(configs.area_mm2[0])
        return pandas.DataFrame(
            {
                "tier": [0],
                "area_mm2": [area],
                "power_w": [power],
                "power_density_w_per_mm2": [power / area],
                "temperature_c": [np.nan],
            }
        )

    def seconds_a_point(self, layers: LayerTable, configs: TemplateTable) -> float:
        """Operations times the typical time of one."""
        return _SECONDS_AN_OPERATION * layers.rows

    def keeper(self, machine: Template) -> str:
        """None: tensors cross main memory between operations."""
        return ""

    def summary(self, machine: Template) -> dict[str, str]:
        """Groups and their MACs, loop order, bytes of the banks."""
        banks = machine.groups * (machine.weight_banks + machine.input_banks)
        return {
            "array": f"{machine.groups}×{machine.macs_per_group}",
            "flow": machine.loop_order,
            "on chip": binary_bytes(banks * machine.bank_height * machine.bank_width_bits / 8),
        }

    def premises(self, machine: Template, layers: LayerTable, swept: Sequence[str]) -> list[str]:
        """Process and widths, as far as no axis sweeps them, and what a template is."""
        said = []
        if "technology.node_nm" not in swept:
            said.append(f"{machine.technology.node_nm:g} nm")
        if not any(path.startswith("datapath") for path in swept):
            said.append(machine.datapath.widths)
        if "main_memory" not in swept:
            said.append(f"main memory {machine.main_memory.name}")
        said.append("one tiling and loop order for every layer")
        return [*said, "energy includes main memory; area is the accelerator die's alone"]


TEMPLATE: Final = TemplateModel()
