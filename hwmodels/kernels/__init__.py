"""Compiled inner loops: numba over arrays and scalars, nothing else."""
