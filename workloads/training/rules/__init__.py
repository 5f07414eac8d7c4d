"""How each operation is differentiated; importing this package registers every rule."""

from workloads.training.rules import elementwise, movement, nests, normalisation, pooling, sequences

__all__ = ["elementwise", "movement", "nests", "normalisation", "pooling", "sequences"]
