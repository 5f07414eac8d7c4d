"""A training as a value: call it with a network and a seed, get its scores."""

from dataclasses import dataclass, fields, replace
from typing import Any

from workloads.errors import InputError, shown
from workloads.grammar.errors import nearest
from workloads.learning.data import Data, load_data
from workloads.modules import to_module
from workloads.network import Network


@dataclass(frozen=True)
class Trainer:
    """Trains networks on a data set.

    Attributes
    ----------
    data
        Samples with a split: training learns, validation chooses, test is for the report.
    training
        How, a `fitting.Training`; its seed is replaced by the call's.

    """

    data: Data
    training: Any

    def __call__(self, network: Network, *, seed: int = 0) -> dict[str, float]:
        """Train a network from scratch; return scores as plain numbers.

        Returns
        -------
        dict
            `accuracy`, `error` (its standard error) and `log_loss` on validation samples, `test_accuracy` and
            `test_error` on test samples, `epochs`.

        """
        from workloads.learning.fitting import fit

        module = to_module(network, seed=seed)
        return fit(module, self.data, replace(self.training, seed=seed)).as_numbers()

    def describe(self) -> dict[str, Any]:
        """Everything its numbers depend on, as plain data."""
        import torch

        settings = {name: value for name, value in self.training.describe().items() if name != "seed"}
        return {"data": self.data.fingerprint, "training": settings, "torch": str(torch.__version__)}


def trainer(data: Data | str, *, seed: int = 0, **settings: Any) -> Trainer:
    """Make a trainer of a data set, or of one's name or path, with settings of `fitting.Training`."""
    from workloads.learning.fitting import Training

    known = [field.name for field in fields(Training)]
    for name in settings:
        if name not in known:
            raise InputError(f"trainer: unknown setting {shown(name)}{nearest(name, known)}", path=name)
    held = data if isinstance(data, Data) else load_data(data, seed=seed)
    return Trainer(held, Training(**settings))
