"""What the arguments of trainings have to be, said at the door."""

from typing import Final

from workloads.grammar.arguments import Kind, having

NETWORK: Final = having("a network", "graph", "table")
DATA: Final = having("data with a split (workloads.learning.data.load_data)", "fitted_to", "train")
TRAINING: Final = having("a workloads.learning.fitting.Training", "epochs", "learning_rate")
MODULE: Final = having("a module of workloads.to_module", "masked_layers", "network")
IMAGES: Final = Kind(
    "a tensor of images, finite, at least one",
    lambda value: hasattr(value, "isfinite") and len(value) > 0 and bool(value.isfinite().all()),
)
