"""Machines of the ten-parameter template: one tiling and loop order, and so one mapping, for all layers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from hwmodels.accounting import Account
from hwmodels.columns import BOUNDS, LIMITS, MetricTable
from hwmodels.components.ranges import range_notes
from hwmodels.kernels.template.columns import TemplateMetrics, TemplateTable
from hwmodels.machine import BEST, Axes, Effort, Least, Model, metric_table
from hwmodels.residency.certificate import Certificate
from hwmodels.residency.plan import Plan
from hwmodels.residency.tensors import Schedule
from hwmodels.template import Template, account_templates, evaluate_templates, pack_templates
from hwmodels.times import OperationTimes
from workloads.errors import InputError
from workloads.grammar.quantities import binary_bytes
from workloads.table import LayerTable

if TYPE_CHECKING:
    import pandas

_SECONDS_AN_OPERATION: Final = 0.35e-6
"""Typical time of one operation on one machine."""


class TemplateModel(Model):
    """The model of `hwmodels.template.Template`; its equations are in `hwmodels.kernels.template`."""

    name = "template"
    columns = tuple(name for name in TemplateMetrics._fields if name not in ("feasible", "limit"))
    bounded = False
    monotone = False
    perturbable = False
    tells = True
    maps = False
    searches = False
    switches: tuple[str, ...] = ()

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

    def least(self, layers: LayerTable, configs: TemplateTable, schedule: Schedule | None = None) -> Least:
        """Not asked: a template has one mapping, and costs no more than a bound would."""
        raise NotImplementedError

    def account(
        self,
        layers: LayerTable,
        configs: TemplateTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Account:
        """See `hwmodels.template.account_templates`."""
        return account_templates(layers, configs, row)

    def times(
        self, layers: LayerTable, configs: TemplateTable, objective: str, effort: Effort = BEST
    ) -> OperationTimes:
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

    def plan(
        self,
        layers: LayerTable,
        configs: TemplateTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Plan:
        """Nothing stays: there is nowhere."""
        return Plan((), Certificate(objective, 1.0, 1.0, 1.0, 0, 0))

    def keeper(self, machine: Template) -> str:
        """None: tensors cross main memory between operations."""
        return ""

    def handing(self, machine: Template) -> str:
        """None: operations hand on whole tensors."""
        return ""

    def fusion(self, layers: LayerTable, machine: Template, objective: str, effort: Effort) -> None:
        """Nothing is fused."""

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
            said += [f"{machine.technology.node_nm:g} nm", *range_notes(machine.technology)]
        if not any(path.startswith("datapath") for path in swept):
            said.append(machine.datapath.widths)
        if "main_memory" not in swept:
            said.append(f"main memory {machine.main_memory.name}")
        said.append("one tiling and loop order for every layer")
        return [*said, "energy includes main memory; area is the accelerator die's alone"]


TEMPLATE: Final = TemplateModel()
