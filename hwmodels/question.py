"""A network put to a machine: what `dse.evaluate` shows as frames, and the ledger holds against print."""

from typing import Any, NamedTuple

from hwmodels.accounting import Account
from hwmodels.columns import MetricTable
from hwmodels.machine import BEST, Effort, Machine, Operations
from workloads.table import LayerTable, deduplicate


class Question(NamedTuple):
    """What a network costs on a machine, to be asked.

    Attributes
    ----------
    layers
        The network, one row an operation.
    machine
        The machine.
    objective
        What each operation's mapping is chosen by: "latency", "energy" or "edp".
    effort
        How mappings are found, those that are given, and where tensors may stay.

    """

    layers: LayerTable
    machine: Machine
    objective: str = "edp"
    effort: Effort = BEST

    def costed(self) -> tuple[Any, MetricTable]:
        """The machine as a table of one configuration, and the network's metrics on it, shape (1,)."""
        told = self.effort.given or self.effort.schedule is not None  # equal rows may differ then
        layers = self.layers if told else deduplicate(self.layers)[0]
        configs = self.machine.model.pack(self.machine)
        return configs, self.machine.model.evaluate(layers, configs, self.objective, self.effort)

    def operations(self) -> Operations:
        """Costs of one instance of every operation, columns of shape (n_operations,)."""
        model = self.machine.model
        return model.operations(self.layers, model.pack(self.machine), self.objective, effort=self.effort)

    def account(self) -> Account:
        """Counts and prices of one instance of every operation."""
        model = self.machine.model
        return model.account(self.layers, model.pack(self.machine), self.objective, effort=self.effort)
