"""Training as workloads: one step's forward and backward operations, updates, what is kept in between."""

from workloads.training.inversion import inversion_step
from workloads.training.schedule import Phase, saving, schedule_cost
from workloads.training.stash import phases, stash
from workloads.training.step import training_step

__all__ = ["Phase", "inversion_step", "phases", "saving", "schedule_cost", "stash", "training_step"]
