"""Where tensors live between the operations that write and read them; equations in `docs/fusion.md`."""

from hwmodels.residency.certificate import Certificate
from hwmodels.residency.graph import StayGraph, Stays
from hwmodels.residency.laid import stays_of
from hwmodels.residency.plan import MAIN_MEMORY, Place, Plan
from hwmodels.residency.tensors import Schedule, Tensor, tensors_of

__all__ = [
    "MAIN_MEMORY",
    "Certificate",
    "Place",
    "Plan",
    "Schedule",
    "StayGraph",
    "Stays",
    "Tensor",
    "stays_of",
    "tensors_of",
]
