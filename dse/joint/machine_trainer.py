"""Accuracy of a network trained in a machine's own arithmetic: bits and rounding as axes of the machine."""

from dataclasses import dataclass, replace
from typing import Any

from hwmodels.arithmetic import arithmetic_of
from workloads import Network, to_module
from workloads.learning.data import Data, load_data
from workloads.learning.fitting import Training
from workloads.learning.precision import fit_in


@dataclass(frozen=True)
class MachineTrainer:
    """Trains networks in the bit-true datapath of a machine. Made by `machine_trainer`.

    Attributes
    ----------
    data
        Samples with a split: training learns, validation chooses, test is for the report.
    training
        How, a `workloads.learning.fitting.Training`; its seed is replaced by the call's.

    """

    data: Data
    training: Any

    def __call__(self, network: Network, machine: Any, *, seed: int = 0) -> dict[str, float]:
        """Train a network from scratch in a machine's arithmetic; return scores as plain numbers."""
        module = to_module(network, seed=seed)
        arithmetic = arithmetic_of(machine, seed=seed)
        fitted = fit_in(module, self.data, arithmetic, replace(self.training, seed=seed))
        return fitted.as_numbers()

    def reads(self, machine: Any) -> str:
        """Return what of a machine changes accuracy: its arithmetic."""
        return repr(arithmetic_of(machine))

    def describe(self) -> dict[str, Any]:
        """Everything its numbers depend on, as plain data."""
        settings = {name: value for name, value in self.training.describe().items() if name != "seed"}
        return {"data": self.data.fingerprint, "training": settings, "in": "the machine's arithmetic"}


def machine_trainer(data: Data | str, *, seed: int = 0, **settings: Any) -> MachineTrainer:
    """Make a trainer in machines' arithmetic of a data set, or of one's name or path.

    Parameters
    ----------
    data
        The samples, their name or path.
    seed
        Of the split.
    settings
        Of `workloads.learning.fitting.Training`.

    """
    return MachineTrainer(
        data if isinstance(data, Data) else load_data(data, seed=seed), Training(**settings)
    )
