"""Kernels of fused groups: sets of count vectors that no other beats."""
