"""How each operation is differentiated; importing this package registers every rule."""

from workloads.training.rules import elementwise, experts, movement, nests, normalisation, pooling, sequences

__all__ = ["elementwise", "experts", "movement", "nests", "normalisation", "pooling", "sequences"]
